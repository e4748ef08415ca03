"""Review: does the change do what the plan says."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from phasegate.documents.base import KIB, Document, Frozen, Line, Number, Prose
from phasegate.documents.paths import RepoPath


class ReviewFinding(Frozen):
    """Something a reviewer wants seen."""

    path: RepoPath
    line: Number | None
    severity: Literal["blocker", "major", "minor"]
    message: Line


class ReviewPayload(Frozen):
    """The verdict and what it rests on."""

    verdict: Literal["approve", "changes"]
    fulfils_plan: bool = Field(description="does the change do what the plan says, no less and no more")
    summary: Prose
    findings: tuple[ReviewFinding, ...] = Field(max_length=40)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        blocking = any(finding.severity == "blocker" for finding in self.findings)
        if self.verdict == "approve" and (blocking or not self.fulfils_plan):
            raise ValueError("verdict approve needs fulfils_plan true and no blocker")
        if self.verdict == "changes" and not self.findings:
            raise ValueError("verdict changes needs at least one finding to act on")
        return self


class Review(Document):
    """What the reviewer leaves to the human."""

    max_bytes: ClassVar[int] = 24 * KIB
    kind: Literal["review"] = "review"
    payload: ReviewPayload
