import pytest

import scenes
from phasegate.documents.gate_report import TAIL_BYTES
from phasegate.documents.progress import PhaseName
from phasegate.errors import UserError
from phasegate.phases.gates import describe, run_gate
from phasegate.phases.setting import Worker
from repositories import make_repository
from stage import Stage, opened

GATES = {
    "passes": "echo fine",
    "fails": "echo wrong; exit 3",
    "missing": "no-such-command-anywhere",
    "not-executable": "./a.txt",
    "killed": "kill -9 $$",
    "coloured": r"printf '\033[31mred\033[0m \033]0;title\007 \000 \033[2Jend'",
    "long": "head -c 200000 /dev/zero | tr '\\0' x; echo; echo the end",
    "escapes": r"head -c 20000 /dev/zero",
    "bytes": r"printf '\377\376 ok'",
    "only-at-base": "test -e removed.txt && rm a.txt && cat a.txt || true; test -e removed.txt || exit 127",
}
WORKER = Worker(PhaseName.VERIFY, "x")


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """The setting of a waiting run with many gates; nothing is confined, for speed."""
    directory = tmp_path_factory.mktemp("gates")
    lines = "".join(f"  {name}:\n    run: |-\n      {command}\n    minutes: 1\n" for name, command in GATES.items())
    files = {**scenes.SMALL, "removed.txt": "x\n", ".github/phasegate.yml": f"research: {{scouts: 1}}\ngates:\n{lines}"}
    stage = Stage(directory, make_repository(directory / "repository", files), no_sandbox=True)
    stage.write_script([*scenes.simple()[:2], scenes.planner(scenes.task("T1", {"new.txt": "create"}, check=None))])
    assert stage.cli("run", scenes.ISSUE).code == 4
    with opened(stage) as given:
        yield given


@pytest.fixture
def tree(setting):
    with setting.work_tree(setting.store.progress.base_sha) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "code", "passed", "tail"),
    [("passes", 0, True, "fine\n"), ("fails", 3, False, "wrong\n"), ("bytes", 0, True, "\ufffd\ufffd ok")],
)
def test_what_a_gate_says(setting, tree, name, code, passed, tail):
    result = run_gate(setting, name, tree, WORKER)

    assert (result.exit_code, result.passed, result.tail) == (code, passed, tail)
    assert (result.command, result.required, result.timed_out) == (GATES[name], True, False)
    assert describe(result).startswith(f"{name}: exit code {code} after ")


def test_a_gate_that_is_killed_has_failed(setting, tree):
    assert not run_gate(setting, "killed", tree, WORKER).passed


@pytest.mark.parametrize(("name", "code"), [("missing", 127), ("not-executable", 126)])
def test_a_command_that_is_missing_at_the_base_too_is_a_mistake_of_the_configuration(setting, tree, name, code):
    with pytest.raises(UserError, match=f"The gate {name} cannot be run: .* exit code {code}"):
        run_gate(setting, name, tree, WORKER)


def test_a_command_that_is_missing_only_with_the_change_has_failed(setting, tree):
    tree.workspace.delete("removed.txt")

    assert run_gate(setting, "only-at-base", tree, WORKER).exit_code == 127


def test_the_tail_has_neither_colours_nor_what_steers_a_terminal(setting, tree):
    assert run_gate(setting, "coloured", tree, WORKER).tail == "red \ufffd]0;title\ufffd \ufffd end"


@pytest.mark.parametrize("name", ["long", "escapes"])
def test_the_tail_is_bounded_and_ends_with_the_end(setting, tree, name):
    tail = run_gate(setting, name, tree, WORKER).tail

    assert len(tail.encode()) <= TAIL_BYTES
    assert tail.startswith("[…]\n")
    assert name != "long" or tail.endswith("x\nthe end\n")


def test_a_gate_that_takes_too_long_has_failed(setting, tree):
    slow = setting.gates["passes"].model_copy(update={"run": "sleep 20", "minutes": 0.005})
    setting.gates["slow"] = slow

    result = run_gate(setting, "slow", tree, WORKER)

    assert (result.passed, result.timed_out, result.exit_code) == (False, True, None)
    assert describe(result) == "slow: timed out after 0 s"
