"""Characters that nobody sees, or that turn text around, shown by their number: `<U+200B>`.

What is written with such characters in good faith stays: emoji that are joined (ZWJ) or chosen (VS16), and joiners
between the letters of Arabic and Indic scripts. The classes are general categories of Unicode, and its property
Default_Ignorable_Code_Point (DerivedCoreProperties.txt); the blank Braille pattern is added.
"""

import unicodedata

_SHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_PLAIN = frozenset("\n\t")
_BLANKS = ("\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2065", "\u2800", "\u3164", "\uffa0")
_RANGES = (
    (0x180B, 0x180F),
    (0xFE00, 0xFE0F),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
_INVISIBLE = frozenset({*_BLANKS, *(chr(code) for first, last in _RANGES for code in range(first, last + 1))})
_JOINERS = frozenset("\u200c\u200d")
_TEXT_OR_EMOJI = frozenset("\ufe0e\ufe0f")
_KEYCAPS = frozenset("0123456789#*")
_ALSO_EMOJI = frozenset("\u203c\u2049\u3030\u303d")
_JOINING_SCRIPTS = (0x0600, 0x109F)
_MOST_MARKS = 6
"""More marks than these on one letter are no writing: they only cover the lines around it."""


def visible(text: str) -> str:
    """Return the text with everything in it to be seen.

    Line feeds and tabs stay, and line ends of other systems become line feeds. Doing it twice changes nothing more.
    """
    lines = text.replace("\r\n", "\n")
    shown: list[str] = []
    marks = 0
    for number, character in enumerate(lines):
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        before, after = (shown[-1] if shown else ""), lines[number + 1 : number + 2]
        hidden = _is_hidden(character, before, after) or marks > _MOST_MARKS
        shown.append(f"<U+{ord(character):04X}>" if hidden else character)
    return "".join(shown)


def _is_hidden(character: str, before: str, after: str) -> bool:
    if character in _JOINERS:
        return not _joins(character, before, after)
    if character in _TEXT_OR_EMOJI:
        return not (_is_emoji(before) or before in _KEYCAPS)
    return _never_seen(character)


def _never_seen(character: str) -> bool:
    if character in _PLAIN:
        return False
    is_noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF  # noqa: PLR2004 -- Unicode 23.7
    return is_noncharacter or character in _INVISIBLE or unicodedata.category(character) in _SHOWN_CATEGORIES


def _joins(character: str, before: str, after: str) -> bool:
    if character == "\u200d" and _is_emoji(after):
        return _is_emoji(before) or before in _TEXT_OR_EMOJI
    return _is_joining_letter(before) and _is_joining_letter(after)


def _is_emoji(character: str) -> bool:
    """Say whether it is a picture: a symbol, or the colour of a skin; those of later Unicode count as unassigned."""
    if len(character) != 1 or _never_seen(character) or character in _TEXT_OR_EMOJI:
        return False
    is_new = unicodedata.category(character) == "Cn" and 0x1F000 <= ord(character) <= 0x1FAFF  # noqa: PLR2004 -- their blocks
    return is_new or character in _ALSO_EMOJI or unicodedata.category(character) in {"So", "Sk", "Sm"}


def _is_joining_letter(character: str) -> bool:
    first, last = _JOINING_SCRIPTS
    return len(character) == 1 and first <= ord(character) <= last and unicodedata.category(character)[0] in "LM"
