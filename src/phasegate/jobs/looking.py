"""What is there: the thread, the branch and the run in it, gathered for a decision."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from phasegate.documents.approval import Approver
from phasegate.documents.base import RunId, Sha
from phasegate.documents.hand_over import Places
from phasegate.documents.markers import StatusMarker, marker_of
from phasegate.documents.parsing import shown
from phasegate.documents.snapshot import Permission, Snapshot
from phasegate.doors.git.remote import RemoteGit
from phasegate.doors.git.repository import Git
from phasegate.doors.github.failures import ForgeError
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError, UserError
from phasegate.jobs.branch_state import BranchState, read_state, take_state
from phasegate.jobs.carrying import carried_commits
from phasegate.jobs.job import Job
from phasegate.phases.branch import plan_path
from phasegate.policy.approval import MAY_APPROVE
from phasegate.policy.branches import branch_of, run_of
from phasegate.policy.config import CONFIG_PATH, ApprovalRules, Config, overridden
from phasegate.policy.config_file import parse_config
from phasegate.policy.decide import Facts, RunFacts, Target, Yes
from phasegate.policy.events import CommentWritten, Dispatched, LabelAdded
from phasegate.policy.thread import Person, Pull, Thread, ThreadComment
from phasegate.policy.thread_rules import (
    answered_before,
    earlier_yes,
    notice_comment,
    plan_comment,
    status_comment,
    status_is_edited,
    tip_is_ours,
    work_of,
)

Ours = LabelAdded | CommentWritten | Dispatched
_LONGEST_WORK, _LONGEST_PLANNING = timedelta(days=1), timedelta(hours=7)
"""More than the time limits of all jobs that follow each other, in the workflow."""
OWN_LOGIN = "github-actions[bot]"
"""The account behind GITHUB_TOKEN, with which we comment and dispatch."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that a decision and what follows from it need."""

    facts: Facts
    config: Config
    thread: Thread
    places: Places
    remote: RemoteGit | None = None
    git: Git | None = None
    store: RunStore | None = None
    """With the run from its branch, if there is one that can be used."""
    edited_plan: str | None = None
    """The plan's Markdown, if somebody committed nothing but another version of it on top of the branch."""


def look(job: Job, event: Ours, permission: Permission | None) -> Found:
    """Gather what there is to know about an event. Raises `UserError` when GitHub or a file of it cannot be read.

    For somebody who may not command anyway no more is read than what tells whether they were answered before.
    """
    number = event.number
    thread = job.github.thread(number, branch_of(str(number)))
    run = run_of(thread.pull.head_branch) if thread.pull and thread.pull.number == number else str(number)
    attempt = job.context.run_attempt
    facts = Facts(permission=permission, own_login=OWN_LOGIN, target=Target.of(thread), attempt=attempt)
    if permission not in MAY_APPROVE and event.sender.login != OWN_LOGIN:
        answered = _answered(thread.comments, event)
        known = _unknown(run, thread.pull, None) if run and thread.pull else None
        return Found(replace(facts, answered_before=answered, run=known), Config(), thread, Places())
    if run is None or (thread.pull and thread.pull.is_from_fork):
        return Found(_with_run(facts, _foreign_run(run, thread.pull)), Config(), thread, Places())
    return _look_at_run(job, event, run, thread, facts)


def asked_permission(job: Job, person: Person) -> Permission | None:
    """Return what somebody may do; None when GitHub does not say, which nobody may take for a yes."""
    if person.is_bot:
        return "none"
    try:
        return job.github.permission(person.login)
    except ForgeError as error:
        job.runner.warning(str(error))
        return None


def _foreign_run(run: RunId | None, pull: Pull | None) -> RunFacts | None:
    if run is None:
        return None
    return _unknown(run, pull, None, "it is a fork's")


def _unknown(run: RunId, pull: Pull | None, tip: Sha | None, why: str = "") -> RunFacts:
    """Return the facts on a run of which nothing is known, and why."""
    return RunFacts(run, None, "", None, "", pull, tip, is_ours=False, unreadable=why)


def _answered(comments: Sequence[ThreadComment], event: Ours) -> bool:
    """Say whether we answered somebody here before; the answer to a label is one to the whole conversation."""
    number = event.number if isinstance(event, LabelAdded) else None
    return answered_before(comments, event.sender.login, number)


def _with_run(facts: Facts, run: RunFacts | None) -> Facts:
    return replace(facts, run=run)


def _look_at_run(job: Job, event: Ours, run: RunId, thread: Thread, facts: Facts) -> Found:
    remote = job.remote(thread.default_sha)
    git, tip = job.git(remote), remote.tip(branch_of(run))
    comments = _comments_on_run(job, run, thread, tip)
    places = _places(run, thread.pull, comments, tip)
    standing = configured(git, thread.default_sha)
    answered = _answered(thread.comments, event)
    facts = replace(facts, answered_before=answered, at_work=_at_work(job, comments, run, tip))
    if tip is None:
        gone = _unknown(run, thread.pull, None) if thread.pull else None
        return Found(_with_run(facts, gone), standing, thread, places, remote, git)
    try:
        return _look_at_branch(job, event, run, thread, facts, comments, places, (remote, git, tip))
    except (RefusedError, UserError) as error:
        broken = replace(_unknown(run, thread.pull, tip, error.what), is_status_edited=status_is_edited(comments, run))
        return Found(_with_run(facts, broken), standing, thread, places, remote, git)


def _comments_on_run(job: Job, run: RunId, thread: Thread, tip: Sha | None) -> tuple[ThreadComment, ...]:
    """Return the comments where ours on the run are: of the pull request, or of the issue as long as there is none.

    Where they do not say where the branch is, it is the pull request that was closed, or could not be told of any more.
    """
    pull = thread.pull
    if pull is not None:
        comments = thread.comments if pull.number == thread.number else job.github.thread(pull.number).comments
        if status_comment(comments, run) is not None:
            return comments
        return (*job.github.thread(int(run)).comments, *comments)
    if tip is None or status_comment(thread.comments, run) is not None:
        return thread.comments
    closed = job.github.pull_of(branch_of(run), state="closed")
    return job.github.thread(closed.number).comments if closed else thread.comments


def _places(run: RunId, pull: Pull | None, comments: Sequence[ThreadComment], tip: Sha | None) -> Places:
    status, notice = status_comment(comments, run), notice_comment(comments, run)
    marker = marker_of(status.body) if status and not status.edited_by_other else None
    told = marker if isinstance(marker, StatusMarker) else None
    return Places(
        pull=pull.number if pull else None,
        pull_id=pull.node_id if pull else None,
        tip=tip,
        status=status.id if status else None,
        told_tip=told.tip if told else None,
        told_was=told.was if told else None,
        notice=notice.id if notice else None,
    )


def _at_work(job: Job, comments: Sequence[ThreadComment], run: RunId, tip: Sha | None) -> str:
    """Return the address of another workflow run that is at work on the run; empty if there is none.

    A mark that is too old was left by a workflow run that could not take it away: none takes that long.
    """
    longest = _LONGEST_WORK if tip else _LONGEST_PLANNING
    said = status_comment(comments, run) or notice_comment(comments, run)
    if said is None or (said.edited or said.created) < job.clock.now() - longest:
        return ""
    work = work_of(comments, run)
    context = job.context
    here = f"{context.server_url}/{context.repository}/actions/runs/{work}"
    return "" if work in {None, context.run_id} else here


def configured(git: Git, commit: Sha) -> Config:
    """Return the configuration at a commit. Raises `ConfigError`."""
    content = git.read(commit, CONFIG_PATH)
    return parse_config(content.decode("utf-8", "replace") if content is not None else None)


def _look_at_branch(
    job: Job,
    event: Ours,
    run: RunId,
    thread: Thread,
    facts: Facts,
    comments: Sequence[ThreadComment],
    places: Places,
    clone: tuple[RemoteGit, Git, Sha],
) -> Found:
    remote, git, tip = clone
    ours, edited = _our_tip(remote, run, comments, tip)
    state = _state(remote, git, run, ours)
    if state is None:
        why = "" if tip_is_ours(comments, run, tip) else "it carries no state of a run"
        gone = replace(_unknown(run, thread.pull, tip, why or "it is finished"), is_ours=not why)
        gone = replace(gone, is_status_edited=bool(why) and status_is_edited(comments, run))
        return Found(_with_run(facts, gone), configured(git, thread.default_sha), thread, places, remote, git)
    store = job.store(run)
    take_state(git, ours, state, store)
    snapshot = store.get(state.progress.snapshot, Snapshot).payload
    config = overridden(configured(git, state.progress.base_sha), snapshot.overrides)
    shown_plan = plan_comment(comments, run, state.progress.plan, ours) if state.progress.plan else None
    text, unreadable = _edited_text(git, store, ours, tip) if edited else (None, "")
    is_ours = tip_is_ours(comments, run, tip) or text is not None
    run_facts = RunFacts(
        run=run,
        progress=state.progress,
        requester=snapshot.trigger.actor,
        requester_id=snapshot.trigger.actor_id,
        base_branch=snapshot.base_branch or "",
        pull=thread.pull,
        tip=ours if text is not None else tip,
        is_ours=is_ours,
        unreadable=unreadable,
        is_status_edited=not is_ours and status_is_edited(comments, run),
        plan_comment=shown_plan,
        yes=_yeses(job, event, comments, shown_plan, state, config.approval),
        is_plan_edited=text is not None,
    )
    teams = _teams(job, config.approval, event.sender.login) if _is_approval(event) else frozenset[str]()
    gathered = replace(facts, teams=teams, run=run_facts)
    return Found(gathered, config, thread, places, remote, git, store, text)


def _our_tip(remote: RemoteGit, run: RunId, comments: Sequence[ThreadComment], tip: Sha) -> tuple[Sha, bool]:
    """Return the tip that we left, and whether somebody committed something on top of it since."""
    remote.fetch(tip)
    status = status_comment(comments, run)
    marker = marker_of(status.body) if status and not status.edited_by_other else None
    if not isinstance(marker, StatusMarker) or tip in {marker.tip, marker.was}:
        return tip, False
    remote.fetch_branch(tip, base=marker.tip)
    return marker.tip, True


def _state(remote: RemoteGit, git: Git, run: RunId, tip: Sha) -> BranchState | None:
    state = read_state(git, tip, run)
    if state is not None:
        remote.fetch(state.progress.base_sha)
        remote.fetch_branch(tip, base=state.progress.base_sha)
    return state


def _edited_text(git: Git, store: RunStore, ours: Sha, tip: Sha) -> tuple[str | None, str]:
    """Return the plan as somebody edited it, if that is all they did; else what they did."""
    path = plan_path(store)
    try:
        changed = {entry.path for commit in carried_commits(git, base=ours, head=tip) for entry in commit.entries}
    except RefusedError as error:
        return None, error.what
    content = git.read(tip, path)
    if changed == {path} and content is not None:
        return content.decode("utf-8", "replace"), ""
    names = ", ".join(shown(name) for name in sorted(changed)[:3])
    return None, f"somebody changed {names} on the branch, and `/adopt` takes changes of {path} alone"


def _is_approval(event: Ours) -> bool:
    said = event.said if isinstance(event, CommentWritten) else None
    request = event.request.command if isinstance(event, Dispatched) else ""
    return getattr(said, "verb", request) == "approve"


def _teams(job: Job, rules: ApprovalRules, login: str) -> frozenset[str]:
    return frozenset(team for team in rules.by if team.startswith("@") and job.github.in_team(team, login))


def _yeses(
    job: Job,
    event: Ours,
    comments: Sequence[ThreadComment],
    shown_plan: ThreadComment | None,
    state: BranchState,
    rules: ApprovalRules,
) -> tuple[Yes, ...]:
    """Return who approved the same plan before, where more than one has to; whether they may is decided elsewhere."""
    plan = state.progress.plan
    if rules.required == 1 or shown_plan is None or plan is None or not _is_approval(event):
        return ()
    before = event.comment if isinstance(event, CommentWritten) else max((one.id for one in comments), default=0) + 1
    return tuple(
        _yes(job, rules, one.login)
        for one in earlier_yes(comments, shown_plan, plan, rules, before)
        if one.login != event.sender.login
    )


def _yes(job: Job, rules: ApprovalRules, login: str) -> Yes:
    permission = job.github.permission(login)
    person = Approver(id=job.github.account_id(login), login=login, permission=permission)
    return Yes(person, _teams(job, rules, login))
