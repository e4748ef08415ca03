"""A reply where the person who commanded is looking."""

from phasegate.documents.hand_over import Answer, HandOver
from phasegate.documents.markers import ReplyMarker
from phasegate.jobs.job import Job
from phasegate.jobs.writing import Writer
from phasegate.publishing.replies import reply
from phasegate.publishing.safe_markdown import SafeMarkdown


def reply_to(job: Job, taken: HandOver, answer: Answer, writer: Writer, details: SafeMarkdown | None = None) -> None:
    """Answer the command that set the run going, in words."""
    marker = ReplyMarker(taken.run, taken.origin.comment or taken.origin.number)
    command = f"/{taken.origin.verb}" if taken.origin.comment else ""
    said = reply(job.templates.render, marker=marker, answer=answer, command=command, details=details)
    writer.comment(taken.origin.number, said, str(marker))
