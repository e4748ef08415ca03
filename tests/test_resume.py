"""A run that dies at any point goes on where it was, asks for nothing twice, and leaves nothing behind."""

import os
import shutil
import signal
import threading
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest

import scenes
from phasegate.documents.chain import audit
from phasegate.documents.progress import PhaseStatus, RunState, WorkStatus
from phasegate.documents.progress_events import Paid
from phasegate.doors.git.repository import Git
from phasegate.doors.run_store import RunStore
from phasegate.doors.sandbox.choice import choose_sandbox
from repositories import git, make_repository
from stage import Stage, asked_in, running, wait_until

PARTS = 8
SCENES_OF = {
    "research": {"scout", "research"},
    "plan": {"plan"},
    "T1": {"implement-T1"},
    "T2": {"implement-T2"},
    "T3": {"implement-T3", "blocked-T3"},
    "R1": {"repair"},
    "R2": {"polish"},
}
"""What is not asked again once a phase or a task is done."""
REPEATED = {"research", "plan"}


SANDBOX = choose_sandbox(environ=os.environ, home=Path.home()).sandbox


def small_stage(directory: Path, *, no_sandbox: bool = True, **files: str) -> Stage:
    return Stage(directory, make_repository(directory / "repository", {**scenes.SMALL, **files}), no_sandbox)


def content(stage: Stage) -> dict[str, str]:
    """The files of the branch; the plan without its digests, which go back to an approval's time."""
    listed = [line.split(maxsplit=3) for line in git(stage.repository, "ls-tree", "-r", "phasegate/L1").splitlines()]
    files = {path: f"{mode} {oid}" for mode, _, oid, path in listed}
    [plan] = [path for path in files if path.startswith(".claude/plans/")]
    return files | {plan: stage.file(plan).split("\n", 1)[1]}


def history(stage: Stage) -> list[str]:
    """The subjects of the branch's commits; tasks of one wave may come in any order."""
    return sorted(git(stage.repository, "log", "--format=%s", "main..phasegate/L1").splitlines())


def finished(stage: Stage) -> set[str]:
    """The phases and tasks that are done."""
    progress = stage.store().progress
    phases = {str(phase.id) for phase in progress.phases if phase.status is PhaseStatus.DONE}
    return phases | {task.id for task in progress.tasks if task.status is WorkStatus.DONE}


def asked_again(stage: Stage, done: set[str], before: int) -> set[str]:
    """The scenes of finished work that came up after so many requests."""
    scenes_of_done = {scene for name in done & SCENES_OF.keys() for scene in SCENES_OF[name]}
    return {one.scene for one in asked_in(stage.store().directory)[before:]} & scenes_of_done


def check_whole(stage: Stage, files: dict[str, str], commits: list[str]) -> None:
    """The run is done, as if nothing had happened, and left nothing behind."""
    store = stage.store()
    assert store.progress.state is RunState.DONE
    assert content(stage) == files
    assert history(stage) == commits
    assert audit(store.progress, store.stored()).intact
    assert stage.left_behind() == []
    wait_until(lambda: running(str(stage.directory)) == [])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted run: its stage, and a copy of the repository before each thing that it wrote down."""
    stage = small_stage(tmp_path_factory.mktemp("whole"))
    shutil.rmtree(stage.repository / ".git/hooks")  # samples that would be copied a hundred times
    images = tmp_path_factory.mktemp("images")
    guard = threading.RLock()

    def image(*_):
        shutil.copytree(stage.repository, images / f"{len(list(images.iterdir())):03}", symlinks=True)

    def imaged(method, *, wanted=lambda *_: True, put_down=image):
        def call(*arguments, **keywords):
            with guard:  # what another thread writes must not come between two files of one image
                if wanted(*arguments):
                    put_down()
                return method(*arguments, **keywords)

        return call

    def is_news(_store, *events):
        return not all(isinstance(event, Paid) for event in events)

    stage.write_script(scenes.everything())
    with (
        patch.object(RunStore, "advance", imaged(RunStore.advance, wanted=is_news)),
        patch.object(RunStore, "put", imaged(RunStore.put, wanted=lambda *_: False)),
        patch.object(Git, "move_branch", imaged(Git.move_branch)),
    ):
        outcome = stage.cli("run", scenes.ISSUE, "--yes")
    assert outcome.code == 0, outcome.err
    return stage, sorted(images.iterdir())


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_that_dies_before_anything_it_writes_down_ends_as_if_it_had_not(whole, part, tmp_path):
    stage, images = whole
    files, commits = content(stage), history(stage)
    assert len(images) > 40
    for image in images[part::PARTS]:
        again = Stage(tmp_path / image.name, image, no_sandbox=True)
        again.write_script(scenes.everything())
        done, before = finished(again), len(asked_in(again.store().directory))

        outcome = again.cli("resume", "L1", "--yes")

        assert outcome.code == 0, f"{image.name}: {outcome.err}"
        check_whole(again, files, commits)
        assert asked_again(again, done, before) == set(), image.name


LONG = {"delay": 25}
"""Keys of a turn at which the model takes its time."""


def asks(scene: str):
    """It waits for the model's answer in a scene."""
    return lambda stage: wait_until(lambda: scene in stage.scenes())


def has_done(task: str, then):
    """Something else has happened, and a task is committed."""

    def wait(stage):
        then(stage)
        wait_until(lambda: task in finished(stage))

    return wait


POINTS = {
    "a scout": ({"scout": LONG}, asks("scout")),
    "the findings": ({"research": LONG}, asks("research")),
    "the plan": ({"plan": LONG}, asks("plan")),
    "one of two tasks, the other committed": ({"implement_T1": LONG}, has_done("T2", asks("implement-T1"))),
    "two tasks side by side": ({"implement_T1": LONG, "implement_T2": LONG}, asks("implement-T2")),
    "a task after two": ({"blocked_T3": LONG}, asks("blocked-T3")),
    "a correction": ({"correct": LONG}, asks("correct")),
    "a corrected task": ({"implement_T3": LONG}, asks("implement-T3")),
    "a repair after a gate": ({"repair": LONG}, asks("repair")),
    "a review": ({"review": LONG}, asks("review")),
    "a repair after a review": ({"polish": LONG}, asks("polish")),
    "the last review": ({"review_again": LONG}, asks("review-again")),
}


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_goes_on_at_the_first_thing_that_is_not_done(whole, point, tmp_path):
    stage = small_stage(tmp_path)
    more, reached = POINTS[point]
    stage.write_script(scenes.everything(**more))
    run = stage.start("run", scenes.ISSUE, "--yes")
    reached(stage)
    run.kill()
    done, before = finished(stage), len(asked_in(stage.store().directory))
    stage.write_script(scenes.everything())

    outcome = stage.cli("resume", "L1", "--yes")

    assert outcome.code == 0, outcome.err
    check_whole(stage, content(whole[0]), history(whole[0]))
    assert asked_again(stage, done, before) == set()


def test_a_scout_that_has_reported_is_not_asked_again_when_another_was_still_looking(tmp_path):
    stage = small_stage(tmp_path, **{".github/phasegate.yml": scenes.CONFIG.replace("scouts: 1", "scouts: 2")})
    slow = scenes.scout("slow", **LONG)
    slow["when"]["first"] = "Which tests cover"
    stage.write_script([slow, *scenes.simple()])
    run = stage.start("run", scenes.ISSUE, "--yes")
    wait_until(lambda: list(stage.store().directory.glob("documents/scout-report-*")) and "slow" in stage.scenes())
    assert "A process works on it right now." in stage.cli("status").out
    run.kill()
    assert "`phasegate resume L1` goes on" in stage.cli("status").out
    slow["turns"][0].pop("delay")
    stage.write_script([slow, *scenes.simple()])

    outcome = stage.cli("resume", "L1", "--yes")

    assert outcome.code == 0, outcome.err
    scouts = [one.scene for one in stage.asked() if one.scene in {"scout", "slow"}]
    assert sorted(scouts) == ["scout", "slow", "slow"]
    assert stage.cli("audit", "L1").code == 0


def test_commands_of_tasks_side_by_side_end_with_an_interruption_even_without_a_sandbox(tmp_path):
    """They run below threads, which nobody can interrupt: what the threads wait for is ended instead."""
    stage = small_stage(tmp_path)
    mark = f"25.{uuid4().int}"
    tasks = [scenes.task("T1", {"new.txt": "create"}), scenes.task("T2", {"b.txt": "modify"})]
    hanging = [scenes.executor(task["id"], scenes.shell(f"sleep {mark}")) for task in tasks]
    stage.write_script([scenes.scout(), scenes.research(), scenes.planner(*tasks), *hanging])
    run = stage.start("run", scenes.ISSUE, "--yes")
    wait_until(lambda: [line.startswith("sleep") for line in running(mark)].count(True) == 2)

    run.send(signal.SIGINT)
    outcome = run.end()

    assert outcome.code == 130
    assert running(mark) == []
    assert stage.left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("place", ["the shell of a model", "the check of a task", "a gate after the tasks"])
def test_what_runs_in_the_sandbox_does_not_outlive_the_run(place, number, tmp_path):
    mark = f"25.{uuid4().int}"
    hanging = f"sleep {mark}"
    says_no = {"the check of a task": "test -e new.txt && {}", "a gate after the tasks": "test -e a.txt && {}"}
    command = says_no[place].format(hanging) if place in says_no else "true"
    checked = "test" if place == "the check of a task" else None
    config = f"research: {{scouts: 1}}\ngates:\n  test: {{run: '{command}', minutes: 1}}\n"
    stage = small_stage(tmp_path, no_sandbox=not SANDBOX, **{".github/phasegate.yml": config})
    calls = [scenes.write("new.txt", "new\n")] + ([scenes.shell(hanging)] if place == "the shell of a model" else [])
    one = scenes.task("T1", {"new.txt": "create"}, check=checked)
    stage.write_script([scenes.scout(), scenes.research(), scenes.planner(one), scenes.executor("T1", *calls)])
    run = stage.start("run", scenes.ISSUE, "--yes")
    wait_until(lambda: any(line.startswith("sleep") for line in running(mark)))

    run.send(number)
    outcome = run.end()

    assert outcome.code == (130 if number != signal.SIGKILL else -signal.SIGKILL)
    wait_until(lambda: not running(mark))
    assert number == signal.SIGKILL or stage.left_behind() == []


@pytest.mark.parametrize(
    ("point", "number"),
    [
        ("a scout", signal.SIGINT),
        ("the findings", signal.SIGTERM),
        ("the plan", signal.SIGINT),
        ("two tasks side by side", signal.SIGINT),
        ("two tasks side by side", signal.SIGTERM),
        ("a correction", signal.SIGHUP),
        ("a repair after a gate", signal.SIGINT),
        ("a review", signal.SIGINT),
    ],
)
def test_an_interrupted_run_says_so_once_and_goes_on_later(whole, point, number, tmp_path):
    stage = small_stage(tmp_path)
    more, reached = POINTS[point]
    stage.write_script(scenes.everything(**more))
    run = stage.start("run", scenes.ISSUE, "--yes")
    reached(stage)

    run.send(number)
    outcome = run.end()

    assert outcome.code == 130
    assert outcome.err.count("Interrupted. What was done is kept: `phasegate resume L1` goes on.") == 1
    assert "Traceback" not in outcome.err
    assert stage.left_behind() == []
    stage.write_script(scenes.everything())
    assert stage.cli("resume", "L1", "--yes").code == 0
    check_whole(stage, content(whole[0]), history(whole[0]))
