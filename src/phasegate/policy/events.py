"""Events of GitHub that concern us, out of the file that the runner gives: strict about what is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from phasegate.documents.base import KIB, Number
from phasegate.documents.parsing import parse_model
from phasegate.policy.commands import Command, Malformed, parse_command
from phasegate.policy.requests import DispatchRequest, EventPart, parse_inputs, parse_payload
from phasegate.policy.thread import Person, Thread

LARGEST_EVENT = 25 * 1024 * KIB
"""Bytes; GitHub sends no larger event: https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap"""

START_LABELS = ("phasegate", "phasegate:research", "phasegate:plan")
DISPATCH_TYPE = "phasegate"
GHOST = Person("ghost", 0, is_bot=False)
"""Stands for an account that is gone."""


@dataclass(frozen=True, slots=True)
class EventIssue:
    """The issue or pull request of an event, as it was at that moment."""

    number: int
    title: str
    body: str
    author: Person
    is_open: bool
    is_pull: bool
    is_locked: bool
    labels: tuple[str, ...]
    created: datetime
    updated: datetime

    @classmethod
    def of(cls, thread: Thread, at: datetime) -> Self:
        """Return the issue as the forge describes it now, for a dispatch, which does not."""
        login = thread.author or GHOST.login
        return cls(
            number=thread.number,
            title=thread.title,
            body=thread.body,
            author=Person(login, 0, is_bot=login.endswith("[bot]")),
            is_open=thread.is_open,
            is_pull=thread.pull is not None and thread.pull.number == thread.number,
            is_locked=False,
            labels=thread.labels,
            created=at,
            updated=at,
        )


@dataclass(frozen=True, slots=True)
class LabelAdded:
    """One of our labels that start a run was added."""

    issue: EventIssue
    label: str
    sender: Person
    at: datetime

    @property
    def number(self) -> int:
        """The issue or pull request where the person is looking."""
        return self.issue.number


@dataclass(frozen=True, slots=True)
class CommentWritten:
    """A comment that is a command was written on an issue or a pull request."""

    issue: EventIssue
    comment: int
    author: Person
    sender: Person
    body: str
    at: datetime
    said: Command | Malformed

    @property
    def number(self) -> int:
        """The issue or pull request where the person is looking."""
        return self.issue.number


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A program, or a person on the page of the workflow, asks for something."""

    source: Literal["workflow_dispatch", "repository_dispatch"]
    sender: Person
    request: DispatchRequest

    @property
    def number(self) -> int:
        """The issue that the run belongs to."""
        return self.request.issue


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that does not concern us, and why."""

    code: str
    why: str


Event = LabelAdded | CommentWritten | Dispatched | Foreign


class _Account(EventPart):
    login: str
    id: int
    type: str

    def person(self) -> Person:
        return Person(self.login, self.id, is_bot=self.type == "Bot" or self.login.endswith("[bot]"))


class _Label(EventPart):
    name: str


class _Issue(EventPart):
    number: Number
    title: str
    body: str | None
    user: _Account | None
    state: Literal["open", "closed"]
    locked: bool = False
    labels: tuple[_Label, ...] = ()
    created_at: datetime
    updated_at: datetime
    pull_request: EventPart | None = None

    def event_issue(self) -> EventIssue:
        return EventIssue(
            number=self.number,
            title=self.title,
            body=self.body or "",
            author=_person(self.user),
            is_open=self.state == "open",
            is_pull=self.pull_request is not None,
            is_locked=self.locked,
            labels=tuple(label.name for label in self.labels),
            created=self.created_at,
            updated=self.updated_at,
        )


class _Comment(EventPart):
    id: Number
    body: str
    user: _Account | None
    created_at: datetime


class _Action(EventPart):
    """The part of an event that says whether the rest is worth reading."""

    action: str | None = None


class _LabelledEvent(EventPart):
    label: _Label | None = None
    issue: _Issue
    sender: _Account


class _CommentEvent(EventPart):
    issue: _Issue
    comment: _Comment
    sender: _Account


class _DispatchEvent(EventPart):
    sender: _Account


def parse_event(name: str, content: bytes) -> Event:
    """Return the event of this name in these bytes.

    Raises `DocumentError` for an event that concerns us by its name and kind, but is malformed.
    """
    parse = _PARSERS.get(name)
    if parse is None:
        return Foreign("other-event", "The workflow was started by an event that phasegate does not listen to.")
    return parse(content)


def _labelled(content: bytes) -> Event:
    if _action(content) != "labeled":
        return Foreign("other-action", "Only adding a label starts a run.")
    event = parse_model(content, _LabelledEvent, max_bytes=LARGEST_EVENT)
    if event.label is None or event.label.name not in START_LABELS:
        return Foreign("other-label", f"Only the labels {', '.join(START_LABELS)} start a run.")
    issue = event.issue.event_issue()
    return LabelAdded(issue, event.label.name, event.sender.person(), issue.updated)


def _commented(content: bytes) -> Event:
    if _action(content) != "created":
        return Foreign("other-action", "A command counts when its comment is written; edited in later, it is none.")
    event = parse_model(content, _CommentEvent, max_bytes=LARGEST_EVENT)
    comment = event.comment
    said = parse_command(comment.body)
    if said is None:
        return Foreign("no-command", "The comment is no command.")
    return CommentWritten(
        issue=event.issue.event_issue(),
        comment=comment.id,
        author=_person(comment.user),
        sender=event.sender.person(),
        body=comment.body,
        at=comment.created_at,
        said=said,
    )


def _workflow_dispatched(content: bytes) -> Event:
    sender = parse_model(content, _DispatchEvent, max_bytes=LARGEST_EVENT).sender.person()
    return Dispatched("workflow_dispatch", sender, parse_inputs(content, LARGEST_EVENT))


def _repository_dispatched(content: bytes) -> Event:
    if _action(content) != DISPATCH_TYPE:
        return Foreign("other-dispatch", f"Only dispatches of the type `{DISPATCH_TYPE}` are meant for phasegate.")
    sender = parse_model(content, _DispatchEvent, max_bytes=LARGEST_EVENT).sender.person()
    return Dispatched("repository_dispatch", sender, parse_payload(content, LARGEST_EVENT))


def _action(content: bytes) -> str | None:
    return parse_model(content, _Action, max_bytes=LARGEST_EVENT).action


def _person(account: _Account | None) -> Person:
    return GHOST if account is None else account.person()


_PARSERS: Mapping[str, Callable[[bytes], Event]] = {
    "issues": _labelled,
    "issue_comment": _commented,
    "workflow_dispatch": _workflow_dispatched,
    "repository_dispatch": _repository_dispatched,
}
