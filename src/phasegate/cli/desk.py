"""Where a command works: consoles, common options, and what is common to all commands that let a run go on."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from phasegate.cli.gate import ask_human, closing
from phasegate.documents.base import Frozen
from phasegate.documents.progress import Progress, RunState
from phasegate.doors.run_store import RunStore
from phasegate.errors import ExitCode, UserError
from phasegate.interruption import was_interrupted
from phasegate.phases.setting import Setting
from phasegate.pipeline import go_on
from phasegate.progress_view import ProgressView
from phasegate.surroundings import RunOptions, Surroundings


def run_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the runs of the repository that a command line speaks of, for shell completion."""
    try:
        runs = Surroundings.find(Path(ctx.params.get("repo") or HERE)).forge.runs()
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
Yes = Annotated[bool, typer.Option("--yes", help="Approve the first plan without asking.")]
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
    def can_show(self) -> bool:
        """Whether moving pictures make sense: on a terminal that somebody looks at."""
        return sys.stderr.isatty() and not self.err.is_dumb_terminal and not self.around.environ.get("CI")

    @property
    def somebody_is_there(self) -> bool:
        """Whether a human can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.around.environ.get("CI")

    def warn(self, text: str) -> None:
        """Tell something that does not stop the work."""
        self.err.print(Text(f"Note: {text}", style="yellow"), soft_wrap=True)

    def print_json(self, model: Frozen) -> None:
        """Print a model for programs."""
        typer.echo(model.model_dump_json(indent=2))

    def work(
        self, store: RunStore, options: RunOptions, *, yes: bool, first: Callable[[Setting], None] | None = None
    ) -> None:
        """Let a run go on until it is over or nobody is there to say what it waits for; exit with its code.

        `first` is done before, under the run's lock. Raises `UserError`.
        """
        try:
            progress = self._worked(store, options, yes=yes, first=first)
        except (KeyboardInterrupt, UserError) as error:
            if not was_interrupted(error):
                raise
            self.warn(f"Interrupted. What was done is kept: `phasegate resume {store.directory.name}` goes on.")
            raise KeyboardInterrupt from None
        self.out.print(closing(self.around.git, store))
        _leave(progress)

    def _worked(
        self, store: RunStore, options: RunOptions, *, yes: bool, first: Callable[[Setting], None] | None
    ) -> Progress:
        view = ProgressView(self.err, self.around.clock.seconds, live=self.can_show)
        with self.around.setting(store, options, view.watch, self.warn) as setting:
            if first is not None:
                first(setting)
            self.around.keep_options(store, options)
            while True:
                with view.shown():
                    progress = go_on(setting)
                if progress.state is not RunState.WAITING:
                    return progress
                ask_human(setting, self.around.forge, self.err, yes=yes, interactive=self.somebody_is_there)


def _leave(progress: Progress) -> None:
    code = {RunState.DONE: ExitCode.DONE, RunState.MANUAL: ExitCode.DONE, RunState.REJECTED: ExitCode.DONE}
    raise typer.Exit(code.get(progress.state, ExitCode.GATE_FAILED))
