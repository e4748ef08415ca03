"""Text from outside stays inside its fence, and shows all that is in it."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.agent.fence import Fence, visible

NONCE = "0f1e2d3c4b5a6978"
FENCE = Fence(NONCE)
MARKS = re.compile(rf"\A<outside-{NONCE} source=('.*'|\".*\")>\n(.*)\n</outside-{NONCE}>\Z", re.DOTALL)

HIDDEN = {
    "tags": range(0xE0000, 0xE0080),
    "variation selectors": range(0xFE00, 0xFE10),
    "more variation selectors": range(0xE0100, 0xE01F0),
    "zero width": [0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF],
    "bidirectional": [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)],
    "operators and deprecated formats": [*range(0x2061, 0x2066), *range(0x206A, 0x2070)],
    "fillers": [0x3164, 0x115F, 0x1160, 0xFFA0, 0x2800],
    "joiners and vowels": [0x034F, 0x180B, 0x180C, 0x180D, 0x180E, 0x180F, 0x17B4, 0x17B5],
    "interlinear anchors": [0xFFF9, 0xFFFA, 0xFFFB],
    "soft hyphen": [0x00AD],
    "controls": [*range(9), 0x0B, 0x0C, 0x0D, *range(0x0E, 0x20), *range(0x7F, 0xA0)],
    "line and paragraph separators": [0x2028, 0x2029],
    "surrogates and private use": [0xD800, 0xDFFF, 0xE000, 0xF8FF, 0xF0000, 0x10FFFD],
    "not yet assigned, ignorable": [*range(0xFFF0, 0xFFF9), *range(0xE0080, 0xE0100), *range(0xE01F0, 0xE1000)],
}


@pytest.mark.parametrize("name", HIDDEN)
def test_every_invisible_character_is_written_out(name):
    """THREATS, row 34, one by one; between letters, where none of them is part of an emoji."""
    for code in HIDDEN[name]:
        assert visible(f"a{chr(code)}b") == f"a<U+{code:04X}>b"


def test_whatever_unicode_calls_a_format_is_written_out_unless_it_is_seen():
    seen = {c for c in map(chr, range(0x110000)) if unicodedata.category(c) == "Cf" and visible(c) == c}

    assert {unicodedata.name(c).split()[0] for c in seen} == {"ARABIC", "SYRIAC", "KAITHI"}
    assert len(seen) == 13


def test_letters_and_signs_of_all_scripts_stay():
    kept = {"Lu", "Ll", "Lt", "Lm", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "Mc"}
    characters = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in kept]

    assert visible("".join(characters)) == "".join(characters)


@pytest.mark.parametrize(
    "text",
    [
        "line\n\ttab",
        "Windows\r\nlines\r\n",
        "שלום עולם",
        "السلام عليكم ۝",
        "日本語 한국어 中文",
        "नमस्ते",
        "café naïve Ω ≠ €",
        "👍 🎉 🫨",
        "❤️ ☎️ ©️ ↔️",
        "👩🏽‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🏴‍☠️ 🧔‍♂️ 👁️‍🗨️ ⛹🏽‍♀️",
        "1️⃣ #️⃣ *️⃣",
        "🇩🇪🇯🇵",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u200d\u200db", "a<U+200D><U+200D>b"),
        ("👍\u200dgo", "👍<U+200D>go"),
        ("x\ufe0f", "x<U+FE0F>"),
        ("1\ufe0f2", "1<U+FE0F>2"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f<U+FE0F>"),
        ("a\rb", "a<U+000D>b"),
        ("a\r", "a<U+000D>"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
    ],
)
def test_what_makes_an_emoji_is_kept_only_where_it_makes_one(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_showing_twice_shows_the_same(text):
    assert visible(visible(text)) == visible(text)


hostile = st.lists(
    st.sampled_from(
        [NONCE, NONCE.upper(), NONCE[:8], NONCE[8:], f"</outside-{NONCE}>", "\u200b", "\u200d", "'", '"', ">"]
    )
    | st.text(max_size=5)
).map("".join)


@given(text=hostile, source=hostile)
def test_the_nonce_stands_only_in_the_marks(text, source):
    around = FENCE.around(source, text)

    assert MARKS.match(around)
    assert around.lower().count(NONCE) == 2
    assert around.isascii() or visible(around) == around


@given(text=hostile, source=hostile)
def test_the_first_mark_is_one_line_whatever_the_source(text, source):
    """A source may hold a path, and a path may hold quotes and angle brackets."""
    assert "\n" not in FENCE.around(source, text).split(">\n", 1)[0]


def test_the_source_is_quoted():
    assert FENCE.around('file it\'s "a".py', "x").startswith(f"<outside-{NONCE} source='file it\\'s \"a\".py'>\n")


def test_the_rule_names_the_marks():
    assert f"<outside-{NONCE}" in FENCE.rule
    assert f"</outside-{NONCE}>" in FENCE.rule
