"""The run's branch: the plan as its first commit, then one commit for each finished task.

The progress is written ahead of the branch: whatever comes in between leaves a branch that is behind, and `sync` moves
it on. Any other difference means that somebody else wrote to it.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from phasegate.documents.approval import Approval
from phasegate.documents.base import Digest, Sha
from phasegate.documents.change_set import TaskResult
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import render_plan
from phasegate.documents.progress_events import CommitsRewritten, Event, HeadMoved
from phasegate.doors.git.repository import FileChange, Person
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError
from phasegate.phases.changes import entries_between, file_changes
from phasegate.phases.setting import Setting
from phasegate.policy.config import PLANS_DIRECTORY

AUTHOR = Person("phasegate", "phasegate@localhost")
_SLUG_LENGTH = 48
_IMPLEMENTED_BY = re.compile(r"^Implemented-by: .*$", re.MULTILINE)
_LIKE_A_TRAILER = re.compile(r"^([A-Za-z0-9-]+)\s*:")


def plan_path(store: RunStore) -> str:
    """Return where the plan stands on the branch: by the day of the run and the title of its first plan.

    Raises `RefusedError` when there is no plan yet.
    """
    plain = unicodedata.normalize("NFKD", _first_plan(store).payload.title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LENGTH].strip("-") or "plan"
    return f"{PLANS_DIRECTORY}/{store.progress.created:%Y-%m-%d}-{slug}.md"


def _first_plan(store: RunStore) -> Plan:
    """Return the plan that the one in force goes back to."""
    plans = {plan.digest: plan for plan in store.all(Plan)}
    plan = plans.get(store.progress.plan or "")
    if plan is None:
        raise RefusedError(f"Run {store.progress.run} has no plan yet.")
    while (before := next((parent for parent in plan.parents if parent in plans), None)) is not None:
        plan = plans[before]
    return plan


def publish_plan(setting: Setting, plan: Plan, *events: Event) -> None:
    """Put the plan on the branch, as Markdown that another person or agent can work from.

    `events` are booked together with it: either all has happened, or nothing.
    """
    path, content = plan_path(setting.store), render_plan(plan).encode()
    stands = setting.git.read(setting.store.progress.head_sha, path) == content
    if stands or not setting.config.plan.keep or _is_no_directory(setting, PLANS_DIRECTORY):
        setting.store.advance(*events)
        sync(setting)
        return
    verb = "Plan" if plan.revision == 1 else "Revise the plan"
    trailers = [("Planned-by", plan.made_by.model), _run(setting, plan.digest)]
    message = _message(f"{verb}: {plan.payload.title}", "", trailers)
    move(setting, built(setting, [FileChange(path, content)], message, when=_last_moment(setting)), *events)


def _last_moment(setting: Setting) -> datetime:
    """Return when the run last did something: a commit dated so comes out the same when it has to be made again."""
    progress = setting.store.progress
    ended = (phase.ended for phase in progress.phases)
    return max((moment for moment in ended if moment is not None), default=progress.created)


def _is_no_directory(setting: Setting, directory: str) -> bool:
    """Say whether a file or a link stands where a directory for plans would have to be: then it is left alone."""
    parents = {directory, directory.rpartition("/")[0]}
    return not parents.isdisjoint(setting.files)


def built(setting: Setting, changes: Sequence[FileChange], message: str, *, when: datetime | None = None) -> Sha:
    """Return a new commit on top of the branch, which does not move yet; it is dated now, or `when`."""
    parent, date = setting.store.progress.head_sha, when or setting.clock.now()
    return setting.git.commit(parent=parent, changes=changes, message=message, author=AUTHOR, when=date)


def move(setting: Setting, commit: Sha, *events: Event) -> None:
    """Book a new commit together with `events`, then move the branch to it. One at a time."""
    setting.store.advance(HeadMoved(commit), *events)
    sync(setting)


def sync(setting: Setting) -> None:
    """Bring the branch to where the progress says it is.

    Raises `RefusedError` if somebody else moved it, or has it checked out: then it could not move later either.
    """
    progress = setting.store.progress
    setting.git.check_not_checked_out(progress.branch)
    tip = setting.git.branch(progress.branch)
    if tip == progress.head_sha:
        return
    if tip not in {None, progress.base_sha, *_commits(setting)}:
        raise RefusedError(
            f"The branch {progress.branch} is not where run {progress.run} left it.",
            cause="Somebody committed to it or moved it, so that the approval does not hold any more.",
            mend=f"Put it back: git branch -f {progress.branch} {progress.head_sha[:12]}, then "
            f"`phasegate resume {progress.run}`. Or start a new run, with --base {progress.branch}.",
        )
    setting.git.move_branch(progress.branch, new=progress.head_sha, old=tip)


def task_message(setting: Setting, result: TaskResult, title: str) -> str:
    """Return the message of a task's commit; the trailers say who did what."""
    progress, payload = setting.store.progress, result.payload
    plan = setting.store.get(payload.plan, Plan)
    approval = setting.store.get(progress.approval, Approval) if progress.approval else None
    trailers = [
        ("Planned-by", plan.made_by.model),
        ("Implemented-by", result.made_by.model),
        ("Approved-by", approval.payload.approver.login if approval else None),
        _run(setting, approval.payload.subject if approval else payload.plan),
        ("Phasegate-Corrected", payload.plan[:12] if approval and payload.plan != approval.payload.subject else None),
        ("Phasegate-Task", payload.task),
    ]
    return _message(title, payload.result.summary, trailers)


def _run(setting: Setting, plan: Digest) -> tuple[str, str]:
    return ("Phasegate-Plan", f"{setting.store.progress.run} {plan[:12]}")


def _message(title: str, body: str, trailers: Sequence[tuple[str, str | None]]) -> str:
    lines = "\n".join(f"{name}: {' '.join(value.split())}" for name, value in trailers if value)
    parts = (" ".join(title.split()), _plain(body), lines)
    return "\n\n".join(part for part in parts if part) + "\n"


def _plain(text: str) -> str:
    """Return a model's text as one paragraph that cannot be taken for a trailer."""
    return _LIKE_A_TRAILER.sub(r"\1,", " ".join(text.split()))


def sign_off(setting: Setting, reviewed_by: str) -> CommitsRewritten:
    """Write who reviewed into the commits of the tasks: the same trees, new messages, one move of the branch.

    The new commits follow from the old ones alone, so doing it again after an interruption gives the same. Returns
    what is to be booked. Raises `RefusedError` if somebody else moved the branch.
    """
    progress, parent = setting.store.progress, setting.store.progress.base_sha
    pairs: list[tuple[Sha, Sha]] = []
    for commit in _commits(setting):
        old_parent, new_parent = pairs[-1] if pairs else (parent, parent)
        entries = entries_between(setting.git, old_parent, commit, leave_out=frozenset())
        pairs.append((commit, _signed(setting, new_parent, commit, file_changes(entries), reviewed_by)))
    head = pairs[-1][1] if pairs else parent
    if setting.git.branch(progress.branch) != head:
        sync(setting)
        setting.git.move_branch(progress.branch, new=head, old=progress.head_sha)
    return CommitsRewritten(tuple(pairs), head)


def _commits(setting: Setting) -> list[Sha]:
    """Return the branch's own commits, the oldest first."""
    progress, found = setting.store.progress, []
    commit = progress.head_sha
    while commit != progress.base_sha:
        found.append(commit)
        commit = setting.git.note(commit).parents[0]
    return found[::-1]


def _signed(setting: Setting, parent: Sha, commit: Sha, changes: Sequence[FileChange], reviewed_by: str) -> Sha:
    note = setting.git.note(commit)
    said, _, trailers = note.message.rpartition("\n\n")
    signed = _IMPLEMENTED_BY.sub(lambda line: f"{line[0]}\nReviewed-by: {reviewed_by}", trailers)
    message = note.message if "\nReviewed-by: " in trailers else f"{said}\n\n{signed}"
    return setting.git.commit(parent=parent, changes=changes, message=message, author=AUTHOR, when=note.when)
