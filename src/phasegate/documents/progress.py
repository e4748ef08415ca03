"""Progress: the one mutable file, and the source of truth for "where are we"."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from phasegate.documents.base import SCHEMA_VERSION, Digest, Frozen, Line, RunId, Sha, Summary
from phasegate.documents.change_set import WorkId
from phasegate.documents.snapshot import Purpose


class PhaseName(StrEnum):
    """The phases, in order; `correct` is called from implement."""

    RESEARCH = "research"
    PLAN = "plan"
    IMPLEMENT = "implement"
    CORRECT = "correct"
    VERIFY = "verify"
    REVIEW = "review"


class PhaseStatus(StrEnum):
    """Where a phase stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class WorkStatus(StrEnum):
    """Where a task stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    BLOCKED = "blocked"
    FAILED = "failed"


class RunState(StrEnum):
    """Where a run stands."""

    ACTIVE = "active"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    REJECTED = "rejected"
    MANUAL = "manual"
    CANCELLED = "cancelled"


class WaitingFor(StrEnum):
    """What a human has to say before a run can go on."""

    APPROVAL = "approval"
    ANSWERS = "answers"


_Count = Annotated[int, Field(ge=0)]


class Usage(Frozen):
    """Tokens, as the provider counts them: the four parts do not overlap."""

    input_tokens: _Count = 0
    """Read anew, at the full price."""
    cache_read_tokens: _Count = 0
    cache_write_tokens: _Count = 0
    output_tokens: _Count = 0

    def __add__(self, other: Self) -> "Usage":
        """Return the sum, part by part."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )

    @property
    def sent(self) -> int:
        """All tokens that went to the model, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def total(self) -> int:
        """All tokens, both ways."""
        return self.sent + self.output_tokens


class Spent(Frozen):
    """What something has cost so far: tokens, US dollars, model turns, seconds of work."""

    usage: Usage = Usage()
    usd: Annotated[Decimal, Field(ge=0)] = Decimal(0)
    turns: _Count = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0

    def __add__(self, other: Self) -> "Spent":
        """Return the sum."""
        return Spent(
            usage=self.usage + other.usage,
            usd=self.usd + other.usd,
            turns=self.turns + other.turns,
            seconds=round(self.seconds + other.seconds, 3),
        )


class Verdict(Frozen):
    """What a validation gate said."""

    passed: bool
    reason: str


class PhaseProgress(Frozen):
    """One phase."""

    id: PhaseName
    status: PhaseStatus = PhaseStatus.PENDING
    summary: Summary = ""
    document: Digest | None = None
    validation: Verdict | None = None
    model: str | None = None
    spent: Spent = Spent()
    attempts: _Count = 0
    started: datetime | None = None
    ended: datetime | None = None


class WorkProgress(Frozen):
    """One task of the plan, or one repair round."""

    id: WorkId
    title: Line
    status: WorkStatus = WorkStatus.PENDING
    summary: Summary = ""
    document: Digest | None = None
    commit: Sha | None = None
    model: str | None = None
    spent: Spent = Spent()
    started: datetime | None = None
    ended: datetime | None = None


class Progress(Frozen):
    """Where a run is, what it made and what it cost."""

    kind: Literal["progress"] = "progress"
    schema_version: int = SCHEMA_VERSION
    run: RunId
    purpose: Purpose
    title: Line
    created: datetime
    state: RunState = RunState.ACTIVE
    waiting_for: WaitingFor | None = None
    reason: str = ""
    """Why the run waits or ended, in words for people."""
    current_phase: PhaseName = PhaseName.RESEARCH
    snapshot: Digest
    plan: Digest | None = None
    """The plan in force; in a primer run the draft."""
    approval: Digest | None = None
    branch: str
    base_sha: Sha
    head_sha: Sha
    phases: tuple[PhaseProgress, ...] = tuple(PhaseProgress(id=name) for name in PhaseName)
    tasks: tuple[WorkProgress, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if [phase.id for phase in self.phases] != list(PhaseName):
            raise ValueError(f"phases are not {', '.join(PhaseName)}, each once and in this order")
        if len({task.id for task in self.tasks}) != len(self.tasks):
            raise ValueError("a task is there twice")
        if (self.state is RunState.WAITING) != (self.waiting_for is not None):
            raise ValueError("waiting_for goes with the state waiting, and only with it")
        return self

    def phase(self, name: PhaseName) -> PhaseProgress:
        """Return the entry of a phase."""
        return next(phase for phase in self.phases if phase.id is name)

    def task(self, work_id: str) -> WorkProgress | None:
        """Return the entry of a task or repair round, if there is one."""
        return next((task for task in self.tasks if task.id == work_id), None)

    @property
    def spent(self) -> Spent:
        """What the run has cost so far; tasks are part of their phase."""
        return sum((phase.spent for phase in self.phases), Spent())

    @property
    def ended(self) -> bool:
        """Whether nothing can happen any more without a human asking for it."""
        return self.state not in {RunState.ACTIVE, RunState.WAITING}
