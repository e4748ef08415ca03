"""Snapshot: what was asked and on what code, frozen at the trigger."""

from datetime import datetime
from typing import ClassVar, Literal

from phasegate.documents.base import KIB, Digest, Document, Frozen, Line, Number, Sha

Permission = Literal["admin", "write", "read", "none"]


class Comment(Frozen):
    """A comment that counts."""

    author: str
    permission: Permission
    at: datetime
    body: str


class Issue(Frozen):
    """The issue as it was when the run was triggered."""

    number: Number | None
    title: Line
    body: str
    author: str
    labels: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()


class Trigger(Frozen):
    """What started the run, and who."""

    event: str
    actor: str
    permission: Permission
    at: datetime


class SnapshotPayload(Frozen):
    """What every later phase starts from."""

    purpose: Literal["change", "primer"]
    issue: Issue
    base_branch: str | None
    base_sha: Sha
    primer: Digest | None
    config: Digest
    trigger: Trigger


class Snapshot(Document):
    """What was asked and on what code; what was written or edited after the trigger is left out."""

    max_bytes: ClassVar[int] = 128 * KIB
    kind: Literal["snapshot"] = "snapshot"
    payload: SnapshotPayload
