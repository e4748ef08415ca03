"""The command line itself: help, version, completion, JSON, exit codes, and no traceback for anybody."""

import errno
import json
import os
import subprocess
import sys
from unittest.mock import patch

import pytest

import scenes
from phasegate import __version__
from phasegate.cli.main import app
from phasegate.documents.progress import PhaseName
from phasegate.doors.local_forge import LocalForge
from phasegate.errors import ExitCode
from phasegate.policy.config import Config
from repositories import git, make_repository
from stage import Stage, run_here

VERBS = sorted(command.name for command in app.registered_commands)
READING = ["status", "list", "show", "audit"]


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A repository with a finished run L1, a waiting one L2, and one that failed, L3."""
    directory = tmp_path_factory.mktemp("played")
    stage = Stage(directory, make_repository(directory / "repository", scenes.SMALL), no_sandbox=True)
    stage.write_script(scenes.everything())
    codes = [stage.cli("run", scenes.ISSUE, "--yes").code, stage.cli("run", "Another wish").code]
    stage.write_script([scenes.scout(status="failure")])
    codes.append(stage.cli("run", "A third wish").code)
    assert codes == [0, 4, 1]
    return stage


@pytest.mark.parametrize("verb", VERBS)
def test_each_command_explains_itself_with_an_example(played, verb):
    outcome = run_here([verb, "--help"], played.surroundings())

    assert outcome.code == 0
    assert run_here([verb, "-h"], played.surroundings()).out == outcome.out
    assert f"Example: phasegate {verb}" in outcome.out or f"phasegate {verb} " in outcome.out.split("Example:")[1]
    assert outcome.err == ""


def test_the_help_names_every_command_examples_and_exit_codes(played):
    outcome = run_here(["--help"], played.surroundings())

    assert all(f" {verb} " in outcome.out for verb in VERBS)
    assert 'phasegate run "Add a --json flag to the report command"' in outcome.out
    assert all(f"{int(code)} " in outcome.out for code in ExitCode)


def test_the_version(played):
    assert run_here(["--version"], played.surroundings()).out == f"phasegate {__version__}\n"


def test_without_a_command_the_help_is_shown(played):
    outcome = run_here([], played.surroundings())

    assert outcome.code == 2
    assert "Usage: phasegate" in outcome.out + outcome.err


def test_it_runs_as_a_module(played):
    done = played.process("status", "L1")

    assert done.code == 0, done.err
    assert "L1  Make the texts new  done" in done.out
    assert done.err == ""


@pytest.mark.parametrize("verb", READING)
def test_what_reading_commands_print_for_people_is_plain_where_there_is_no_terminal(played, verb):
    words = [] if verb == "list" else ["L1"]
    outcome = played.cli(verb, *words)

    assert outcome.code == 0
    assert "\x1b" not in outcome.out
    assert "L1" in outcome.out


def test_status_as_json_is_the_progress_file(played):
    assert played.cli("status", "L1", "--json").json == played.store().progress.model_dump(mode="json")


def test_status_without_a_run_shows_the_latest(played):
    assert played.cli("status", "--json").json["run"] == "L3"


def test_the_list_as_json_has_one_entry_for_each_run(played):
    lines = played.cli("list", "--json").json

    assert [(line["run"], line["state"], line["waiting_for"]) for line in lines] == [
        ("L1", "done", None),
        ("L2", "waiting", "approval"),
        ("L3", "failed", None),
    ]
    assert set(lines[0]) == {"run", "title", "state", "waiting_for", "phase", "created", "usd", "branch"}


def test_the_list_for_people(played):
    lines = played.cli("list").out.splitlines()

    assert lines[0].split()[:3] == ["run", "title", "state"]
    assert [line.split()[0] for line in lines[1:]] == ["L1", "L2", "L3"]
    assert "waiting for approval" in lines[2]


def test_one_run_that_cannot_be_read_does_not_hide_the_others(played):
    with broken_progress(played, "L2"):
        outcome = played.cli("list", "--json")

    assert outcome.code == 0
    assert [line["run"] for line in outcome.json] == ["L1", "L3"]
    assert "Note: Run L2 cannot be read: Progress: not valid JSON" in outcome.err


def test_all_of_a_run_as_json(played):
    view = played.cli("show", "L1", "--json").json

    assert view["plan"]["payload"]["title"] == "New texts"
    assert view["plan_digest"] == view["progress"]["plan"]
    assert view["findings"]["payload"]["asked"] == "New texts."
    assert view["review"]["payload"]["verdict"] == "approve"
    assert [gate["exit_code"] for gate in view["gates"]["payload"]["gates"]] == [0]
    assert view["usd"] == str(played.store().progress.spent.usd)
    assert view["total_tokens"] == played.store().progress.spent.usage.total
    assert view["snapshot"]["payload"]["issue"]["title"] == "Make the texts new"


def test_all_of_a_run_for_people(played):
    told = played.cli("show", "L1").out

    for part in ("Findings", "New texts.", "a.txt:1-1  it is old", "## Tasks", "Validation gates", "Quality gates"):
        assert part in told
    assert "✓ test  exit code 0" in told
    assert "approve. I say approve." in told
    assert told.index("Findings") < told.index("## Tasks") < told.index("Quality gates") < told.index("Review")


def test_the_plan_alone_is_markdown_to_edit(played):
    plan = played.cli("show", "L2", "--plan").out
    [path] = git(played.repository, "diff", "--name-only", "main", "phasegate/L2").split()

    assert plan.startswith("<!-- phasegate:plan ")
    assert plan.rstrip("\n") == played.file(path, "L2")


def test_a_run_without_a_plan_has_none_to_show(played):
    outcome = played.cli("show", "L3", "--plan")

    assert outcome.code == 3
    assert "Run L3 has no plan yet." in outcome.err
    assert played.cli("show", "L3").code == 0


def test_an_intact_chain_as_json_and_for_people(played):
    outcome = played.cli("audit", "L1", "--json")

    assert outcome.json == {"run": "L1", "documents": outcome.json["documents"], "intact": True, "faults": []}
    assert outcome.json["documents"] > 15
    assert "the chain of" in played.cli("audit", "L1").out


def test_a_changed_document_breaks_the_chain_and_is_named(played):
    digest = played.store().progress.phase(PhaseName.REVIEW).document
    review = played.store().directory / f"documents/review-{digest}.json"
    kept = review.read_bytes()
    review.write_bytes(kept.replace(b"I say", b"I lie"))
    try:
        told, as_json, shown = played.cli("audit", "L1"), played.cli("audit", "L1", "--json"), played.cli("show", "L1")
    finally:
        review.write_bytes(kept)

    assert (told.code, as_json.code) == (1, 1)
    assert f"{review.name}: the content is not what the digest in its name says" in told.out
    assert as_json.json["intact"] is False
    assert shown.code == 3
    assert "was changed after it was made" in shown.err


def test_the_schema_describes_every_key(played):
    schema = json.loads(run_here(["schema"], played.surroundings()).out)

    assert set(schema["properties"]) == {field.alias or name for name, field in Config.model_fields.items()}


WITHOUT_A_RUN = {"run", "primer", "list", "schema", "init", "doctor", "step"}


class broken_progress:  # noqa: N801 -- used as a word in a sentence
    def __init__(self, stage, run):
        self.file = stage.store(run).directory / "PROGRESS.json"

    def __enter__(self):
        self.kept = self.file.read_bytes()
        self.file.write_bytes(b"{")

    def __exit__(self, *_):
        self.file.write_bytes(self.kept)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in WITHOUT_A_RUN])
def test_a_run_that_is_not_there_is_told_with_those_that_are(played, verb, tmp_path):
    more = {"revise": ["x"], "answer": ["x"], "adopt": [str(tmp_path / "plan.md")]}.get(verb, [])
    (tmp_path / "plan.md").write_text("# Plan: x\n")

    outcome = played.cli(verb, "L9", *more)

    assert outcome.code == 2
    assert "Error: There is no run 'L9' here." in outcome.err
    assert "L1, L2, L3" in outcome.err


@pytest.mark.parametrize(
    "run", ["", "l1", "L0", "L01", "../L1", "1", "L1/", "L" * 300, "\x1b[2J", "L1\0", "naïve", "\udcff"]
)
def test_odd_names_of_runs_are_only_unknown(played, run):
    outcome = played.cli("status", run)

    assert outcome.code == (0 if run == "" else 2)  # an empty name is no name: the latest
    assert "\x1b" not in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "words", [["fly"], ["run", "--fly"], ["approve"], ["revise", "L1"], ["adopt", "L1"], ["show"], ["status", "a", "b"]]
)
def test_wrong_usage_is_told_in_the_words_of_the_command_line(played, words):
    outcome = run_here(words, played.surroundings())

    assert outcome.code == 2
    assert "Usage: phasegate" in outcome.err
    assert "Traceback" not in outcome.err


def test_our_own_bug_has_its_own_code_and_shows_where_it_is(played):
    with patch.object(LocalForge, "runs", side_effect=ZeroDivisionError("ours")):
        outcome = played.cli("list")

    assert outcome.code == 70
    assert "ZeroDivisionError: ours" in outcome.err
    assert "This is a bug in phasegate" in outcome.err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_what_the_system_refuses_is_not_our_bug(played, number):
    with patch.object(LocalForge, "runs", side_effect=OSError(number, os.strerror(number), "/full")):
        outcome = played.cli("list")

    assert outcome.code == 2
    assert f"Error: The system refuses: {os.strerror(number)} (/full)." in outcome.err
    assert "Traceback" not in outcome.err


def test_a_reader_that_leaves_early_is_no_trouble(played):
    """`phasegate show L1 | head -1`, with a pipe that is closed before anything is written."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "phasegate", *played.arguments("show", "L1")]
    done = subprocess.run(
        command, env=played.surroundings(), stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)

    assert done.returncode in {0, 1}
    assert done.stderr == ""


def complete(stage, words, *, cwd):
    """Ask for completions as bash does."""
    environ = stage.surroundings() | {
        "_PHASEGATE_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    program = "from phasegate.cli.main import main; import sys; sys.argv[0] = 'phasegate'; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, cwd=cwd, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stdout.split()


def test_the_shell_completes_the_runs_of_the_repository(played, tmp_path):
    repo = str(played.repository)

    assert complete(played, ["phasegate", "approve", "L"], cwd=played.repository) == ["L1", "L2", "L3"]
    assert complete(played, ["phasegate", "show", "--repo", repo, "L3"], cwd=tmp_path) == ["L3"]
    assert complete(played, ["phasegate", "approve", "L"], cwd=tmp_path) == []
    assert "approve" in complete(played, ["phasegate", "app"], cwd=tmp_path)
