"""What a step prints or writes into its files is read as GitHub's runner reads it: tables."""

import pytest

from actions.step_log import StepLog
from actions.workflow_commands import Annotation, Command, FileCommandError, Masks, parse_command, parse_pairs


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("::error::broken", Command("error", "broken")),
        ("  ::error::indented", Command("error", "indented")),
        (
            "::error file=a.py,line=3,title=It%3A is::x%0Ay",
            Command("error", "x\ny", {"file": "a.py", "line": "3", "title": "It: is"}),
        ),
        ("::add-mask::%25", Command("add-mask", "%")),
        ("::warning ::a::b", Command("warning", "a::b")),
        ("text ::error::not at the start", None),
        ("::unknown::x", None),
        ("::error:x", None),
        ("##[error]old", Command("error", "old")),
        ("text ##[warning]anywhere", Command("warning", "anywhere")),
        ("##[set-output name=a;]b", Command("set-output", "b", {"name": "a"})),
        ("##[unknown]x", None),
        ("", None),
    ],
)
def test_lines_that_are_commands(line, command):
    assert parse_command(line) == command


def test_while_commands_are_stopped_only_the_token_is_one():
    assert parse_command("::error::x", stop_token="t0k") is None
    assert parse_command("##[error]x", stop_token="t0k") is None
    assert parse_command("::t0k::", stop_token="t0k") == Command("t0k")


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1\nb=x=y\n", {"a": "1", "b": "x=y"}),
        ("a=\n\n", {"a": ""}),
        ("a<<EOF\none\n\ntwo\nEOF\nb=2", {"a": "one\n\ntwo", "b": "2"}),
        ("a<<EOF\nEOF\n", {"a": ""}),
        ("a=x<<EOF\n", {"a": "x<<EOF"}),
        ("a<<E=F\nb\nE=F\n", {"a": "b"}),
        ("a=1\na=2\n", {"a": "2"}),
        ("", {}),
    ],
)
def test_pairs_of_a_file(text, pairs):
    assert parse_pairs(text) == pairs


@pytest.mark.parametrize("text", ["a", "=x", "a<<\nx\n", "a<<EOF\nnever closed\n", "a<<EOF\nclosed EOF\n", "<<E\nE\n"])
def test_files_that_fail_the_step(text):
    with pytest.raises(FileCommandError):
        parse_pairs(text)


def test_masks_hide_lines_and_encodings():
    masks = Masks(("first-line\nsecond-line",))
    masks.add('quo"ted')
    masks.add("")

    assert masks.apply("a second-line b first-line") == "a *** b ***"
    assert masks.apply('{"x": "quo\\"ted"}') == '{"x": "***"}'
    assert masks.apply("Zmlyc3QtbGluZQ==") == "***=="
    assert masks.apply("nothing here") == "nothing here"


def test_a_log_keeps_annotations_and_hides_what_was_masked_before():
    log = StepLog(Masks(("sesame",)))
    for line in ("::error title=sesame::open sesame", "::add-mask::later", "say later", "::debug::x", "::group::g"):
        log.feed(line)

    assert log.annotations == [Annotation("error", "open ***", title="***")]
    assert log.lines == ["##[error]open ***", "say ***", "##[debug]x", "##[group]g"]
    assert not log.failed


def test_a_log_keeps_ten_annotations_of_a_level():
    log = StepLog(Masks())
    for number in range(12):
        log.feed(f"::warning::{number}")
    log.feed("::notice::n")

    assert [note.message for note in log.annotations] == [*map(str, range(10)), "n"]
    assert len(log.lines) == 13


def test_stopped_commands_are_plain_text_until_their_token():
    log = StepLog(Masks())
    for line in ("::stop-commands::t0k", "::error::text", "::add-mask::text", "::t0k::", "::error::again"):
        log.feed(line)

    assert [note.message for note in log.annotations] == ["again"]
    assert log.lines == ["::error::text", "::add-mask::text", "##[error]again"]


@pytest.mark.parametrize("line", ["::set-env name=A::b", "::add-path::/x"])
def test_commands_that_github_disabled_fail_the_step(line):
    log = StepLog(Masks())
    log.feed(line)

    assert log.failed


def test_the_old_command_for_outputs_still_works_with_a_warning():
    log = StepLog(Masks())
    log.feed("::set-output name=a::b")

    assert log.outputs == {"a": "b"}
    assert log.annotations[0].level == "warning"
