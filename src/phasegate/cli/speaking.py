"""Commands that say something to a run: approve, revise, answer, adopt, reject, manual, cancel."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from phasegate.cli.desk import HERE, Desk, NoSandbox, Rehearse, Repo, RunArgument
from phasegate.cli.gate import by_hand
from phasegate.cli.working import merged
from phasegate.documents.progress import RunState
from phasegate.phases import human
from phasegate.phases.setting import Setting
from phasegate.publishing.words import on_terminal
from phasegate.surroundings import read_text

Words = Annotated[str, typer.Argument(metavar="TEXT", help="What you have to say.")]
Reason = Annotated[str | None, typer.Argument(metavar="[WHY]", help="The reason, for the record.")]
_ENDED = {
    RunState.REJECTED: "rejected",
    RunState.CANCELLED: "cancelled",
    RunState.MANUAL: "taken by hand",
}


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
    needs_model = desk.around.forge.run(run).progress.purpose == "change"
    said = partial(human.approve, approver=person, digest=digest)
    _speak(desk, run, rehearse, no_sandbox, said, needs_model=needs_model)


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

    _speak(desk, run, rehearse, no_sandbox, take, needs_model=False)


def reject(run: RunArgument, why: Reason = None, *, repo: Repo = HERE) -> None:
    """Reject the plan: the run ends, its branch and documents stay."""
    _end(Desk.at(repo), run, RunState.REJECTED, why)


def cancel(run: RunArgument, why: Reason = None, *, repo: Repo = HERE) -> None:
    """Cancel a run: what was done stays, and `phasegate resume` can go on later."""
    _end(Desk.at(repo), run, RunState.CANCELLED, why)


def manual(run: RunArgument, *, repo: Repo = HERE) -> None:
    """Take the plan by hand: the run ends, and you are told how to implement it from here."""
    _end(Desk.at(repo), run, RunState.MANUAL, None)


def _end(desk: Desk, run: str, state: RunState, why: str | None) -> None:
    store = desk.around.forge.run(run)
    # What was typed need not be UTF-8, and is not worth a refusal here.
    said = (f"{_ENDED[state]}: {why}" if why else _ENDED[state]).encode("utf-8", "replace").decode()
    with store.locked():
        human.end(store, state, said)
        desk.around.forge.comment(store, desk.around.forge.person().login, said)
    desk.out.print(Text(f"Run {run} was {on_terminal(said)}. What was done stays."), soft_wrap=True)
    if state is RunState.MANUAL:
        for line in by_hand(desk.around.git, store):
            desk.out.print(Text(line), soft_wrap=True)


def _speak(
    desk: Desk,
    run: str,
    rehearse: Path | None,
    no_sandbox: bool,
    what: Callable[[Setting], None],
    *,
    needs_model: bool = True,
) -> None:
    store = desk.around.forge.run(run)
    options = merged(desk.around.options(store), rehearse, no_sandbox=no_sandbox)
    if needs_model:
        desk.around.check_model(options)
    desk.work(store, options, yes=False, first=what)
