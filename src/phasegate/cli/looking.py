"""Commands that only read: status, list, show, audit, schema."""

import json
from decimal import Decimal
from typing import Annotated

import typer

from phasegate.cli.desk import HERE, Desk, Json, Repo, RunArgument, run_ids
from phasegate.documents.base import Document
from phasegate.documents.chain import audit as audit_chain
from phasegate.documents.findings import Findings
from phasegate.documents.gate_report import GateReport
from phasegate.documents.interview import Questions
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import render_plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import PhaseName
from phasegate.documents.review import Review
from phasegate.documents.snapshot import Snapshot
from phasegate.doors.prices import Prices
from phasegate.doors.run_store import RunStore
from phasegate.errors import ExitCode, RefusedError
from phasegate.policy.config import config_schema
from phasegate.policy.estimate import expected_usage
from phasegate.publishing import terminal
from phasegate.publishing.views import RunView, audit_view, line_of, view_of

_SHOWN: tuple[tuple[PhaseName, tuple[type[Document], ...]], ...] = (
    (PhaseName.RESEARCH, (Findings,)),
    (PhaseName.PLAN, (Questions, Plan, PrimerDraft)),
    (PhaseName.VERIFY, (GateReport,)),
    (PhaseName.REVIEW, (Review,)),
)


def status(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The run; the latest if left out.", autocompletion=run_ids)
    ] = None,
    *,
    repo: Repo = HERE,
    as_json: Json = False,
) -> None:
    """Show where a run is: phases, tasks, cost."""
    desk = Desk.at(repo)
    latest = desk.around.forge.runs()[-1:] or ("L1",)
    progress = desk.around.forge.run(run or latest[0]).progress
    if as_json:
        desk.print_json(progress)
    else:
        desk.out.print(terminal.status(progress))


def list_runs(*, repo: Repo = HERE, as_json: Json = False) -> None:
    """List the runs of this repository."""
    desk = Desk.at(repo)
    forge = desk.around.forge
    lines = [line_of(forge.run(run).progress) for run in forge.runs()]
    if as_json:
        typer.echo(json.dumps([line.model_dump(mode="json") for line in lines], indent=2))
    else:
        desk.out.print(terminal.runs_table(lines))


def show(
    run: RunArgument,
    *,
    repo: Repo = HERE,
    plan: Annotated[bool, typer.Option("--plan", help="Print only the plan, as Markdown to edit and adopt.")] = False,
    as_json: Json = False,
) -> None:
    """Show all of a run: findings, plan, cost per phase, tasks, gates with evidence, review."""
    desk = Desk.at(repo)
    view = _view(desk.around.forge.run(run))
    if plan:
        typer.echo(_plan_markdown(view), nl=False)
    elif as_json:
        desk.print_json(view)
    else:
        desk.out.print(terminal.run(view, cost=_cost(desk, view)))


def _view(store: RunStore) -> RunView:
    progress = store.progress
    documents: dict[str, Document] = {}
    for name, kinds in _SHOWN:
        digest = progress.phase(name).document
        found = [
            kind
            for kind in kinds
            for stored in store.stored()
            if stored.digest == digest and stored.kind == _kind(kind)
        ]
        documents |= {_kind(kind): store.get(digest or "", kind) for kind in found}
    if progress.plan and progress.purpose == "change":
        documents["plan"] = store.get(progress.plan, Plan)
    return view_of(progress, store.get(progress.snapshot, Snapshot), documents)


def _kind(document: type[Document]) -> str:
    return str(document.model_fields["kind"].default)


def _plan_markdown(view: RunView) -> str:
    if view.plan is None:
        raise RefusedError(f"Run {view.progress.run} has no plan yet.")
    return render_plan(view.plan)


def _cost(desk: Desk, view: RunView) -> Decimal:
    if view.plan is None:
        return Decimal(0)
    config = desk.around.config(view.progress.base_sha)
    usage = expected_usage(view.plan.payload.estimate.turns)
    return Prices(config.prices).cost(config.models.implement.model, usage)


def audit(run: RunArgument, *, repo: Repo = HERE, as_json: Json = False) -> None:
    """Recompute the chain of a run's documents, offline, and say where it breaks (exit code 1)."""
    desk = Desk.at(repo)
    store = desk.around.forge.run(run)
    view = audit_view(run, audit_chain(store.progress, store.stored()))
    if as_json:
        desk.print_json(view)
    else:
        desk.out.print(terminal.audit(view))
    if not view.intact:
        raise typer.Exit(ExitCode.GATE_FAILED)


def schema() -> None:
    """Print the JSON Schema of .github/phasegate.yml: every key with its meaning and default."""
    typer.echo(json.dumps(config_schema(), indent=2))
