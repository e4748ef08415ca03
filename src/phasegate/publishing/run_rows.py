"""A run's progress, gates and tasks as rows for templates: every word in them is harmless."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.gate_report import GateReport, GateResult
from phasegate.documents.progress import (
    PhaseName,
    PhaseProgress,
    PhaseStatus,
    Progress,
    RunState,
    Spent,
    WaitingFor,
    WorkProgress,
)
from phasegate.publishing.page import Page
from phasegate.publishing.safe_markdown import Safe, cell, code, fence, inline, ours
from phasegate.publishing.words import duration, tokens, usd

ICONS = {
    "pending": ours("⚪"),
    "running": ours("🔵"),
    "done": ours("✅"),
    "failed": ours("❌"),
    "skipped": ours("⏭"),
    "blocked": ours("⛔"),
}
"""A sign for the status of a phase or a task. The word always stands beside it."""
_STATES = {
    RunState.ACTIVE: ours("🔵 at work"),
    RunState.DONE: ours("✅ done"),
    RunState.FAILED: ours("❌ failed"),
    RunState.REJECTED: ours("⏹ rejected"),
    RunState.MANUAL: ours("⏹ taken over by hand"),
    RunState.CANCELLED: ours("⏹ cancelled"),
}
_WAITING = {
    WaitingFor.APPROVAL: ours("🟡 waiting for approval"),
    WaitingFor.ANSWERS: ours("🟡 waiting for answers"),
}
_SHORT_SHA = 9


@dataclass(frozen=True, slots=True)
class CostRow:
    """What something has cost."""

    turns: int
    sent: Safe
    cached: Safe
    answered: Safe
    usd: Safe
    time: Safe


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A phase."""

    name: Safe
    icon: Safe
    status: Safe
    model: Safe
    cost: CostRow
    busy: bool
    """Whether it took any time or turns."""
    summary: Safe
    gate: Safe


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task of the plan, or a repair."""

    name: Safe
    title: Safe
    icon: Safe
    status: Safe
    commit: Safe
    address: Safe | None
    usd: Safe
    paid: bool
    summary: Safe


@dataclass(frozen=True, slots=True)
class GateRow:
    """A quality gate with its evidence."""

    name: Safe
    icon: Safe
    command: Safe
    ended: Safe
    required: bool
    time: Safe
    tail: Safe | None
    passed: bool


def money(amount: Decimal) -> Safe:
    """Return an amount of US dollars."""
    return inline(usd(amount))


def sha(value: str) -> Safe:
    """Return the beginning of a commit's name."""
    return code(value[:_SHORT_SHA])


def state_of(progress: Progress) -> Safe:
    """Return where the run stands, in a sign and words."""
    return _STATES[progress.state] if progress.waiting_for is None else _WAITING[progress.waiting_for]


def cost_row(spent: Spent) -> CostRow:
    """Return what something has cost: tokens that were sent (and how many of them were cached) and answered."""
    usage = spent.usage
    return CostRow(
        turns=spent.turns,
        sent=inline(tokens(usage.sent)),
        cached=inline(tokens(usage.cache_read_tokens)),
        answered=inline(tokens(usage.output_tokens)),
        usd=money(spent.usd),
        time=inline(duration(spent.seconds)),
    )


def phase_rows(progress: Progress) -> list[PhaseRow]:
    """Return the phases in order; course correction only where it happened."""
    return [_phase_row(phase) for phase in progress.phases if phase.id is not PhaseName.CORRECT or _happened(phase)]


def _happened(phase: PhaseProgress) -> bool:
    return phase.attempts > 0 or phase.status not in {PhaseStatus.PENDING, PhaseStatus.SKIPPED}


def _phase_row(phase: PhaseProgress) -> PhaseRow:
    refused = phase.validation is not None and not phase.validation.passed
    said = phase.validation.reason if phase.validation is not None else ""
    return PhaseRow(
        name=inline(phase.id),
        icon=ICONS["failed" if refused and phase.status is PhaseStatus.DONE else phase.status],
        status=inline("not accepted" if refused and phase.status is PhaseStatus.DONE else phase.status),
        model=cell(phase.model or ""),
        cost=cost_row(phase.spent),
        busy=bool(phase.spent.turns or phase.spent.seconds),
        summary=inline(phase.summary),
        gate=inline(said if said != phase.summary else ""),
    )


def task_rows(tasks: Iterable[WorkProgress], page: Page) -> list[TaskRow]:
    """Return the tasks and repairs in order."""
    return [
        TaskRow(
            name=inline(task.id),
            title=inline(task.title),
            icon=ICONS[task.status],
            status=inline(task.status),
            commit=sha(task.commit or ""),
            address=page.commit(task.commit) if task.commit else None,
            usd=money(task.spent.usd),
            paid=task.spent.usd > 0,
            summary=inline(task.summary),
        )
        for task in tasks
    ]


def gate_rows(report: GateReport | None, tail_lines: int) -> list[GateRow]:
    """Return the gates, each with the last lines of what it printed."""
    return [_gate_row(gate, tail_lines) for gate in report.payload.gates] if report is not None else []


def _gate_row(gate: GateResult, tail_lines: int) -> GateRow:
    ended = (
        "timed out" if gate.timed_out else "did not run" if gate.exit_code is None else f"exit code {gate.exit_code}"
    )
    return GateRow(
        name=inline(gate.name),
        icon=ICONS["done" if gate.passed else "failed"],
        command=cell(gate.command),
        ended=inline(ended),
        required=gate.required,
        time=inline(duration(gate.seconds)),
        tail=_tail(gate.tail.strip("\n").split("\n"), tail_lines),
        passed=gate.passed,
    )


def _tail(lines: Sequence[str], count: int) -> Safe | None:
    return fence("\n".join(lines[-count:]), "text") if count and any(lines) else None
