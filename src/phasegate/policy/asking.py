"""One form for every event that wants something: labels, comments and dispatches ask the same things."""

from dataclasses import dataclass
from datetime import datetime

from phasegate.documents.snapshot import Overrides
from phasegate.policy.commands import Malformed
from phasegate.policy.decisions import Facts, Target
from phasegate.policy.events import CommentWritten, Dispatched, EventIssue, LabelAdded
from phasegate.policy.requests import NO_OVERRIDES, DispatchCommand
from phasegate.policy.thread import Person

Wanting = LabelAdded | CommentWritten | Dispatched
_LABELS: dict[str, DispatchCommand] = {"phasegate:research": "research", "phasegate:plan": "plan"}


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody wants done, when they said so and where they are looking."""

    command: DispatchCommand
    sender: Person
    at: datetime
    target: Target
    text: str = ""
    digest: str | None = None
    overrides: Overrides = NO_OVERRIDES
    dry_run: bool = False
    is_dispatch: bool = False
    wrong: str = ""
    """What about the command cannot be understood."""

    @property
    def on_pull(self) -> bool:
        """Whether it was said on a pull request."""
        return self.target.is_pull


def ask_of(event: Wanting, facts: Facts, now: datetime) -> Ask | None:
    """Return what an event asks for; None for a dispatch that names no issue. A dispatch is said now."""
    if isinstance(event, LabelAdded):
        return Ask(_LABELS.get(event.label, "start"), event.sender, event.at, _target(event.issue))
    if isinstance(event, CommentWritten):
        return _said(event)
    if facts.target is None:
        return None
    request = event.request
    return Ask(
        request.command,
        event.sender,
        now,
        facts.target,
        request.text,
        request.digest,
        request.overrides,
        dry_run=request.dry_run,
        is_dispatch=True,
    )


def _said(event: CommentWritten) -> Ask:
    said, target = event.said, _target(event.issue)
    if isinstance(said, Malformed):
        return Ask(said.verb, event.sender, event.at, target, wrong=said.what)
    return Ask(said.verb, event.sender, event.at, target, said.text, said.digest)


def _target(issue: EventIssue) -> Target:
    return Target(issue.number, issue.is_open, issue.is_pull, issue.is_locked)
