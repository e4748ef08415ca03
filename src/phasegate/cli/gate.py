"""The human gate on a terminal: show what waits, ask, and pass on what was said."""

from collections.abc import Callable, Mapping

from rich.console import Console, Group, RenderableType
from rich.prompt import Prompt
from rich.text import Text

from phasegate.documents.interview import Questions
from phasegate.documents.plan import Plan
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import PhaseName, Progress, RunState, WaitingFor
from phasegate.doors.local_forge import LocalForge
from phasegate.doors.run_store import RunStore
from phasegate.errors import WaitingError
from phasegate.phases.branch import plan_path
from phasegate.phases.human import approve, end, say
from phasegate.phases.setting import Setting
from phasegate.policy.config import PRIMER_PATH
from phasegate.policy.estimate import expected_usage
from phasegate.publishing import terminal


def ask_human(setting: Setting, forge: LocalForge, console: Console, *, yes: bool, interactive: bool) -> None:
    """Show what a run waits for, and do what the human says. Raises `WaitingError` when nobody is there."""
    progress = setting.store.progress
    console.print(what_waits(setting))
    if progress.waiting_for is WaitingFor.APPROVAL and yes:
        approve(setting, forge.person())
        return
    if not interactive:
        raise WaitingError(progress.reason, mend=ways_on(progress))
    if progress.waiting_for is WaitingFor.ANSWERS:
        say(setting, "answer", _ask(console, "Your answers"), forge.person().login)
        return
    _decide(setting, forge, console)


def what_waits(setting: Setting) -> RenderableType:
    """Return the plan, the draft or the questions that wait for a human."""
    progress = setting.store.progress
    if progress.waiting_for is WaitingFor.ANSWERS:
        return terminal.questions(setting.store.get(progress.phase(PhaseName.PLAN).document or "", Questions).payload)
    if progress.purpose == "primer":
        draft = setting.store.get(progress.plan or "", PrimerDraft)
        before = setting.git.read(progress.base_sha, PRIMER_PATH) or b""
        return terminal.primer_difference(before.decode("utf-8", "replace"), draft.payload.primer.text)
    plan = setting.store.get(progress.plan or "", Plan)
    cost = setting.prices.cost(setting.config.models.implement.model, expected_usage(plan.payload.estimate.turns))
    note = Text(progress.reason, style="yellow")
    return Group(terminal.plan(plan, cost=cost, digest=plan.digest), note)


def ways_on(progress: Progress) -> str:
    """Return what to type when nobody is there to be asked."""
    run = progress.run
    if progress.waiting_for is WaitingFor.ANSWERS:
        return f'`phasegate answer {run} "TEXT"` goes on; `phasegate cancel {run}` ends it.'
    digest = (progress.plan or "")[:12]
    return (
        f'`phasegate approve {run} {digest}`, `phasegate revise {run} "TEXT"` or `phasegate reject {run}`; '
        f"`phasegate show {run}` shows it again."
    )


def _decide(setting: Setting, forge: LocalForge, console: Console) -> None:
    person = forge.person()
    ways: Mapping[str, Callable[[], None]] = {
        "approve": lambda: approve(setting, person),
        "revise": lambda: say(setting, "revise", _ask(console, "What should be different"), person.login),
        "reject": lambda: end(setting.store, RunState.REJECTED, _ask(console, "Why")),
        "hand": lambda: end(setting.store, RunState.MANUAL, "taken by hand"),
        "later": lambda: _later(setting.store.progress),
    }
    question = "Approve it, revise it, reject it, take it by hand, or later"
    try:
        ways[Prompt.ask(question, choices=list(ways), console=console)]()
    except EOFError:
        _later(setting.store.progress)


def _later(progress: Progress) -> None:
    raise WaitingError(progress.reason, mend=ways_on(progress))


def _ask(console: Console, question: str) -> str:
    while not (text := console.input(f"{question}: ").strip()):
        pass
    return text


def closing(store: RunStore) -> RenderableType:
    """Return what a run ends with: what was made, where to look, what to type next."""
    return Group(Text(), terminal.status(store.progress), Text(), *(Text(line) for line in _next_lines(store)))


def _next_lines(store: RunStore) -> list[str]:
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
            return by_hand(store)
        case _:
            return [f"Next: phasegate show {progress.run}"]


def by_hand(store: RunStore) -> list[str]:
    """Return how a human, or another agent, implements the plan from here. Raises `RefusedError` without a plan."""
    branch, path = store.progress.branch, plan_path(store)
    return [
        f"The plan is yours: it stands in {path} on the branch {branch}.",
        f"By hand:          git switch {branch}, then follow {path}",
        f'With Claude Code: git switch {branch} && claude "Implement the plan in {path}, task by task"',
    ]
