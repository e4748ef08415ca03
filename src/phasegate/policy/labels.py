"""The labels of phasegate: three that start a run, and one for each state that a run can be in."""

from collections.abc import Mapping

from phasegate.documents.progress import RunState
from phasegate.policy.events import START_LABELS

PREFIX = "phasegate:"


def label_of(state: RunState) -> str:
    """Return the label that shows a state; it starts nothing and proves nothing."""
    return f"{PREFIX}{state.value}"


STATE_LABELS: tuple[str, ...] = tuple(label_of(state) for state in RunState)

DESCRIPTIONS: Mapping[str, str] = {
    "phasegate": "Start phasegate: research, plan, and a draft pull request to approve",
    "phasegate:research": "Start phasegate: research only, findings as a comment",
    "phasegate:plan": "Start phasegate: plan without research, for small things",
    label_of(RunState.ACTIVE): "phasegate is at work on this",
    label_of(RunState.WAITING): "phasegate waits for a person",
    label_of(RunState.DONE): "phasegate is done: the pull request is ready for review",
    label_of(RunState.FAILED): "phasegate stopped at a failure",
    label_of(RunState.REJECTED): "The plan was rejected",
    label_of(RunState.MANUAL): "A person goes on by hand",
    label_of(RunState.CANCELLED): "phasegate was told to stop",
}
"""Every label with what GitHub shows beside it (at most 100 characters)."""

START_COLOR = "1d76db"
STATE_COLOR = "bfd4f2"


def color_of(label: str) -> str:
    """Return the colour of a label, as GitHub takes it."""
    return START_COLOR if label in START_LABELS else STATE_COLOR
