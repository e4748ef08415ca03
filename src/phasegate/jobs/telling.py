"""The jobs that answer: the first says at once what happens now or why not, the last what went wrong."""

from dataclasses import replace

from phasegate.documents.base import Step
from phasegate.documents.hand_over import Answer, HandOver
from phasegate.documents.markers import NoticeMarker, ReplyMarker, StatusMarker, marker_of
from phasegate.errors import UserError
from phasegate.jobs.inputs import JobResult
from phasegate.jobs.job import Job
from phasegate.jobs.replying import reply_to
from phasegate.jobs.summary import plan_of, report_of, review_of
from phasegate.jobs.writing import DryWriter, ForgeWriter, Writer
from phasegate.phases.branch import plan_path
from phasegate.policy.events import CommentWritten, Dispatched, LabelAdded, parse_event
from phasegate.policy.flow import next_step
from phasegate.publishing.issue_comments import notice
from phasegate.publishing.replies import cost_details, manual_details, reply, status_details
from phasegate.publishing.safe_markdown import SafeMarkdown, with_first_line
from phasegate.publishing.status_comment import status_comment as written_status

_WORK = frozenset({Step.RESEARCH, Step.PLAN, Step.IMPLEMENT, Step.CORRECT, Step.VERIFY, Step.REVIEW})
"""What takes time, and mostly money."""
_AT_WORK = "A job is at work on it right now."
_STOPPED = "The job that was at work on it ended without a result."
_SAY_AGAIN = {
    "start": "Take the label off the issue and put it on again",
    "research": "Take the label off the issue and put it on again",
    "plan": "Take the label off the issue and put it on again",
    "continue": "Comment `/retry`",
}


def acknowledge(job: Job) -> None:
    """React to the command and reply to it; for a label, say on the issue that work has begun."""
    taken = job.taken()
    if taken.answer is None:
        return
    dry = DryWriter() if taken.dry_run else None
    writer: Writer = dry or ForgeWriter(job, job)
    if taken.origin.comment is not None:
        writer.react(taken.origin.comment)
    if taken.origin.comment is None and taken.answer.topic == "done":
        _begun(job, taken, taken.answer, writer)
    else:
        reply_to(job, taken, taken.answer, writer, _details(job, taken, taken.answer))
    if _is_work(taken) and taken.places.status is not None and taken.places.told_tip is not None:
        writer.edit_comment(taken.places.status, _status_at_work(job, taken))
    if dry is not None:
        dry.tell(job)


def _is_work(taken: HandOver) -> bool:
    """Say whether jobs that cost something follow."""
    following = next_step(taken.progress) if taken.progress else None
    return taken.answer is not None and taken.answer.topic == "done" and following in _WORK


def _status_at_work(job: Job, taken: HandOver) -> SafeMarkdown:
    """Return the status with the mark that this workflow run is at work; where the branch is, is said as before."""
    store, places = job.documents(taken), taken.places
    marker = StatusMarker(taken.run, places.told_tip or "", places.told_was, job.context.run_id)
    return written_status(
        job.templates.render,
        marker=marker,
        progress=store.progress,
        plan=plan_of(store),
        report=report_of(store),
        review=review_of(store),
        estimate=taken.estimate,
        page=job.page,
        note=_AT_WORK,
    )


def _begun(job: Job, taken: HandOver, answer: Answer, writer: Writer) -> None:
    """Say on the issue that work has begun. What goes on by itself needs no word."""
    if taken.origin.verb == "continue":
        return
    if taken.places.pull is not None or taken.places.status is not None:
        reply_to(job, taken, answer, writer)  # the status comment proves where the branch is, and stays as it is
        return
    marker = NoticeMarker(taken.run, job.context.run_id if _is_work(taken) else None)
    render = job.templates.render
    said = notice(render, marker=marker, progress=taken.progress, what=answer.what, pull=None, page=job.page)
    if taken.places.notice is not None:
        writer.edit_comment(taken.places.notice, said)
    else:
        writer.comment(taken.origin.number, said, str(marker))


def _details(job: Job, taken: HandOver, answer: Answer) -> SafeMarkdown | None:
    """Return what was asked for: the status, the cost, or how to go on by hand."""
    if taken.progress is None or (answer.topic not in {"status", "cost", "manual"} and answer.code != "manual"):
        return None
    store = job.documents(taken)
    plan, render, progress = plan_of(store), job.templates.render, store.progress
    if answer.topic == "status":
        return status_details(render, progress=progress, plan=plan, page=job.page)
    if answer.topic == "cost":
        return cost_details(render, progress=progress, estimate=taken.estimate)
    path = plan_path(store) if plan else None
    return manual_details(render, plan=plan, progress=progress, plan_path=path, page=job.page) if plan else None


def report(job: Job) -> None:
    """Say where the person is looking what went wrong and was not said yet; without anything wrong, nothing.

    The mark that this workflow run is at work is taken away, if a job that failed left it.
    """
    _clear_work(job)
    wrong = [told for told in job.inputs.jobs if told.result in {"failure", "cancelled"} and not told.told]
    if not wrong:
        job.runner.log("Nothing went wrong that was not said already.")
        return
    number, taken = _number(job), job.taken() if job.inputs.hand_over else None
    if number is None:
        job.runner.error(_what(wrong), title="phasegate")
        return
    verb = taken.origin.verb if taken else ""
    mend = f"{_SAY_AGAIN.get(verb, f'Comment `/{verb}` again' if verb else 'Try it again')}, or re-run the failed jobs."
    to = taken.origin.comment if taken and taken.origin.comment else number
    marker = ReplyMarker(taken.run if taken else str(number), to)
    answer = Answer(code="job-failed", topic="refused", what=_what(wrong), mend=mend)
    said = reply(job.templates.render, marker=marker, answer=answer, command="")
    if taken is not None and taken.dry_run:
        job.runner.summary(said.text)
        return
    job.github.comment(number, said, marker=None)


def _clear_work(job: Job) -> None:
    if not job.inputs.hand_over:
        return
    taken = job.taken()
    if not _is_work(taken) or taken.dry_run:
        return
    for comment in job.github.comments(taken.places.pull or int(taken.run)):
        marker = marker_of(comment.body) if comment.is_ours and not comment.edited_by_other else None
        if isinstance(marker, StatusMarker | NoticeMarker) and marker.work == job.context.run_id:
            cleared = str(replace(marker, work=None))
            job.github.edit_comment(comment.id, with_first_line(comment.body.replace(_AT_WORK, _STOPPED), cleared))


def _what(wrong: list[JobResult]) -> str:
    names = ", ".join(told.name for told in wrong)
    cancelled = all(told.result == "cancelled" for told in wrong)
    if cancelled:
        return f"Cancelled before it was done: {names}. A newer command may have taken its place."
    return f"Ended without a result: {names}. What was on the branch before is still there; the log says what happened."


def _number(job: Job) -> int | None:
    """Return the issue or pull request that the event was on."""
    try:
        event = parse_event(job.context.event_name, job.context.event)
    except UserError:
        return None
    return event.number if isinstance(event, LabelAdded | CommentWritten | Dispatched) else None
