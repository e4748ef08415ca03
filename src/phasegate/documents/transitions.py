"""The state machine of a run: one pure function, and an illegal transition is an error, not a repair."""

from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import TypeVar

from pydantic import ValidationError

from phasegate.documents.parsing import field_errors, shown
from phasegate.documents.progress import (
    PhaseProgress,
    PhaseStatus,
    Progress,
    RunState,
    Spent,
    Verdict,
    WaitingFor,
    WorkProgress,
    WorkStatus,
)
from phasegate.documents.progress_events import (
    CommitsRewritten,
    Event,
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
from phasegate.errors import RefusedError

SUMMARY_LIMIT = 300
_Entry = TypeVar("_Entry", PhaseProgress, WorkProgress)


class IllegalTransitionError(RefusedError):
    """Something was to happen that cannot happen in this state."""


_PHASE_MOVES: Mapping[PhaseStatus, frozenset[PhaseStatus]] = {
    PhaseStatus.PENDING: frozenset({PhaseStatus.RUNNING, PhaseStatus.SKIPPED}),
    PhaseStatus.RUNNING: frozenset({PhaseStatus.DONE, PhaseStatus.FAILED, PhaseStatus.PENDING}),
    PhaseStatus.DONE: frozenset({PhaseStatus.PENDING}),
    PhaseStatus.FAILED: frozenset({PhaseStatus.PENDING}),
    PhaseStatus.SKIPPED: frozenset({PhaseStatus.PENDING}),
}
_WORK_MOVES: Mapping[WorkStatus, frozenset[WorkStatus]] = {
    WorkStatus.PENDING: frozenset({WorkStatus.RUNNING}),
    WorkStatus.RUNNING: frozenset({WorkStatus.DONE, WorkStatus.BLOCKED, WorkStatus.FAILED, WorkStatus.PENDING}),
    WorkStatus.BLOCKED: frozenset({WorkStatus.PENDING}),
    WorkStatus.FAILED: frozenset({WorkStatus.PENDING}),
    WorkStatus.DONE: frozenset(),
}
_RESUMABLE = frozenset({RunState.ACTIVE, RunState.FAILED, RunState.CANCELLED})


def advance(progress: Progress, event: Event) -> Progress:
    """Return the progress after the event, which is valid again.

    Raises `IllegalTransitionError`, also for an event that carries what the progress file cannot.
    """
    if progress.state is not RunState.ACTIVE and not isinstance(event, HumanSpoke | RunEnded | RunResumed | Paid):
        raise IllegalTransitionError(f"Run {progress.run} is {progress.state}: nothing can be done in it now.")
    try:
        return Progress.model_validate(_apply(event, progress).model_dump())
    except ValidationError as error:
        what = f"{type(event).__name__} does not fit into run {progress.run}: "
        raise IllegalTransitionError(what + "; ".join(field_errors(error)) + ".") from None


@singledispatch
def _apply(event: Event, progress: Progress) -> Progress:
    raise IllegalTransitionError(f"{type(event).__name__} is no event of run {progress.run}.")


@_apply.register
def _(event: PhaseStarted, progress: Progress) -> Progress:
    phase = _moved(progress.phase(event.phase), PhaseStatus.RUNNING)
    phase = phase.model_copy(
        update={"model": event.model, "started": event.at, "ended": None, "attempts": phase.attempts + 1}
    )
    return _with_phase(progress, phase).model_copy(update={"current_phase": event.phase})


@_apply.register
def _(event: PhaseDone, progress: Progress) -> Progress:
    phase = _moved(progress.phase(event.phase), PhaseStatus.DONE)
    changes = {"document": event.document, "summary": _cut(event.summary), "validation": event.validation}
    return _with_phase(progress, phase.model_copy(update={**changes, "ended": event.at}))


@_apply.register
def _(event: PhaseFailed, progress: Progress) -> Progress:
    phase = _moved(progress.phase(event.phase), PhaseStatus.FAILED)
    changes = {"summary": _cut(event.reason), "validation": Verdict(passed=False, reason=_storable(event.reason))}
    return _with_phase(progress, phase.model_copy(update={**changes, "ended": event.at}))


@_apply.register
def _(event: PhasesReopened, progress: Progress) -> Progress:
    for name in event.phases:
        phase = progress.phase(name)
        if phase.status is not PhaseStatus.PENDING:
            progress = _with_phase(progress, _moved(phase, PhaseStatus.PENDING))
    return progress


@_apply.register
def _(event: PhaseSkipped, progress: Progress) -> Progress:
    phase = _moved(progress.phase(event.phase), PhaseStatus.SKIPPED)
    return _with_phase(progress, phase.model_copy(update={"summary": _cut(event.reason)}))


@_apply.register
def _(event: Paid, progress: Progress) -> Progress:
    phase = progress.phase(event.phase)
    progress = _with_phase(progress, phase.model_copy(update={"spent": phase.spent + event.spent}))
    if event.task is None:
        return progress
    task = _task(progress, event.task)
    return _with_task(progress, task.model_copy(update={"spent": task.spent + event.spent}))


@_apply.register
def _(event: PlanSet, progress: Progress) -> Progress:
    done = tuple(task for task in progress.tasks if task.status is WorkStatus.DONE)
    kept = {task.id for task in done}
    before = {task.id: task.spent for task in progress.tasks}
    new = tuple(
        WorkProgress(id=id_, title=title, spent=before.get(id_, Spent()))
        for id_, title in event.tasks
        if id_ not in kept
    )
    order = [id_ for id_, _ in event.tasks]
    tasks = sorted((*done, *new), key=lambda task: order.index(task.id) if task.id in order else len(order))
    return progress.model_copy(update={"plan": event.plan, "tasks": tuple(tasks)})


@_apply.register
def _(event: RepairAdded, progress: Progress) -> Progress:
    if progress.task(event.id) is not None:
        raise IllegalTransitionError(f"{event.id} is there already.")
    return progress.model_copy(update={"tasks": (*progress.tasks, WorkProgress(id=event.id, title=event.title))})


@_apply.register
def _(event: WorkMoved, progress: Progress) -> Progress:
    task = _task(progress, event.id)
    if event.status not in _WORK_MOVES[task.status]:
        raise IllegalTransitionError(f"{task.id} is {task.status}: it cannot become {event.status}.")
    running = event.status is WorkStatus.RUNNING
    changes = {
        "status": event.status,
        "model": event.model or task.model,
        "summary": _cut(event.summary),
        "document": event.document,
        "commit": event.commit,
        "started": event.at if running else task.started,
        "ended": None if running else event.at,
    }
    return _with_task(progress, task.model_copy(update=changes))


@_apply.register
def _(event: HeadMoved, progress: Progress) -> Progress:
    return progress.model_copy(update={"head_sha": event.head_sha})


@_apply.register
def _(event: CommitsRewritten, progress: Progress) -> Progress:
    new = dict(event.pairs)
    tasks = (task.model_copy(update={"commit": new.get(task.commit or "", task.commit)}) for task in progress.tasks)
    return progress.model_copy(update={"head_sha": event.head_sha, "tasks": tuple(tasks)})


@_apply.register
def _(event: HumanNeeded, progress: Progress) -> Progress:
    reason = _storable(event.reason)
    changes = {"state": RunState.WAITING, "waiting_for": event.waiting_for, "reason": reason, "approval": None}
    return progress.model_copy(update=changes)


@_apply.register
def _(event: HumanSpoke, progress: Progress) -> Progress:
    if progress.state is not RunState.WAITING:
        raise IllegalTransitionError(f"Run {progress.run} is {progress.state}: it does not wait for a human.")
    if event.approval is not None and progress.waiting_for is not WaitingFor.APPROVAL:
        raise IllegalTransitionError(f"Run {progress.run} waits for {progress.waiting_for}, not for an approval.")
    changes = {"state": RunState.ACTIVE, "waiting_for": None, "reason": "", "approval": event.approval}
    return progress.model_copy(update=changes)


@_apply.register
def _(event: RunEnded, progress: Progress) -> Progress:
    if progress.ended:
        raise IllegalTransitionError(f"Run {progress.run} is {progress.state} already.")
    if event.state in {RunState.ACTIVE, RunState.WAITING}:
        raise IllegalTransitionError(f"{event.state} is no end.")
    return progress.model_copy(update={"state": event.state, "waiting_for": None, "reason": _storable(event.reason)})


@_apply.register
def _(_event: RunResumed, progress: Progress) -> Progress:
    if progress.state not in _RESUMABLE:
        raise IllegalTransitionError(f"Run {progress.run} is {progress.state}: there is nothing to resume.")
    phases = tuple(_put_back(phase) for phase in progress.phases)
    tasks = tuple(_put_back_task(task) for task in progress.tasks)
    changes = {"state": RunState.ACTIVE, "reason": "", "phases": phases, "tasks": tasks}
    return progress.model_copy(update=changes)


def _put_back(phase: PhaseProgress) -> PhaseProgress:
    unfinished = phase.status in {PhaseStatus.RUNNING, PhaseStatus.FAILED}
    return _moved(phase, PhaseStatus.PENDING) if unfinished else phase


def _put_back_task(task: WorkProgress) -> WorkProgress:
    unfinished = task.status in {WorkStatus.RUNNING, WorkStatus.FAILED}
    return task.model_copy(update={"status": WorkStatus.PENDING}) if unfinished else task


def _moved(phase: PhaseProgress, status: PhaseStatus) -> PhaseProgress:
    if status not in _PHASE_MOVES[phase.status]:
        raise IllegalTransitionError(f"Phase {phase.id} is {phase.status}: it cannot become {status}.")
    return phase.model_copy(update={"status": status})


def _task(progress: Progress, work_id: str) -> WorkProgress:
    task = progress.task(work_id)
    if task is None:
        raise IllegalTransitionError(f"Run {progress.run} has no task {work_id}.")
    return task


def _with_phase(progress: Progress, phase: PhaseProgress) -> Progress:
    return progress.model_copy(update={"phases": _replaced(progress.phases, phase)})


def _with_task(progress: Progress, task: WorkProgress) -> Progress:
    return progress.model_copy(update={"tasks": _replaced(progress.tasks, task)})


def _replaced(entries: Iterable[_Entry], new: _Entry) -> tuple[_Entry, ...]:
    return tuple(new if entry.id == new.id else entry for entry in entries)


def _cut(text: str) -> str:
    return shown(" ".join(text.split()), SUMMARY_LIMIT)


def _storable(text: str) -> str:
    """Return the text without what UTF-8 cannot carry, such as a file's name that was no text."""
    return text.encode("utf-8", "replace").decode()
