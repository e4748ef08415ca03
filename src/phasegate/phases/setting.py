"""What every phase of a run is given: the doors, the rules, the record, and whom to tell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from phasegate import __version__
from phasegate.agent.assignment import (
    AgentEvent,
    Assignment,
    Outcome,
    ResultTool,
    Said,
    Stop,
    Stopped,
    Submitted,
    ToolUsed,
)
from phasegate.agent.fence import Fence
from phasegate.agent.loop import Agent
from phasegate.agent.tools.tool import Tool
from phasegate.documents.base import MadeBy, Sha, Step
from phasegate.documents.progress import PhaseName, Spent, Usage
from phasegate.documents.progress_events import Paid
from phasegate.documents.snapshot import Snapshot
from phasegate.doors.git import Git
from phasegate.doors.model import Model
from phasegate.doors.prices import Prices
from phasegate.doors.run_store import RunStore
from phasegate.doors.sandbox import Sandbox
from phasegate.doors.templates import Templates
from phasegate.doors.work_tree import WorkTree
from phasegate.errors import BudgetError, GateFailedError, RefusedError, UserError
from phasegate.policy.budget import accounts_for, spent_up
from phasegate.policy.config import PRIMER_PATH, Config, Gate, Tier
from phasegate.policy.scope import ProtectedPaths

LAST_PHASES = frozenset({PhaseName.VERIFY, PhaseName.REVIEW})
"""What the reserve is kept for."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time: the date and time of day (UTC), seconds that only grow, and waiting."""

    now: Callable[[], datetime]
    seconds: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Worker:
    """Who in a run is at work: a phase, and in it perhaps a task, a scout or a gate."""

    phase: PhaseName
    part: str = ""

    @property
    def label(self) -> str:
        """A name for people and for transcripts."""
        return f"{self.phase}-{self.part}" if self.part else str(self.phase)


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """Somebody begins."""

    title: str
    model: str | None


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """Somebody is done, well or not."""

    good: bool
    summary: str


Happening = AgentEvent | WorkerStarted | WorkerEnded
Watch = Callable[[Worker, Happening], None]


@dataclass(frozen=True, slots=True)
class Setting:
    """All that the phases of one run share."""

    git: Git
    store: RunStore
    config: Config
    gates: Mapping[str, Gate]
    model: Model
    prices: Prices
    templates: Templates
    fence: Fence
    clock: Clock
    sandbox: Sandbox | None
    scratch: Path
    watch: Watch
    files: Mapping[str, int] = field(repr=False)
    """Every path at the base commit, with its size in bytes."""
    protected: ProtectedPaths

    @property
    def snapshot(self) -> Snapshot:
        """What the run started from."""
        return self.store.get(self.store.progress.snapshot, Snapshot)

    def made_by(self, step: Step, tier: Tier | None) -> MadeBy:
        """Return the mark of a document's maker."""
        return MadeBy(step=step, model=tier.model if tier else None, version=__version__)

    def primer(self) -> str:
        """Return the primer at the base commit, fenced; empty if there is none."""
        content = self.git.read(self.store.progress.base_sha, PRIMER_PATH)
        return self.fence.around("primer", content.decode("utf-8", "replace")) if content else ""

    def prompt(self, name: str, **values: object) -> str:
        """Return a rendered prompt."""
        return self.templates.render(f"prompts/{name}.j2", **values)

    def work_tree(self, commit: Sha) -> WorkTree:
        """Return a throw-away copy of a commit's files."""
        return WorkTree.make(self.git, commit, parent=self.scratch)

    def employ(self, worker: Worker, hiring: "Hiring") -> Submitted:
        """Let an agent work until it hands in.

        Raises `BudgetError`, `RefusedError` (the model refuses), `GateFailedError` (nothing valid came), `ModelError`.
        """
        assignment = Assignment(
            tier=hiring.tier,
            system=hiring.system,
            sees=(self.fence.rule, *hiring.sees),
            tools=tuple(hiring.tools),
            results=tuple(hiring.results),
            fence=self.fence,
            chances=hiring.chances,
        )
        ledger = PhaseLedger(self, worker, hiring.task)
        agent = Agent(assignment, self.model, ledger, self.clock.seconds, lambda event: self._note(worker, event))
        return _submitted(agent.work(), worker)

    def _note(self, worker: Worker, event: AgentEvent) -> None:
        self.watch(worker, event)
        match event:
            case Said(text):
                entry = [("said", text)]
            case ToolUsed(name, input_json, output, is_error):
                entry = [("tool", name), ("input", input_json), ("output", output), ("error", str(is_error))]
            case _:
                entry = [("event", repr(event))]
        self.store.note(worker.label, entry)


@dataclass(frozen=True, slots=True)
class Hiring:
    """Whom a phase wants: a tier, a role, what it sees, what it may use, how it hands in."""

    tier: Tier
    system: str
    sees: Sequence[str]
    tools: Sequence[Tool]
    results: Sequence[ResultTool]
    chances: int = 3
    task: str | None = None
    """The task whose account is charged too."""


@dataclass(frozen=True, slots=True)
class PhaseLedger:
    """Keeps the account of a worker in the progress file, on every turn."""

    setting: Setting
    worker: Worker
    task: str | None

    def cost(self, model: str, usage: Usage) -> Decimal:
        """Return US dollars."""
        return self.setting.prices.cost(model, usage)

    def refusal(self, *, next_usd: Decimal, next_tokens: int) -> str | None:
        """Return why the next request may not be sent, or None."""
        progress = self.setting.store.progress
        task = progress.task(self.task) if self.task else None
        accounts = accounts_for(
            self.setting.config.budget,
            run=progress.spent,
            phase=progress.phase(self.worker.phase).spent,
            task=task.spent if task else None,
            may_use_reserve=self.worker.phase in LAST_PHASES,
        )
        return spent_up(accounts, next_usd=next_usd, next_tokens=next_tokens)

    def pay(self, spent: Spent) -> None:
        """Book what a turn has cost."""
        self.setting.store.advance(Paid(self.worker.phase, spent, self.task))


def _submitted(outcome: Outcome, worker: Worker) -> Submitted:
    if isinstance(outcome, Submitted):
        return outcome
    raise _ended_without(outcome, worker)


def _ended_without(outcome: Stopped, worker: Worker) -> UserError:
    match outcome.stop:
        case Stop.BUDGET:
            return BudgetError(
                f"{worker.label} stopped: {outcome.reason}.",
                cause="The budget is spent; what was done is kept.",
                mend="Raise `budget:` in the configuration, or make the task smaller; then `phasegate resume`.",
            )
        case Stop.REFUSAL:
            return RefusedError(f"The model refused to work on {worker.label}: {outcome.reason}.")
        case _:
            return GateFailedError(
                f"{worker.label} left nothing that can be used: {outcome.reason}.",
                mend="The transcript says what it tried. `phasegate resume` lets it try again.",
            )
