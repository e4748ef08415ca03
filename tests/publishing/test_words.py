from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.publishing.words import counted, day_and_time, duration, on_terminal, one_line, tokens, usd


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("0", "$0.00"), ("0.00004", "$0.0000"), ("0.0032", "$0.0032"), ("0.01", "$0.01"), ("12.345", "$12.34")],
)
def test_money(amount, shown):
    assert usd(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"), (999_999, "1000.0k"), (1_400_000, "1.4M")],
)
def test_tokens(count, shown):
    assert tokens(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (0.4, "0s"), (59.4, "59s"), (59.6, "1m00s"), (185, "3m05s"), (3600, "1h00m"), (3_725, "1h02m")],
)
def test_time_spans(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(("number", "shown"), [(0, "0 gates"), (1, "1 gate"), (2, "2 gates")])
def test_numbers_with_their_nouns(number, shown):
    assert counted(number, "gate") == shown


def test_moments_are_in_utc():
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2)))

    assert day_and_time(moment) == "2026-01-02 01:04 UTC"
    assert day_and_time(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)) == "2026-01-02 03:04 UTC"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\ttext", "plain\n\ttext"),
        ("\x1b[31m", "<U+001B>[31m"),
        ("a\rb", "a<U+000D>b"),
        ("\u202eabc\u2066", "<U+202E>abc<U+2066>"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("\x9b2J", "<U+009B>2J"),
        ("tag\U000e0041", "tag<U+E0041>"),
        ("\udcff", "<U+DCFF>"),
        ("👩\u200d💻 ümläut 日本", "👩\u200d💻 ümläut 日本"),
    ],
)
def test_what_could_steer_a_terminal_or_hide_is_shown_by_its_number(text, shown):
    assert on_terminal(text) == shown


@given(st.text())
def test_nothing_that_steers_a_terminal_remains(text):
    assert not any(character < " " and character not in "\n\t" for character in on_terminal(text))
    assert on_terminal(on_terminal(text)) == on_terminal(text)


@given(st.text(), st.integers(1, 100))
def test_one_line_is_one_line_and_no_longer_than_asked(text, width):
    shown = one_line(text, width)

    assert "\n" not in shown
    assert len(shown) <= width


def test_one_line_says_where_it_was_cut():
    assert one_line("one\n two   three", 100) == "one two three"
    assert one_line("one two three", 8) == "one two…"
