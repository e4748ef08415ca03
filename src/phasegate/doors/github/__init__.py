"""GitHub: threads, comments, pull requests, settings."""
