"""The command line: build the doors, call one function, turn errors into exit codes."""
