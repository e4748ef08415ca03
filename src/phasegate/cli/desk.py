"""Where a command works: consoles, common options, and what is common to all commands that let a run go on."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from phasegate.cli.gate import ask_human, closing
from phasegate.cli.progress_view import ProgressView
from phasegate.cli.surroundings import RunOptions, Surroundings
from phasegate.documents.base import Frozen
from phasegate.documents.progress import Progress, RunState
from phasegate.doors.run_store import RunStore
from phasegate.errors import ExitCode
from phasegate.phases.setting import Setting
from phasegate.pipeline import go_on


def run_ids(incomplete: str) -> list[str]:
    """Return the runs of the repository one stands in, for shell completion."""
    try:
        runs = Surroundings.find(Path.cwd()).forge.runs()
    except Exception:  # noqa: BLE001 -- a completion must never fail, whatever the directory
        return []
    return [run for run in runs if run.startswith(incomplete)]


Repo = Annotated[Path, typer.Option("--repo", help="A directory of the git repository.", show_default="here")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run, such as L1.", autocompletion=run_ids)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Rehearse = Annotated[
    Path | None, typer.Option("--rehearse", metavar="FILE", help="Play a script instead of asking a model.")
]
NoSandbox = Annotated[bool, typer.Option("--no-sandbox", help="Run gates and shell unconfined, as you.")]
Yes = Annotated[bool, typer.Option("--yes", help="Approve the plan without asking.")]
HERE = Path()


@dataclass(frozen=True, slots=True)
class Desk:
    """One command's surroundings and consoles: results on standard output, progress and messages on standard error."""

    around: Surroundings
    out: Console
    err: Console

    @classmethod
    def at(cls, repo: Path) -> "Desk":
        """Return the desk for a repository. Raises `UserError` where there is none."""
        return cls(Surroundings.find(repo), Console(highlight=False), Console(stderr=True, highlight=False))

    @property
    def somebody_is_there(self) -> bool:
        """Whether a human can be asked."""
        return sys.stdin.isatty() and self.err.is_terminal and not os.environ.get("CI")

    def warn(self, text: str) -> None:
        """Tell something that does not stop the work."""
        self.err.print(Text(f"Note: {text}", style="yellow"))

    def print_json(self, model: Frozen) -> None:
        """Print a model for programs."""
        typer.echo(model.model_dump_json(indent=2))

    def work(
        self, store: RunStore, options: RunOptions, *, yes: bool, first: Callable[[Setting], None] | None = None
    ) -> None:
        """Let a run go on until it is over or nobody is there to say what it waits for; exit with its code.

        `first` is done before, under the run's lock. Raises `UserError`.
        """
        live = self.err.is_terminal and not os.environ.get("CI")
        view = ProgressView(self.err, self.around.clock.seconds, live=live)
        with self.around.setting(store, options, view.watch, self.warn) as setting:
            if first is not None:
                first(setting)
            progress = self._go_on(setting, view, yes=yes)
            self.out.print(closing(store))
        _leave(progress)

    def _go_on(self, setting: Setting, view: ProgressView, *, yes: bool) -> Progress:
        while True:
            try:
                with view.shown():
                    progress = go_on(setting)
            except KeyboardInterrupt:
                self.warn(f"Interrupted. What was done is kept: `phasegate resume {setting.store.directory.name}`.")
                raise
            if progress.state is not RunState.WAITING:
                return progress
            ask_human(setting, self.around.forge, self.err, yes=yes, interactive=self.somebody_is_there)


def _leave(progress: Progress) -> None:
    code = {RunState.DONE: ExitCode.DONE, RunState.MANUAL: ExitCode.DONE, RunState.REJECTED: ExitCode.DONE}
    raise typer.Exit(code.get(progress.state, ExitCode.GATE_FAILED))
