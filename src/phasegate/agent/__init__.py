"""One agent loop, its context, the model protocol and the tools. It knows documents and policy, not phases."""
