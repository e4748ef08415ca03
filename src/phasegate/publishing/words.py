"""Numbers in the words that people read, and text from outside made safe for a terminal."""

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

_KIND_OF_CONTROL = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_KEPT = frozenset("\n\t\u200d")
_MINUTE = 60
_HOUR = 3600
_THOUSAND = 1000
_MILLION = 1_000_000
_CENT = Decimal("0.01")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as 1 gate or 3 gates."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def usd(amount: Decimal) -> str:
    """Return an amount of US dollars: cents, or four places where it is less than a cent."""
    return f"${amount:.2f}" if amount == 0 or amount >= _CENT else f"${amount:.4f}"


def tokens(count: int) -> str:
    """Return a number of tokens, such as 950, 12.3k or 1.4M."""
    if count < _THOUSAND:
        return str(count)
    return f"{count / _THOUSAND:.1f}k" if count < _MILLION else f"{count / _MILLION:.1f}M"


def duration(seconds: float) -> str:
    """Return a time span, such as 4s, 3m05s or 1h02m."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02}s"
    return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02}m"


def day_and_time(moment: datetime) -> str:
    """Return a moment in UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def on_terminal(text: str) -> str:
    """Return text from outside without what could steer a terminal or hide what is said: shown as `<U+XXXX>`."""
    return "".join(
        c if c in _KEPT or unicodedata.category(c) not in _KIND_OF_CONTROL else f"<U+{ord(c):04X}>" for c in text
    )


def one_line(text: str, width: int) -> str:
    """Return text on one line, cut to a width."""
    flat = " ".join(on_terminal(text).split())
    return flat if len(flat) <= width else flat[: width - 1] + "…"
