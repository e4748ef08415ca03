"""All that a page on a run may show, as values for its template."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.base import Digest
from phasegate.documents.gate_report import GateReport
from phasegate.documents.progress import PhaseName, Progress
from phasegate.documents.review import Review, ReviewFinding
from phasegate.publishing.page import Page
from phasegate.publishing.run_rows import (
    ICONS,
    cost_row,
    gate_rows,
    money,
    phase_rows,
    sha,
    state_of,
    task_rows,
)
from phasegate.publishing.safe_markdown import Safe, cell, code, inline, quoted

TAILS = (60, 20, 8, 0)
"""How many lines of each gate's output are shown, tried in turn until the page is short enough."""
_DIGEST = 12


@dataclass(frozen=True, slots=True)
class _FindingRow:
    severity: Safe
    place: Safe
    message: Safe


def subject_of(value: Digest | None) -> Safe | None:
    """Return as much of a digest as a person has to copy; it is hexadecimal by its type."""
    return Safe(value[:_DIGEST]) if value is not None else None


def run_values(progress: Progress, page: Page, *, estimate: Decimal | None) -> dict[str, object]:
    """Return what a run's progress alone says. `estimate`: what implementing was expected to cost."""
    phases = phase_rows(progress)
    return {
        **cost_values(progress, estimate),
        "title": inline(progress.title),
        "icon_and_state": state_of(progress),
        "state": inline(progress.state),
        "waits_for": inline(progress.waiting_for or ""),
        "purpose": inline(progress.purpose),
        "reason": inline(progress.reason),
        "told": [phase for phase in phases if phase.summary or phase.gate],
        "tasks": task_rows(progress.tasks, page),
        "has_plan": progress.plan is not None,
        "subject": subject_of(progress.plan),
        "branch": code(progress.branch),
        "branch_address": page.tree(progress.branch),
        "base_sha": sha(progress.base_sha),
        "run_address": page.run,
    }


def cost_values(progress: Progress, estimate: Decimal | None) -> dict[str, object]:
    """Return what each phase has cost, and what implementing was expected to cost."""
    return {
        "phases": phase_rows(progress),
        "total": cost_row(progress.spent),
        "estimate": money(estimate) if estimate else None,
        "implementing": money(progress.phase(PhaseName.IMPLEMENT).spent.usd),
    }


def report_values(report: GateReport | None) -> dict[str, object]:
    """Return what the quality gates ran on; the gates themselves are in `variants_of`."""
    return {
        "gates_ran": report is not None,
        "definitions": sha(report.payload.definitions_from if report else ""),
        "sandbox": inline(report.payload.sandbox if report else ""),
    }


def variants_of(report: GateReport | None, review: Review | None) -> Iterator[dict[str, object]]:
    """Yield the gates with ever shorter output, and the reviewer's remarks; at last without any of both."""
    remarks = _finding_rows(review.payload.findings) if review is not None else []
    for lines in TAILS:
        yield {"gates": gate_rows(report, lines), "remarks": remarks, "remark_count": len(remarks)}
    yield {"gates": gate_rows(report, 0), "remarks": [], "remark_count": len(remarks)}


def review_values(review: Review | None) -> dict[str, object]:
    """Return what the reviewer said; `verdict_icon` is None where there was no review."""
    if review is None:
        return {"verdict_icon": None}
    payload = review.payload
    return {
        "verdict_icon": ICONS["done" if payload.verdict == "approve" else "failed"],
        "approves": payload.verdict == "approve",
        "review_model": code(review.made_by.model or "no model"),
        "fulfils_plan": payload.fulfils_plan,
        "review_summary": quoted(payload.summary),
    }


def _finding_rows(findings: Sequence[ReviewFinding]) -> list[_FindingRow]:
    return [
        _FindingRow(
            inline(finding.severity),
            cell(f"{finding.path}:{finding.line}" if finding.line else finding.path),
            inline(finding.message),
        )
        for finding in findings
    ]
