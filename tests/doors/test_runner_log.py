"""No line of the log is a command to the runner, whoever wrote it; everything else is printed as it is."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from runner_oracle import BLANK, COMMANDS, Command, commands_in

from phasegate.doors.runner.log import _BLANKS, _LINE_ENDS, _NO_WIDTH, command, log_safe

PIECES = [
    "::",
    ":",
    "##[",
    "#",
    "[",
    "]",
    "add-mask",
    "error",
    " ",
    "\t",
    "\n",
    "\r",
    "\u3000",
    "\u200b",
    "\x1f",
    "\x85",
    "x",
]
hostile = st.lists(st.sampled_from([*PIECES, *sorted(COMMANDS)]), max_size=30).map("".join) | st.text(max_size=200)


def without_width(text):
    return "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cc", "Mn"} or c in "\r\n")


@pytest.mark.parametrize(
    "line",
    [
        "::add-mask::a",
        "::error file=a.py,line=1::oh",
        "  ::stop-commands::token",
        "\u3000::add-mask::a",
        "\x85::add-mask::a",
        "\u2028::add-mask::a",
        "text\r::add-mask::a",
        "text ##[add-mask]a",
        "##[group]x",
        "###[set-env name=A]b",
        "::add-mask ::a",
        "::ADD-MASK::a",
        "::notice::::error::b",
        "##[notice ##[error]x",
    ],
)
def test_a_line_that_is_a_command_is_none_any_more(line):
    assert commands_in(line), "the runner obeys it"

    assert not commands_in(log_safe(line))


@pytest.mark.parametrize(
    "line", ["::add-mask:\u200b:a", "\u200b::add-mask::a", "#\u200b#[add-mask]a", "##\ufeff[error]", ":\0:debug::"]
)
def test_a_runner_that_overlooks_characters_without_width_finds_no_command_either(line):
    assert not commands_in(without_width(log_safe(line)))


@given(hostile)
@example("::add-mask::x")
def test_no_text_at_all_is_a_command_once_it_is_safe(text):
    safe = log_safe(text)

    assert not commands_in(safe)
    assert not commands_in(without_width(safe))
    assert log_safe(safe) == safe


@given(hostile)
def test_nothing_but_blanks_is_added(text):
    assert log_safe(text).replace(" ", "") == text.replace(" ", "")


@given(hostile, hostile)
def test_lines_that_are_safe_alone_are_safe_together(one, other):
    assert not commands_in(log_safe(one) + "\n" + log_safe(other))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "std::vector<int> a; // a::b",
        "x ::add-mask::y",
        "## [link](a)\n\n# Title",
        "# [x](y)",
        "a: b\n:c\n : : d",
        "\x1b[31mred\x1b[0m",
        "👩\u200d👩\u200d👧 ok ☎\ufe0f",
        "trailing \n\n",
        ":: a line that ends no command",
    ],
)
def test_text_that_is_no_command_is_printed_as_it_is(text):
    expected = text.replace(":: a line", ": : a line")  # may be completed by whatever follows, so it is broken too

    assert log_safe(text) == expected


def test_every_white_space_that_python_or_the_runner_knows_is_looked_through():
    spaces = {c for c in map(chr, range(sys.maxunicode)) if c.isspace()} | set(BLANK)

    assert {c for c in spaces if log_safe(f"{c}::error::") != f"{c}: :error::"} == set()


def test_the_sets_of_characters_have_nothing_in_common():
    """A character in two alternatives of one repetition is how a regular expression comes to take years."""
    sets = [re.compile(f"[{s}]") for s in (_BLANKS, _LINE_ENDS, _NO_WIDTH)]
    twice = [c for c in map(chr, range(0x1F000)) if sum(bool(s.match(c)) for s in sets) > 1]

    assert twice == []


@pytest.mark.parametrize("unit", ["\n", " ", "\x1f", "#", "#\0", "\n ", ":", "\n:\0"])
def test_long_runs_of_one_character_are_read_once(unit):
    """Were they read once for each of their characters, this test would not come to its end."""
    assert len(log_safe(unit * 400_000)) >= 400_000


def test_a_command_is_read_back_as_it_was_meant():
    text = "100% a,b:c\r\n::error::x ]"

    assert commands_in(command("warning", text, {"title": text, "file": ""})) == [
        Command("warning", text, {"title": text})
    ]


def test_what_is_not_given_is_left_out_of_a_command():
    assert command("notice", "x", {"title": ""}) == "::notice::x"
    assert command("endgroup") == "::endgroup::"


@given(st.text(max_size=80), st.text(min_size=1, max_size=40).filter(lambda t: t.strip(BLANK)))
def test_data_and_properties_make_no_second_command(data, title):
    line = command("notice", data, {"title": title})

    (found,) = commands_in(line)
    assert (found.name, found.data) == ("notice", data)
