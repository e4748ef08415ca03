"""Counts as text for people."""

from collections import Counter


def render(counts: Counter[str], top: int | None = None) -> str:
    """Return one line for each word, the most frequent first, equals in alphabetical order."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{number:5} {word}" for word, number in ordered[:top])
