"""Whether a run can be spoken to at all: where it was said, its pull request, its branch."""

from phasegate.documents.progress import Progress
from phasegate.policy.asking import Ask
from phasegate.policy.branches import branch_of
from phasegate.policy.decisions import Refuse, RunFacts
from phasegate.policy.thread import Pull

ON_PULL_ONLY = frozenset({"approve", "revise", "replan", "reject", "adopt", "manual"})
ASKING = frozenset({"status", "cost"})
"""Commands that change nothing."""
ANY_PULL = ASKING | {"cancel"}
"""Commands that also make sense when the pull request is closed or was pointed elsewhere."""
_NEEDS_PULL = ON_PULL_ONLY | {"continue"}


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
        mend = f"Point it at `{run.base_branch}` again, or write `/cancel` and start anew with the label."
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
    branch, anew = branch_of(run.run), f"Add the label `phasegate` to issue #{run.run} to start anew."
    if run.tip is None:
        return Refuse("no-run", f"The branch `{branch}` is gone, and the run with it.", anew)
    mend = f"Delete the branch `{branch}` (keep a copy of what you need). {anew}"
    if run.unreadable and not run.is_ours:
        why = run.unreadable.rstrip(".")
        return Refuse("run-unreadable", f"What the branch `{branch}` says of the run cannot be used: {why}.", mend)
    if not run.is_ours:
        what = f"Somebody else than phasegate pushed to the branch `{branch}`: what it says of the run proves nothing."
        return Refuse("head-moved", what, f"Put the branch back to where phasegate left it. Or: {mend}")
    if run.progress is None:
        return Refuse("run-over", "The run is done.", "Its pull request is where people go on.")
    return run.progress
