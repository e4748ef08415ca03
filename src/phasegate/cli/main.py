"""The `phasegate` command: parse, call one function for each verb, turn errors into exit codes."""

import errno
import sys
import traceback
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from phasegate import __version__, interruption
from phasegate.cli import examining, installing, looking, speaking, stepping, working
from phasegate.errors import ExitCode, UserError
from phasegate.publishing.words import on_terminal
from phasegate.surroundings import system_error

_HELP = """An issue becomes a tested branch in separate, gated phases: research, plan, your approval, implementation,
quality gates, review. Each phase has a fresh context, its own model and its own budget."""
_EXAMPLES = """Examples:

phasegate run "Add a --json flag to the report command"

phasegate run --issue ISSUE.md --base main --yes

phasegate approve L1 · phasegate revise L1 "keep the old format as the default"

phasegate status · phasegate show L1 · phasegate audit L1 --json

Exit codes: 0 done · 1 failed: a gate, the provider, a check · 2 wrong usage or configuration · 3 refused ·
4 waiting for a human · 5 budget or time spent, progress saved · 70 a bug of ours · 130 interrupted."""

_SURROUNDINGS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE}
)
"""What a machine may refuse without our being wrong."""

app = typer.Typer(
    name="phasegate",
    help=_HELP,
    epilog=_EXAMPLES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"phasegate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


_EPILOGS = {
    "run": 'Example: phasegate run "Add a --json flag" --base main',
    "primer": "Example: phasegate primer --repo ../service",
    "resume": "Example: phasegate resume L1",
    "approve": "Example: phasegate approve L1 3f2a9c81d0aa",
    "revise": 'Example: phasegate revise L1 "Leave the text output as it is"',
    "answer": 'Example: phasegate answer L1 "Q1: yes. Q2: JSON lines."',
    "adopt": "Example: phasegate show L1 --plan > plan.md, edit it, phasegate adopt L1 plan.md",
    "reject": 'Example: phasegate reject L1 "Not worth a new option"',
    "manual": "Example: phasegate manual L1",
    "cancel": "Example: phasegate cancel L1",
    "status": "Example: phasegate status --json",
    "list": "Example: phasegate list --json",
    "show": "Example: phasegate show L1 --plan > plan.md",
    "audit": "Example: phasegate audit L1",
    "init": "Example: phasegate init --diff, then phasegate init --labels",
    "doctor": "Example: phasegate doctor --json",
    "step": "Example: phasegate step, in a job of GitHub Actions with PHASEGATE_STEP=decide",
    "schema": "Example: phasegate schema > phasegate.schema.json",
}
for _verb in (
    working.run,
    working.primer,
    working.resume,
    speaking.approve,
    speaking.revise,
    speaking.answer,
    speaking.adopt,
    speaking.reject,
    speaking.manual,
    speaking.cancel,
    looking.status,
    looking.list_runs,
    looking.show,
    looking.audit,
    looking.schema,
    installing.init,
    examining.doctor,
    stepping.step,
):
    _name = "list" if _verb is looking.list_runs else _verb.__name__
    app.command(_name, epilog=_EPILOGS[_name])(_verb)


def main() -> NoReturn:
    """Run the command line and exit: the one place where errors become messages and exit codes."""
    interruption.listen()
    try:
        app(prog_name="phasegate")
    except UserError as error:
        sys.exit(_told(error))
    except OSError as error:
        sys.exit(_told(system_error(error)) if error.errno in _SURROUNDINGS else _bug())
    except Exception:  # noqa: BLE001 -- the last handler: whatever comes here is our own mistake
        sys.exit(_bug())
    sys.exit(ExitCode.DONE)


def _told(error: UserError) -> ExitCode:
    console = Console(stderr=True, highlight=False)
    waiting = error.exit_code is ExitCode.WAITING
    head = Text("Waiting: " if waiting else "Error: ", style="yellow" if waiting else "bold red")
    console.print(Text.assemble(head, on_terminal(error.what)), soft_wrap=True)
    for label, text in (("Likely cause", error.cause), ("What to do", error.mend)):
        if text:
            console.print(Text.assemble((f"{label}: ", "bold"), on_terminal(text)), soft_wrap=True)
    return error.exit_code


def _bug() -> ExitCode:
    traceback.print_exc()
    told = "This is a bug in phasegate, not in what you did. What was done is kept. Please report the lines above."
    Console(stderr=True).print(Text(told, style="bold red"))
    return ExitCode.BUG
