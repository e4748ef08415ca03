"""The summary of a workflow's step: what the status comment says, with a picture of the phases."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from phasegate.documents.gate_report import GateReport
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, Progress, RunState, WaitingFor
from phasegate.documents.review import Review
from phasegate.publishing.page import Page
from phasegate.publishing.run_page import report_values, review_values, run_values, variants_of
from phasegate.publishing.run_rows import ICONS, PhaseRow, phase_rows
from phasegate.publishing.safe_markdown import (
    SUMMARY_BYTES,
    Render,
    Safe,
    SafeMarkdown,
    compose,
    inline,
    joined,
    ours,
    quoted,
)

_REST = ours("*The rest does not fit here.*")
_LOOKS = {
    ICONS["done"]: ours("done"),
    ICONS["running"]: ours("running"),
    ICONS["failed"]: ours("failed"),
}


@dataclass(frozen=True, slots=True)
class Intended:
    """Something that a dry run would have written: what, where, and the text, if it has one."""

    what: str
    where: str = ""
    text: SafeMarkdown | str | None = None


@dataclass(frozen=True, slots=True)
class _ActionRow:
    what: Safe
    where: Safe
    text: Safe | SafeMarkdown | None


@dataclass(frozen=True, slots=True)
class _Stop:
    """A phase in the picture."""

    name: Safe
    status: Safe
    look: Safe
    icon: Safe = field(default=ICONS["pending"])


def step_summary(
    render: Render,
    *,
    progress: Progress | None,
    page: Page,
    plan: Plan | None = None,
    report: GateReport | None = None,
    review: Review | None = None,
    estimate: Decimal | None = None,
    note: str = "",
) -> SafeMarkdown:
    """Return the summary. Without a progress there is only the note; see `status_comment` for the rest."""
    if progress is None:
        values: dict[str, object] = {"run": None, "run_address": page.run}
    else:
        values = {
            **_picture(progress),
            **run_values(progress, page, estimate=estimate),
            **report_values(report),
            **review_values(review),
            "issue": int(progress.run) if progress.run.isdigit() else None,
            "revision": plan.revision if plan is not None else None,
        }
    return compose(
        render,
        "report/step_summary.j2",
        {
            "note": inline(note),
            **values,
        },
        limit=SUMMARY_BYTES,
        rest=_REST,
        variants=variants_of(report, review),
    )


def dry_run_summary(render: Render, *, actions: Sequence[Intended], page: Page) -> SafeMarkdown:
    """Return what a dry run would have written, in order."""
    rows = [
        _ActionRow(
            inline(action.what),
            inline(action.where),
            quoted(action.text) if isinstance(action.text, str) else action.text,
        )
        for action in actions
    ]
    values = {"actions": rows, "run_address": page.run}
    return compose(render, "report/dry_run.j2", values, limit=SUMMARY_BYTES, rest=_REST)


def _picture(progress: Progress) -> dict[str, object]:
    stops = [_stop(row) for row in phase_rows(progress)]
    after_plan = [stop.name for stop in stops].index(inline(PhaseName.PLAN)) + 1
    stops.insert(after_plan, _approval(progress))
    hops = [joined([before.name, after.name], ours(" --> ")) for before, after in pairwise(stops)]
    return {"run": True, "stops": stops, "hops": hops}


def _stop(row: PhaseRow) -> _Stop:
    return _Stop(row.name, row.status, _LOOKS.get(row.icon, ours("pending")), row.icon)


def _approval(progress: Progress) -> _Stop:
    """Return the human gate as a phase."""
    name = ours("approval")
    if progress.waiting_for is WaitingFor.APPROVAL:
        return _Stop(name, ours("waiting"), ours("waiting"), ours("🟡"))
    if progress.approval is not None:
        return _Stop(name, ours("given"), ours("done"), ICONS["done"])
    if progress.state is RunState.REJECTED:
        return _Stop(name, ours("refused"), ours("failed"), ICONS["failed"])
    return _Stop(name, ours("pending"), ours("pending"), ICONS["pending"])
