"""Approval: who allowed exactly what."""

from datetime import datetime
from typing import ClassVar, Literal

from phasegate.documents.base import KIB, Digest, Document, Frozen, Sha, Version
from phasegate.documents.snapshot import Permission


class Approver(Frozen):
    """A person, as the forge knows them."""

    id: str
    login: str
    permission: Permission


class ApprovalPayload(Frozen):
    """What was read, on what it stands, and who said yes. It is used once."""

    subject: Digest
    """The plan; in a primer run the draft."""
    head_sha: Sha
    base_sha: Sha
    config: Digest
    toolset: Digest
    """All tools that whoever carries it out can be given."""
    version: Version
    """Of the program that carries it out."""
    approver: Approver
    others: tuple[Approver, ...] = ()
    """Who else said yes to the same, where more than one has to."""
    comment: str | None
    at: datetime


class Approval(Document):
    """A human's yes, bound to digests."""

    max_bytes: ClassVar[int] = 4 * KIB
    kind: Literal["approval"] = "approval"
    payload: ApprovalPayload
