"""Counting, and nothing else."""

import re
from collections import Counter

WORD = re.compile(r"[^\W\d_]+")


def count_words(text: str) -> Counter[str]:
    """Return how often each word occurs; case does not matter."""
    return Counter(word.casefold() for word in WORD.findall(text))
