"""Single documents as rich renderables: what people read before they decide, and the evidence of what was decided."""

import difflib
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from phasegate.documents.findings import FindingsPayload
from phasegate.documents.gate_report import GateReportPayload
from phasegate.documents.interview import QuestionsPayload
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import render_payload
from phasegate.documents.review import ReviewPayload
from phasegate.publishing.words import on_terminal, one_line, usd

_TAIL_LINES = 12
_COMMAND_WIDTH = 200


def plan(document: Plan, *, cost: Decimal, digest: str) -> RenderableType:
    """Return a plan as people read it before they approve it: its very source, because rendering could hide parts."""
    head = f"revision {document.revision} · digest {digest[:12]} · about {usd(cost)} to carry out"
    return Panel(_source(render_payload(document.payload)), title=head, title_align="left", border_style="cyan")


def _source(markdown: str) -> RenderableType:
    """Return Markdown as it is written: headings are set off, quoted text is set in, nothing is left out."""
    return Group(*(_source_line(line) for line in on_terminal(markdown).rstrip("\n").split("\n")))


def _source_line(line: str) -> RenderableType:
    if line == ">" or line.startswith("> "):
        return Padding(Text(line[2:]), (0, 0, 0, 2))
    return Text(line, style="bold" if line.startswith("#") else "")


def questions(payload: QuestionsPayload) -> RenderableType:
    """Return the planner's questions."""
    asked = Text("\n\n").join(
        Text.assemble(
            (f"{item.id} ", "bold"),
            on_terminal(item.question),
            ("\nWhy: ", "dim"),
            on_terminal(item.why),
            ("\nSuggestion: ", "dim"),
            on_terminal(item.suggestion),
        )
        for item in payload.questions
    )
    return Panel(asked, title="The planner asks", title_align="left", border_style="yellow")


def primer_difference(before: str, after: str, digest: str) -> RenderableType:
    """Return the difference that a drafted primer makes."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "primer", "draft", lineterm="")
    text = on_terminal("\n".join(lines)) or "The draft is what the primer is already."
    shown = Syntax(text, "diff", background_color="default", word_wrap=True)
    return Panel(shown, title=f"The draft of the primer · digest {digest[:12]}", title_align="left")


def findings(payload: FindingsPayload) -> RenderableType:
    """Return what research found out, each claim with the file that shows it."""
    parts: list[RenderableType] = [Text(on_terminal(payload.asked))]
    parts += [
        Text(on_terminal(f"  {code.path}:{code.first_line}-{code.last_line}  {code.why}"), "dim")
        for code in payload.code
    ]
    claims = {
        "interfaces": payload.interfaces,
        "tests": payload.tests,
        "constraints": payload.constraints,
        "risks": payload.risks,
    }
    for name, items in claims.items():
        parts += [Text(on_terminal(f"  {name}: {item.statement} [{item.path}]"), "dim") for item in items]
    parts += [
        Text(on_terminal(f"  decided: {item.decision}, because {item.rationale} [{item.path}]"), "dim")
        for item in payload.decisions
    ]
    return Group(*parts, *(Text(on_terminal(f"  open: {question}"), "dim") for question in payload.open_questions))


def gates(payload: GateReportPayload) -> RenderableType:
    """Return the gates with their evidence."""
    parts: list[RenderableType] = []
    for gate in payload.gates:
        sign = ("✓", "green") if gate.passed else ("✗", "red")
        ended = "timed out" if gate.timed_out else f"exit code {gate.exit_code}"
        kind = "" if gate.required else " (not required)"
        command = (one_line(gate.command, _COMMAND_WIDTH), "dim")
        parts.append(Text.assemble(sign, f" {gate.name}{kind}  {ended}  {gate.seconds:.1f} s  ", command))
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
