from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest

import examples
from phasegate.documents.base import digest_of
from phasegate.documents.progress import (
    PhaseName,
    PhaseProgress,
    PhaseStatus,
    RunState,
    Spent,
    Usage,
    Verdict,
    WaitingFor,
    WorkProgress,
    WorkStatus,
)
from phasegate.documents.progress_events import (
    CommitsRewritten,
    HeadMoved,
    HumanNeeded,
    HumanSpoke,
    Paid,
    PhaseDone,
    PhaseFailed,
    PhaseSkipped,
    PhasesReopened,
    PhaseStarted,
    PlanSet,
    RepairAdded,
    RunEnded,
    RunResumed,
    WorkMoved,
)
from phasegate.documents.transitions import IllegalTransitionError, advance
from phasegate.errors import ExitCode

NOW, LATER = examples.NOW, examples.NOW + timedelta(minutes=1)
PLAN = PhaseName.PLAN
DOCUMENT, OTHER = digest_of(b"document"), digest_of(b"other")
GOOD = Verdict(passed=True, reason="fine")
SPENT = Spent(usage=Usage(input_tokens=1), usd=Decimal("0.5"), turns=1, seconds=2.0)

PHASE_EVENTS = {
    PhaseStatus.PENDING: PhasesReopened((PLAN,)),
    PhaseStatus.RUNNING: PhaseStarted(PLAN, "claude-opus-5-5", NOW),
    PhaseStatus.DONE: PhaseDone(PLAN, DOCUMENT, "two tasks", GOOD, LATER),
    PhaseStatus.FAILED: PhaseFailed(PLAN, "no plan came", LATER),
    PhaseStatus.SKIPPED: PhaseSkipped(PLAN, "not needed"),
}
PHASE_MOVES = {
    ("pending", "pending"),  # to open what is open changes nothing
    ("pending", "running"),
    ("pending", "skipped"),
    ("running", "done"),
    ("running", "failed"),
    ("running", "pending"),
    ("done", "pending"),
    ("failed", "pending"),
    ("skipped", "pending"),
}
WORK_MOVES = {
    ("pending", "running"),
    ("running", "done"),
    ("running", "blocked"),
    ("running", "failed"),
    ("running", "pending"),
    ("blocked", "pending"),
    ("failed", "pending"),
}
ALL_EVENTS = (
    *PHASE_EVENTS.values(),
    Paid(PLAN, SPENT),
    PlanSet(DOCUMENT, (("T1", "one"),)),
    RepairAdded("R1", "mend it"),
    WorkMoved("T1", WorkStatus.RUNNING, NOW),
    HeadMoved("e" * 40),
    CommitsRewritten((), "e" * 40),
    HumanNeeded(WaitingFor.APPROVAL, "look"),
    HumanSpoke(None),
    RunEnded(RunState.CANCELLED, "enough"),
    RunResumed(),
)


def with_phase(status, **fields):
    phases = tuple(
        PhaseProgress(id=name, status=status, **fields) if name is PLAN else PhaseProgress(id=name)
        for name in PhaseName
    )
    return examples.progress(phases=phases)


def with_task(status, **fields):
    return examples.progress(tasks=(WorkProgress(id="T1", title="one", status=status, **fields),))


def in_state(state):
    return examples.progress(state=state, waiting_for=WaitingFor.ANSWERS if state is RunState.WAITING else None)


def refusal(progress, event):
    with pytest.raises(IllegalTransitionError) as raised:
        advance(progress, event)
    assert raised.value.exit_code is ExitCode.REFUSED
    return raised.value.what


@pytest.mark.parametrize(("before", "after"), list(product(PhaseStatus, PhaseStatus)))
def test_every_move_of_a_phase_is_legal_or_refused(before, after):
    progress = with_phase(before)
    if (before, after) in PHASE_MOVES:
        assert advance(progress, PHASE_EVENTS[after]).phase(PLAN).status is after
    else:
        assert refusal(progress, PHASE_EVENTS[after]) == f"Phase plan is {before}: it cannot become {after}."


@pytest.mark.parametrize(("before", "after"), list(product(WorkStatus, WorkStatus)))
def test_every_move_of_a_task_is_legal_or_refused(before, after):
    progress, event = with_task(before), WorkMoved("T1", after, NOW)
    if (before, after) in WORK_MOVES:
        assert advance(progress, event).task("T1").status is after
    else:
        assert refusal(progress, event) == f"T1 is {before}: it cannot become {after}."


def test_a_phase_keeps_what_is_told_about_it():
    started = advance(examples.progress(), PHASE_EVENTS[PhaseStatus.RUNNING])
    assert started.current_phase is PLAN
    assert started.phase(PLAN) == PhaseProgress(
        id=PLAN, status=PhaseStatus.RUNNING, model="claude-opus-5-5", started=NOW, attempts=1
    )
    done = advance(started, PHASE_EVENTS[PhaseStatus.DONE])
    assert done.phase(PLAN) == PhaseProgress(
        id=PLAN,
        status=PhaseStatus.DONE,
        summary="two tasks",
        document=DOCUMENT,
        validation=GOOD,
        model="claude-opus-5-5",
        attempts=1,
        started=NOW,
        ended=LATER,
    )
    assert [phase for phase in done.phases if phase.id is not PLAN] == [
        PhaseProgress(id=name) for name in PhaseName if name is not PLAN
    ]
    again = advance(advance(done, PhasesReopened((PLAN, PLAN))), PhaseStarted(PLAN, None, LATER))
    assert (again.phase(PLAN).attempts, again.phase(PLAN).started, again.phase(PLAN).ended) == (2, LATER, None)
    assert again.phase(PLAN).model is None


def test_a_failed_phase_says_why():
    failed = advance(with_phase(PhaseStatus.RUNNING), PhaseFailed(PLAN, "no\nplan", LATER)).phase(PLAN)
    assert (failed.summary, failed.ended) == ("no plan", LATER)
    assert failed.validation == Verdict(passed=False, reason="no\nplan")


def test_a_skipped_phase_says_why():
    assert advance(examples.progress(), PHASE_EVENTS[PhaseStatus.SKIPPED]).phase(PLAN).summary == "not needed"


def test_several_phases_are_opened_or_none():
    progress = advance(with_phase(PhaseStatus.DONE), PhaseSkipped(PhaseName.REVIEW, "no"))
    opened = advance(progress, PhasesReopened((PLAN, PhaseName.REVIEW, PhaseName.VERIFY)))
    assert {phase.status for phase in opened.phases} == {PhaseStatus.PENDING}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("short", "short"),
        ("a\n\n b\t c ", "a b c"),
        ("\x1b[31mred\x1b[0m\x00", "�[31mred�[0m�"),
        ("\u202eabc\u2028", "�abc"),
        ("file \udcff.py", "file �.py"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
        ("", ""),
    ],
)
def test_a_summary_is_made_to_fit(said, kept):
    progress = advance(with_phase(PhaseStatus.RUNNING), PhaseDone(PLAN, DOCUMENT, said, GOOD, LATER))
    assert progress.phase(PLAN).summary == kept
    assert (
        advance(with_task(WorkStatus.RUNNING), WorkMoved("T1", WorkStatus.FAILED, NOW, summary=said)).task("T1").summary
        == kept
    )


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (PhaseFailed(PLAN, "a\udcff", NOW), lambda progress: progress.phase(PLAN).validation.reason),
        (HumanNeeded(WaitingFor.APPROVAL, "a\udcff"), lambda progress: progress.reason),
        (RunEnded(RunState.FAILED, "a\udcff"), lambda progress: progress.reason),
    ],
)
def test_a_reason_that_is_no_unicode_can_be_written_down(event, reason):
    progress = advance(with_phase(PhaseStatus.RUNNING), event)
    assert reason(progress) == "a?"
    assert progress.model_dump_json()


def test_what_was_paid_is_added_to_the_phase_and_its_task():
    progress = advance(with_task(WorkStatus.RUNNING), Paid(PhaseName.IMPLEMENT, SPENT, "T1"))
    progress = advance(progress, Paid(PhaseName.IMPLEMENT, SPENT))
    assert progress.phase(PhaseName.IMPLEMENT).spent == SPENT + SPENT
    assert progress.task("T1").spent == SPENT
    assert progress.spent == SPENT + SPENT


def test_paying_for_a_task_that_is_not_there_is_refused_whole():
    assert refusal(examples.progress(), Paid(PLAN, SPENT, "T9")) == "Run L1 has no task T9."


def test_a_new_plan_replaces_all_tasks_but_the_finished_ones():
    tasks = tuple(
        WorkProgress(id=id_, title=f"old {id_}", status=status)
        for id_, status in (("T1", "done"), ("T2", "blocked"), ("T3", "pending"), ("T5", "done"), ("R1", "done"))
        for status in (WorkStatus(status),)
    )
    event = PlanSet(DOCUMENT, (("T2", "new two"), ("T5", "new five"), ("T1", "new one"), ("T4", "new four")))
    progress = advance(examples.progress(tasks=tasks), event)
    assert progress.plan == DOCUMENT
    assert [(task.id, task.title, str(task.status)) for task in progress.tasks] == [
        ("T2", "new two", "pending"),
        ("T5", "old T5", "done"),
        ("T1", "old T1", "done"),
        ("T4", "new four", "pending"),
        ("R1", "old R1", "done"),
    ]


def test_what_a_blocked_attempt_has_cost_stays_with_its_task():
    """The task's budget goes on after a correction, and the tasks' costs add up to their phase's."""
    blocked = WorkProgress(id="T1", title="old", status=WorkStatus.BLOCKED, spent=SPENT)
    progress = advance(examples.progress(tasks=(blocked,)), PlanSet(DOCUMENT, (("T1", "new"), ("T2", "more"))))
    assert [task.spent for task in progress.tasks] == [SPENT, Spent()]


def test_a_repair_round_comes_last_and_once():
    progress = advance(with_task(WorkStatus.DONE), RepairAdded("R1", "mend it"))
    assert [task.id for task in progress.tasks] == ["T1", "R1"]
    assert refusal(progress, RepairAdded("R1", "again")) == "R1 is there already."


def test_a_task_keeps_what_is_told_about_it():
    running = advance(with_task(WorkStatus.PENDING), WorkMoved("T1", WorkStatus.RUNNING, NOW, model="claude-haiku-5-5"))
    assert running.task("T1") == WorkProgress(
        id="T1", title="one", status=WorkStatus.RUNNING, model="claude-haiku-5-5", started=NOW
    )
    done = advance(
        running, WorkMoved("T1", WorkStatus.DONE, LATER, summary="it works", document=DOCUMENT, commit="e" * 40)
    )
    assert done.task("T1") == WorkProgress(
        id="T1",
        title="one",
        status=WorkStatus.DONE,
        summary="it works",
        document=DOCUMENT,
        commit="e" * 40,
        model="claude-haiku-5-5",
        started=NOW,
        ended=LATER,
    )


def test_moving_a_task_that_is_not_there_is_refused():
    assert refusal(examples.progress(), WorkMoved("T1", WorkStatus.RUNNING, NOW)) == "Run L1 has no task T1."


def test_the_head_follows_the_branch():
    assert advance(examples.progress(), HeadMoved("e" * 40)).head_sha == "e" * 40


def test_rewritten_commits_are_followed_and_others_stay():
    tasks = tuple(
        WorkProgress(id=f"T{number}", title="x", status=WorkStatus.DONE, commit=commit)
        for number, commit in enumerate(("1" * 40, "2" * 40, None), start=1)
    )
    event = CommitsRewritten((("1" * 40, "a" * 40), ("9" * 40, "b" * 40)), "c" * 40)
    progress = advance(examples.progress(tasks=tasks), event)
    assert progress.head_sha == "c" * 40
    assert [task.commit for task in progress.tasks] == ["a" * 40, "2" * 40, None]


def test_a_run_waits_and_goes_on():
    waiting = advance(examples.progress(approval=OTHER), HumanNeeded(WaitingFor.APPROVAL, "The plan waits."))
    assert (waiting.state, waiting.waiting_for, waiting.reason) == ("waiting", "approval", "The plan waits.")
    assert waiting.approval is None
    approved = advance(waiting, HumanSpoke(DOCUMENT))
    assert (approved.state, approved.waiting_for, approved.reason) == ("active", None, "")
    assert approved.approval == DOCUMENT


def test_a_wish_instead_of_an_approval_leaves_no_approval():
    waiting = advance(examples.progress(), HumanNeeded(WaitingFor.APPROVAL, "The plan waits."))
    assert advance(waiting, HumanSpoke(None)).approval is None


def test_answers_are_no_approval():
    waiting = advance(examples.progress(), HumanNeeded(WaitingFor.ANSWERS, "Which?"))
    assert refusal(waiting, HumanSpoke(DOCUMENT)) == "Run L1 waits for answers, not for an approval."
    assert advance(waiting, HumanSpoke(None)).state is RunState.ACTIVE


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.WAITING])
def test_nobody_can_speak_to_a_run_that_does_not_wait(state):
    assert refusal(in_state(state), HumanSpoke(None)) == f"Run L1 is {state}: it does not wait for a human."


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.ACTIVE])
@pytest.mark.parametrize("event", ALL_EVENTS, ids=lambda event: type(event).__name__)
def test_nothing_is_done_in_a_run_that_is_not_at_work(state, event):
    if isinstance(event, Paid | HumanSpoke | RunEnded | RunResumed):
        return
    assert refusal(in_state(state), event) == f"Run L1 is {state}: nothing can be done in it now."


@pytest.mark.parametrize("state", RunState)
def test_what_was_used_is_paid_for_in_every_state(state):
    assert advance(in_state(state), Paid(PLAN, SPENT)).spent == SPENT


@pytest.mark.parametrize("state", [state for state in RunState if state not in {RunState.ACTIVE, RunState.WAITING}])
@pytest.mark.parametrize("before", RunState)
def test_a_run_ends_once(before, state):
    event = RunEnded(state, "so it is")
    if before in {RunState.ACTIVE, RunState.WAITING}:
        ended = advance(in_state(before), event)
        assert (ended.state, ended.waiting_for, ended.reason) == (state, None, "so it is")
    else:
        assert refusal(in_state(before), event) == f"Run L1 is {before} already."


@pytest.mark.parametrize("state", [RunState.ACTIVE, RunState.WAITING])
def test_work_is_no_end(state):
    assert refusal(examples.progress(), RunEnded(state, "")) == f"{state} is no end."


@pytest.mark.parametrize("state", RunState)
def test_what_can_be_resumed(state):
    if state in {RunState.ACTIVE, RunState.FAILED, RunState.CANCELLED}:
        assert advance(in_state(state), RunResumed()).state is RunState.ACTIVE
    else:
        assert refusal(in_state(state), RunResumed()) == f"Run L1 is {state}: there is nothing to resume."


def test_resuming_puts_back_what_was_at_work_or_failed_and_nothing_else():
    phases = tuple(
        PhaseProgress(id=name, status=status, spent=SPENT)
        for name, status in zip(PhaseName, [*PhaseStatus, "done"], strict=True)
        for status in (PhaseStatus(status),)
    )
    tasks = tuple(
        WorkProgress(id=f"T{number}", title="x", status=status, spent=SPENT)
        for number, status in enumerate(WorkStatus, start=1)
    )
    failed = examples.progress(state=RunState.FAILED, reason="a gate", phases=phases, tasks=tasks, approval=DOCUMENT)
    resumed = advance(failed, RunResumed())
    assert [str(phase.status) for phase in resumed.phases] == [
        "pending",
        "pending",
        "done",
        "pending",
        "skipped",
        "done",
    ]
    assert [str(task.status) for task in resumed.tasks] == ["pending", "pending", "done", "blocked", "pending"]
    assert (resumed.state, resumed.reason, resumed.approval) == ("active", "", DOCUMENT)
    assert resumed.spent == failed.spent


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (HeadMoved("main"), "HeadMoved does not fit into run L1: head_sha: String should match"),
        (PhaseDone(PLAN, "plan.json", "", GOOD, NOW), "PhaseDone does not fit into run L1: phases.1.document: String"),
        (PlanSet("x", ()), "PlanSet does not fit into run L1: plan: String should match"),
        (PlanSet(DOCUMENT, (("X1", "one"),)), "PlanSet does not fit into run L1: id: String should match"),
        (
            PlanSet(DOCUMENT, (("T1", "a"), ("T1", "b"))),
            "PlanSet does not fit into run L1: document: a task is there tw",
        ),
        (RepairAdded("R0", "mend"), "RepairAdded does not fit into run L1: id: String should match"),
        (RepairAdded("R1", "\x1b"), "RepairAdded does not fit into run L1: title: String should match"),
        (HumanNeeded(None, "why"), "HumanNeeded does not fit into run L1: document: waiting_for goes with the state"),
        (CommitsRewritten((), "x"), "CommitsRewritten does not fit into run L1: head_sha: String should match"),
        (object(), "object is no event of run L1."),
    ],
)
def test_an_event_that_the_file_cannot_carry_is_refused(event, message):
    assert message in refusal(with_phase(PhaseStatus.RUNNING), event)
