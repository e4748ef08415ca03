"""What a step says to the runner arrives as it was meant, and nothing else does."""

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runner_oracle import commands_in, outputs_in

from phasegate.doors.runner.output import ANNOTATIONS, OUTPUT_LIMIT, SUMMARY_LIMIT, Runner
from phasegate.doors.runner.output import _delimiter as delimiter_for
from phasegate.errors import UserError


@pytest.fixture
def runner(tmp_path):
    files = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    return Runner.from_environ(files, io.StringIO())


def said(runner):
    return commands_in(runner.out.getvalue())


def masked(runner):
    assert {command.name for command in said(runner)} <= {"add-mask"}
    return [command.data for command in said(runner)]


def test_outputs_arrive_whatever_they_hold(runner):
    values = {"next": "plan", "scouts": '["a=b", "<<x"]', "reply": "one\ntwo\n\n::error::\r\nend-", "run": ""}
    for name, value in values.items():
        runner.output(name, value)

    assert outputs_in(runner.output_file.read_bytes().decode()) == values


@given(st.text(max_size=60))
def test_no_value_ends_itself(value):
    assert delimiter_for(value) not in value
    assert delimiter_for(value) != delimiter_for(value)


def test_a_delimiter_that_is_in_the_value_is_not_taken(runner, monkeypatch):
    tokens = iter(["aa", "aa", "bb"])
    monkeypatch.setattr("phasegate.doors.runner.output.secrets.token_hex", lambda _: next(tokens))
    runner.output("reply", "x\nend-aa\nnext=implement")

    assert outputs_in(runner.output_file.read_text()) == {"reply": "x\nend-aa\nnext=implement"}


@pytest.mark.parametrize("name", ["", "Next", "a b", "a\nb", "a=b", "a<<b", "1a", "a" * 65, "naïve"])
def test_an_output_has_a_plain_name(runner, name):
    with pytest.raises(UserError, match="no name of an output"):
        runner.output(name, "x")
    assert not runner.output_file.exists()


def test_an_output_that_github_would_drop_is_refused(runner):
    runner.output("tasks", "é" * OUTPUT_LIMIT)

    with pytest.raises(UserError, match="tasks is over"):
        runner.output("tasks", "💥" * (OUTPUT_LIMIT // 2 + 1))


def test_a_summary_grows_piece_by_piece(runner):
    runner.summary("# One")
    runner.summary("two é")

    assert runner.summary_file.read_text("utf-8") == "# One\ntwo é\n"


def test_a_summary_over_the_limit_is_cut_at_a_line_and_says_so(runner):
    runner.summary("first" * 99)
    runner.summary("é" * 99 + "\n" + ("line é\n" * SUMMARY_LIMIT))
    runner.summary("lost")

    content = runner.summary_file.read_bytes()
    text = content.decode()
    assert SUMMARY_LIMIT - 16 < len(content) <= SUMMARY_LIMIT
    assert text.endswith("line é\n\n\n_The summary ends here: GitHub shows no more than 1 MiB of it._\n")
    assert "lost" not in text


def test_one_endless_line_is_left_out_of_a_summary(runner):
    runner.summary("x" * SUMMARY_LIMIT)

    assert runner.summary_file.read_text().strip().startswith("_The summary ends here")


def test_a_summary_with_half_a_character_can_be_written(runner):
    runner.summary("\ud800 x")

    assert runner.summary_file.read_text() == "\\ud800 x\n"


@pytest.mark.parametrize("level", ["notice", "warning", "error"])
def test_annotations_carry_text_and_title(runner, level):
    getattr(runner, level)("100%\n::stop-commands::x", title="a, b: c")

    (command,) = said(runner)
    assert (command.name, command.properties) == (level, {"title": "a, b: c"})
    assert command.data == "100%\n: :stop-commands::x"


def test_annotations_that_github_would_drop_are_in_the_log(runner):
    for number in range(ANNOTATIONS + 2):
        runner.warning(f"::error::{number}")
    runner.error("still heard")

    assert [command.name for command in said(runner)] == ["warning"] * ANNOTATIONS + ["error"]
    assert "\nWarning: ::error::11\n" in runner.out.getvalue()


def test_a_secret_is_masked_whole_by_line_and_as_it_is_written_elsewhere(runner):
    runner.mask("line+one/1\nline two 100%\r\nabc")

    masks = masked(runner)
    whole = b"line+one/1\nline two 100%\r\nabc"
    assert masks[0] == whole.decode()
    assert {"line+one/1", "line two 100%"} <= set(masks)
    assert "abc" not in masks, "three letters are in many words"
    for encoded in (base64.b64encode(whole), base64.b64encode(b"x-access-token:" + whole)):
        assert encoded.decode().rstrip("=") in masks
    assert "line%2Bone%2F1%0Aline%20two%20100%25%0D%0Aabc" in masks


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_nothing_is_no_secret(runner, nothing):
    runner.mask(nothing)

    assert nothing not in masked(runner)
    assert "" not in masked(runner)


@given(st.text(max_size=60))
def test_masking_says_nothing_but_masks(tmp_path_factory, secret):
    runner = Runner(tmp_path_factory.getbasetemp() / "o", tmp_path_factory.getbasetemp() / "s", io.StringIO())
    runner.mask(secret)

    lines = runner.out.getvalue().split("\n")[:-1]
    assert len(masked(runner)) == len(lines)
    if secret.strip():
        assert secret in masked(runner)


def test_a_group_ends_also_when_what_is_in_it_fails(runner):
    def fail():
        with runner.group("Tests\n::error::"):
            runner.log("::endgroup::")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert [(c.name, c.data) for c in said(runner)] == [("group", "Tests\n: :error::"), ("endgroup", "")]


def test_the_log_takes_text_from_anybody(runner):
    runner.log("a ##[error]x\n::add-mask::e\n\udcff")

    assert not said(runner)
    assert runner.out.getvalue() == "a ## [error]x\n: :add-mask::e\n\\udcff\n"


@pytest.mark.parametrize("missing", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"])
def test_without_the_files_of_a_runner_it_says_what_is_missing(missing):
    environ = {"GITHUB_OUTPUT": "/o", "GITHUB_STEP_SUMMARY": "/s", missing: ""}

    with pytest.raises(UserError, match=missing) as caught:
        Runner.from_environ(environ, io.StringIO())
    assert caught.value.mend


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    runner = Runner(tmp_path / "none" / "output", tmp_path, io.StringIO())

    with pytest.raises(UserError, match="output cannot be written"):
        runner.output("next", "x")
