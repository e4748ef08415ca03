"""What to do next in a run: a pure function of its progress."""

from phasegate.documents.base import Step
from phasegate.documents.progress import PhaseName, PhaseStatus, Progress, RunState, WorkStatus

_IN_ORDER = (
    (PhaseName.IMPLEMENT, Step.IMPLEMENT),
    (PhaseName.VERIFY, Step.VERIFY),
    (PhaseName.REVIEW, Step.REVIEW),
)


def next_step(progress: Progress) -> Step | None:
    """Return the next step, or None when the run waits for a human or is over."""
    if progress.state is not RunState.ACTIVE:
        return None
    if _is_open(progress, PhaseName.RESEARCH):
        return Step.RESEARCH
    if _is_open(progress, PhaseName.PLAN):
        return Step.PLAN
    if progress.approval is None:
        return Step.PUBLISH_PLAN
    if any(task.status is WorkStatus.BLOCKED for task in progress.tasks):
        return Step.CORRECT
    return next((step for phase, step in _IN_ORDER if _is_open(progress, phase)), Step.PUBLISH)


def _is_open(progress: Progress, phase: PhaseName) -> bool:
    return progress.phase(phase).status is PhaseStatus.PENDING
