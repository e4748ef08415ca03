"""Documents as rich renderables: what people see of a run on a terminal."""

import difflib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypedDict

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from phasegate.documents.gate_report import GateReportPayload
from phasegate.documents.interview import QuestionsPayload
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import render_payload
from phasegate.documents.progress import PhaseStatus, Progress, RunState, Spent, WorkProgress, WorkStatus
from phasegate.documents.review import ReviewPayload
from phasegate.publishing.views import AuditView, RunLine, RunView
from phasegate.publishing.words import day_and_time, duration, on_terminal, one_line, tokens, usd


class _TableLook(TypedDict):
    box: None
    pad_edge: bool
    padding: tuple[int, int, int, int]


_MARKS = {
    PhaseStatus.PENDING: ("·", "dim"),
    PhaseStatus.RUNNING: ("▸", "cyan"),
    PhaseStatus.DONE: ("✓", "green"),
    PhaseStatus.FAILED: ("✗", "red"),
    PhaseStatus.SKIPPED: ("-", "dim"),
    WorkStatus.BLOCKED: ("!", "yellow"),
}
_STATES = {
    RunState.DONE: "green",
    RunState.WAITING: "yellow",
    RunState.ACTIVE: "cyan",
    RunState.FAILED: "red",
}
_STATUS_OF = {True: PhaseStatus.DONE, False: PhaseStatus.FAILED}
_TAIL_LINES = 12
_BARE: _TableLook = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0)}


def _mark(status: PhaseStatus | WorkStatus) -> Text:
    sign, style = _MARKS.get(PhaseStatus(status) if status in set(PhaseStatus) else WorkStatus.BLOCKED, ("·", "dim"))
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


def plan(document: Plan, *, cost: Decimal, digest: str) -> RenderableType:
    """Return a plan as people read it before they approve it."""
    head = f"revision {document.revision} · digest {digest[:12]} · about {usd(cost)} to carry out"
    return Panel(
        Markdown(on_terminal(render_payload(document.payload))), title=head, title_align="left", border_style="cyan"
    )


def questions(payload: QuestionsPayload) -> RenderableType:
    """Return the planner's questions."""
    text = "\n\n".join(
        f"**{item.id}** {item.question}\n\n*Why:* {item.why} *Suggestion:* {item.suggestion}"
        for item in payload.questions
    )
    return Panel(Markdown(on_terminal(text)), title="The planner asks", title_align="left", border_style="yellow")


def primer_difference(before: str, after: str) -> RenderableType:
    """Return the difference that a drafted primer makes."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "primer", "draft", lineterm="")
    text = on_terminal("\n".join(lines)) or "The draft is what the primer is already."
    return Panel(Syntax(text, "diff", background_color="default"), title="The draft of the primer", title_align="left")


def gates(payload: GateReportPayload) -> RenderableType:
    """Return the gates with their evidence."""
    parts: list[RenderableType] = []
    for gate in payload.gates:
        sign = _mark(PhaseStatus.DONE if gate.passed else PhaseStatus.FAILED)
        ended = "timed out" if gate.timed_out else f"exit code {gate.exit_code}"
        kind = "" if gate.required else " (not required)"
        parts.append(Text.assemble(sign, f" {gate.name}{kind}  {ended}  {gate.seconds:.1f} s  ", (gate.command, "dim")))
        tail = on_terminal(gate.tail).strip().split("\n")[-_TAIL_LINES:]
        parts += [Text("    " + line, style="dim") for line in tail if not gate.passed]
    where = f"definitions from {payload.definitions_from[:9]}, sandbox: {payload.sandbox}"
    return Group(*parts, Text(where, style="dim")) if parts else Text("There are no quality gates.")


def review(payload: ReviewPayload) -> RenderableType:
    """Return the review."""
    parts: list[RenderableType] = [Text(f"{payload.verdict}. {on_terminal(payload.summary)}")]
    for finding in payload.findings:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        parts.append(Text(f"  {finding.severity}  {on_terminal(place)}  {on_terminal(finding.message)}"))
    return Group(*parts)


def run(view: RunView, *, cost: Decimal) -> RenderableType:
    """Return all that is known of a run."""
    return Group(*_sections(view, cost))


def _sections(view: RunView, cost: Decimal) -> Iterator[RenderableType]:
    yield status(view.progress)
    if view.findings is not None:
        yield _heading("Findings")
        yield Text(on_terminal(view.findings.payload.asked))
        for code in view.findings.payload.code:
            yield Text(
                f"  {on_terminal(code.path)}:{code.first_line}-{code.last_line}  {on_terminal(code.why)}", style="dim"
            )
    if view.questions is not None and view.plan is None:
        yield questions(view.questions.payload)
    if view.plan is not None:
        yield Text()
        yield plan(view.plan, cost=cost, digest=view.plan_digest or "")
    if view.draft is not None:
        yield primer_difference("", view.draft.payload.primer.text)
    yield _heading("Validation gates")
    yield validation_gates(view.progress)
    if view.gates is not None:
        yield _heading("Quality gates")
        yield gates(view.gates.payload)
    if view.review is not None:
        yield _heading("Review")
        yield review(view.review.payload)


def _heading(text: str) -> RenderableType:
    return Text(f"\n{text}", style="bold")


def audit(view: AuditView) -> RenderableType:
    """Return what an audit found."""
    if view.intact:
        return Text(f"✓ {view.run}: the chain of {view.documents} documents is intact.", style="green")
    faults = [Text(f"  {fault.where}: {fault.what}") for fault in view.faults]
    return Group(Text(f"✗ {view.run}: the chain is broken in {len(faults)} places.", style="red"), *faults)
