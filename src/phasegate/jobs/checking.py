"""What is checked once more before anything is written: pull request, who approved, and where the branch is."""

from collections.abc import Set as AbstractSet

from phasegate.documents.approval import Approval
from phasegate.documents.base import RunId, Sha
from phasegate.documents.progress import RunState
from phasegate.doors.git.remote import RemoteGit
from phasegate.doors.github.client import GitHub
from phasegate.errors import RefusedError
from phasegate.phases.setting import Setting
from phasegate.policy.approval import MAY_APPROVE
from phasegate.policy.branches import branch_of
from phasegate.policy.thread import Pull, Thread
from phasegate.policy.thread_rules import tip_is_ours


def check_pull(pull: Pull | None, setting: Setting) -> None:
    """Raise `RefusedError` if the pull request was closed, or points at another branch than the plan was made for."""
    base = setting.snapshot.payload.base_branch
    if pull is None:
        return
    if not pull.is_open and setting.store.progress.state is not RunState.CANCELLED:
        raise RefusedError(f"The pull request #{pull.number} is closed.", mend="Reopen it, then comment `/retry`.")
    if pull.base_branch != base:
        raise RefusedError(
            f"The pull request goes to {pull.base_branch} now, and the plan was made for {base}.",
            mend=f"Set its base back to {base}, or comment `/replan`.",
        )


def check_approvers(github: GitHub, setting: Setting) -> None:
    """Raise `RefusedError` if one of those who approved may not write any more. One call for each."""
    progress = setting.store.progress
    known = progress.approval
    if known is None or progress.ended:  # to end a run takes nobody's approval
        return
    approval = setting.store.get(known, Approval).payload
    for one in (approval.approver, *approval.others):
        permission = github.permission(one.login)
        if permission not in MAY_APPROVE:
            raise RefusedError(
                f"{one.login}, who approved, has the permission {permission} now: write is needed.",
                mend="Somebody who may write has to approve again.",
            )


def check_branch(remote: RemoteGit, run: RunId, expected: AbstractSet[Sha | None], thread: Thread | None) -> None:
    """Raise `RefusedError` if the branch was moved, before anything is said that would not come true."""
    branch = branch_of(run)
    tip = remote.tip(branch)
    if tip in expected:
        return
    what = f"The branch {branch} has moved while this was at work, so nothing of it was published."
    if tip is not None and thread is not None and tip_is_ours(thread.comments, run, tip):
        cause = "Another command was carried out in the meantime."
        raise RefusedError(what, cause=cause, mend="`/status` says where the run is now.")
    raise RefusedError(
        what, cause="Somebody pushed to it.", mend="Take back what was pushed there, then comment `/retry`."
    )
