"""What a plan is likely to cost, before a human says yes: an order of magnitude, not a bound."""

from phasegate.documents.progress import Usage

READ_FROM_CACHE = 20_000
"""Tokens that a turn of an executor sends again, from the cache: tools, task, files, what was said."""
NEW = 3_000
"""Tokens that a turn adds: a tool's output, written to the cache once."""
ANSWERED = 700
"""Tokens that a turn answers with."""


def expected_usage(turns: int) -> Usage:
    """Return about what that many turns of an executor use."""
    return Usage(
        cache_read_tokens=turns * READ_FROM_CACHE, cache_write_tokens=turns * NEW, output_tokens=turns * ANSWERED
    )
