"""A run as rich renderables: what people see of it on a terminal."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypedDict

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from phasegate.documents.progress import PhaseStatus, Progress, RunState, Spent, WorkProgress, WorkStatus
from phasegate.publishing import papers
from phasegate.publishing.views import AuditView, RunLine, RunView
from phasegate.publishing.words import counted, day_and_time, duration, on_terminal, one_line, tokens, usd


class _TableLook(TypedDict):
    box: None
    pad_edge: bool
    padding: tuple[int, int, int, int]


_MARKS = {
    "pending": ("·", "dim"),
    "running": ("▸", "cyan"),
    "done": ("✓", "green"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
    "blocked": ("!", "yellow"),
}
"""A sign and its style for the status of a phase or a task."""
_STATES = {
    RunState.DONE: "green",
    RunState.WAITING: "yellow",
    RunState.ACTIVE: "cyan",
    RunState.FAILED: "red",
}
_STATUS_OF = {True: PhaseStatus.DONE, False: PhaseStatus.FAILED}
_BARE: _TableLook = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}


def _mark(status: PhaseStatus | WorkStatus) -> Text:
    sign, style = _MARKS[str(status)]
    return Text(sign, style=style)


def _state(progress: Progress) -> Text:
    said = f"{progress.state}" + (f" for {progress.waiting_for}" if progress.waiting_for else "")
    return Text(said, style=_STATES.get(progress.state, "dim"))


def runs_table(lines: Sequence[RunLine]) -> RenderableType:
    """Return the list of runs."""
    if not lines:
        return Text("There are no runs in this repository yet.")
    table = Table("run", "title", "state", "phase", Column("cost", justify="right"), "begun", **_BARE)
    for line in lines:
        said = f"{line.state}" + (f" for {line.waiting_for}" if line.waiting_for else "")
        state = Text(said, style=_STATES.get(line.state, "dim"))
        title = one_line(line.title, 60)
        table.add_row(line.run, Text(title), state, line.phase, usd(line.usd), day_and_time(line.created))
    return table


def status(progress: Progress) -> RenderableType:
    """Return where a run is: phases with their cost, and tasks."""
    head = Text.assemble((progress.run, "bold"), "  ", on_terminal(progress.title), "  ", _state(progress))
    parts: list[RenderableType] = [head]
    if progress.reason:
        parts.append(Text(on_terminal(progress.reason), style="dim"))
    parts += [Text(), phases_table(progress)]
    if progress.tasks:
        parts += [Text(), tasks_table(progress.tasks)]
    return Group(*parts)


def phases_table(progress: Progress) -> Table:
    """Return the phases with model, turns, tokens, time and cost, and their sum."""
    widths = {"turns": 5, "sent": 6, "cached": 6, "answered": 8, "time": 6, "cost": 6}
    right = [Column(name, justify="right", no_wrap=True, min_width=width) for name, width in widths.items()]
    table = Table("", Column("phase", min_width=9), Column("model", no_wrap=True), *right, **_BARE)
    for phase in progress.phases:
        table.add_row(_mark(phase.status), str(phase.id), phase.model or "", *_numbers(phase.spent))
    table.add_row("", "total", "", *_numbers(progress.spent), style="bold")
    return table


def _numbers(spent: Spent) -> tuple[str, ...]:
    if not spent.turns and not spent.seconds:
        return ("",) * 6
    sent = spent.usage.sent
    cached = f"{100 * spent.usage.cache_read_tokens // sent}%" if sent else ""
    answered = tokens(spent.usage.output_tokens)
    return (str(spent.turns), tokens(sent), cached, answered, duration(spent.seconds), usd(spent.usd))


def validation_gates(progress: Progress) -> RenderableType:
    """Return what the validation gates between the phases said."""
    told = [(phase.id, phase.validation) for phase in progress.phases if phase.validation and phase.validation.reason]
    lines = [
        Text.assemble(_mark(_STATUS_OF[said.passed]), f" {name}: {on_terminal(said.reason)}") for name, said in told
    ]
    return Group(*lines)


def tasks_table(tasks: Sequence[WorkProgress]) -> Table:
    """Return the tasks and repairs with their commits and costs."""
    table = Table(
        "",
        "task",
        Column("title", ratio=1),
        "commit",
        Column("cost", justify="right", no_wrap=True),
        Column("summary", ratio=1),
        **_BARE,
    )
    for task in tasks:
        cells = (task.id, Text(one_line(task.title, 50)), (task.commit or "")[:9], usd(task.spent.usd))
        table.add_row(_mark(task.status), *cells, Text(one_line(task.summary, 70), style="dim"))
    return table


def run(view: RunView, *, cost: Decimal, primer: str) -> RenderableType:
    """Return all that is known of a run. `cost`: what its plan is likely to cost; `primer`: the text at its base."""
    return Group(*_sections(view, cost, primer))


def _sections(view: RunView, cost: Decimal, primer: str) -> Iterator[RenderableType]:
    yield status(view.progress)
    if view.findings is not None:
        yield _heading("Findings")
        yield papers.findings(view.findings.payload)
    yield Text()
    if view.questions is not None:
        yield papers.questions(view.questions.payload)
    if view.plan is not None:
        yield papers.plan(view.plan, cost=cost, digest=view.plan.digest)
    if view.draft is not None:
        yield papers.primer_difference(primer, view.draft.payload.primer.text, view.draft.digest)
    yield _heading("Validation gates")
    yield validation_gates(view.progress)
    if view.gates is not None:
        yield _heading("Quality gates")
        yield papers.gates(view.gates.payload)
    if view.review is not None:
        yield _heading("Review")
        yield papers.review(view.review.payload)


def _heading(text: str) -> RenderableType:
    return Text(f"\n{text}", style="bold")


def audit(view: AuditView) -> RenderableType:
    """Return what an audit found."""
    if view.intact:
        return Text(f"✓ {view.run}: the chain of {counted(view.documents, 'document')} is intact.", style="green")
    faults = [Text(on_terminal(f"  {fault.where}: {fault.what}")) for fault in view.faults]
    places = counted(len(faults), "place")
    return Group(Text(f"✗ {view.run}: the chain is broken in {places}.", style="red"), *faults)
