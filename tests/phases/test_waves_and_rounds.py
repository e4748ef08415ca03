"""Tasks side by side, and what is sent back until it is right, or until it has come to an end."""

import pytest

import scenes
from phasegate.documents.change_set import TaskResult
from phasegate.documents.gate_report import GateReport
from phasegate.documents.progress import RunState
from phasegate.documents.review import Review
from repositories import git, make_repository
from stage import Stage

ONE = scenes.task("T1", {"new.txt": "create"}, check=None)
TWO = scenes.task("T2", {"b.txt": "modify"}, check=None)
THREE = scenes.task("T3", {"a.txt": "modify"}, check=None, depends_on=["T1", "T2"])
WRITE_ONE = scenes.write("new.txt", "new\n")
WRITE_TWO = scenes.write("b.txt", "new b\n")
WRITE_THREE = scenes.write("a.txt", "new a\n")


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)


def played(stage, *more):
    """Play a run of these scenes, after research and before a review that approves."""
    stage.write_script([*scenes.simple()[:2], *more, scenes.reviewer()])
    return stage.cli("run", scenes.ISSUE, "--yes")


def statuses(stage):
    return {task.id: str(task.status) for task in stage.store().progress.tasks}


def subjects(stage):
    return git(stage.repository, "log", "--reverse", "--format=%s", "main..phasegate/L1").splitlines()[1:]


def test_tasks_of_one_wave_run_side_by_side_and_both_commit(stage):
    """Both are asked for before either has answered."""
    outcome = played(
        stage,
        scenes.planner(ONE, TWO, THREE),
        scenes.executor("T1", WRITE_ONE, delay=1.5),
        scenes.executor("T2", WRITE_TWO, delay=1.5),
        scenes.executor("T3", WRITE_THREE),
    )

    assert outcome.code == 0, outcome.err
    asked = [one.scene for one in stage.asked() if one.scene.startswith("implement")]
    assert set(asked[:2]) == {"implement-T1", "implement-T2"}
    assert sorted(subjects(stage)[:2]) == ["Do T1", "Do T2"]
    assert subjects(stage)[2] == "Do T3"
    assert [stage.file(name) for name in ("new.txt", "b.txt", "a.txt")] == ["new", "new b", "new a"]


def test_a_task_sees_what_the_tasks_before_it_left(stage):
    saw = scenes.executor("T3", {"read": {"path": "new.txt"}}, WRITE_THREE)
    saw["turns"][1]["expect"] = ["1\tnew"]

    outcome = played(
        stage, scenes.planner(ONE, TWO, THREE), scenes.executor("T1", WRITE_ONE), scenes.executor("T2", WRITE_TWO), saw
    )

    assert outcome.code == 0, outcome.err
    first = next(one.raw for one in stage.asked() if one.scene == "implement-T3")
    assert "T1 Do T1: T1 is done." in first


def test_tasks_that_share_a_file_run_one_after_the_other(stage):
    again = scenes.task("T2", {"new.txt": "modify"}, check=None)
    rewrite = scenes.executor("T2", {"read": {"path": "new.txt"}}, scenes.write("new.txt", "newer\n"))

    outcome = played(stage, scenes.planner(ONE, again), scenes.executor("T1", WRITE_ONE), rewrite)

    assert outcome.code == 0, outcome.err
    assert subjects(stage) == ["Do T1", "Do T2"]
    assert stage.file("new.txt") == "newer"


def test_one_task_blocks_while_the_other_finishes(stage):
    right = TWO | {"description": "Do what can be done."}
    outcome = played(
        stage,
        scenes.planner(ONE, TWO),
        scenes.executor("T1", WRITE_ONE, delay=0.5),
        scenes.executor("T2", WRITE_TWO, when={"first": ["can be done."]}),
        scenes.blocked("T2"),
        scenes.corrector(ONE, right),
    )

    assert outcome.code == 0, outcome.err
    assert statuses(stage) == {"T1": "done", "T2": "done"}
    assert [one.scene for one in stage.asked()].count("implement-T1") == 2  # its two turns, once
    correct = next(one.raw for one in stage.asked() if one.scene == "correct")
    assert "Finished tasks: T1" in correct
    assert "+new" in correct  # what T1 did


def test_a_correction_may_not_change_what_is_finished(stage):
    other = ONE | {"description": "Do it otherwise."}
    right = TWO | {"description": "Do what can be done."}
    correct = scenes.corrector(other, right)
    hands_in_again = scenes.corrector(ONE, right)["turns"][0] | {"expect": "T1 is finished and must stay as it is"}
    correct["turns"].append(hands_in_again)

    outcome = played(
        stage,
        scenes.planner(ONE, TWO | {"depends_on": ["T1"]}),
        scenes.executor("T1", WRITE_ONE),
        scenes.executor("T2", WRITE_TWO, when={"first": ["can be done."]}),
        scenes.blocked("T2"),
        correct,
    )

    assert outcome.code == 0, outcome.err


def test_a_task_that_fails_does_not_lose_the_other(stage):
    refuses = scenes.scene("refuses", {"first": "Your task is T2"}, scenes.turn(stop="refusal"))
    outcome = played(stage, scenes.planner(ONE, TWO), scenes.executor("T1", WRITE_ONE, delay=0.5), refuses)

    assert outcome.code == 3
    assert statuses(stage) == {"T1": "done", "T2": "failed"}
    assert subjects(stage) == ["Do T1"]
    stage.write_script([scenes.executor("T2", WRITE_TWO), scenes.reviewer()])
    again = stage.cli("resume", "L1")
    assert again.code == 0, again.err
    assert [one.scene for one in stage.asked()].count("implement-T1") == 2


def test_one_at_a_time_where_the_configuration_says_so(tmp_path):
    files = {**scenes.SMALL, ".github/phasegate.yml": scenes.CONFIG + "implement: {parallel: 1}\n"}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)

    outcome = played(
        stage, scenes.planner(ONE, TWO), scenes.executor("T1", WRITE_ONE), scenes.executor("T2", WRITE_TWO)
    )

    assert outcome.code == 0, outcome.err
    asked = [one.scene for one in stage.asked() if one.scene.startswith("implement")]
    assert asked == ["implement-T1"] * 2 + ["implement-T2"] * 2


def test_a_task_whose_check_fails_hears_the_output_and_mends_it(stage):
    checked = ONE | {"check": "test"}
    executor = scenes.executor("T1", scenes.write("new.txt", "broken\n"))
    mend = scenes.turn(WRITE_ONE, scenes.done("T1 is done"), expect=["the check failed. test: exit code 1", "new.txt"])
    executor["turns"].append(mend)

    outcome = played(stage, scenes.planner(checked), executor)

    assert outcome.code == 0, outcome.err
    [result] = stage.store().all(TaskResult)
    assert result.payload.check.passed
    assert "checking" in result.payload.check.tail


def test_work_outside_the_scope_is_told_and_undone(stage):
    """By a command, which the editor's rules do not bind; the gate on the change does."""
    executor = scenes.executor("T1", WRITE_ONE, scenes.shell("echo more > other.txt; echo x > .gitattributes"))
    told = ["the plan does not allow to create other.txt", ".gitattributes is protected"]
    clean = scenes.turn(scenes.shell("rm other.txt .gitattributes"), expect=told)
    executor["turns"] += [clean, scenes.turn(scenes.done("T1 is done"))]

    outcome = played(stage, scenes.planner(ONE), executor)

    assert outcome.code == 0, outcome.err
    assert git(stage.repository, "diff", "--name-only", "main", "phasegate/L1").split()[1:] == ["new.txt"]


def test_a_task_without_any_change_is_not_done(stage):
    executor = scenes.executor("T1", {"read": {"path": "a.txt"}})
    executor["turns"].append(scenes.turn(WRITE_ONE, scenes.done("T1 is done"), expect="nothing was changed"))

    assert played(stage, scenes.planner(ONE), executor).code == 0


def test_an_unmet_criterion_is_not_done(stage):
    unmet = scenes.submit(summary="half", criteria=[{"criterion": "T1 is done", "met": False, "evidence": "no"}])
    executor = scenes.executor("T1", WRITE_ONE)
    executor["turns"][1] = scenes.turn(unmet)
    executor["turns"].append(scenes.turn(scenes.done("T1 is done"), expect="not met: T1 is done"))

    assert played(stage, scenes.planner(ONE), executor).code == 0


def failing(stage):
    """A run whose gate fails whatever is repaired."""
    repairs = [
        scenes.repair(f"repair-{n}", [f"+broken {n}"], scenes.write("a.txt", f"broken {n + 1}\n")) for n in (2, 1, 0)
    ]
    return played(stage, scenes.planner(THREE | {"id": "T1", "depends_on": []}), broken(0), *repairs)


def broken(number):
    executor = scenes.executor("T1", scenes.write("a.txt", f"broken {number}\n"))
    executor["turns"][1] = scenes.turn(scenes.done("T3 is done"))
    return executor


def test_a_gate_that_fails_for_good_ends_the_run_and_keeps_the_branch(stage):
    outcome = failing(stage)
    progress = stage.store().progress

    assert outcome.code == 1
    assert (
        "Error: The run ends with a failed gate: the gate test failed, and all repair rounds are used." in outcome.err
    )
    assert "The branch phasegate/L1 has what was done" in outcome.err
    assert progress.state is RunState.FAILED
    assert subjects(stage) == ["Do T3", *["Repair what the gate test found"] * 2]
    assert stage.file("a.txt") == "broken 2"
    assert len(stage.store().all(GateReport)) == 3
    assert "review" not in stage.scenes()
    assert stage.cli("audit", "L1").code == 0


def test_resuming_it_asks_the_gate_once_more_and_nobody_else(stage):
    """A failed gate is never jumped over: neither review nor publication follow it."""
    failing(stage)
    asked = len(stage.asked())

    for _ in range(2):
        outcome = stage.cli("resume", "L1")
        assert outcome.code == 1
        assert "all repair rounds are used" in outcome.err

    assert len(stage.asked()) == asked
    assert len({report.payload.change_set for report in stage.store().all(GateReport)}) == 3
    assert stage.store().progress.state is RunState.FAILED


def test_a_gate_that_is_not_required_does_not_stop_the_run_and_is_shown(tmp_path):
    config = scenes.CONFIG + "  style: {run: 'echo ugly; exit 1', required: false}\n"
    stage = Stage(
        tmp_path,
        make_repository(tmp_path / "repository", {**scenes.SMALL, ".github/phasegate.yml": config}),
        no_sandbox=True,
    )

    outcome = played(stage, scenes.planner(ONE), scenes.executor("T1", WRITE_ONE))

    assert outcome.code == 0, outcome.err
    told = stage.cli("show", "L1").out
    assert "✗ style (not required)  exit code 1" in told
    assert "    ugly" in told
    assert "Gate style" in next(one.raw for one in stage.asked() if one.scene == "review")


def reviewed(stage, *verdicts):
    """A run whose reviewer gives these verdicts, each after another repair."""
    polish = [
        scenes.repair(f"polish-{n}", ["Verdict: changes", f"+new a{'!' * n}\n"], write_three(n + 1)) for n in (1, 0)
    ]
    reviews = [
        scenes.reviewer(verdict, name=f"review-{n}", when={"first": [f"+new a{'!' * n}\n"]})
        for n, verdict in enumerate(verdicts)
    ]
    plan = scenes.planner(THREE | {"id": "T1", "depends_on": []})
    executor = scenes.executor("T1", write_three(0))
    executor["turns"][1] = scenes.turn(scenes.done("T3 is done"))
    stage.write_script([*scenes.simple()[:2], plan, executor, *polish, *reviews])
    return stage.cli("run", scenes.ISSUE, "--yes")


def write_three(number):
    return scenes.write("a.txt", f"new a{'!' * number}\n")


def test_a_review_that_wants_changes_gets_them_and_looks_again(stage):
    outcome = reviewed(stage, "changes", "approve")

    assert outcome.code == 0, outcome.err
    assert stage.file("a.txt") == "new a!"
    assert subjects(stage) == ["Do T3", "Do what the review asks for"]
    assert sorted(review.payload.verdict for review in stage.store().all(Review)) == ["approve", "changes"]
    polish = next(one.raw for one in stage.asked() if one.scene == "polish-0")
    assert "major, a.txt:1: not polished" in polish
    assert len(stage.store().all(GateReport)) == 2  # the gates ran again on what was polished


def test_a_review_that_goes_on_wanting_changes_ends_the_run_and_keeps_the_branch(stage):
    outcome = reviewed(stage, "changes", "changes")

    assert outcome.code == 1
    assert "the reviewer says: changes, and all repair rounds are used" in outcome.err
    assert stage.store().progress.state is RunState.FAILED
    assert stage.file("a.txt") == "new a!"
    assert stage.cli("resume", "L1").code == 1
    assert subjects(stage) == ["Do T3", "Do what the review asks for"]
    assert "Reviewed-by" not in git(stage.repository, "log", "--format=%B", "main..phasegate/L1")


def test_a_repair_that_is_blocked_has_the_plan_corrected(stage):
    """The repair goes; what the corrected plan adds is done instead, and the gate decides."""
    more = scenes.task("T2", {"a.txt": "modify"}, check=None, depends_on=["T1"])
    blocked = {"report_blocked": {"reason": "the plan is wrong", "evidence": "a.txt"}}
    first = THREE | {"id": "T1", "depends_on": []}
    mends = scenes.executor("T2", WRITE_THREE)
    outcome = played(
        stage,
        scenes.planner(first),
        broken(0),
        scenes.scene("repair", {"first": "something is not right yet"}, scenes.turn(blocked)),
        scenes.corrector(first, more),
        mends,
    )

    assert outcome.code == 0, outcome.err
    assert statuses(stage) == {"T1": "done", "T2": "done"}
    assert stage.file("a.txt") == "new a"
