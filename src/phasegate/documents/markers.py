"""Markers: the first line of a comment of ours, which says what it is and what it stands for.

Anybody can write such a line. It counts only in a comment that we wrote ourselves and nobody else edited.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from phasegate.documents.base import Digest, RunId, Sha

_MARKER = re.compile(r"\A<!-- phasegate:(?P<kind>[a-z]+)(?P<fields>(?: [a-z]+=[0-9A-Za-z]+)*) -->(?:\n|\Z)")
_SHAPES = {
    "run": re.compile(r"[1-9][0-9]{0,9}"),
    "revision": re.compile(r"[1-9][0-9]{0,3}"),
    "plan": re.compile(r"[0-9a-f]{64}"),
    "tip": re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?"),
    "was": re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?|none"),
    "to": re.compile(r"[1-9][0-9]{0,19}"),
    "work": re.compile(r"[1-9][0-9]{0,19}|none"),
}
_FIELDS = {
    "plan": ("run", "revision", "plan", "tip"),
    "status": ("run", "tip", "was", "work"),
    "notice": ("run", "work"),
    "findings": ("run",),
    "questions": ("run",),
    "review": ("run", "tip"),
    "reply": ("run", "to"),
}


@dataclass(frozen=True, slots=True)
class PlanMarker:
    """Of a plan comment: which plan it shows, and the tip of the branch that carries it."""

    run: RunId
    revision: int
    plan: Digest
    tip: Sha

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- phasegate:plan run={self.run} revision={self.revision} plan={self.plan} tip={self.tip} -->"


@dataclass(frozen=True, slots=True)
class StatusMarker:
    """Of the status comment: where we put the tip of the branch, and where it was before.

    It is written just before the branch moves, so that either may be found there after a crash.
    """

    run: RunId
    tip: Sha
    was: Sha | None
    work: int | None = None
    """The id of the workflow run that is at work, so that no second one spends money on the same."""

    def __str__(self) -> str:
        """Return the line."""
        was, work = self.was or "none", self.work or "none"
        return f"<!-- phasegate:status run={self.run} tip={self.tip} was={was} work={work} -->"


@dataclass(frozen=True, slots=True)
class NoticeMarker:
    """Of the comment on the issue that says where a run is, as long as nothing else does."""

    run: RunId
    work: int | None = None
    """As in the status."""

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- phasegate:notice run={self.run} work={self.work or 'none'} -->"


@dataclass(frozen=True, slots=True)
class NoteMarker:
    """Of a comment that carries no authority: findings, or questions."""

    kind: Literal["findings", "questions"]
    run: RunId

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- phasegate:{self.kind} run={self.run} -->"


@dataclass(frozen=True, slots=True)
class ReviewMarker:
    """Of a review comment: the tip of the branch that was reviewed."""

    run: RunId
    tip: Sha

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- phasegate:review run={self.run} tip={self.tip} -->"


@dataclass(frozen=True, slots=True)
class ReplyMarker:
    """Of an answer to a command: the run, or the number it was written on, and the id of the comment it answers."""

    run: RunId
    to: int

    def __str__(self) -> str:
        """Return the line."""
        return f"<!-- phasegate:reply run={self.run} to={self.to} -->"


Marker = PlanMarker | StatusMarker | NoticeMarker | NoteMarker | ReviewMarker | ReplyMarker


def _none(value: str) -> str | None:
    return None if value == "none" else value


def _number(value: str) -> int | None:
    return None if value == "none" else int(value)


def marker_of(body: str) -> Marker | None:
    """Return the marker that a comment begins with; None for a comment without one."""
    found = _MARKER.match(body)
    if found is None:
        return None
    kind, pairs = found["kind"], [pair.partition("=") for pair in found["fields"].split()]
    values = {name: value for name, _, value in pairs}
    if tuple(name for name, _, _ in pairs) != _FIELDS.get(kind):
        return None
    if not all(_SHAPES[name].fullmatch(value) for name, value in values.items()):
        return None
    return _MADE[kind](values)


_MADE: Mapping[str, Callable[[dict[str, str]], Marker]] = {
    "plan": lambda it: PlanMarker(it["run"], int(it["revision"]), it["plan"], it["tip"]),
    "status": lambda it: StatusMarker(it["run"], it["tip"], _none(it["was"]), _number(it["work"])),
    "review": lambda it: ReviewMarker(it["run"], it["tip"]),
    "reply": lambda it: ReplyMarker(it["run"], int(it["to"])),
    "notice": lambda it: NoticeMarker(it["run"], _number(it["work"])),
    "findings": lambda it: NoteMarker("findings", it["run"]),
    "questions": lambda it: NoteMarker("questions", it["run"]),
}
