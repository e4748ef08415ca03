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
    if _is_unfinished(progress, PhaseName.RESEARCH):
        return Step.RESEARCH
    if _is_unfinished(progress, PhaseName.PLAN):
        return Step.PLAN
    if progress.approval is None:
        return Step.PUBLISH_PLAN
    if any(task.status is WorkStatus.BLOCKED for task in progress.tasks):
        return Step.CORRECT
    return next((step for phase, step in _IN_ORDER if _is_unfinished(progress, phase)), Step.PUBLISH)


def _is_unfinished(progress: Progress, name: PhaseName) -> bool:
    """Say whether a phase is still to be done, so that nothing jumps over it: one at work, or refused by its gate."""
    phase = progress.phase(name)
    if phase.status is PhaseStatus.DONE:
        return phase.validation is not None and not phase.validation.passed
    return phase.status is not PhaseStatus.SKIPPED
