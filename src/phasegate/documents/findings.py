"""ScoutReport and Findings: what research leaves."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from phasegate.documents.base import KIB, Digest, Document, Frozen, Line, Note, Number, Prose
from phasegate.documents.paths import RepoPath

DETAILS_MAX_BYTES = 64 * KIB
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
ScoutId = Annotated[str, StringConstraints(pattern=r"^S[1-9][0-9]?$")]


class ScoutAnswer(Frozen):
    """What a scout hands in: a short summary, and the details for a file."""

    status: Literal["success", "partial", "failure"] = Field(description="partial: something is left unanswered")
    summary: Annotated[Note, StringConstraints(max_length=400)] = Field(
        description="the answer in at most 400 characters; this is all the researcher sees at first"
    )
    details: Annotated[str, StringConstraints(max_length=DETAILS_MAX_BYTES // 4)] = Field(
        description="evidence, with paths and line numbers, in Markdown; goes to a file"
    )


class ScoutReportPayload(Frozen):
    """One parallel agent's result."""

    scout: ScoutId
    question: Line
    status: Literal["success", "partial", "failure"]
    summary: Annotated[str, StringConstraints(max_length=400)]
    details_file: FileName
    details_digest: Digest


class ScoutReport(Document):
    """One parallel agent's result: status, summary, and where the details are."""

    max_bytes: ClassVar[int] = 8 * KIB
    kind: Literal["scout-report"] = "scout-report"
    payload: ScoutReportPayload


class CodeReference(Frozen):
    """A place in the code that matters."""

    path: RepoPath
    first_line: Number
    last_line: Number
    why: Line

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_line < self.first_line:
            raise ValueError("last_line comes before first_line")
        return self


class Claim(Frozen):
    """A statement about the repository and the file that shows it."""

    statement: Line
    path: RepoPath


class Decision(Frozen):
    """A choice, why it was made, and what else was possible."""

    decision: Line
    rationale: Line
    alternatives: tuple[Line, ...]
    path: RepoPath = Field(description="the file that the decision rests on")


class FindingsPayload(Frozen):
    """What research found out; every claim cites a path."""

    asked: Prose = Field(description="what is wanted, in your own words, with what is explicitly not wanted")
    code: tuple[CodeReference, ...] = Field(min_length=1, max_length=60)
    interfaces: tuple[Claim, ...] = Field(default=(), max_length=40, description="signatures and formats to respect")
    tests: tuple[Claim, ...] = Field(default=(), max_length=40, description="tests that exist, and what they hold")
    constraints: tuple[Claim, ...] = Field(default=(), max_length=40)
    risks: tuple[Claim, ...] = Field(default=(), max_length=40)
    decisions: tuple[Decision, ...] = Field(default=(), max_length=20)
    open_questions: tuple[Line, ...] = Field(default=(), max_length=20)

    def cited_paths(self) -> frozenset[str]:
        """Return every path that some claim rests on."""
        claims = (*self.interfaces, *self.tests, *self.constraints, *self.risks)
        cited = [item.path for items in (self.code, claims, self.decisions) for item in items]
        return frozenset(cited)


class Findings(Document):
    """What research leaves to planning."""

    max_bytes: ClassVar[int] = 24 * KIB
    kind: Literal["findings"] = "findings"
    payload: FindingsPayload
