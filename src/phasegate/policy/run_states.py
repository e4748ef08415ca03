"""What can be said to a run as it stands, and from when on."""

from collections.abc import Mapping
from datetime import datetime

from phasegate.documents.progress import PhaseName, Progress, RunState, WaitingFor
from phasegate.policy.approval import published
from phasegate.policy.asking import Ask
from phasegate.policy.decisions import Refuse, RunFacts
from phasegate.policy.standing import ASKING

_WAITED_FOR = {
    "approve": WaitingFor.APPROVAL,
    "revise": WaitingFor.APPROVAL,
    "replan": WaitingFor.APPROVAL,
    "reject": WaitingFor.APPROVAL,
    "adopt": WaitingFor.APPROVAL,
    "answer": WaitingFor.ANSWERS,
}
_NEEDS_PLAN = frozenset({"approve", "adopt", "manual"})
_ACTED_UPON: Mapping[str, frozenset[RunState]] = {
    # A run whose machine died still says that it is at work: nothing else would take it up again.
    "retry": frozenset({RunState.ACTIVE, RunState.FAILED, RunState.CANCELLED}),
    "cancel": frozenset({RunState.ACTIVE, RunState.WAITING}),
}
_STATES = {
    RunState.ACTIVE: "is at work",
    RunState.DONE: "is done",
    RunState.FAILED: "has failed",
    RunState.REJECTED: "was rejected",
    RunState.MANUAL: "was taken over by hand",
    RunState.CANCELLED: "was cancelled",
}
_WAITS = {
    WaitingFor.APPROVAL: "waits for the approval of its plan",
    WaitingFor.ANSWERS: "waits for answers to its questions",
}
_ANEW = "Add the label `phasegate` to the issue to start anew."
_NEXT = {
    RunState.ACTIVE: "`/status` says where it is; `/retry` takes it up again if it stands still.",
    RunState.FAILED: "`/retry` takes it up again where it ended.",
    RunState.CANCELLED: "`/retry` takes it up again where it ended.",
    RunState.DONE: "Its pull request is where people go on.",
    RunState.MANUAL: "Its branch is where people go on.",
    RunState.REJECTED: _ANEW,
}
_NEXT_WORD = {
    WaitingFor.APPROVAL: "Write `/approve`, `/revise` with what to change, or `/reject` on its pull request.",
    WaitingFor.ANSWERS: "Write `/answer` with the answers.",
}


def stands(progress: Progress) -> str:
    """Return how a run stands, in words that follow its name."""
    return _STATES[progress.state] if progress.waiting_for is None else _WAITS[progress.waiting_for]


def what_next(progress: Progress) -> str:
    """Return what a person can do about a run as it stands."""
    return _NEXT[progress.state] if progress.waiting_for is None else _NEXT_WORD[progress.waiting_for]


def why_old(ask: Ask, run: RunFacts, progress: Progress) -> Refuse | None:
    """Return why a command comes from before what it would act upon, such as an event that is played again."""
    mend = "Read what is there now, and say it again if you still mean it."
    if ask.command not in ASKING and ask.at < progress.created:
        return Refuse("older-than-run", "This was said before the run began.", mend)
    if ask.command in _WAITED_FOR and ask.at < _asked(run, progress):
        what = "This was said before the plan, or the questions, that now wait for a word."
        return Refuse("older-than-plan", what, mend)
    return None


def is_unshown(run: RunFacts, progress: Progress) -> bool:
    """Say whether a plan waits that nobody was shown: the pull request could not be opened, or is gone."""
    return run.pull is None and progress.waiting_for is WaitingFor.APPROVAL


def why_wrong_state(ask: Ask, run: RunFacts, progress: Progress) -> Refuse | None:
    """Return why a run, as it stands, has no use for this command."""
    wanted, acted_upon = _WAITED_FOR.get(ask.command), _ACTED_UPON.get(ask.command)
    if wanted is not None and progress.waiting_for is not wanted:
        thing = "There is no plan to decide on" if wanted is WaitingFor.APPROVAL else "There are no questions to answer"
        return Refuse(f"not-waiting-for-{wanted}", f"{thing}: the run {stands(progress)}.", what_next(progress))
    is_shown_again = ask.command == "retry" and is_unshown(run, progress)
    if acted_upon is not None and progress.state not in acted_upon and not is_shown_again:
        code = "waiting" if progress.state is RunState.WAITING else "run-over"
        what = f"`/{ask.command}` has nothing to act upon: the run {stands(progress)}."
        return Refuse(code, what, what_next(progress))
    is_draft = progress.purpose == "primer" and ask.command != "approve"
    if ask.command in _NEEDS_PLAN and (progress.plan is None or is_draft):
        return Refuse("no-plan", f"There is no plan: the run {stands(progress)}.", what_next(progress))
    return None


def _asked(run: RunFacts, progress: Progress) -> datetime:
    """Return since when a person's word is waited for: the document's time, or that of the comment that shows it."""
    ends = (progress.phase(name).ended for name in (PhaseName.PLAN, PhaseName.CORRECT))
    moments = [progress.created, *(end for end in ends if end is not None)]
    return max(moments) if run.plan_comment is None else max(*moments, published(run.plan_comment))
