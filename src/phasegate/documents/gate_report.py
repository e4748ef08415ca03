"""GateReport: what the quality gates said, with evidence."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from phasegate.documents.base import KIB, Digest, Document, Frozen, Sha
from phasegate.documents.plan import GateName

TAIL_BYTES = 8 * KIB


class GateResult(Frozen):
    """One gate: the command, how it ended, and the end of what it printed."""

    name: GateName
    command: str
    required: bool
    exit_code: Annotated[int, Field(ge=-255, le=255)] | None
    timed_out: bool
    seconds: Annotated[float, Field(ge=0)]
    tail: str

    @property
    def passed(self) -> bool:
        """Whether the command ended by itself with 0."""
        return self.exit_code == 0 and not self.timed_out


class GateReportPayload(Frozen):
    """All gates on one change set."""

    change_set: Digest
    gates: tuple[GateResult, ...]
    definitions_from: Sha
    sandbox: str

    @property
    def passed(self) -> bool:
        """Whether every required gate passed."""
        return all(gate.passed for gate in self.gates if gate.required)


class GateReport(Document):
    """What the quality gates said on base + change set."""

    max_bytes: ClassVar[int] = 1024 * KIB
    kind: Literal["gate-report"] = "gate-report"
    payload: GateReportPayload
