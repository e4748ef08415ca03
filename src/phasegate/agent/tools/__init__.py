"""The tools that a model may be given; a phase without a right lacks the tool."""
