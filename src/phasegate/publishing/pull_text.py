"""Title and text of the draft pull request."""

from phasegate.documents.plan import Plan
from phasegate.documents.snapshot import Snapshot
from phasegate.publishing.page import Page
from phasegate.publishing.plan_comment import scope_rows
from phasegate.publishing.run_page import subject_of
from phasegate.publishing.safe_markdown import (
    COMMENT_BYTES,
    Render,
    SafeMarkdown,
    compose,
    for_commits,
    inline,
    ours,
    plain,
    quoted,
)
from phasegate.publishing.words import counted

LONGEST_TITLE = 200
_REST = ours("*The rest does not fit here: the plan stands in a comment below.*")


def pull_title(snapshot: Snapshot, plan: Plan) -> str:
    """Return the title: what the plan is called, and the issue's number. Plain text of one line."""
    number = snapshot.payload.issue.number
    end = f" (#{number})" if number is not None else ""
    return plain(for_commits(plan.payload.title), LONGEST_TITLE - len(end)) + end


def pull_body(render: Render, *, run: str, plan: Plan, page: Page) -> SafeMarkdown:
    """Return the text: what it closes, what it is, what it may touch. `run` is the issue's number."""
    return compose(
        render,
        "comments/pull.j2",
        {
            "issue": int(run),
            "overview": quoted(for_commits(plan.payload.overview)),
            "revision": plan.revision,
            "digest": subject_of(plan.digest),
            "scope": scope_rows(plan),
            "file_count": inline(counted(len({file.path for file in plan.scope}), "file")),
            "run_address": page.run,
        },
        limit=COMMENT_BYTES,
        rest=_REST,
    )
