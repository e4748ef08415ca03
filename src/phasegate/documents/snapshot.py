"""Snapshot: what was asked and on what code, frozen at the trigger."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from phasegate.documents.base import KIB, Digest, Document, Frozen, Line, ModelId, Number, Sha

Permission = Literal["admin", "write", "read", "none"]
Purpose = Literal["change", "primer", "findings"]
"""What a run is for: a change, the primer, or only to find out."""
TierName = Literal["research", "plan", "implement", "review", "correct", "scout"]


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
    actor_id: int | None = None
    """The account's id on the forge, since a login can change hands."""


class TierModel(Frozen):
    """Another model for one role."""

    tier: TierName
    model: ModelId


class Overrides(Frozen):
    """What whoever started the run wants other than the configuration: models, and the run's money in US dollars."""

    models: tuple[TierModel, ...] = ()
    usd: Annotated[Decimal, Field(gt=0, le=10_000)] | None = None


class SnapshotPayload(Frozen):
    """What every later phase starts from."""

    purpose: Purpose
    issue: Issue
    base_branch: str | None
    base_sha: Sha
    primer: Digest | None
    config: Digest
    trigger: Trigger
    overrides: Overrides = Overrides()
    left_out: int = Field(default=0, ge=0)
    """How many comments do not count: of people who may not write, or written or edited after the trigger."""


class Snapshot(Document):
    """What was asked and on what code; what was written or edited after the trigger is left out."""

    max_bytes: ClassVar[int] = 128 * KIB
    kind: Literal["snapshot"] = "snapshot"
    payload: SnapshotPayload
