"""Live progress: a moving picture on a terminal, plain lines anywhere else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from phasegate.agent.assignment import ContextShortened, ToolUsed, TurnEnded, Waiting
from phasegate.documents.progress import Spent
from phasegate.phases.setting import Happening, Worker, WorkerEnded, WorkerStarted
from phasegate.publishing.words import duration, one_line, tokens, usd

TITLE_WIDTH = 56
SUMMARY_WIDTH = 100
_Line = tuple[str, str]
"""What is printed, and in which style."""


@dataclass(slots=True)
class _Row:
    """Somebody at work."""

    title: str
    model: str
    since: float
    doing: str = ""
    spent: Spent = field(default_factory=Spent)


class ProgressView:
    """Shows who works on what, turn by turn. Several threads may tell it."""

    def __init__(self, console: Console, clock: Callable[[], float], *, live: bool) -> None:
        self._console = console
        self._clock = clock
        self._begun = clock()
        self._live = live
        self._rows: dict[Worker, _Row] = {}
        self._phase = Spent()
        self._total = Spent()
        self._guard = threading.Lock()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the picture while a run works."""
        if not self._live:
            yield
            return
        try:
            with Live(get_renderable=self._picture, console=self._console, refresh_per_second=8, transient=True):
                yield
        finally:
            self._rows.clear()

    def watch(self, worker: Worker, happening: Happening) -> None:
        """Take in what happened, and print what is worth a line."""
        with self._guard:
            line = self._taken_in(worker, happening)
            elapsed = duration(self._clock() - self._begun)
        if line is not None:
            # Not under the guard: printing waits for the picture, and the picture for the guard.
            text, style = line
            shown = Text.assemble((f"{elapsed:>6} ", "dim"), (f"{worker.label:<18} ", "bold"), (text, style))
            self._console.print(shown, highlight=False, soft_wrap=True)

    def _taken_in(self, worker: Worker, happening: Happening) -> _Line | None:
        line: _Line | None = None
        match happening:
            case WorkerStarted(title, model):
                line = self._started(worker, title, model)
            case WorkerEnded(good, summary):
                line = self._ended(worker, good, summary)
            case TurnEnded(_, spent):
                line = self._turn(worker, spent)
            case ToolUsed(name, _, _, is_error):
                self._row(worker).doing = f"{one_line(name, TITLE_WIDTH)}{' (refused)' if is_error else ''}"
            case Waiting(seconds, reason):
                line = f"waits {seconds:.0f} s: {one_line(reason, SUMMARY_WIDTH)}", "yellow"
            case ContextShortened(how):
                line = how, "yellow"
        return line

    def _started(self, worker: Worker, title: str, model: str | None) -> _Line:
        self._rows[worker] = _Row(title, model or "", self._clock())
        if not worker.part:
            self._phase = Spent()
        return f"begins: {one_line(title, TITLE_WIDTH)}{f' ({model})' if model else ''}", "cyan"

    def _ended(self, worker: Worker, good: bool, summary: str) -> _Line:
        row = self._rows.pop(worker, None)
        spent = (row.spent if row else Spent()) if worker.part else self._phase
        took = f" in {duration(self._clock() - row.since)}" if row else ""
        cost = f", {usd(spent.usd)}" if spent.turns else ""
        sign, style = ("✓", "green") if good else ("✗", "red")
        return f"{sign}{took}{cost}: {one_line(summary, SUMMARY_WIDTH)}", style

    def _turn(self, worker: Worker, spent: Spent) -> _Line | None:
        row = self._row(worker)
        row.spent += spent
        self._phase += spent
        self._total += spent
        if self._live:
            return None
        said = f"turn {row.spent.turns}, {tokens(row.spent.usage.total)} tokens, {usd(row.spent.usd)}"
        return f"{said}{f', last: {row.doing}' if row.doing else ''}", "dim"

    def _row(self, worker: Worker) -> _Row:
        return self._rows.setdefault(worker, _Row(str(worker.phase), "", self._clock()))

    def _picture(self) -> RenderableType:
        with self._guard:
            rows = [(worker.label, *self._cells(row)) for worker, row in self._rows.items()]
            total, elapsed = self._total, duration(self._clock() - self._begun)
        table = Table.grid(padding=(0, 2))
        for label, title, doing, spent, since in rows:
            table.add_row(Spinner("dots", style="cyan"), Text(label, "bold"), Text(title), Text(doing), spent, since)
        told = f"{tokens(total.usage.total)} tokens  {usd(total.usd)}  {elapsed}"
        return Group(table, Text(told, style="dim"))

    def _cells(self, row: _Row) -> tuple[str, str, str, str]:
        spent = f"turn {row.spent.turns + 1}  {tokens(row.spent.usage.total)}  {usd(row.spent.usd)}"
        return one_line(row.title, TITLE_WIDTH), row.doing, spent, duration(self._clock() - row.since)
