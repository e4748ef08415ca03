"""The pipeline on one machine: the steps in order, in one process, each leaving its documents and its progress."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from phasegate.documents.base import Digest, Step
from phasegate.documents.change_set import Blocked, ChangeSet
from phasegate.documents.gate_report import GateReport
from phasegate.documents.interview import Questions
from phasegate.documents.plan import Plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import PhaseName, Progress, RunState, Verdict, WaitingFor, WorkStatus
from phasegate.documents.progress_events import (
    HumanNeeded,
    PhaseDone,
    PhaseFailed,
    PhasesReopened,
    PhaseStarted,
    PlanSet,
    RepairAdded,
    RunEnded,
)
from phasegate.documents.review import Review
from phasegate.doors.git import FileChange
from phasegate.doors.model import NoModel
from phasegate.errors import GateFailedError, RefusedError, UserError
from phasegate.phases.branch import append, publish_plan, sign_off, sync
from phasegate.phases.correct import correct
from phasegate.phases.implement import approved_plan, approved_subject, implement
from phasegate.phases.plan import plan
from phasegate.phases.primer import draft_primer
from phasegate.phases.research import research
from phasegate.phases.review import review
from phasegate.phases.setting import Setting, Worker, WorkerEnded, WorkerStarted
from phasegate.phases.verify import change_set, verify
from phasegate.policy.approval import within_approved
from phasegate.policy.config import PRIMER_PATH, Tier
from phasegate.policy.flow import next_step
from phasegate.policy.validation import verdict
from phasegate.steps import STEPS, Power

_GOOD = Verdict(passed=True, reason="")


def go_on(setting: Setting) -> Progress:
    """Work until the run waits for a human or is over; return where it is then.

    Raises `UserError` when a step cannot be done: the progress says so too, and `resume` tries again.
    """
    while (step := next_step(setting.store.progress)) is not None:
        _STEPS[step](_with_power_of(step, setting))
    return setting.store.progress


def _with_power_of(step: Step, setting: Setting) -> Setting:
    """Return the setting without what the step may not hold: no key, no model; no right to execute, no sandbox."""
    facts = STEPS[step]
    model = setting.model if facts.power is Power.MODEL_KEY else NoModel(f"The step {step} may not ask a model")
    return replace(setting, model=model, sandbox=setting.sandbox if facts.sandboxed else None)


@contextmanager
def _phase(setting: Setting, name: PhaseName, tier: Tier | None) -> Iterator[None]:
    """Book a phase's beginning, and its failure if it fails."""
    model = tier.model if tier else None
    setting.store.advance(PhaseStarted(name, model, setting.clock.now()))
    setting.watch(Worker(name), WorkerStarted(str(name), model))
    try:
        yield
    except UserError as error:
        setting.watch(Worker(name), WorkerEnded(good=False, summary=error.what))
        ended = RunEnded(RunState.FAILED, error.what)
        setting.store.advance(PhaseFailed(name, error.what, setting.clock.now()), ended)
        raise


def _done(setting: Setting, name: PhaseName, document: Digest, summary: str, said: Verdict = _GOOD) -> None:
    setting.store.advance(PhaseDone(name, document, summary, said, setting.clock.now()))
    setting.watch(Worker(name), WorkerEnded(said.passed, summary))


def _research(setting: Setting) -> None:
    with _phase(setting, PhaseName.RESEARCH, setting.config.models.research):
        findings = research(setting)
    cited = len(findings.payload.cited_paths())
    said = verdict([], good=f"all {cited} cited paths exist at the base")
    _done(setting, PhaseName.RESEARCH, setting.store.put(findings), findings.payload.asked, said)


def _plan(setting: Setting) -> None:
    primer = setting.store.progress.purpose == "primer"
    with _phase(setting, PhaseName.PLAN, setting.config.models.plan):
        made = draft_primer(setting) if primer else plan(setting)
    digest = setting.store.put(made)
    match made:
        case Questions():
            asked = f"asks {len(made.payload.questions)} questions"
            _done(setting, PhaseName.PLAN, digest, asked)
            setting.store.advance(HumanNeeded(WaitingFor.ANSWERS, "The planner has questions."))
        case Plan():
            said = verdict([], good=f"{len(made.payload.tasks)} tasks, {len(made.scope)} files, none protected")
            _done(setting, PhaseName.PLAN, digest, made.payload.title, said)
            setting.store.advance(_plan_set(made))
        case PrimerDraft():
            _done(setting, PhaseName.PLAN, digest, "a draft of the primer")
            setting.store.advance(PlanSet(digest, ()))


def _plan_set(made: Plan) -> PlanSet:
    return PlanSet(made.digest, tuple((task.id, task.title) for task in made.payload.tasks))


def _publish_plan(setting: Setting) -> None:
    progress = setting.store.progress
    if progress.purpose == "primer":
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, "The draft of the primer waits for approval."))
        return
    publish_plan(setting, _plan_in_force(setting))
    setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, "The plan waits for approval."))


def _plan_in_force(setting: Setting) -> Plan:
    digest = setting.store.progress.plan
    if digest is None:
        raise RefusedError(f"Run {setting.store.progress.run} has no plan yet.")
    return setting.store.get(digest, Plan)


def _implement(setting: Setting) -> None:
    with _phase(setting, PhaseName.IMPLEMENT, setting.config.models.implement):
        implement(setting)
        tasks = setting.store.progress.tasks
        if any(task.status is WorkStatus.BLOCKED for task in tasks):
            setting.store.advance(PhasesReopened((PhaseName.IMPLEMENT,)))
            return
        change = change_set(setting, approved_plan(setting))
    files = len(change.payload.entries)
    said = verdict([], good=f"all {files} changed files are in scope, none is protected")
    _done(setting, PhaseName.IMPLEMENT, setting.store.put(change), f"{len(tasks)} tasks, {files} files", said)


def _correct(setting: Setting) -> None:
    before = approved_plan(setting)
    task = next(task for task in setting.store.progress.tasks if task.status is WorkStatus.BLOCKED)
    blocked = setting.store.get(task.document or "", Blocked)
    if _corrections(setting) > setting.config.correct.rounds:
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, f"{task.id} is blocked again: {task.summary}"))
        return
    setting.store.advance(PhasesReopened((PhaseName.CORRECT,)))
    with _phase(setting, PhaseName.CORRECT, setting.config.models.correct):
        after = correct(setting, before, blocked)
    digest = setting.store.put(after)
    within = within_approved(approved_subject(setting), after)
    said = verdict([], good="within the approved scope" if within else "beyond the approved scope: a human decides")
    _done(setting, PhaseName.CORRECT, digest, f"{task.id}: {blocked.payload.blocked.reason}", said)
    setting.store.advance(_plan_set(after))
    publish_plan(setting, after)
    if not within:
        setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, f"{task.id} needs more than what was approved."))


def _corrections(setting: Setting) -> int:
    """Return how many tasks were blocked under the approval that holds now."""
    approval = setting.store.progress.approval
    return sum(approval in blocked.parents for blocked in setting.store.all(Blocked))


def _verify(setting: Setting) -> None:
    change = setting.store.get(setting.store.progress.phase(PhaseName.IMPLEMENT).document or "", ChangeSet)
    with _phase(setting, PhaseName.VERIFY, None):
        report = verify(setting, change)
    failed = [gate.name for gate in report.payload.gates if gate.required and not gate.passed]
    said = verdict([f"the gate {name} failed" for name in failed], good=f"{len(report.payload.gates)} gates passed")
    digest = setting.store.put(report)
    _done(setting, PhaseName.VERIFY, digest, said.reason, said)
    if failed:
        failures = sum(not old.payload.passed for old in setting.store.all(GateReport))
        may = failures <= setting.config.verify.rounds
        _repair(setting, f"Repair what the gate {failed[0]} found", said.reason, may=may)


def _review(setting: Setting) -> None:
    progress = setting.store.progress
    change = setting.store.get(progress.phase(PhaseName.IMPLEMENT).document or "", ChangeSet)
    report = setting.store.get(progress.phase(PhaseName.VERIFY).document or "", GateReport)
    with _phase(setting, PhaseName.REVIEW, setting.config.models.review):
        made = review(setting, approved_plan(setting), change, report)
    wants = made.payload.verdict == "changes"
    said = Verdict(passed=not wants, reason=f"the reviewer says: {made.payload.verdict}")
    _done(setting, PhaseName.REVIEW, setting.store.put(made), made.payload.summary, said)
    if wants:
        asked = sum(old.payload.verdict == "changes" for old in setting.store.all(Review))
        _repair(setting, "Do what the review asks for", said.reason, may=asked <= setting.config.review.rounds)


def _repair(setting: Setting, title: str, reason: str, *, may: bool) -> None:
    """Add a repair round and open what has to be done again, or end the run."""
    if not may:
        setting.store.advance(RunEnded(RunState.FAILED, reason))
        raise GateFailedError(
            f"The run ends with a failed gate: {reason}, and all repair rounds are used.",
            mend=f"The branch {setting.store.progress.branch} has what was done; `phasegate show` says what failed.",
        )
    rounds = sum(task.id.startswith("R") for task in setting.store.progress.tasks)
    again = (PhaseName.IMPLEMENT, PhaseName.VERIFY, PhaseName.REVIEW)
    setting.store.advance(RepairAdded(f"R{rounds + 1}", title), PhasesReopened(again))


def _publish(setting: Setting) -> None:
    progress = setting.store.progress
    if progress.purpose == "primer":
        _publish_primer(setting)
        return
    reviewed_by = progress.phase(PhaseName.REVIEW).model
    if reviewed_by is not None:
        sign_off(setting, reviewed_by)
    commits = sum(task.status is WorkStatus.DONE for task in progress.tasks)
    setting.store.advance(RunEnded(RunState.DONE, f"{commits} commits on {progress.branch}"))


def _publish_primer(setting: Setting) -> None:
    progress = setting.store.progress
    draft = setting.store.get(progress.plan or "", PrimerDraft)
    sync(setting)
    text = draft.payload.primer.text.encode() + b"\n"
    trailer = f"Planned-by: {draft.made_by.model}\nPhasegate-Plan: {progress.run} {draft.digest[:12]}\n"
    if setting.git.read(progress.head_sha, PRIMER_PATH) != text:
        append(setting, [FileChange(PRIMER_PATH, text)], f"Describe the repository in {PRIMER_PATH}\n\n{trailer}")
    setting.store.advance(RunEnded(RunState.DONE, f"{PRIMER_PATH} on {progress.branch}"))


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
