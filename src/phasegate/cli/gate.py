"""The human gate on a terminal: show what waits, ask, and pass on what was said."""

from collections.abc import Callable, Mapping

from rich.console import Console, Group, RenderableType
from rich.prompt import Prompt
from rich.text import Text

from phasegate.documents.change_set import Blocked
from phasegate.documents.interview import Questions
from phasegate.documents.plan import Plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import PhaseName, Progress, RunState, WaitingFor
from phasegate.doors.git.repository import Git
from phasegate.doors.local_forge import LocalForge
from phasegate.doors.run_store import RunStore
from phasegate.errors import WaitingError
from phasegate.phases.branch import plan_path
from phasegate.phases.gates import NO_GATES
from phasegate.phases.human import approve, end, say
from phasegate.phases.setting import Setting
from phasegate.policy.config import PRIMER_PATH
from phasegate.policy.estimate import expected_usage
from phasegate.publishing import papers, terminal
from phasegate.publishing.words import on_terminal


def ask_human(setting: Setting, forge: LocalForge, console: Console, *, yes: bool, interactive: bool) -> None:
    """Show what a run waits for, and do what the human says. Raises `WaitingError` when nobody is there.

    `yes` approves a plan that nothing was done on yet. What a correction wants beyond it needs a human's eye.
    """
    progress = setting.store.progress
    console.print(what_waits(setting))
    begun = any(task.started is not None for task in progress.tasks) or bool(setting.store.all(Blocked))
    if yes and progress.waiting_for is WaitingFor.APPROVAL and not begun:
        approve(setting, forge.person())
        return
    if not interactive:
        raise _waiting(progress)
    try:
        _decide(setting, forge, console)
    except EOFError:
        raise _waiting(progress) from None


def what_waits(setting: Setting) -> RenderableType:
    """Return the plan, the draft or the questions that wait for a human, and why they wait."""
    progress = setting.store.progress
    if progress.waiting_for is WaitingFor.ANSWERS:
        return papers.questions(setting.store.get(progress.phase(PhaseName.PLAN).document or "", Questions).payload)
    note = Text(on_terminal(progress.reason), style="yellow")
    if progress.purpose == "primer":
        draft = setting.store.get(progress.plan or "", PrimerDraft)
        before = setting.git.read(progress.base_sha, PRIMER_PATH) or b""
        shown = papers.primer_difference(before.decode("utf-8", "replace"), draft.payload.primer.text, draft.digest)
        return Group(shown, note)
    plan = setting.store.get(progress.plan or "", Plan)
    cost = setting.prices.cost(setting.config.models.implement.model, expected_usage(plan.payload.estimate.turns))
    untested = [] if setting.gates else [Text(f"Note: {NO_GATES}. Name some under `gates:`.", style="yellow")]
    return Group(papers.plan(plan, cost=cost, digest=plan.digest), note, *untested)


def ways_on(progress: Progress) -> str:
    """Return what to type when nobody is there to be asked."""
    run = progress.run
    if progress.waiting_for is WaitingFor.ANSWERS:
        return f'`phasegate answer {run} "TEXT"` goes on; `phasegate cancel {run}` ends it.'
    digest = (progress.plan or "")[:12]
    by_hand = f", `phasegate manual {run}`" if progress.purpose == "change" else ""
    return (
        f'`phasegate approve {run} {digest}`, `phasegate revise {run} "TEXT"`{by_hand} or `phasegate reject {run}`; '
        f"`phasegate show {run}` shows it again."
    )


def _waiting(progress: Progress) -> WaitingError:
    return WaitingError(progress.reason, mend=ways_on(progress))


def _decide(setting: Setting, forge: LocalForge, console: Console) -> None:
    """Ask and do. Raises `EOFError` when the human leaves without an answer, `WaitingError` when they say later."""
    person, progress = forge.person(), setting.store.progress
    if progress.waiting_for is WaitingFor.ANSWERS:
        say(setting, "answer", _ask(console, "Your answers"), person.login)
        return
    ways: Mapping[str, Callable[[], None]] = {
        "approve": lambda: approve(setting, person),
        "revise": lambda: say(setting, "revise", _ask(console, "What should be different"), person.login),
        "reject": lambda: end(setting.store, RunState.REJECTED, _ask(console, "Why")),
        "hand": lambda: end(setting.store, RunState.MANUAL, "taken by hand"),
    }
    offered = [way for way in ways if way != "hand" or progress.purpose == "change"]
    by_hand = "take it by hand (hand), " if "hand" in offered else ""
    question = f"Approve it, revise it, reject it, {by_hand}or later"
    said = Prompt.ask(question, choices=[*offered, "later"], console=console)
    if said == "later":
        raise _waiting(progress)
    ways[said]()


def _ask(console: Console, question: str) -> str:
    while not (text := console.input(f"{question}: ").strip()):
        pass
    return text


def closing(git: Git, store: RunStore) -> RenderableType:
    """Return what a run ends with: what was made, where to look, what to type next."""
    return Group(Text(), terminal.status(store.progress), Text(), *(Text(line) for line in _next_lines(git, store)))


def _next_lines(git: Git, store: RunStore) -> list[str]:
    progress = store.progress
    branch, base = progress.branch, progress.base_sha[:12]
    match progress.state:
        case RunState.DONE:
            return [
                f"Made: the branch {branch}, {base}..{progress.head_sha[:12]}",
                f"Look: git log --stat {base}..{branch}",
                f"      phasegate show {progress.run}, phasegate audit {progress.run}",
                f"Next: git switch {branch}, or git merge {branch}",
            ]
        case RunState.MANUAL:
            return by_hand(git, store)
        case _:
            return [f"Next: phasegate show {progress.run}"]


def by_hand(git: Git, store: RunStore) -> list[str]:
    """Return how a human, or another agent, implements the plan from here. Raises `RefusedError` without a plan."""
    progress, path = store.progress, plan_path(store)
    tip = git.branch(progress.branch)
    start = f"git switch {progress.branch}" if tip else f"git switch -c {progress.branch} {progress.base_sha[:12]}"
    where = f"it stands in {path} on the branch {progress.branch}"
    if tip is None or git.read(tip, path) is None:
        where, path = f"`phasegate show {progress.run} --plan > PLAN.md` writes it down", "PLAN.md"
    return [
        f"The plan is yours: {where}.",
        f"By hand:          {start}, then follow {path}",
        f'With Claude Code: {start} && claude "Implement the plan in {path}, task by task"',
    ]
