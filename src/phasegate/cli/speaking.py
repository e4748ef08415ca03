"""Commands that say something to a run: approve, revise, answer, adopt, reject, manual, cancel."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from phasegate.cli.desk import HERE, Desk, NoSandbox, Rehearse, Repo, RunArgument
from phasegate.cli.gate import by_hand
from phasegate.cli.surroundings import read_text
from phasegate.cli.working import merged
from phasegate.documents.progress import RunState
from phasegate.phases import human
from phasegate.phases.setting import Setting

Words = Annotated[str, typer.Argument(metavar="TEXT", help="What you have to say.")]
Reason = Annotated[str, typer.Argument(metavar="[WHY]", help="The reason, for the record.")]


def approve(
    run: RunArgument,
    digest: Annotated[
        str | None, typer.Argument(metavar="[DIGEST]", help="The digest of the plan you read, or its beginning.")
    ] = None,
    *,
    repo: Repo = HERE,
    rehearse: Rehearse = None,
    no_sandbox: NoSandbox = False,
) -> None:
    """Approve the plan that waits, and go on: implementation, gates, review."""
    desk = Desk.at(repo)
    person = desk.around.forge.person()
    _speak(desk, run, rehearse, no_sandbox, lambda setting: human.approve(setting, person, digest=digest))


def revise(
    run: RunArgument, text: Words, *, repo: Repo = HERE, rehearse: Rehearse = None, no_sandbox: NoSandbox = False
) -> None:
    """Send the plan back with what should be different; a new plan is made and waits."""
    desk = Desk.at(repo)
    author = desk.around.forge.person().login
    _speak(desk, run, rehearse, no_sandbox, lambda setting: human.say(setting, "revise", text, author))


def answer(
    run: RunArgument, text: Words, *, repo: Repo = HERE, rehearse: Rehearse = None, no_sandbox: NoSandbox = False
) -> None:
    """Answer the planner's questions; planning starts again with the answers."""
    desk = Desk.at(repo)
    author = desk.around.forge.person().login
    _speak(desk, run, rehearse, no_sandbox, lambda setting: human.say(setting, "answer", text, author))


def adopt(
    run: RunArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The plan as you edited it, in Markdown.")],
    *,
    repo: Repo = HERE,
    rehearse: Rehearse = None,
    no_sandbox: NoSandbox = False,
) -> None:
    """Take the plan as you edited it by hand (`phasegate show RUN --plan` prints it); it then waits for approval."""
    desk, text = Desk.at(repo), read_text(file, "The plan")

    def take(setting: Setting) -> None:
        if not human.adopt(setting, text):
            desk.warn("The plan in the file is the plan in force: nothing was changed.")

    _speak(desk, run, rehearse, no_sandbox, take)


def reject(run: RunArgument, why: Reason = "rejected", *, repo: Repo = HERE) -> None:
    """Reject the plan: the run ends, its branch and documents stay."""
    _end(Desk.at(repo), run, RunState.REJECTED, why)


def cancel(run: RunArgument, why: Reason = "cancelled", *, repo: Repo = HERE) -> None:
    """Cancel a run: what was done stays, and `phasegate resume` can go on later."""
    _end(Desk.at(repo), run, RunState.CANCELLED, why)


def manual(run: RunArgument, *, repo: Repo = HERE) -> None:
    """Take the plan by hand: the run ends, and you are told how to implement it from here."""
    desk = Desk.at(repo)
    _end(desk, run, RunState.MANUAL, "taken by hand")


def _end(desk: Desk, run: str, state: RunState, why: str) -> None:
    store = desk.around.forge.run(run)
    with store.locked():
        human.end(store, state, why)
    desk.around.forge.comment(store, desk.around.forge.person().login, f"/{state}: {why}")
    desk.out.print(Text(f"Run {run} is {state}. Its branch {store.progress.branch} stays where it is."))
    if state is RunState.MANUAL:
        for line in by_hand(store):
            desk.out.print(Text(line))


def _speak(desk: Desk, run: str, rehearse: Path | None, no_sandbox: bool, what: Callable[[Setting], None]) -> None:
    store = desk.around.forge.run(run)
    options = merged(desk.around.options(store), rehearse, no_sandbox=no_sandbox)
    desk.around.check_model(options)
    desk.around.keep_options(store, options)
    desk.work(store, options, yes=False, first=what)
