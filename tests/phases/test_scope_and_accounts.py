"""What a task has to leave, what several blocked tasks get, and accounts that nobody can overdraw together."""

import threading
from decimal import Decimal

import pytest

import scenes
from phasegate.documents.change_set import Blocked
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, RunState, Spent, Usage
from phasegate.phases.setting import SetAside, Worker
from repositories import git, make_repository
from stage import Stage

SOME = Spent(usage=Usage(input_tokens=10), usd=Decimal("0.5"), turns=1)


def staged(directory, files=None):
    return Stage(directory, make_repository(directory / "repository", files or scenes.SMALL), no_sandbox=True)


def played(stage, *more, words=("--yes",)):
    stage.write_script([*scenes.simple()[:2], *more, scenes.reviewer()])
    return stage.cli("run", scenes.ISSUE, *words)


def test_a_planned_file_is_committed_even_if_the_repository_ignores_it(tmp_path):
    stage = staged(tmp_path, {**scenes.SMALL, ".gitignore": "dist/\n"})
    made = scenes.task("T1", {"dist/a.txt": "create", "a.txt": "modify"}, check=None)
    write = [scenes.write("dist/a.txt", "made\n"), scenes.write("a.txt", "changed\n")]

    outcome = played(stage, scenes.planner(made), scenes.executor("T1", *write))

    assert outcome.code == 0, outcome.err
    assert stage.file("dist/a.txt") == "made"


def test_a_file_that_was_to_be_created_and_is_not_sends_the_task_back(tmp_path):
    stage = staged(tmp_path)
    made = scenes.task("T1", {"new.txt": "create", "a.txt": "modify"}, check=None)
    half = scenes.executor("T1", scenes.write("a.txt", "changed\n"))
    finish = half["turns"][1]
    half["turns"] += [
        scenes.turn(scenes.write("new.txt", "new\n"), expect=["new.txt was to be created, and is not"]),
        finish,
    ]

    outcome = played(stage, scenes.planner(made), half)

    assert outcome.code == 0, outcome.err
    assert stage.file("new.txt") == "new"


def test_all_blocked_tasks_of_a_wave_go_into_one_correction(tmp_path):
    """One round is enough for both: the corrector sees both reports."""
    stage = staged(tmp_path, {**scenes.SMALL, ".github/phasegate.yml": "correct: {rounds: 1}\ngates: {}\n"})
    wrong = [scenes.task(id_, {f"{id_}.txt": "create"}, check=None) for id_ in ("T1", "T2")]
    right = [task | {"description": f"Now it can be done: {task['id']}."} for task in wrong]
    can = [
        scenes.executor(id_, scenes.write(f"{id_}.txt", "x\n"), when={"first": ["Now it can be done"]})
        for id_ in ("T1", "T2")
    ]
    corrector = scenes.corrector(*right, expect=["Blocked: T1, T2.", "T1 cannot be done", "T2 cannot be done"])

    outcome = played(stage, scenes.planner(*wrong), *can, scenes.blocked("T1"), scenes.blocked("T2"), corrector)

    assert outcome.code == 0, outcome.err
    assert len(stage.store().all(Blocked)) == 2
    assert len(stage.store().all(Plan)) == 2


def test_a_repair_that_is_blocked_leaves_an_intact_chain(tmp_path):
    gate = ".github/phasegate.yml"
    stage = staged(tmp_path, {**scenes.SMALL, gate: "gates: {test: {run: grep -q good new.txt}}\n"})
    first = scenes.task("T1", {"new.txt": "create"}, check=None)
    second = scenes.task("T2", {"new.txt": "modify"}, check="test", depends_on=["T1"])
    stuck = scenes.scene(
        "repair",
        {"first": ["something is not right yet"]},
        scenes.turn({"report_blocked": {"reason": "the plan lacks a word", "evidence": "grep"}}),
    )

    outcome = played(
        stage,
        scenes.planner(first),
        scenes.executor("T1", scenes.write("new.txt", "bad\n")),
        scenes.executor("T2", scenes.write("new.txt", "good\n")),
        stuck,
        scenes.corrector(first, second),
    )

    assert outcome.code == 0, outcome.err
    assert stage.cli("audit", "L1").code == 0


def test_yes_is_not_said_to_what_goes_beyond_the_first_plan(tmp_path):
    stage = staged(tmp_path)
    small = scenes.task("T1", {"new.txt": "create"}, check=None)
    more = scenes.task("T1", {"new.txt": "create", "b.txt": "modify"}, check=None)

    outcome = played(stage, scenes.planner(small), scenes.blocked("T1"), scenes.corrector(more))

    assert outcome.code == 4
    assert "needs more than what was approved" in outcome.err
    assert stage.store().progress.approval is None


def test_no_sandbox_has_to_be_said_each_time(tmp_path):
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL))
    stage.write_script(scenes.simple())
    assert stage.cli("run", scenes.ISSUE).code == 4

    refused = stage.cli("approve", "L1", "0" * 12, "--no-sandbox")
    went_on = stage.cli("approve", "L1")

    assert refused.code == 3
    assert "can do all that you can do" not in went_on.err


def test_a_run_without_gates_says_that_nothing_was_tested(tmp_path):
    stage = staged(tmp_path, {"a.txt": "a\n", ".github/phasegate.yml": "gates: {}\n"})
    made = scenes.task("T1", {"new.txt": "create"}, check=None)

    outcome = played(stage, scenes.planner(made), scenes.executor("T1", scenes.write("new.txt", "x\n")))

    assert outcome.code == 0, outcome.err
    assert "there are no quality gates: nothing was tested" in outcome.err
    verified = stage.store().progress.phase(PhaseName.VERIFY).validation
    assert verified is not None
    assert "nothing was tested" in verified.reason


@pytest.mark.parametrize("stands", [".claude", ".claude/plans"])
def test_where_no_plan_can_be_kept_the_run_goes_on_without(tmp_path, stands):
    stage = staged(tmp_path, {**scenes.SMALL, stands: "a file of the user\n"})
    stage.write_script(scenes.simple())

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 0, outcome.err
    assert stage.store().progress.state is RunState.DONE
    assert git(stage.repository, "diff", "--name-only", "main", "phasegate/L1") == "new.txt"


def test_what_is_set_aside_counts_for_the_others_until_it_is_paid():
    here, there = Worker(PhaseName.RESEARCH, "S1"), Worker(PhaseName.RESEARCH, "S2")
    aside = SetAside()
    with aside:
        aside.keep(here, SOME)
        assert (aside.for_others_than(here), aside.for_others_than(there)) == (Spent(), SOME)
        aside.release(here)
        assert aside.for_others_than(there) == Spent()


def test_only_one_at_a_time_looks_at_what_is_set_aside():
    aside, entered = SetAside(), threading.Event()

    def enter():
        with aside:
            entered.set()

    with aside:
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.1)
    thread.join(5)
    assert entered.is_set()


def test_parallel_scouts_cannot_overdraw_the_phase_together(tmp_path):
    """With one turn left for all of them, one is asked and the others are not."""
    budget = "budget: {phase: {turns: 1}}\nresearch: {scouts: 4, minimum: 0}\n"
    stage = staged(tmp_path, {**scenes.SMALL, ".github/phasegate.yml": budget})
    stage.write_script([scenes.scout(delay=0.3), *scenes.simple()[1:]])

    outcome = stage.cli("run", scenes.ISSUE, "--yes")

    assert outcome.code == 5, outcome.err
    assert stage.store().progress.spent.turns == 1
