"""What crosses between phases: immutable, typed, digested documents, and the one mutable file, the progress. No I/O."""
