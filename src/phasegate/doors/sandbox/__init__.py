"""The sandbox that the repository's code runs in."""
