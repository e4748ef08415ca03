"""Hiring: a phase says whom it wants and how they hand in; an agent works, and the account is kept on every turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel

from phasegate.agent.assignment import (
    AgentEvent,
    Assignment,
    ResultTool,
    Said,
    Stop,
    Stopped,
    Submitted,
    ToolUsed,
)
from phasegate.agent.loop import Agent
from phasegate.agent.tools.tool import Tool
from phasegate.documents.base import Document, canonical_json
from phasegate.documents.progress import PhaseName, Spent, Usage
from phasegate.documents.progress_events import Paid
from phasegate.errors import BudgetError, GateFailedError, RefusedError, UserError
from phasegate.phases.setting import Setting, Worker
from phasegate.policy.budget import Account, accounts_for, spent_up
from phasegate.policy.config import Tier

LAST_PHASES = frozenset({PhaseName.VERIFY, PhaseName.REVIEW})
"""What the reserve is kept for."""
ROOM = 1024
"""Bytes of a document's bound that are kept for what is added to a model's payload."""


@dataclass(frozen=True, slots=True)
class Hiring:
    """Whom a phase wants: a tier, a role, what it sees, what it may use, how it hands in."""

    tier: Tier
    system: str
    sees: Sequence[str]
    tools: Sequence[Tool]
    results: Sequence[ResultTool]
    chances: int = 3
    """How often what they hand in may go back to them."""
    task: str | None = None
    """The task whose account is charged too."""


def no_problems(_payload: BaseModel) -> Sequence[str]:
    """Find nothing wrong with what fits the schema and its bound."""
    return ()


def result_tool(
    name: str,
    told: str,
    payload: type[BaseModel],
    bound: type[Document],
    check: Callable[[BaseModel], Sequence[str]] = no_problems,
) -> ResultTool:
    """Return a tool to hand in with. What is too long for the document that is made of it goes back to the model."""

    def bounded(handed_in: BaseModel) -> Sequence[str]:
        return size_problems(handed_in, bound.max_bytes - ROOM) or check(handed_in)

    return ResultTool(name, told, payload, bounded)


def size_problems(payload: BaseModel, limit: int) -> list[str]:
    """Return what to say about a payload with more than `limit` bytes of canonical JSON."""
    size = len(canonical_json(payload.model_dump(mode="json")))
    return [f"this has {size} bytes, {limit} are allowed: say less"] if size > limit else []


def employ(setting: Setting, worker: Worker, hiring: Hiring) -> Submitted:
    """Let an agent work until it hands in.

    Raises `BudgetError`, `RefusedError` (the model refuses), `GateFailedError` (nothing valid came), `ModelError`.
    """
    assignment = Assignment(
        tier=hiring.tier,
        system=hiring.system,
        sees=(setting.fence.rule, *hiring.sees),
        tools=tuple(hiring.tools),
        results=tuple(hiring.results),
        fence=setting.fence,
        chances=hiring.chances,
    )
    ledger = PhaseLedger(setting, worker, hiring.task)
    agent = Agent(assignment, setting.model, ledger, setting.clock.seconds, lambda event: _note(setting, worker, event))
    outcome = agent.work()
    if isinstance(outcome, Submitted):
        return outcome
    raise _ended_without(outcome, worker, setting)


def _note(setting: Setting, worker: Worker, event: AgentEvent) -> None:
    setting.check_stop()  # first: who was told to stop writes nothing any more
    setting.watch(worker, event)
    match event:
        case Said(text):
            entry = [("said", text)]
        case ToolUsed(name, input_json, output, is_error):
            entry = [("tool", name), ("input", input_json), ("output", output), ("error", str(is_error))]
        case _:
            entry = [("event", repr(event))]
    setting.store.note(worker.label, entry)


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
        """Return why the next request may not be sent, or None: then the most it can cost is set aside until paid."""
        self.setting.check_stop()
        most = Spent(usage=Usage(input_tokens=next_tokens), usd=next_usd, turns=1)
        with self.setting.set_aside as set_aside:
            others = set_aside.for_others_than(self.worker)
            refusal = spent_up(self._accounts(others), next_usd=next_usd, next_tokens=next_tokens)
            if refusal is None:
                set_aside.keep(self.worker, most)
            return refusal

    def _accounts(self, others: Spent) -> tuple[Account, ...]:
        progress = self.setting.store.progress
        task = progress.task(self.task) if self.task else None
        return accounts_for(
            self.setting.config.budget,
            run=progress.spent + others,
            phase=progress.phase(self.worker.phase).spent + others,
            task=task.spent if task else None,
            may_use_reserve=self.worker.phase in LAST_PHASES,
        )

    def pay(self, spent: Spent) -> None:
        """Book what a turn has cost. Raises `KeyboardInterrupt` instead once the user has pressed Ctrl-C."""
        self.setting.check_stop()  # the run may be another process's by now, whose progress must not be overwritten
        with self.setting.set_aside as set_aside:
            self.setting.store.advance(Paid(self.worker.phase, spent, self.task))
            set_aside.release(self.worker)


def _base_for(setting: Setting) -> str:
    progress = setting.store.progress
    return "" if progress.head_sha == progress.base_sha else f"; `--base {progress.branch}` keeps what is done"


def _ended_without(outcome: Stopped, worker: Worker, setting: Setting) -> UserError:
    match outcome.stop:
        case Stop.BUDGET:
            return BudgetError(
                f"{worker.label} stopped: {outcome.reason}.",
                cause="The budget is spent; what was done is kept.",
                mend="This run's budget is fixed, as all that was approved. Raise `budget:` in .github/phasegate.yml, "
                f"and start a new run{_base_for(setting)}.",
            )
        case Stop.REFUSAL:
            return RefusedError(
                f"The model refused to work on {worker.label}: {outcome.reason}.",
                mend="Say it in other words (a new run, or `phasegate revise`), or name another model under `models:`.",
            )
        case _:
            return GateFailedError(
                f"{worker.label} left nothing that can be used: {outcome.reason}.",
                mend=f"Its transcript is {setting.store.directory / 'transcripts' / worker.label}.jsonl. "
                f"`phasegate resume {setting.store.progress.run}` lets it try again.",
            )
