"""PrimerDraft: a proposal for the short text that every phase reads first."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from phasegate.documents.base import KIB, Digest, Document, Frozen

PRIMER_MAX_BYTES = 8 * KIB


class PrimerText(Frozen):
    """Architecture, standards and patterns of a repository, in Markdown."""

    text: Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)] = Field(
        description="the whole primer in Markdown: architecture, standards, patterns; at most 8 KiB"
    )

    @model_validator(mode="after")
    def _short(self) -> Self:
        if len(self.text.encode()) > PRIMER_MAX_BYTES:
            raise ValueError(f"the primer has more than {PRIMER_MAX_BYTES} bytes: keep what every task needs")
        return self


class PrimerDraftPayload(Frozen):
    """The draft, and the digest of the primer that it replaces."""

    primer: PrimerText
    replaces: Digest | None


class PrimerDraft(Document):
    """What a primer run puts before a human."""

    max_bytes: ClassVar[int] = 32 * KIB
    kind: Literal["primer-draft"] = "primer-draft"
    payload: PrimerDraftPayload
