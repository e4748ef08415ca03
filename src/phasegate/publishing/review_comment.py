"""The review as a comment on the pull request."""

from phasegate.documents.gate_report import GateReport
from phasegate.documents.markers import ReviewMarker
from phasegate.documents.review import Review
from phasegate.publishing.page import Page
from phasegate.publishing.run_page import report_values, review_values, variants_of
from phasegate.publishing.run_rows import sha
from phasegate.publishing.safe_markdown import COMMENT_BYTES, Render, SafeMarkdown, compose, ours

_REST = ours("*The rest does not fit here: it is in the summary of the workflow run.*")


def review_comment(
    render: Render, *, marker: ReviewMarker, review: Review, report: GateReport | None, page: Page
) -> SafeMarkdown:
    """Return what the reviewer leaves to the people who merge, with the gates it rests on."""
    return compose(
        render,
        "comments/review.j2",
        {
            "tip": sha(marker.tip),
            "run_address": page.run,
            **review_values(review),
            **report_values(report),
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
        variants=variants_of(report, review),
    )
