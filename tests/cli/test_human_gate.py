"""What people say to a run, and what it does then: one command after the other, as on a command line."""

import json
import shutil

import pytest

import scenes
from phasegate.documents.approval import Approval
from phasegate.documents.change_set import Blocked
from phasegate.documents.interview import Feedback, Questions
from phasegate.documents.plan import Plan
from phasegate.documents.progress import RunState, WaitingFor
from repositories import git, make_repository
from stage import Stage, identity

QUESTION = {
    "id": "Q1",
    "question": "Which colour?",
    "why": "everything depends on it",
    "suggestion": "blue",
}


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)
    stage.write_script(scenes.simple())
    return stage


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The repository of a run that waits for approval, to be copied."""
    directory = tmp_path_factory.mktemp("image")
    made = Stage(directory, make_repository(directory / "repository", scenes.SMALL), no_sandbox=True)
    made.write_script(scenes.simple())
    outcome = made.cli("run", scenes.ISSUE)
    assert outcome.code == 4, outcome.err
    return made.repository


@pytest.fixture
def waiting(image, tmp_path):
    """A run that waits for approval."""
    shutil.copytree(image, tmp_path / "repository", symlinks=True)
    stage = Stage(tmp_path, tmp_path / "repository", no_sandbox=True)
    stage.write_script(scenes.simple())
    return stage


def progress(stage, run="L1"):
    return stage.store(run).progress


def plans(stage):
    return sorted(stage.store().all(Plan), key=lambda plan: plan.revision)


def test_a_run_waits_when_nobody_is_there_and_says_what_to_type(stage):
    identity(stage)
    outcome = stage.cli("run", scenes.ISSUE)
    digest = progress(stage).plan[:12]

    assert outcome.code == 4
    assert outcome.out == ""
    assert f"revision 1 · digest {digest} · about $0.0" in outcome.err
    assert "Waiting: The plan waits for approval." in outcome.err
    assert f'`phasegate approve L1 {digest}`, `phasegate revise L1 "TEXT"`' in outcome.err
    assert progress(stage).waiting_for is WaitingFor.APPROVAL
    assert git(stage.repository, "log", "--format=%s", "main..phasegate/L1") == "Plan: New texts"


@pytest.mark.parametrize("said", [[], ["{digest}"], ["{short}"], ["{upper}"]])
def test_a_plan_is_approved_with_its_digest_or_the_beginning_of_it_or_without(waiting, said):
    digest = progress(waiting).plan
    words = [word.format(digest=digest, short=digest[:8], upper=digest[:12].upper()) for word in said]

    outcome = waiting.cli("approve", "L1", *words)

    assert outcome.code == 0, outcome.err
    [approval] = waiting.store().all(Approval)
    assert approval.payload.subject == digest
    assert waiting.file("new.txt") == "new"


@pytest.mark.parametrize("digest", ["0" * 64, "00000000", "{seven}", "", "L1"])
def test_another_digest_or_too_short_a_one_approves_nothing(waiting, digest):
    plan = progress(waiting).plan

    outcome = waiting.cli("approve", "L1", digest.format(seven=plan[:7]))

    assert outcome.code == 3
    assert f"The plan in force is {plan[:12]}, not" in outcome.err
    assert progress(waiting).state is RunState.WAITING
    assert waiting.store().all(Approval) == ()


def test_a_branch_that_somebody_moved_cannot_be_approved(waiting):
    git(waiting.repository, "branch", "--force", "phasegate/L1", "main")
    elsewhere = git(waiting.repository, "commit-tree", "main^{tree}", "-p", "main", "-m", "mine")
    git(waiting.repository, "branch", "--force", "phasegate/L1", elsewhere)

    outcome = waiting.cli("approve", "L1")

    assert outcome.code == 3
    assert "The branch phasegate/L1 is not where run L1 left it." in outcome.err
    assert progress(waiting).state is RunState.WAITING


def test_a_branch_that_somebody_moves_after_the_approval_stops_the_work_and_can_be_put_back(waiting):
    waiting.write_script(scenes.simple(implement={"delay": 25}))
    run = waiting.start("approve", "L1")
    while "implement-T1" not in waiting.scenes():
        assert run.process.is_alive()
    run.kill()
    left = progress(waiting).head_sha
    git(waiting.repository, "branch", "--force", "phasegate/L1", git(waiting.repository, "commit-tree", "main^{tree}"))
    waiting.write_script(scenes.simple())

    refused = waiting.cli("resume", "L1")
    git(waiting.repository, "branch", "--force", "phasegate/L1", left)
    outcome = waiting.cli("resume", "L1")

    assert refused.code == 3
    assert f"git branch -f phasegate/L1 {left[:12]}" in refused.err
    assert outcome.code == 0, outcome.err


def test_a_plan_is_revised_and_the_planner_sees_the_wish_and_the_plan_before(waiting):
    other = scenes.task("T1", {"other.txt": "create"})
    again = scenes.planner(other, name="plan-again", when={"first": ["Call it other.txt", "Do what T1 says."]})
    waiting.write_script([again, *scenes.simple()[:3], scenes.executor("T1", scenes.write("other.txt", "other\n"))])

    outcome = waiting.cli("revise", "L1", "Call it other.txt")

    assert outcome.code == 4, outcome.err
    first, second = plans(waiting)
    [feedback] = waiting.store().all(Feedback)
    assert (feedback.payload.verb, feedback.payload.text) == ("revise", "Call it other.txt")
    assert feedback.parents == (first.digest,)
    assert second.revision == 2
    assert {first.digest, feedback.digest} <= set(second.parents)
    assert progress(waiting).plan == second.digest
    assert waiting.scenes() == ["scout", "research", "plan", "plan-again"]
    subjects = git(waiting.repository, "log", "--format=%s", "main..phasegate/L1").splitlines()
    assert subjects == ["Revise the plan: New texts", "Plan: New texts"]
    assert waiting.cli("approve", "L1", first.digest).code == 3
    assert waiting.cli("audit", "L1").code == 0


def test_a_plan_can_be_revised_twice_and_all_that_was_said_is_seen_in_order(waiting):
    again = scenes.planner(name="again", when={"first": ["First wish"]})
    third = scenes.planner(name="third", when={"first": ["First wish", "Second wish"]})
    waiting.write_script([third, again, *scenes.simple()])
    waiting.cli("revise", "L1", "First wish")

    outcome = waiting.cli("revise", "L1", "Second wish")

    assert outcome.code == 4, outcome.err
    seen = next(one.raw for one in waiting.asked() if one.scene == "third")
    assert seen.index("First wish") < seen.index("Second wish")
    assert [plan.revision for plan in plans(waiting)] == [1, 2, 3]


@pytest.mark.parametrize("text", ["", "   ", "\x1b[2J", "x" * 17_000])
def test_a_wish_that_cannot_be_kept_is_refused_and_the_plan_goes_on_waiting(waiting, text):
    outcome = waiting.cli("revise", "L1", text)

    assert outcome.code == 2
    assert "What you said cannot be used: payload.text: " in outcome.err
    assert progress(waiting).state is RunState.WAITING


@pytest.fixture
def interviewed(stage):
    """A run whose planner asks before it plans."""
    asking = scenes.scene(
        "interview",
        {"model": scenes.OPUS, "system": "You are the planner", "not_first": "Blue, please."},
        scenes.turn({"ask": {"questions": [QUESTION]}}),
    )
    stage.write_script([asking, *scenes.simple()])
    outcome = stage.cli("run", scenes.ISSUE, "--yes")
    assert outcome.code == 4, outcome.err
    return stage, outcome


def test_questions_are_shown_and_wait_for_answers_even_with_yes(interviewed):
    stage, outcome = interviewed

    assert "Which colour?" in outcome.err
    assert "everything depends on it" in outcome.err
    assert "blue" in outcome.err
    assert "Waiting: The planner has questions." in outcome.err
    assert '`phasegate answer L1 "TEXT"` goes on' in outcome.err
    assert progress(stage).waiting_for is WaitingFor.ANSWERS
    assert stage.store().all(Plan) == ()


def test_answers_start_the_planner_again_who_sees_questions_and_answers(interviewed):
    stage, _ = interviewed

    outcome = stage.cli("answer", "L1", "Blue, please.")

    assert outcome.code == 4, outcome.err
    assert progress(stage).waiting_for is WaitingFor.APPROVAL
    seen = next(one.raw for one in stage.asked() if one.scene == "plan")
    assert seen.index("Which colour?") < seen.index("Blue, please.")
    [asked], [feedback], [plan] = (stage.store().all(kind) for kind in (Questions, Feedback, Plan))
    assert feedback.parents == (asked.digest,)
    assert {asked.digest, feedback.digest} <= set(plan.parents)
    assert stage.cli("approve", "L1").code == 0
    assert stage.cli("audit", "L1").code == 0


def test_questions_that_nobody_answered_still_wait_after_a_cancelled_run_is_resumed(interviewed):
    stage, _ = interviewed
    assert stage.cli("cancel", "L1").code == 0

    outcome = stage.cli("resume", "L1", "--yes")

    assert outcome.code == 4, outcome.err
    assert progress(stage).waiting_for is WaitingFor.ANSWERS
    assert "Which colour?" in outcome.err


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("approve", "L1"), "Run L1 waits for answers"),
        (("revise", "L1", "Other"), "Run L1 waits for answers"),
        (("manual", "L1"), "Run L1 has no plan yet"),
    ],
)
def test_what_does_not_go_with_questions_is_refused(interviewed, words, what):
    stage, _ = interviewed

    outcome = stage.cli(*words)

    assert outcome.code == 3
    assert what in outcome.err
    assert progress(stage).waiting_for is WaitingFor.ANSWERS


def edited(stage, old, new):
    file = stage.directory / "plan.md"
    text = stage.cli("show", "L1", "--plan").out
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    return str(file)


def test_a_plan_that_a_human_edited_is_adopted_and_waits_for_approval(waiting):
    script = [*scenes.simple()[:3], scenes.executor("T1", scenes.write("mine.txt", "mine\n")), scenes.reviewer()]
    waiting.write_script(script)

    outcome = waiting.cli("adopt", "L1", edited(waiting, "`new.txt`", "`mine.txt`"))

    assert outcome.code == 4, outcome.err
    first, second = plans(waiting)
    assert (second.revision, second.parents) == (2, (first.digest,))
    assert (second.made_by.step, second.made_by.model) == ("decide", None)
    assert progress(waiting).plan == second.digest
    assert "mine.txt" in outcome.err
    approved = waiting.cli("approve", "L1", second.digest[:12])
    assert approved.code == 0, approved.err
    assert waiting.file("mine.txt") == "mine"
    message = git(waiting.repository, "log", "-1", "--format=%B", "phasegate/L1")
    assert "Planned-by" not in message
    assert waiting.cli("audit", "L1").code == 0


def test_adopting_needs_no_model(waiting):
    """Nobody is asked: the plan is there."""
    waiting.script.unlink()
    (waiting.store().directory / "options.json").unlink()

    assert waiting.cli("adopt", "L1", edited(waiting, "> Do what T1 says.", "> Do it well.")).code == 4


def test_an_unchanged_plan_changes_nothing(waiting):
    before = progress(waiting)

    outcome = waiting.cli("adopt", "L1", edited(waiting, "new.txt", "new.txt"))

    assert outcome.code == 4
    assert "The plan in the file is the plan in force: nothing was changed." in outcome.err
    assert progress(waiting) == before


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("# Plan: New texts\n", "", "The plan cannot be read"),
        ("## Tasks", "## Jobs", "The plan cannot be read at line"),
        ("create `new.txt`", "create `../new.txt`", "The plan cannot be used: tasks.0.files.0.path"),
        ("create `new.txt`", "create `a.txt`", "T1 creates a.txt, which exists already"),
        ("create `new.txt`", "modify `new.txt`", "T1 is to modify new.txt, which is not there"),
        ("create `new.txt`", "create `.github/workflows/x.yml`", "which is protected"),
        ("check: test", "check: deploy", "T1 wants the check deploy, which is no gate here"),
        ("depends on: none", "depends on: T9", "T1 depends on T9, which is no task"),
        ("- T1 is done\n", "None.\n", "The plan cannot be used: tasks.0.success_criteria"),
    ],
)
def test_a_plan_that_was_edited_into_nonsense_is_refused_with_the_place(waiting, old, new, what):
    before = progress(waiting)

    outcome = waiting.cli("adopt", "L1", edited(waiting, old, new))

    assert outcome.code == 3, outcome.err
    assert what in outcome.err
    assert progress(waiting) == before


def test_a_file_that_is_not_there_cannot_be_adopted(waiting):
    outcome = waiting.cli("adopt", "L1", "nowhere.md")

    assert outcome.code == 2
    assert "The plan nowhere.md cannot be read: No such file or directory." in outcome.err


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        (("reject", "L1", "Not worth it"), RunState.REJECTED, "Run L1 was rejected: Not worth it."),
        (("reject", "L1"), RunState.REJECTED, "Run L1 was rejected."),
        (("cancel", "L1", "Not now"), RunState.CANCELLED, "Run L1 was cancelled: Not now."),
        (("manual", "L1"), RunState.MANUAL, "Run L1 was taken by hand."),
    ],
)
def test_a_run_is_ended_and_keeps_its_branch_and_documents(waiting, words, state, said):
    outcome = waiting.cli(*words)

    assert outcome.code == 0
    assert outcome.out.startswith(said)
    assert progress(waiting).state is state
    assert git(waiting.repository, "log", "--format=%s", "main..phasegate/L1") == "Plan: New texts"
    assert waiting.cli("audit", "L1").code == 0
    assert json.loads((waiting.store().directory / "thread.jsonl").read_text("utf-8"))["body"] in outcome.out


@pytest.mark.parametrize("verb", ["reject", "manual"])
@pytest.mark.parametrize("words", [["approve", "L1"], ["revise", "L1", "x"], ["resume", "L1"], ["cancel", "L1"]])
def test_what_has_ended_for_good_takes_no_further_word(waiting, verb, words):
    waiting.cli(verb, "L1")

    outcome = waiting.cli(*words)

    assert outcome.code == 3
    assert "Run L1 is" in outcome.err


def test_a_cancelled_run_goes_on_with_the_same_plan_and_asks_nobody_again(waiting):
    plan, asked = progress(waiting).plan, len(waiting.asked())
    waiting.cli("cancel", "L1")

    outcome = waiting.cli("resume", "L1")

    assert outcome.code == 4
    assert progress(waiting).plan == plan
    assert len(waiting.asked()) == asked
    assert waiting.cli("approve", "L1").code == 0


def test_the_way_by_hand_names_the_plan_file_on_the_branch(waiting):
    outcome = waiting.cli("manual", "L1")
    [path] = git(waiting.repository, "diff", "--name-only", "main", "phasegate/L1").split()

    assert f"it stands in {path} on the branch phasegate/L1" in outcome.out
    assert f"git switch phasegate/L1, then follow {path}" in outcome.out
    assert f'claude "Implement the plan in {path}, task by task"' in outcome.out


def test_the_way_by_hand_without_a_plan_file_on_the_branch(tmp_path):
    """The configuration can keep the plan off the branch."""
    files = {**scenes.SMALL, ".github/phasegate.yml": scenes.CONFIG + "plan: {keep: false}\n"}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)
    stage.write_script(scenes.simple())
    assert stage.cli("run", scenes.ISSUE).code == 4

    outcome = stage.cli("manual", "L1")

    assert "phasegate show L1 --plan > PLAN.md" in outcome.out
    assert "git switch phasegate/L1, then follow PLAN.md" in outcome.out


def test_a_run_without_a_plan_file_on_its_branch_ends_with_the_work_alone(tmp_path):
    files = {**scenes.SMALL, ".github/phasegate.yml": scenes.CONFIG + "plan: {keep: false}\n"}
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", files), no_sandbox=True)
    stage.write_script(scenes.everything())

    assert stage.cli("run", scenes.ISSUE, "--yes").code == 0
    assert git(stage.repository, "diff", "--name-only", "main", "phasegate/L1").split() == ["a.txt", "b.txt", "new.txt"]


T1 = scenes.task("T1", {"new.txt": "create"})
T2 = scenes.task("T2", {"a.txt": "modify"}, depends_on=["T1"])
WIDER = scenes.task("T2", {"a.txt": "modify", "b.txt": "modify"}, depends_on=["T1"], description="Do both.")


@pytest.fixture
def beyond(stage):
    """A run whose correction needs a file that was not approved."""
    stage.write_script(
        [
            *scenes.simple()[:2],
            scenes.planner(T1, T2),
            scenes.executor("T1", scenes.write("new.txt", "new\n")),
            scenes.executor(
                "T2", scenes.write("a.txt", "new a\n"), scenes.write("b.txt", "b\n"), when={"first": ["Do both."]}
            ),
            scenes.blocked("T2"),
            scenes.corrector(T1, WIDER),
            scenes.reviewer(),
        ]
    )
    assert stage.cli("run", scenes.ISSUE).code == 4
    return stage, stage.cli("approve", "L1")


def test_a_correction_beyond_what_was_approved_goes_back_to_the_human(beyond):
    stage, outcome = beyond

    assert outcome.code == 4, outcome.err
    assert "Waiting: T2 needs more than what was approved." in outcome.err
    assert [(task.id, task.status) for task in progress(stage).tasks] == [("T1", "done"), ("T2", "pending")]
    assert progress(stage).plan == plans(stage)[1].digest
    assert progress(stage).approval is None
    correct = next(phase for phase in progress(stage).phases if phase.id == "correct")
    assert correct.validation.reason == "beyond the approved scope: a human decides"
    assert git(stage.repository, "log", "-1", "--format=%s", "phasegate/L1") == "Revise the plan: New texts"


def test_after_a_new_approval_it_goes_on_and_what_was_finished_stays(beyond):
    stage, _ = beyond
    outcome = stage.cli("approve", "L1", progress(stage).plan[:12])

    assert outcome.code == 0, outcome.err
    assert [one.scene for one in stage.asked()].count("implement-T1") == 2  # its two turns, once
    assert stage.file("b.txt") == "b"
    subjects = git(stage.repository, "log", "--reverse", "--format=%s", "main..phasegate/L1").splitlines()
    assert subjects == ["Plan: New texts", "Do T1", "Revise the plan: New texts", "Do T2"]
    assert len(stage.store().all(Approval)) == 2
    assert stage.cli("audit", "L1").code == 0


def test_the_correction_can_be_refused_and_planned_anew_with_what_is_finished(beyond):
    stage, _ = beyond
    narrower = scenes.task("T2", {"a.txt": "modify"}, depends_on=["T1"], description="Only a.")
    again = scenes.planner(T1, narrower, name="again", when={"first": ["Leave b.txt alone", "exactly as they are: T1"]})
    stage.write_script([again, scenes.executor("T2", scenes.write("a.txt", "new a\n")), scenes.reviewer()])

    revised = stage.cli("revise", "L1", "Leave b.txt alone")
    outcome = stage.cli("approve", "L1")

    assert revised.code == 4, revised.err
    assert outcome.code == 0, outcome.err
    assert [plan.revision for plan in plans(stage)] == [1, 2, 3]
    assert stage.file("b.txt") == "old b"
    assert stage.cli("audit", "L1").code == 0


def test_a_task_that_is_blocked_again_and_again_goes_to_the_human_even_with_yes(tmp_path):
    """Two corrections are allowed; a third block under the same approval needs a human's eye, whatever `--yes` says."""
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)
    two = scenes.task("T1", {"new.txt": "create"}, description="Second try.")
    three = scenes.task("T1", {"new.txt": "create"}, description="Third try.")
    stage.write_script(
        [
            *scenes.simple()[:3],
            scenes.corrector(three, name="correct-2", when={"first": ["Second try."]}),
            scenes.corrector(two),
            scenes.blocked("T1"),
        ]
    )

    outcome = stage.cli("run", scenes.ISSUE, "--yes")
    again = stage.cli("resume", "L1", "--yes")

    assert (outcome.code, again.code) == (4, 4), outcome.err
    assert "Waiting: T1 blocked, and no correction is left: blocked: T1 cannot be done" in outcome.err
    assert len(stage.store().all(Blocked)) == 3
    assert progress(stage).tasks[0].status == "blocked"
    stage.write_script(scenes.simple())
    assert stage.cli("approve", "L1").code == 0
