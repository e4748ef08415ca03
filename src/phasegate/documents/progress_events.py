"""What can happen to a run: the input of the state machine."""

from dataclasses import dataclass
from datetime import datetime

from phasegate.documents.base import Digest, Sha
from phasegate.documents.progress import PhaseName, RunState, Spent, Verdict, WaitingFor, WorkStatus


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase begins to work."""

    phase: PhaseName
    model: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PhaseDone:
    """A phase left its document, and the validation gate after it spoke."""

    phase: PhaseName
    document: Digest
    summary: str
    validation: Verdict
    at: datetime


@dataclass(frozen=True, slots=True)
class PhaseFailed:
    """A phase ended without a document that passed."""

    phase: PhaseName
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PhasesReopened:
    """Finished, failed or interrupted phases are to be done (again)."""

    phases: tuple[PhaseName, ...]


@dataclass(frozen=True, slots=True)
class PhaseSkipped:
    """A phase is not needed in this run."""

    phase: PhaseName
    reason: str


@dataclass(frozen=True, slots=True)
class Paid:
    """A model turn, or work without a model, was paid for; `task` too, where it was for one."""

    phase: PhaseName
    spent: Spent
    task: str | None = None


@dataclass(frozen=True, slots=True)
class PlanSet:
    """A plan (or draft) is now in force; its tasks replace those that are not done."""

    plan: Digest
    tasks: tuple[tuple[str, str], ...]
    """Id and title of each."""


@dataclass(frozen=True, slots=True)
class RepairAdded:
    """A repair round was added after the tasks."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class WorkMoved:
    """A task began, ended or was put back."""

    id: str
    status: WorkStatus
    at: datetime
    model: str | None = None
    summary: str = ""
    document: Digest | None = None
    commit: Sha | None = None


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """The run's branch has a new commit."""

    head_sha: Sha


@dataclass(frozen=True, slots=True)
class CommitsRewritten:
    """The branch's commits were written anew with the same trees: old and new id of each."""

    pairs: tuple[tuple[Sha, Sha], ...]
    head_sha: Sha


@dataclass(frozen=True, slots=True)
class HumanNeeded:
    """The run stops until a human speaks."""

    waiting_for: WaitingFor
    reason: str


@dataclass(frozen=True, slots=True)
class HumanSpoke:
    """A human approved (with the approval's digest), answered or asked for a revision."""

    approval: Digest | None


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over."""

    state: RunState
    reason: str


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A failed, cancelled or interrupted run goes on."""


Event = (
    PhaseStarted
    | PhaseDone
    | PhaseFailed
    | PhasesReopened
    | PhaseSkipped
    | Paid
    | PlanSet
    | RepairAdded
    | WorkMoved
    | HeadMoved
    | CommitsRewritten
    | HumanNeeded
    | HumanSpoke
    | RunEnded
    | RunResumed
)
