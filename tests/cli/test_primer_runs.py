"""`phasegate primer`: read, draft, shown as a difference, approved, committed on a branch."""

import pytest

import scenes
from phasegate.documents.approval import Approval
from phasegate.documents.interview import Feedback
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import PhaseStatus, RunState
from repositories import git, make_repository, user_state
from stage import Stage

PRIMER = ".claude/PRIMER.md"
OLD = "# Primer\n\nThree texts.\n"
SYSTEM = "You write the primer"


def writer(text, name="primer", **when):
    held = {"model": scenes.OPUS, "system": SYSTEM} | when
    return scenes.scene(name, held, scenes.turn(scenes.submit(text=text)))


@pytest.fixture(params=[None, OLD], ids=["a first primer", "a refreshed one"])
def before(request):
    return request.param


@pytest.fixture
def stage(tmp_path, before):
    files = {**scenes.SMALL, **({PRIMER: before} if before else {})}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)
    stage.write_script([scenes.scout(), scenes.research(), writer("# Primer\n\nThree texts, one gate.")])
    return stage


@pytest.fixture
def drafted(stage):
    user = user_state(stage.repository)
    outcome = stage.cli("primer")
    assert outcome.code == 4, outcome.err
    assert user_state(stage.repository) == user
    return stage, outcome


def progress(stage):
    return stage.store().progress


def test_nothing_is_executed_so_nothing_is_said_of_a_sandbox(drafted):
    _, outcome = drafted

    assert "sandbox" not in outcome.err


def test_the_draft_is_shown_as_a_difference_and_waits(drafted, before):
    stage, outcome = drafted

    assert "+Three texts, one gate." in outcome.err
    assert ("-Three texts." in outcome.err) == bool(before)
    assert "Waiting: The draft of the primer waits for approval." in outcome.err
    assert f"phasegate approve L1 {progress(stage).plan[:12]}" in outcome.err
    assert "manual" not in outcome.err
    skipped = [str(phase.id) for phase in progress(stage).phases if phase.status is PhaseStatus.SKIPPED]
    assert skipped == ["implement", "verify", "review"]


def test_the_writer_sees_the_primer_that_there_is(drafted, before):
    stage, _ = drafted
    seen = next(one.raw for one in stage.asked() if one.scene == "primer")

    assert ("Three texts." in seen) == bool(before)
    assert "New texts." in seen  # the findings
    assert {"read", "list", "search", "submit"} == next(one.tools for one in stage.asked() if one.scene == "primer")


def test_an_approved_draft_is_one_commit_on_a_branch(drafted, before):
    stage, _ = drafted

    outcome = stage.cli("approve", "L1", progress(stage).plan[:12])

    assert outcome.code == 0, outcome.err
    assert progress(stage).state is RunState.DONE
    assert git(stage.repository, "diff", "--name-only", "main", "phasegate/L1") == PRIMER
    assert stage.file(PRIMER) == "# Primer\n\nThree texts, one gate."
    [commit] = git(stage.repository, "log", "--format=%s|%(trailers:only,separator=%x2C)", "main..phasegate/L1").split(
        "\n"
    )
    draft = progress(stage).plan[:12]
    assert commit == f"Describe the repository in {PRIMER}|Planned-by: {scenes.OPUS},Phasegate-Plan: L1 {draft}"
    assert [approval.payload.subject for approval in stage.store().all(Approval)] == [progress(stage).plan]
    assert stage.cli("audit", "L1").code == 0
    assert stage.left_behind() == []


def test_approving_a_draft_needs_no_model(drafted):
    stage, _ = drafted
    stage.script.unlink()
    (stage.store().directory / "options.json").unlink()

    assert stage.cli("approve", "L1").code == 0


def test_a_draft_is_revised_and_the_writer_sees_the_draft_and_the_wishes_in_order(drafted):
    stage, _ = drafted
    second = writer("Second draft.", "second", first=["Shorter, please", "Three texts, one gate."])
    third = writer("Third draft.", "third", first=["Shorter, please", "Even shorter", "Second draft."])
    stage.write_script([third, second])

    revised = [stage.cli("revise", "L1", wish) for wish in ("Shorter, please", "Even shorter")]

    assert [outcome.code for outcome in revised] == [4, 4], revised[-1].err
    assert "+Third draft." in revised[-1].err
    assert len(stage.store().all(PrimerDraft)) == 3
    last = stage.store().get(progress(stage).plan, PrimerDraft)
    assert {feedback.digest for feedback in stage.store().all(Feedback)} <= set(last.parents)
    assert stage.cli("approve", "L1").code == 0
    assert stage.file(PRIMER) == "Third draft."
    assert stage.cli("audit", "L1").code == 0


def test_the_draft_can_be_looked_at_again(drafted, before):
    stage, _ = drafted
    told = stage.cli("show", "L1")

    assert "+Three texts, one gate." in told.out
    assert ("-Three texts." in told.out) == bool(before)
    assert stage.cli("show", "L1", "--json").json["draft"]["payload"]["primer"]["text"].startswith("# Primer")


@pytest.mark.parametrize("words", [("adopt", "L1", "{plan}"), ("manual", "L1")])
def test_there_is_no_plan_in_a_primer_run(drafted, words):
    stage, _ = drafted
    plan = stage.directory / "plan.md"
    plan.write_text("# Plan: x\n")

    outcome = stage.cli(*(word.format(plan=plan) for word in words))

    assert outcome.code == 3
    assert "Run L1 drafts a primer: there is no plan in it." in outcome.err
    assert progress(stage).state is RunState.WAITING


def test_with_yes_it_is_committed_at_once(stage):
    assert stage.cli("primer", "--yes").code == 0
    assert stage.file(PRIMER) == "# Primer\n\nThree texts, one gate."


def test_a_draft_that_changes_nothing_ends_without_a_commit(tmp_path):
    files = {**scenes.SMALL, PRIMER: OLD}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)
    stage.write_script([scenes.scout(), scenes.research(), writer(OLD)])

    outcome = stage.cli("primer", "--yes")

    assert outcome.code == 0, outcome.err
    assert "The draft is what the primer is already." in outcome.err
    assert git(stage.repository, "rev-parse", "phasegate/L1") == git(stage.repository, "rev-parse", "main")


def test_a_primer_that_is_too_long_goes_back_to_the_writer(tmp_path):
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)
    long = writer("word " * 2000)
    long["turns"].append(scenes.turn(scenes.submit(text="# Short"), expect="keep what every task needs"))
    stage.write_script([scenes.scout(), scenes.research(), long])

    assert stage.cli("primer", "--yes").code == 0
    assert stage.file(PRIMER) == "# Short"


def test_the_primer_is_read_first_by_who_researches_plans_and_implements(tmp_path):
    files = {**scenes.SMALL, PRIMER: "mark-of-the-primer\n"}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)
    stage.write_script(scenes.simple())

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    firsts = [one for one in stage.asked() if one.turn == 1]
    assert {one.scene for one in firsts if "mark-of-the-primer" in one.raw} == {
        "scout",
        "research",
        "plan",
        "implement-T1",
        "review",
    }
