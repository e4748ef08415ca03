"""The pipeline on one machine: the steps in order, in one process, each leaving its documents and its progress.

What belongs together is booked together: a run that dies between two bookings goes on where it was.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from phasegate.documents.base import Digest, Step
from phasegate.documents.change_set import Blocked, ChangeSet
from phasegate.documents.gate_report import GateReport
from phasegate.documents.interview import Questions
from phasegate.documents.plan import Plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import (
    PhaseName,
    PhaseStatus,
    Progress,
    RunState,
    Verdict,
    WaitingFor,
    WorkStatus,
)
from phasegate.documents.progress_events import (
    Event,
    HumanNeeded,
    PhaseDone,
    PhaseFailed,
    PhasesReopened,
    PhaseStarted,
    PlanSet,
    RepairAdded,
    RunEnded,
)
from phasegate.doors.model import NoModel
from phasegate.errors import GateFailedError, UserError
from phasegate.phases.approved import approved_plan, approved_subject, why_approval_is_void
from phasegate.phases.branch import publish_plan
from phasegate.phases.correct import correct
from phasegate.phases.gates import NO_GATES
from phasegate.phases.implement import implement
from phasegate.phases.plan import plan
from phasegate.phases.primer import draft_primer
from phasegate.phases.publish import publish_change, publish_primer
from phasegate.phases.research import research
from phasegate.phases.review import review
from phasegate.phases.rounds import corrections, refused_by_gates, refused_by_review
from phasegate.phases.setting import Setting, Worker, WorkerEnded, WorkerStarted
from phasegate.phases.verify import change_set, verify
from phasegate.policy.approval import within_approved
from phasegate.policy.config import Tier
from phasegate.policy.flow import next_step
from phasegate.policy.validation import verdict
from phasegate.publishing.words import counted
from phasegate.steps import STEPS, Power

PLAN_WAITS = "The plan waits for approval."
_GOOD = Verdict(passed=True, reason="")


def go_on(setting: Setting) -> Progress:
    """Work until the run waits for a human or is over; return where it is then.

    Raises `UserError` when a step cannot be done: the progress says so too, and `resume` tries again.
    """
    while (step := next_step(setting.store.progress)) is not None:
        perform(step, setting)
    return setting.store.progress


def perform(step: Step, setting: Setting) -> None:
    """Do one step, the next one, with no more power than it may hold. Raises as `go_on` does.

    If it needs an approval that does not hold any more, the run waits for a new one instead.
    """
    void = why_approval_is_void(setting) if "approval" in STEPS[step].needs else None
    if void is not None:
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, f"The approval does not hold any more: {void}."))
    else:
        _STEPS[step](with_power_of(step, setting))


def with_power_of(step: Step, setting: Setting) -> Setting:
    """Return the setting without what the step may not hold: no key, no model; no right to execute, no sandbox."""
    facts = STEPS[step]
    model = setting.model if facts.power is Power.MODEL_KEY else NoModel(f"The step {step} may not ask a model")
    return replace(setting, model=model, sandbox=setting.sandbox if facts.sandboxed else None)


@contextmanager
def _phase(setting: Setting, name: PhaseName, tier: Tier | None) -> Iterator[None]:
    """Book a phase's beginning, and its failure if it fails."""
    model = tier.model if tier else None
    is_open = setting.store.progress.phase(name).status is PhaseStatus.PENDING
    opened = () if is_open else (PhasesReopened((name,)),)
    setting.store.advance(*opened, PhaseStarted(name, model, setting.clock.now()))
    setting.watch(Worker(name), WorkerStarted(str(name), model))
    try:
        yield
    except UserError as error:
        setting.watch(Worker(name), WorkerEnded(good=False, summary=error.what))
        ended = RunEnded(RunState.FAILED, error.what)
        setting.store.advance(PhaseFailed(name, error.what, setting.clock.now()), ended)
        raise


def _done(
    setting: Setting, name: PhaseName, document: Digest, summary: str, said: Verdict = _GOOD, *then: Event
) -> None:
    """Book a phase's end together with what follows from it."""
    setting.store.advance(PhaseDone(name, document, summary, said, setting.clock.now()), *then)
    setting.watch(Worker(name), WorkerEnded(said.passed, summary))


def _research(setting: Setting) -> None:
    with _phase(setting, PhaseName.RESEARCH, setting.config.models.research):
        findings = research(setting)
    cited = counted(len(findings.payload.cited_paths()), "cited path")
    said = verdict([], good=f"{cited}, all there at the base")
    _done(setting, PhaseName.RESEARCH, setting.store.put(findings), findings.payload.asked, said)


def _plan(setting: Setting) -> None:
    primer = setting.store.progress.purpose == "primer"
    with _phase(setting, PhaseName.PLAN, setting.config.models.plan):
        made = draft_primer(setting) if primer else plan(setting)
    digest = setting.store.put(made)
    match made:
        case Questions():
            asked = f"asks {counted(len(made.payload.questions), 'question')}"
            _done(setting, PhaseName.PLAN, digest, asked, _GOOD, _answers_needed())
        case Plan():
            tasks, files = counted(len(made.payload.tasks), "task"), counted(len(made.scope), "file")
            said = verdict([], good=f"{tasks}, {files}, none protected")
            _done(setting, PhaseName.PLAN, digest, made.payload.title, said, _plan_set(made))
        case PrimerDraft():
            _done(setting, PhaseName.PLAN, digest, "a draft of the primer", _GOOD, PlanSet(digest, ()))


def _plan_set(made: Plan) -> PlanSet:
    return PlanSet(made.digest, tuple((task.id, task.title) for task in made.payload.tasks))


def _answers_needed() -> HumanNeeded:
    return HumanNeeded(WaitingFor.ANSWERS, "The planner has questions.")


def _publish_plan(setting: Setting) -> None:
    """Put the plan where a human can read it, and wait for them; or for answers that are still missing."""
    progress = setting.store.progress
    planned = progress.phase(PhaseName.PLAN).document
    if any(asked.digest == planned for asked in setting.store.all(Questions)):
        setting.store.advance(_answers_needed())
    elif progress.purpose == "primer":
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, "The draft of the primer waits for approval."))
    elif progress.purpose == "findings":
        setting.store.advance(RunEnded(RunState.DONE, "The findings are there; nothing else was asked for."))
    else:
        publish_plan(setting, setting.store.get(progress.plan or "", Plan))
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, PLAN_WAITS))


def _implement(setting: Setting) -> None:
    with _phase(setting, PhaseName.IMPLEMENT, setting.config.models.implement):
        implement(setting)
        tasks = setting.store.progress.tasks
        if any(task.status is not WorkStatus.DONE for task in tasks):  # blocked, or left to the next slice
            setting.store.advance(PhasesReopened((PhaseName.IMPLEMENT,)))
            return
        change = change_set(setting, approved_plan(setting))
    files, done = counted(len(change.payload.entries), "file"), counted(len(tasks), "task")
    said = verdict([], good=f"{files} changed, all in scope, none protected")
    _done(setting, PhaseName.IMPLEMENT, setting.store.put(change), f"{done}, {files}", said)


def _correct(setting: Setting) -> None:
    tasks = [task for task in setting.store.progress.tasks if task.status is WorkStatus.BLOCKED]
    blocked = [setting.store.get(task.document or "", Blocked) for task in tasks]
    ids = ", ".join(task.id for task in tasks)
    if corrections(setting) >= setting.config.correct.rounds:
        reason = f"{ids} blocked, and no correction is left: {tasks[0].summary}"
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, reason))
        return
    before = approved_plan(setting)
    with _phase(setting, PhaseName.CORRECT, setting.config.models.correct):
        after = correct(setting, before, blocked)
    within = within_approved(approved_subject(setting), after)
    said = verdict([], good="within the approved scope" if within else "beyond the approved scope: a human decides")
    summary = f"{ids}: {blocked[0].payload.blocked.reason}"
    done = PhaseDone(PhaseName.CORRECT, setting.store.put(after), summary, said, setting.clock.now())
    needed = HumanNeeded(WaitingFor.APPROVAL, f"{ids} needs more than what was approved.")
    publish_plan(setting, after, done, _plan_set(after), *(() if within else (needed,)))
    setting.watch(Worker(PhaseName.CORRECT), WorkerEnded(good=True, summary=summary))


def _verify(setting: Setting) -> None:
    change = setting.store.get(setting.store.progress.phase(PhaseName.IMPLEMENT).document or "", ChangeSet)
    with _phase(setting, PhaseName.VERIFY, None):
        report = verify(setting, change)
    digest = setting.store.put(report)
    failed = [gate.name for gate in report.payload.gates if gate.required and not gate.passed]
    passed = counted(len(report.payload.gates), "gate") + " passed" if report.payload.gates else NO_GATES
    said = verdict([f"the gate {name} failed" for name in failed], good=passed)
    may = refused_by_gates(setting) <= setting.config.verify.rounds
    then = _repair(setting, f"Repair what the gate {failed[0]} found", said.reason, may=may) if failed else ()
    _done(setting, PhaseName.VERIFY, digest, said.reason, said, *then)
    _raise_if_ended(setting)


def _review(setting: Setting) -> None:
    progress = setting.store.progress
    change = setting.store.get(progress.phase(PhaseName.IMPLEMENT).document or "", ChangeSet)
    report = setting.store.get(progress.phase(PhaseName.VERIFY).document or "", GateReport)
    with _phase(setting, PhaseName.REVIEW, setting.config.models.review):
        made = review(setting, approved_plan(setting), change, report)
    digest, wants = setting.store.put(made), made.payload.verdict == "changes"
    said = Verdict(passed=not wants, reason=f"the reviewer says: {made.payload.verdict}")
    may = refused_by_review(setting) <= setting.config.review.rounds
    then = _repair(setting, "Do what the review asks for", said.reason, may=may) if wants else ()
    _done(setting, PhaseName.REVIEW, digest, made.payload.summary, said, *then)
    _raise_if_ended(setting)


def _repair(setting: Setting, title: str, reason: str, *, may: bool) -> tuple[Event, ...]:
    """Return what is booked after a gate said no: a repair round and what is to be done again, or the run's end."""
    if not may:
        return (RunEnded(RunState.FAILED, f"{reason}, and all repair rounds are used"),)
    rounds = sum(task.id.startswith("R") for task in setting.store.progress.tasks)
    again = (PhaseName.IMPLEMENT, PhaseName.VERIFY, PhaseName.REVIEW)
    return (RepairAdded(f"R{rounds + 1}", title), PhasesReopened(again))


def _raise_if_ended(setting: Setting) -> None:
    progress = setting.store.progress
    if progress.ended:
        raise GateFailedError(
            f"The run ends with a failed gate: {progress.reason}.",
            mend=f"The branch {progress.branch} has what was done; `phasegate show {progress.run}` says what failed. "
            f"`phasegate resume {progress.run}` asks that gate once more.",
        )


def _publish(setting: Setting) -> None:
    if setting.store.progress.purpose == "primer":
        publish_primer(setting)
    else:
        publish_change(setting)


_STEPS: Mapping[Step, Callable[[Setting], None]] = {
    Step.RESEARCH: _research,
    Step.PLAN: _plan,
    Step.PUBLISH_PLAN: _publish_plan,
    Step.IMPLEMENT: _implement,
    Step.CORRECT: _correct,
    Step.VERIFY: _verify,
    Step.REVIEW: _review,
    Step.PUBLISH: _publish,
}
