import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phasegate.publishing.invisible import visible

HIDING = [
    *range(0x20),
    0x7F,
    *range(0x80, 0xA0),
    0xAD,
    0x034F,
    0x061C,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0x2800,
    0x3164,
    0xD800,
    0xDFFF,
    0xE000,
    *range(0xFE00, 0xFE10),
    0xFEFF,
    0xFFA0,
    *range(0xFFF0, 0xFFFC),
    0xFFFE,
    0xFFFF,
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
    0xF0000,
    0x10FFFF,
]


def test_every_character_that_hides_is_shown_by_its_number():
    wrong = [f"{code:X}" for code in HIDING if code not in {9, 10} and visible(f"a{chr(code)}b") != f"a<U+{code:04X}>b"]

    assert not wrong


def test_every_other_character_of_unicode_stays():
    hiding = frozenset(HIDING)
    kept = (chr(code) for code in range(0x110000) if code not in hiding)
    letters = [character for character in kept if unicodedata.category(character)[0] in "LNPSZ"]

    assert [character for character in letters if visible(character) != character] == []


@pytest.mark.parametrize(
    "text",
    [
        "plain text, ümläut, 日本語, 한국어, ไทย",
        "two\nlines\tand a tab",
        "👩\u200d💻 👩🏽\u200d🚒 🏳\ufe0f\u200d🌈 ❤\ufe0f ☎\ufe0e 1\ufe0f⃣ ‼\ufe0f 🫨\u200d🫩",
        "سلام دنیا، می\u200cخواهم",  # noqa: RUF001 -- Persian
        "क्\u200dष",
        "שלום עולם",
        "éàñ e\u0301 ệ Z\u0351\u0324",
    ],
)
def test_what_people_write_in_good_faith_stays(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@\u200bbob", "@<U+200B>bob"),
        ("a\u200db", "a<U+200D>b"),
        ("\u200d💻", "<U+200D>💻"),
        ("👩\u200d", "👩<U+200D>"),
        ("👩\u200d\u2800", "👩<U+200D><U+2800>"),
        ("a\ufe0f", "a<U+FE0F>"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f<U+FE0F>"),
        ("1\u200c2", "1<U+200C>2"),
        ("\u202eevil\u202c", "<U+202E>evil<U+202C>"),
        ("one\r\ntwo\rthree", "one\ntwo<U+000D>three"),
        ("Z" + "\u0351" * 8, "Z" + "\u0351" * 6 + "<U+0351><U+0351>"),
    ],
)
def test_what_hides_between_others_is_shown(text, shown):
    assert visible(text) == shown


@given(st.text())
@settings(deadline=None)
def test_making_visible_twice_changes_nothing_more(text):
    assert visible(visible(text)) == visible(text)


@given(st.text())
@settings(deadline=None)
def test_what_is_visible_can_be_encoded(text):
    assert visible(text).encode().decode() == visible(text)
