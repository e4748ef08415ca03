"""Git: the repository at hand, read and extended without touching anything of the user, and remotes."""
