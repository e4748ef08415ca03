"""Commands that only read: status, list, show, audit, schema."""

import json
from decimal import Decimal
from typing import Annotated

import typer
from rich.text import Text

from phasegate.cli.desk import HERE, Desk, Json, Repo, RunArgument, run_ids
from phasegate.cli.gate import ways_on
from phasegate.documents.chain import KINDS
from phasegate.documents.chain import audit as audit_chain
from phasegate.documents.plan_markdown import render_plan
from phasegate.documents.progress import RunState
from phasegate.documents.snapshot import Snapshot
from phasegate.doors.prices import Prices
from phasegate.doors.run_store import RunStore
from phasegate.errors import ExitCode, RefusedError, UserError
from phasegate.policy.config import PRIMER_PATH, config_schema
from phasegate.policy.estimate import expected_usage
from phasegate.publishing import terminal
from phasegate.publishing.configuration_page import configuration_page
from phasegate.publishing.views import RunLine, RunView, audit_view, line_of, view_of


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
    store = desk.around.forge.run(run or latest[0])
    if as_json:
        desk.print_json(store.progress)
    else:
        desk.out.print(terminal.status(store.progress), *(Text(f"\n{line}") for line in _next_lines(store)))


def _next_lines(store: RunStore) -> tuple[str, ...]:
    """Return what can be typed now; nothing for a run that is over for good."""
    progress, run = store.progress, store.progress.run
    match progress.state:
        case RunState.WAITING:
            return (f"Next: {ways_on(progress)}",)
        case RunState.ACTIVE if store.is_worked_on():
            return ("A process works on it right now.",)
        case RunState.ACTIVE:
            return (f"Nobody works on it: its process ended. `phasegate resume {run}` goes on.",)
        case RunState.FAILED | RunState.CANCELLED:
            return (f"Next: `phasegate resume {run}` goes on at the first thing that is not done.",)
        case _:
            return ()


def list_runs(*, repo: Repo = HERE, as_json: Json = False) -> None:
    """List the runs of this repository."""
    desk = Desk.at(repo)
    lines = [line for run in desk.around.forge.runs() if (line := _line(desk, run)) is not None]
    if as_json:
        typer.echo(json.dumps([line.model_dump(mode="json") for line in lines], indent=2))
    else:
        desk.out.print(terminal.runs_table(lines))


def _line(desk: Desk, run: str) -> RunLine | None:
    """Return a run's line. One that cannot be read is told, and does not hide the others."""
    try:
        return line_of(desk.around.forge.run(run).progress)
    except UserError as error:
        desk.warn(f"Run {run} cannot be read: {error.what}")
        return None


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
        primer = desk.around.git.read(view.progress.base_sha, PRIMER_PATH) or b""
        desk.out.print(terminal.run(view, cost=_cost(desk, view), primer=primer.decode("utf-8", "replace")))


def _view(store: RunStore) -> RunView:
    progress = store.progress
    kinds = {file.digest: KINDS[file.kind] for file in store.stored() if file.kind in KINDS}
    named = [phase.document for phase in progress.phases if phase.document]
    documents = [store.get(digest, kinds[digest]) for digest in (*named, progress.plan) if digest in kinds]
    latest = {document.kind: document for document in documents}
    return view_of(progress, store.get(progress.snapshot, Snapshot), latest)


def _plan_markdown(view: RunView) -> str:
    if view.plan is None:
        raise RefusedError(f"Run {view.progress.run} has no plan yet.")
    return render_plan(view.plan)


def _cost(desk: Desk, view: RunView) -> Decimal:
    if view.plan is None:
        return Decimal(0)
    config = desk.around.config(view.progress.base_sha)
    usage = expected_usage(view.plan.payload.estimate.turns)
    return Prices(config.prices, config.provider.name).cost(config.models.implement.model, usage)


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


def schema(
    *, markdown: Annotated[bool, typer.Option("--markdown", help="Print a page to read instead.")] = False
) -> None:
    """Print the JSON Schema of .github/phasegate.yml: every key with its meaning and default."""
    typer.echo(configuration_page() if markdown else json.dumps(config_schema(), indent=2), nl=not markdown)
