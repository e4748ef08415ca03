"""The run's branch: the plan as its first commit, then one commit for each finished task.

The progress is written ahead of the branch: a machine that dies in between leaves a branch that is one commit behind,
and `sync` moves it. Any other difference means that somebody else wrote to it.
"""

import re
import unicodedata
from collections.abc import Sequence

from phasegate.documents.approval import Approval
from phasegate.documents.base import Digest, Sha
from phasegate.documents.change_set import TaskResult
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import render_plan
from phasegate.documents.progress import WorkStatus
from phasegate.documents.progress_events import CommitsRewritten, Event, HeadMoved, WorkMoved
from phasegate.doors.git import FileChange, Person
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError
from phasegate.phases.changes import entries_between, file_changes
from phasegate.phases.setting import Setting
from phasegate.policy.config import PLANS_DIRECTORY

AUTHOR = Person("phasegate", "phasegate@localhost")
_SLUG_LENGTH = 48
_IMPLEMENTED_BY = re.compile(r"^Implemented-by: .*\n", re.MULTILINE)


def plan_path(store: RunStore) -> str:
    """Return where the plan stands on the branch: by the day of the run and the title of its first plan.

    Raises `RefusedError` when there is no plan yet.
    """
    first = min(store.all(Plan), key=lambda plan: plan.revision, default=None)
    if first is None:
        raise RefusedError(f"Run {store.progress.run} has no plan yet.")
    plain = unicodedata.normalize("NFKD", first.payload.title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_LENGTH].strip("-") or "plan"
    return f"{PLANS_DIRECTORY}/{store.progress.created:%Y-%m-%d}-{slug}.md"


def publish_plan(setting: Setting, plan: Plan) -> None:
    """Put the plan on the branch, as Markdown that another person or agent can work from."""
    if not setting.config.plan.keep:
        sync(setting)
        return
    path, content = plan_path(setting.store), render_plan(plan).encode()
    if setting.git.read(setting.store.progress.head_sha, path) == content:
        sync(setting)
        return
    verb = "Plan" if plan.revision == 1 else "Revise the plan"
    message = _message(
        f"{verb}: {plan.payload.title}", "", [("Planned-by", plan.made_by.model), _run(setting, plan.digest)]
    )
    append(setting, [FileChange(path, content)], message)


def append(
    setting: Setting, changes: Sequence[FileChange], message: str, *, done: tuple[str, Digest, str] | None = None
) -> None:
    """Commit on top of the branch. `done` books a task (id, its document, summary) with it. One at a time."""
    parent, now = setting.store.progress.head_sha, setting.clock.now()
    commit = setting.git.commit(parent=parent, changes=changes, message=message, author=AUTHOR, when=now)
    events: list[Event] = [HeadMoved(commit)]
    if done is not None:
        task, document, summary = done
        events.append(WorkMoved(task, WorkStatus.DONE, now, summary=summary, document=document, commit=commit))
    setting.store.advance(*events)
    sync(setting)


def sync(setting: Setting) -> None:
    """Bring the branch to where the progress says it is. Raises `RefusedError` if somebody else moved it."""
    progress = setting.store.progress
    tip = setting.git.branch(progress.branch)
    if tip == progress.head_sha:
        return
    behind = tip is None or (
        progress.head_sha != progress.base_sha and setting.git.note(progress.head_sha).parents[0] == tip
    )
    if not behind:
        raise RefusedError(
            f"The branch {progress.branch} is not where run {progress.run} left it.",
            cause="Somebody committed to it or moved it, so that the approval does not hold any more.",
            mend=f"Put it back (git branch -f {progress.branch} {progress.head_sha[:12]}), or start a new run.",
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
        _run(setting, payload.plan),
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
    """Return model text as one paragraph in which no line can be taken for a trailer."""
    return " ".join(text.split()).replace(": ", ", ")


def sign_off(setting: Setting, reviewed_by: str) -> None:
    """Write who reviewed into the commits of the tasks: the same trees, new messages, one move of the branch.

    The new commits follow from the old ones alone, so doing it again after an interruption gives the same.
    """
    progress, parent = setting.store.progress, setting.store.progress.base_sha
    pairs: list[tuple[Sha, Sha]] = []
    for commit in _commits(setting):
        old_parent, new_parent = pairs[-1] if pairs else (parent, parent)
        entries = entries_between(setting.git, old_parent, commit, leave_out=frozenset())
        pairs.append((commit, _signed(setting, new_parent, commit, file_changes(entries), reviewed_by)))
    head = pairs[-1][1] if pairs else parent
    if setting.git.branch(progress.branch) != head:
        setting.git.move_branch(progress.branch, new=head, old=progress.head_sha)
    setting.store.advance(CommitsRewritten(tuple(pairs), head))


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
    reviewed = f"Reviewed-by: {reviewed_by}\n"
    message = note.message if reviewed in note.message else _IMPLEMENTED_BY.sub(rf"\g<0>{reviewed}", note.message)
    return setting.git.commit(parent=parent, changes=changes, message=message, author=AUTHOR, when=note.when)
