"""Whether a run can be spoken to at all: where it was said, its pull request, its branch."""

from phasegate.documents.progress import Progress
from phasegate.policy.asking import Ask
from phasegate.policy.branches import branch_of
from phasegate.policy.decisions import Facts, Ignore, No, Refuse, RunFacts
from phasegate.policy.requests import STARTING
from phasegate.policy.thread import Pull

ON_PULL_ONLY = frozenset({"approve", "revise", "replan", "reject", "adopt", "manual"})
ASKING = frozenset({"status", "cost"})
"""Commands that change nothing."""
ANY_PULL = ASKING | {"cancel"}
"""Commands that also make sense when the pull request is closed or was pointed elsewhere."""
_NEEDS_PULL = ON_PULL_ONLY | {"continue"}


def why_at_work(ask: Ask, facts: Facts) -> No | None:
    """Return why something has to wait for the workflow run that is at work: two would spend money on the same.

    What it does is on the branch only when it is done. Until then there may be no run there that could be cancelled.
    """
    run = facts.run
    is_there = run is not None and run.tip is not None
    can_be_ended = run is not None and run.is_ours and run.progress is not None and not run.progress.ended
    is_heard = (ask.command in ASKING and is_there) or (ask.command == "cancel" and can_be_ended)
    if is_heard or not facts.at_work:
        return None
    unseen = "" if is_there else ", and nothing of what it does is on a branch yet"
    what = f"A workflow run is at work on #{ask.target.number}{unseen}: `{facts.at_work}`."
    if ask.command == "continue":
        return Ignore("at-work", what)
    again = "" if ask.command in STARTING else " and then `/retry`"
    instead = f"write `/cancel`{again}" if can_be_ended else "cancel it on its page"
    return Refuse("at-work", what, f"Wait until it is done, or {instead}.")


def why_not_there(ask: Ask, run: RunFacts) -> Refuse | None:
    """Return why this command cannot be given where it was given, or to this pull request."""
    pull = run.pull
    if pull is None:
        return _no_pull(run) if ask.on_pull or ask.command in _NEEDS_PULL else None
    if not ask.on_pull and not ask.is_dispatch and ask.command in ON_PULL_ONLY:
        what = f"`/{ask.command}` is about the plan, which is shown on pull request #{pull.number}."
        return Refuse("comment-on-pull", what, f"Write the comment on pull request #{pull.number}.")
    if ask.on_pull and pull.number != ask.target.number:
        what = f"The pull request of this run is #{pull.number}."
        return Refuse("other-pull", what, f"Write the comment on pull request #{pull.number}.")
    return _why_not_ours(run, pull) or _why_closed(ask, run, pull)


def _no_pull(run: RunFacts) -> Refuse:
    mend = f"Reopen the one that was closed, or write `/cancel` on issue #{run.run}."
    return Refuse("no-pull", "This run has no open pull request.", mend)


def _why_not_ours(run: RunFacts, pull: Pull) -> Refuse | None:
    mend = f"Write the command on the pull request that phasegate opened for issue #{run.run}."
    if pull.is_from_fork:
        return Refuse("from-fork", f"Pull request #{pull.number} comes from a fork.", mend)
    if pull.head_branch != branch_of(run.run):
        what = f"Pull request #{pull.number} is not of the branch `{branch_of(run.run)}`."
        return Refuse("other-branch", what, mend)
    return None


def _why_closed(ask: Ask, run: RunFacts, pull: Pull) -> Refuse | None:
    if pull.is_open or ask.command in ANY_PULL:
        return None
    mend = f"Reopen it, or write `/cancel` on issue #{run.run} and start anew with the label."
    return Refuse("pull-closed", f"Pull request #{pull.number} is closed or merged.", mend)


def why_changed(ask: Ask, run: RunFacts) -> Refuse | None:
    """Return why a run is not where it was when people last saw it: another base, another text of the plan."""
    if ask.command in ANY_PULL:
        return None
    if run.pull is not None and run.pull.base_branch != run.base_branch:
        what = f"Pull request #{run.pull.number} was pointed at another branch than the one that the run began on."
        mend = (
            f"Point it at `{run.base_branch}` again. If that branch is gone or has another name now, write `/cancel` "
            "and start anew with the label."
        )
        return Refuse("base-changed", what, mend)
    if run.is_plan_edited and ask.command != "adopt":
        what = "Somebody edited the plan's file on the branch after the plan was shown."
        return Refuse("plan-edited", what, "`/adopt` takes the plan as it is there now. Or take that commit back.")
    return None


def is_finished(run: RunFacts) -> bool:
    """Say whether the run ended well: its last commit took the state away, and nobody has pushed since."""
    return run.tip is not None and run.is_ours and run.progress is None


def progress_of(run: RunFacts) -> Progress | Refuse:
    """Return how the run stands by its branch; a refusal when there is nothing, or what is there proves nothing."""
    if run.tip is None:
        mend = f"Add the label `phasegate` to issue #{run.run} to start anew."
        return Refuse("no-run", f"The branch `{branch_of(run.run)}` is gone, and the run with it.", mend)
    if not run.is_ours:
        return _foreign(run, branch_of(run.run))
    if run.progress is None:
        return Refuse("run-over", "The run is done.", "Its pull request is where people go on.")
    return run.progress


def _foreign(run: RunFacts, branch: str) -> Refuse:
    """Return why a branch that nothing shows to be ours proves nothing of the run."""
    anew = f"Label issue #{run.run} again to start anew; that replaces what is on the branch `{branch}`."
    if is_ready(run.pull):
        anew = f"The pull request is ready: people go on there. Once it is merged or closed: {anew}"
    if run.is_status_edited:
        what = f"Somebody else edited the status comment, or it is gone: nothing proves who left `{branch}` as it is."
        return Refuse("status-edited", what, anew)
    if run.unreadable:
        why = run.unreadable.rstrip(".")
        return Refuse("run-unreadable", f"What the branch `{branch}` says of the run cannot be used: {why}.", anew)
    what = f"Somebody else than phasegate pushed to the branch `{branch}`: what it says of the run proves nothing."
    return Refuse("head-moved", what, f"Take off the branch what was pushed there. Or: {anew}")


def is_ready(pull: Pull | None) -> bool:
    """Say whether people have a finished change before them, which a new run must not replace."""
    return pull is not None and pull.is_open and not pull.is_draft
