"""The runner of GitHub Actions."""
