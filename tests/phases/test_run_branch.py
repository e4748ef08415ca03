"""The run's branch: where its plan stands, what its commits say, and who may move it."""

from dataclasses import replace

import pytest

import scenes
from phasegate.documents.approval import Approver
from phasegate.doors.git.repository import FileChange
from phasegate.errors import RefusedError
from phasegate.phases.branch import _message, _plain, built, move, plan_path, sync
from phasegate.phases.human import approve
from repositories import git, make_repository
from stage import Stage, opened

ANN = Approver(id="1", login="ann", permission="admin")


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)


def waiting(stage, **changes):
    plan = scenes.planner()
    plan["turns"] = [scenes.turn(scenes.submit(**scenes.plan_payload(**changes)))]
    stage.write_script([*scenes.simple()[:2], plan, *scenes.simple()[3:]])
    assert stage.cli("run", scenes.ISSUE).code == 4
    return stage


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Add a --json flag", "add-a-json-flag"),
        ("  Über größere Dinge: 2½ Fälle!  ", "uber-groere-dinge-212-falle"),
        ("日本語", "plan"),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 90, "x" * 48),
        ("a" * 47 + " b", "a" * 47),
    ],
)
def test_the_plan_s_file_is_named_by_day_and_title(stage, title, slug):
    waiting(stage, title=title)
    store = stage.store()

    assert plan_path(store) == f".claude/plans/{store.progress.created:%Y-%m-%d}-{slug}.md"


def test_a_plan_with_another_title_stays_in_its_file(stage):
    waiting(stage)
    before = plan_path(stage.store())
    other = scenes.planner()
    other["turns"] = [scenes.turn(scenes.submit(**scenes.plan_payload(title="Something else")))]
    stage.write_script([other])

    assert stage.cli("revise", "L1", "Call it otherwise").code == 4
    assert plan_path(stage.store()) == before
    assert git(stage.repository, "diff", "--name-only", "main", "phasegate/L1") == before


def test_without_a_plan_there_is_no_path_for_it(stage):
    stage.write_script([scenes.scout(status="failure")])
    stage.cli("run", scenes.ISSUE)

    with pytest.raises(RefusedError, match="Run L1 has no plan yet"):
        plan_path(stage.store())


TRAILERS = [("Planned-by", "model"), ("Approved-by", "Ann\nReviewed-by: me"), ("Reviewed-by", None)]


@pytest.mark.parametrize(
    ("title", "body", "message"),
    [
        ("Title", "", "Title\n\n{}"),
        ("Two\nlines", "Body\n\nof two", "Two lines\n\nBody of two\n\n{}"),
        ("Title", "Reviewed-by: somebody", "Title\n\nReviewed-by, somebody\n\n{}"),
        ("Title", "README.md: says more", "Title\n\nREADME.md: says more\n\n{}"),
    ],
)
def test_a_message_is_a_title_a_paragraph_and_trailers(title, body, message):
    trailers = "Planned-by: model\nApproved-by: Ann Reviewed-by: me\n"

    assert _message(title, body, TRAILERS) == message.format(trailers)


@pytest.mark.parametrize("text", ["Signed-off-by: x", "fixes: y", "Acked-by : z"])
def test_a_model_s_words_are_no_trailer(text, stage):
    message = _message("Title", text, [("Planned-by", "model")])
    trailers = git(stage.repository, "interpret-trailers", "--parse", stdin=message.encode())

    assert trailers == "Planned-by: model"
    assert not _plain(text).split()[0].endswith(":")


def test_a_branch_that_is_one_commit_behind_is_brought_up(stage):
    """So it is when a machine died between writing the progress and moving the branch."""
    waiting(stage)
    with opened(stage) as setting:
        approve(setting, ANN)
        before = setting.store.progress.head_sha
        commit = built(setting, [FileChange("x.txt", b"x\n")], "More\n")
        move(setting, commit)
        git(stage.repository, "branch", "--force", "phasegate/L1", before)

        sync(setting)

        assert git(stage.repository, "rev-parse", "phasegate/L1") == commit


@pytest.mark.parametrize("how", ["ahead", "elsewhere"])
def test_a_branch_that_somebody_else_moved_is_refused(stage, how):
    waiting(stage)
    with opened(stage) as setting:
        approve(setting, ANN)
        parent = setting.store.progress.head_sha if how == "ahead" else "main"
        there = git(stage.repository, "commit-tree", f"{parent}^{{tree}}", "-p", parent, "-m", "mine")
        git(stage.repository, "branch", "--force", "phasegate/L1", there)

        with pytest.raises(RefusedError, match="is not where run L1 left it"):
            sync(setting)

        assert git(stage.repository, "rev-parse", "phasegate/L1") == there


def test_a_branch_that_was_deleted_comes_back(stage):
    waiting(stage)
    with opened(stage) as setting:
        git(stage.repository, "branch", "-D", "phasegate/L1")

        sync(setting)

        assert git(stage.repository, "rev-parse", "phasegate/L1") == setting.store.progress.head_sha


def test_a_title_that_looks_like_a_trailer_is_signed_off_only_in_the_trailers(stage):
    task = scenes.task("T1", {"new.txt": "create"}, title="Implemented-by: somebody")
    stage.write_script([*scenes.simple()[:2], scenes.planner(task), *scenes.simple()[3:]])

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    message = git(stage.repository, "log", "-1", "--format=%B", "phasegate/L1")
    assert message.startswith("Implemented-by: somebody\n\nT1 is done.\n\n")
    assert message.count("Reviewed-by: ") == 1


def test_the_time_of_a_commit_is_the_clock_s(stage):
    waiting(stage)
    with opened(stage) as setting:
        now = setting.clock.now().replace(year=2031, microsecond=0)
        slow = replace(setting, clock=replace(setting.clock, now=lambda: now))

        commit = built(slow, [FileChange("x.txt", b"x\n")], "More\n")

        assert setting.git.note(commit).when == now
