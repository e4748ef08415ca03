"""One module for each foreign thing: git, the disk, processes, the sandbox, Anthropic, the local forge."""
