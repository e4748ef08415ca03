"""The status comment: one on the pull request, kept up to date in place."""

from decimal import Decimal

from phasegate.documents.gate_report import GateReport
from phasegate.documents.markers import StatusMarker
from phasegate.documents.plan import Plan
from phasegate.documents.progress import Progress
from phasegate.documents.review import Review
from phasegate.publishing.page import Page
from phasegate.publishing.run_page import report_values, review_values, run_values, variants_of
from phasegate.publishing.safe_markdown import COMMENT_BYTES, Render, SafeMarkdown, compose, inline, ours

_REST = ours("*The rest does not fit here: it is in the summary of the workflow run.*")


def status_comment(  # noqa: PLR0913 -- all that is known of a run
    render: Render,
    *,
    marker: StatusMarker,
    progress: Progress,
    page: Page,
    plan: Plan | None = None,
    report: GateReport | None = None,
    review: Review | None = None,
    estimate: Decimal | None = None,
    note: str = "",
) -> SafeMarkdown:
    """Return the comment: phases, tasks, gates with evidence, review, money, and what can be said now.

    It has no boxes to tick: ticking one would edit our comment, which then proves nothing any more. `estimate` is what
    implementing was expected to cost, `note` something more to say. What gates printed is cut before anything else.
    """
    return compose(
        render,
        "comments/status.j2",
        {
            "note": inline(note),
            "revision": plan.revision if plan is not None else None,
            **run_values(progress, page, estimate=estimate),
            **report_values(report),
            **review_values(review),
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
        variants=variants_of(report, review),
    )
