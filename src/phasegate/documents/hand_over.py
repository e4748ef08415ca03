"""Hand-over: the one file that crosses from job to job. It is not believed, but recomputed and compared."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from phasegate.documents.base import (
    KIB,
    SCHEMA_VERSION,
    Digest,
    Frozen,
    Number,
    RunId,
    Sha,
    Step,
    canonical_json,
    digest_of,
)
from phasegate.documents.change_set import ChangeEntry
from phasegate.documents.progress import Progress
from phasegate.documents.snapshot import Permission

AnswerCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,39}$")]
"""A reason that programs can read, such as `not-permitted`."""
DetailsName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")]
ReplyTopic = Literal["done", "refused", "status", "cost", "manual"]


class Origin(Frozen):
    """What set the run going: the event, who caused it, and where they are looking."""

    event: Literal["issues", "issue_comment", "workflow_dispatch", "repository_dispatch"]
    actor: str
    actor_id: int
    permission: Permission
    at: datetime
    number: Number
    """The issue or pull request where the person is looking."""
    comment: Number | None = None
    """The comment that commands; None for labels and dispatches."""
    verb: str = ""
    """The command, such as `approve`; for labels `start`."""


class Answer(Frozen):
    """What is said to the person, decided before anything is done: done, or refused and why and what to do instead."""

    code: AnswerCode
    topic: ReplyTopic
    what: str
    mend: str = ""


class CarriedCommit(Frozen):
    """A commit of the branch, as what it changes: whoever takes it over makes it anew and compares the id."""

    sha: Sha
    parent: Sha
    when: datetime
    message: str
    entries: tuple[ChangeEntry, ...] = Field(max_length=200)


class CarriedDocument(Frozen):
    """A document: its kind, and its canonical JSON."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{1,31}$")]
    text: str


class CarriedDetails(Frozen):
    """A scout's details file."""

    name: DetailsName
    text: str


class Places(Frozen):
    """Where things are on the forge, as the job that decided found them; None for what is not there yet."""

    pull: Number | None = None
    pull_id: str | None = None
    """The pull request's node id, for GraphQL."""
    tip: Sha | None = None
    """The branch's last commit, with the state in it; whoever publishes moves the branch from there or not at all."""
    status: Number | None = None
    """The status comment on the pull request."""
    told_tip: Sha | None = None
    """The tip that the status comment names, if nobody else edited it; what it says is kept when only that changes."""
    told_was: Sha | None = None
    """The tip before that, as the status comment names it."""
    notice: Number | None = None
    """The notice on the issue."""


class HandOver(Frozen):
    """All that a job needs to know of a run."""

    max_bytes: ClassVar[int] = 64 * 1024 * KIB

    kind: Literal["hand-over"] = "hand-over"
    schema_version: int = SCHEMA_VERSION
    run: RunId
    made_by: Step
    origin: Origin
    places: Places = Places()
    dry_run: bool = False
    answer: Answer | None = None
    estimate: Annotated[Decimal, Field(ge=0)] | None = None
    """What carrying out the plan is expected to cost, in US dollars, for whoever tells of the cost."""
    progress: Progress | None = None
    """None when there is no run: the command is only answered."""
    documents: tuple[CarriedDocument, ...] = ()
    details: tuple[CarriedDetails, ...] = ()
    commits: tuple[CarriedCommit, ...] = ()
    """From the base to the head that the progress names."""

    def to_bytes(self) -> bytes:
        """Return the canonical JSON (RFC 8785), UTF-8."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the canonical JSON."""
        return digest_of(self.to_bytes())
