"""Comments on the issue: the notice of what goes on, what research found, and what the planner asks."""

from dataclasses import dataclass

from phasegate.documents.findings import Claim, Decision, Findings
from phasegate.documents.interview import Question, Questions
from phasegate.documents.markers import NoteMarker, NoticeMarker
from phasegate.documents.progress import Progress
from phasegate.publishing.page import Page
from phasegate.publishing.run_page import run_values
from phasegate.publishing.safe_markdown import (
    COMMENT_BYTES,
    Render,
    Safe,
    SafeMarkdown,
    code,
    compose,
    inline,
    joined,
    ours,
    quoted,
)

_REST = ours("*The rest does not fit here: it is in the artifacts of the workflow run.*")


@dataclass(frozen=True, slots=True)
class _Place:
    path: Safe
    first: int
    last: int
    why: Safe


@dataclass(frozen=True, slots=True)
class _Claim:
    left: Safe
    right: Safe


@dataclass(frozen=True, slots=True)
class _Group:
    name: Safe
    claims: list[_Claim]


@dataclass(frozen=True, slots=True)
class _Decision:
    what: Safe
    why: Safe
    path: Safe
    alternatives: Safe


@dataclass(frozen=True, slots=True)
class _Question:
    name: Safe
    text: Safe
    why: Safe
    suggestion: Safe


def notice(
    render: Render, *, marker: NoticeMarker, progress: Progress | None, what: str, pull: int | None, page: Page
) -> SafeMarkdown:
    """Return the comment that says on the issue what goes on; `pull` is where the rest is said."""
    nothing: dict[str, object] = {"icon_and_state": None, "state": None, "run_address": page.run}
    values = nothing if progress is None else run_values(progress, page, estimate=None)
    return compose(
        render,
        "comments/notice.j2",
        {
            "what": inline(what),
            "pull": pull,
            **values,
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
    )


def findings_comment(render: Render, *, marker: NoteMarker, findings: Findings, page: Page) -> SafeMarkdown:
    """Return what research found, each claim with the file that shows it."""
    payload = findings.payload
    groups = {
        "Interfaces": payload.interfaces,
        "Tests": payload.tests,
        "Constraints": payload.constraints,
        "Risks": payload.risks,
    }
    return compose(
        render,
        "comments/findings.j2",
        {
            "asked": quoted(payload.asked),
            "code": [_Place(code(at.path), at.first_line, at.last_line, inline(at.why)) for at in payload.code],
            "groups": [_Group(inline(name), [_claim(claim) for claim in claims]) for name, claims in groups.items()],
            "decisions": [_decision(decision) for decision in payload.decisions],
            "open_questions": [inline(question) for question in payload.open_questions],
            "run_address": page.run,
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
    )


def questions_comment(render: Render, *, marker: NoteMarker, questions: Questions, page: Page) -> SafeMarkdown:
    """Return what the planner asks, and how to answer."""
    asked = questions.payload.questions
    example = [ours("/answer"), *(inline(f"{question.id}: …") for question in asked)]
    return compose(
        render,
        "comments/questions.j2",
        {
            "questions": [_question(question) for question in asked],
            "example": joined(example, ours("\n")),
            "run_address": page.run,
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
    )


def _claim(claim: Claim) -> _Claim:
    return _Claim(inline(claim.statement), code(claim.path))


def _decision(decision: Decision) -> _Decision:
    return _Decision(
        inline(decision.decision),
        inline(decision.rationale),
        code(decision.path),
        joined([inline(other) for other in decision.alternatives], ours("; ")),
    )


def _question(question: Question) -> _Question:
    return _Question(inline(question.id), inline(question.question), inline(question.why), inline(question.suggestion))
