"""What is known of a run, gathered for readers: people on a terminal, programs by `--json`."""

from datetime import datetime
from decimal import Decimal

from phasegate.documents.base import Digest, Document, Frozen
from phasegate.documents.chain import AuditReport
from phasegate.documents.findings import Findings
from phasegate.documents.gate_report import GateReport
from phasegate.documents.interview import Questions
from phasegate.documents.plan import Plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import Progress, RunState, WaitingFor
from phasegate.documents.review import Review
from phasegate.documents.snapshot import Snapshot


class RunLine(Frozen):
    """A run in a list."""

    run: str
    title: str
    state: RunState
    waiting_for: WaitingFor | None
    phase: str
    created: datetime
    usd: Decimal
    branch: str


class RunView(Frozen):
    """A run with its latest documents; None where there is none yet."""

    progress: Progress
    usd: Decimal
    total_tokens: int
    snapshot: Snapshot
    findings: Findings | None = None
    questions: Questions | None = None
    plan: Plan | None = None
    plan_digest: Digest | None = None
    draft: PrimerDraft | None = None
    gates: GateReport | None = None
    review: Review | None = None


class FaultView(Frozen):
    """A place where a chain breaks."""

    where: str
    what: str


class AuditView(Frozen):
    """What an audit found."""

    run: str
    documents: int
    intact: bool
    faults: tuple[FaultView, ...]


def line_of(progress: Progress) -> RunLine:
    """Return a run as a line of a list."""
    return RunLine(
        run=progress.run,
        title=progress.title,
        state=progress.state,
        waiting_for=progress.waiting_for,
        phase=str(progress.current_phase),
        created=progress.created,
        usd=progress.spent.usd,
        branch=progress.branch,
    )


def view_of(progress: Progress, snapshot: Snapshot, documents: dict[str, Document]) -> RunView:
    """Return a run for readers; `documents` has the latest of each kind."""
    plan = documents.get("plan")
    return RunView.model_validate(
        {
            "progress": progress,
            "usd": progress.spent.usd,
            "total_tokens": progress.spent.usage.total,
            "snapshot": snapshot,
            "findings": documents.get("findings"),
            "questions": documents.get("questions"),
            "plan": plan,
            "plan_digest": plan.digest if plan else None,
            "draft": documents.get("primer-draft"),
            "gates": documents.get("gate-report"),
            "review": documents.get("review"),
        }
    )


def audit_view(run: str, report: AuditReport) -> AuditView:
    """Return an audit for readers."""
    faults = tuple(FaultView(where=fault.where, what=fault.what) for fault in report.faults)
    return AuditView(run=run, documents=report.documents, intact=report.intact, faults=faults)
