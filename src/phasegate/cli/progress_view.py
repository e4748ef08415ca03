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
        self._total = Spent()
        self._guard = threading.Lock()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the picture while a run works."""
        if not self._live:
            yield
            return
        with Live(get_renderable=self._picture, console=self._console, refresh_per_second=8, transient=True):
            yield
        self._rows.clear()

    def watch(self, worker: Worker, happening: Happening) -> None:
        """Take in what happened."""
        with self._guard:
            match happening:
                case WorkerStarted(title, model):
                    self._rows[worker] = _Row(title, model or "", self._clock())
                    self._line(
                        worker, f"begins: {one_line(title, TITLE_WIDTH)}{f' ({model})' if model else ''}", "cyan"
                    )
                case WorkerEnded(good, summary):
                    self._end(worker, good, summary)
                case TurnEnded(_, spent):
                    self._turn(worker, spent)
                case ToolUsed(name, _, _, is_error):
                    self._row(worker).doing = f"{name}{' (refused)' if is_error else ''}"
                case Waiting(seconds, reason):
                    self._line(worker, f"waits {seconds:.0f} s: {reason}", "yellow")
                case ContextShortened(how):
                    self._line(worker, how, "yellow")
                case _:
                    pass

    def _end(self, worker: Worker, good: bool, summary: str) -> None:
        row = self._rows.pop(worker, None)
        took = f" in {duration(self._clock() - row.since)}, {usd(row.spent.usd)}" if row else ""
        sign, style = ("✓", "green") if good else ("✗", "red")
        self._line(worker, f"{sign}{took}: {one_line(summary, SUMMARY_WIDTH)}", style)

    def _turn(self, worker: Worker, spent: Spent) -> None:
        row = self._row(worker)
        row.spent += spent
        self._total += spent
        if not self._live:
            said = f"turn {row.spent.turns}, {tokens(row.spent.usage.total)} tokens, {usd(row.spent.usd)}"
            self._line(worker, f"{said}{f', last: {row.doing}' if row.doing else ''}", "dim")

    def _row(self, worker: Worker) -> _Row:
        return self._rows.setdefault(worker, _Row(str(worker.phase), "", self._clock()))

    def _line(self, worker: Worker, text: str, style: str) -> None:
        elapsed = duration(self._clock() - self._begun)
        line = Text.assemble((f"{elapsed:>6} ", "dim"), (f"{worker.label:<18} ", "bold"), (text, style))
        self._console.print(line, highlight=False, soft_wrap=True)

    def _picture(self) -> RenderableType:
        with self._guard:
            table = Table.grid(padding=(0, 2))
            for worker, row in self._rows.items():
                spent = f"turn {row.spent.turns + 1}  {tokens(row.spent.usage.total)}  {usd(row.spent.usd)}"
                since = duration(self._clock() - row.since)
                title = one_line(row.title, TITLE_WIDTH)
                table.add_row(
                    Spinner("dots", style="cyan"), Text(worker.label, "bold"), Text(title), row.doing, spent, since
                )
            elapsed, total = duration(self._clock() - self._begun), self._total
            told = f"{tokens(total.usage.total)} tokens  {usd(total.usd)}  {elapsed}"
            return Group(table, Text(told, style="dim"))
