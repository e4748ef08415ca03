"""TaskResult, Blocked and ChangeSet: what implementing leaves."""

import base64
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from phasegate.documents.base import KIB, Digest, Document, Frozen, Line, Note, Prose, Sha, digest_of
from phasegate.documents.gate_report import GateResult
from phasegate.documents.paths import RepoPath
from phasegate.documents.plan import Operation

WorkId = Annotated[str, StringConstraints(pattern=r"^[TR][1-9][0-9]?$")]
"""A task of the plan (T1, …) or a repair round after a failed gate or a review (R1, …)."""
Mode = Literal["100644", "100755"]


class CriterionResult(Frozen):
    """Whether a success criterion is met, and how one can see it."""

    criterion: Line
    met: bool
    evidence: Line


class WorkResult(Frozen):
    """What the executor hands in when a task is done."""

    summary: Annotated[Note, StringConstraints(max_length=300)] = Field(
        description="what was done, for whoever works on the next task; at most 300 characters"
    )
    criteria: tuple[CriterionResult, ...] = Field(min_length=1, max_length=12)
    deviations: tuple[Line, ...] = Field(default=(), max_length=12, description="where you did other than described")


class TaskResultPayload(Frozen):
    """A finished task."""

    task: WorkId
    plan: Digest
    result: WorkResult
    check: GateResult | None


class TaskResult(Document):
    """What one task left: the executor's word, and the check that decided."""

    max_bytes: ClassVar[int] = 32 * KIB
    kind: Literal["task-result"] = "task-result"
    payload: TaskResultPayload


class BlockedReason(Frozen):
    """Why a task cannot be done as written."""

    reason: Line = Field(description="which statement of the plan does not hold")
    evidence: Prose = Field(description="what you saw: paths, lines, outputs")
    tried: tuple[Line, ...] = Field(default=(), max_length=12)


class BlockedPayload(Frozen):
    """A task that cannot be done as written."""

    task: WorkId
    plan: Digest
    blocked: BlockedReason


class Blocked(Document):
    """What calls the strong model: a task that cannot be done as written."""

    max_bytes: ClassVar[int] = 32 * KIB
    kind: Literal["blocked"] = "blocked"
    payload: BlockedPayload


class ChangeEntry(Frozen):
    """One changed file, whole."""

    path: RepoPath
    op: Operation
    mode: Mode | None
    old_blob: Sha | None
    sha256: Digest | None
    content: str | None
    """Base64; None for a deletion."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.op is Operation.DELETE) != (self.content is None):
            raise ValueError(f"{self.path}: a deletion carries no content, anything else does")
        if (self.op is Operation.CREATE) != (self.old_blob is None):
            raise ValueError(f"{self.path}: only a new file has no old blob")
        if self.content is None:
            if self.mode is not None or self.sha256 is not None:
                raise ValueError(f"{self.path}: a deletion carries no mode and no sha256")
        elif self.mode is None or self.sha256 != digest_of(self.data()):
            raise ValueError(f"{self.path}: mode or sha256 do not go with the content")
        return self

    def data(self) -> bytes:
        """Return the file's bytes; empty for a deletion."""
        try:
            return base64.b64decode(self.content or "", validate=True)
        except ValueError:
            raise ValueError(f"{self.path}: the content is not base64") from None


class ChangeSetPayload(Frozen):
    """Everything between base and head, and what was done for it."""

    base_sha: Sha
    head_sha: Sha
    plan: Digest
    entries: tuple[ChangeEntry, ...] = Field(max_length=100)
    tasks: tuple[TaskResultPayload, ...]

    @model_validator(mode="after")
    def _each_path_once(self) -> Self:
        paths = [entry.path for entry in self.entries]
        if len(set(paths)) != len(paths):
            raise ValueError("a path is changed twice")
        return self


class ChangeSet(Document):
    """What is verified, reviewed and published."""

    max_bytes: ClassVar[int] = 6 * 1024 * KIB
    kind: Literal["change-set"] = "change-set"
    payload: ChangeSetPayload
