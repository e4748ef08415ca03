"""Decisions, pure: configuration, scope, validation, budget, waves, approval, what to do next. No I/O."""
