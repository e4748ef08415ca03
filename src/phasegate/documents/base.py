"""The envelope that every document shares, its canonical JSON and its digest."""

import hashlib
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

import rfc8785
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

SCHEMA_VERSION = 1
KIB = 1024
MAX_PARENTS = 256

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hexadecimal."""
Sha = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
"""A full git object id."""
RunId = Annotated[str, StringConstraints(pattern=r"^(L[1-9][0-9]{0,6}|[1-9][0-9]{0,9})$")]
"""`L1`, `L2`, … on one machine; the issue's number on GitHub."""
ModelId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$")]
"""A model's id, as the provider spells it."""
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+!_-]{0,63}$")]
"""A version of this program; it stands in a comment of rendered Markdown, which it must not end."""
Number = Annotated[int, Field(ge=1, le=2**53 - 1)]
"""A whole number from 1 on that canonical JSON (RFC 8785) can carry."""


class Step(StrEnum):
    """Who made a document: a step of the pipeline."""

    DECIDE = "decide"
    ACKNOWLEDGE = "acknowledge"
    SCOUT = "scout"
    RESEARCH = "research"
    PLAN = "plan"
    PUBLISH_PLAN = "publish-plan"
    TASK = "task"
    IMPLEMENT = "implement"
    CORRECT = "correct"
    VERIFY = "verify"
    REVIEW = "review"
    PUBLISH = "publish"
    REPORT = "report"


def _check_line(text: str) -> str:
    if not any(character.isalnum() for character in text):
        raise ValueError("a line has words")
    return text


_NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
_NO_CONTROLS_BUT_NEWLINE = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]*$"

Line = Annotated[
    str, StringConstraints(max_length=1000, pattern=_NO_CONTROLS, strip_whitespace=True), AfterValidator(_check_line)
]
"""One line of text with at least one letter or digit, without white space at its ends."""
Prose = Annotated[
    str, StringConstraints(min_length=1, max_length=16_000, pattern=_NO_CONTROLS_BUT_NEWLINE, strip_whitespace=True)
]
"""Text of one or more lines, without control characters, and without white space at its ends."""
Note = Annotated[str, StringConstraints(min_length=1, pattern=_NO_CONTROLS_BUT_NEWLINE, strip_whitespace=True)]
"""Short text of a model, without control characters; how short is the field's to say."""
Summary = Annotated[str, StringConstraints(max_length=300, pattern=_NO_CONTROLS)]
"""What is kept of a phase or a task in the progress file."""


class Frozen(BaseModel):
    """A strict, immutable value: unknown keys are refused, nothing is converted silently, numbers are finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class MadeBy(Frozen):
    """Who made a document: the step, the model (None where no model had a part) and the program's version."""

    step: Step
    model: ModelId | None
    version: Version


class Document(Frozen):
    """An immutable, typed, digested file; the only thing that crosses from step to step."""

    max_bytes: ClassVar[int]
    """The bound of the payload's canonical JSON, in bytes."""

    kind: str
    schema_version: int = SCHEMA_VERSION
    run: RunId
    parents: tuple[Digest, ...] = Field(max_length=MAX_PARENTS)
    made_by: MadeBy

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        size = len(canonical_json(self.model_dump(mode="json")["payload"]))
        if size > self.max_bytes:
            raise ValueError(f"the {self.kind} has {size} bytes, {self.max_bytes} are allowed: say less")
        if self.schema_version != SCHEMA_VERSION:
            raise ValueError(f"schema_version {self.schema_version} is not {SCHEMA_VERSION}: made by another phasegate")
        return self

    @property
    def digest(self) -> Digest:
        """The SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the canonical JSON (RFC 8785), UTF-8."""
        return canonical_json(self.model_dump(mode="json"))


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 -- any JSON value
    """Return the RFC 8785 form of a JSON value, UTF-8."""
    return rfc8785.dumps(value)


def digest_of(content: bytes) -> Digest:
    """Return the SHA-256 of bytes in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
