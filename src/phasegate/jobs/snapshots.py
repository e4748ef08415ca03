"""What a run starts from: the issue as the event tells it, the comments that count, the code and its configuration."""

from pydantic import ValidationError

from phasegate import __version__
from phasegate.documents.base import MadeBy, Step, digest_of
from phasegate.documents.hand_over import Origin
from phasegate.documents.parsing import field_errors
from phasegate.documents.snapshot import Comment, Permission, Snapshot, SnapshotPayload, Trigger
from phasegate.doors.git.repository import Git
from phasegate.errors import UserError
from phasegate.jobs.job import Job
from phasegate.jobs.looking import Ours, configured
from phasegate.policy.config import PRIMER_PATH, Config, overridden
from phasegate.policy.decide import Start
from phasegate.policy.events import Dispatched, EventIssue
from phasegate.policy.issue_text import issue_of
from phasegate.policy.thread import Thread
from phasegate.policy.thread_rules import comments_that_count, people_to_ask


def snapshot_of(job: Job, event: Ours, thread: Thread, origin: Origin, decision: Start, git: Git) -> Snapshot:
    """Return the snapshot of a run that starts now, at the tip of the default branch. Raises `UserError`."""
    base = thread.default_sha
    config, primer = overridden(configured(git, base), decision.overrides), git.read(base, PRIMER_PATH)
    comments, left_out = _comments(job, thread, origin, config)
    content = {
        "purpose": decision.purpose,
        "issue": issue_of(_issue(event, thread, origin), comments),
        "base_branch": thread.default_branch,
        "base_sha": base,
        "primer": digest_of(primer) if primer is not None else None,
        "config": config.digest,
        "trigger": _trigger(origin),
        "overrides": decision.overrides,
        "left_out": left_out,
    }
    made_by = MadeBy(step=Step.DECIDE, model=None, version=__version__)
    try:
        payload = SnapshotPayload.model_validate(content)
        return Snapshot(run=str(event.number), parents=(), made_by=made_by, payload=payload)
    except ValidationError as error:
        raise UserError("The issue cannot be used: " + "; ".join(field_errors(error)) + ".") from None


def _trigger(origin: Origin) -> Trigger:
    return Trigger(
        event=origin.event,
        actor=origin.actor,
        actor_id=origin.actor_id,
        permission=origin.permission,
        at=origin.at,
    )


def _issue(event: Ours, thread: Thread, origin: Origin) -> EventIssue:
    """Return the issue as the event tells it; a dispatch tells none, so then as it is now."""
    return EventIssue.of(thread, origin.at) if isinstance(event, Dispatched) else event.issue


def _comments(job: Job, thread: Thread, origin: Origin, config: Config) -> tuple[tuple[Comment, ...], int]:
    """Return the comments that count, and how many do not; whose author may write is asked of GitHub."""
    permissions: dict[str, Permission] = {}
    for login in people_to_ask(thread.comments, origin.at, config.comments):
        permissions[login] = job.github.permission(login)
    return comments_that_count(thread.comments, origin.at, permissions, config.comments)
