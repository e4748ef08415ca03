"""The plan as a comment on the pull request: what a human reads before saying yes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.markers import PlanMarker
from phasegate.documents.plan import Plan, PlannedFile, Task
from phasegate.documents.snapshot import Snapshot
from phasegate.policy.config import Config, Gate, overridden
from phasegate.publishing.page import Page
from phasegate.publishing.run_page import subject_of
from phasegate.publishing.run_rows import money, sha
from phasegate.publishing.safe_markdown import (
    COMMENT_BYTES,
    Render,
    Safe,
    SafeMarkdown,
    cell,
    code,
    compose,
    inline,
    joined,
    ours,
    quoted,
)
from phasegate.publishing.words import counted, day_and_time

_REST = ours("> [!WARNING]\n> The rest of the plan does not fit here. Read it on the branch before you approve it.")


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that may change, and how."""

    op: Safe
    path: Safe


@dataclass(frozen=True, slots=True)
class _TaskRow:
    name: Safe
    title: Safe
    complexity: Safe
    check: Safe
    after: Safe
    files: Sequence[FileRow]
    criteria: Sequence[Safe]
    description: Safe


@dataclass(frozen=True, slots=True)
class _Pair:
    left: Safe
    right: Safe


@dataclass(frozen=True, slots=True)
class _GateRow:
    name: Safe
    command: Safe
    required: bool
    minutes: int


@dataclass(frozen=True, slots=True)
class _Said:
    author: Safe
    permission: Safe
    at: Safe


def plan_comment(  # noqa: PLR0913 -- everything that an approver has to see
    render: Render,
    *,
    marker: PlanMarker,
    plan: Plan,
    snapshot: Snapshot,
    config: Config,
    gates: Mapping[str, Gate],
    cost: Decimal,
    reason: str,
    page: Page,
) -> SafeMarkdown:
    """Return the comment that shows a plan. `cost`: what carrying it out is likely to cost; `reason`: why it is here.

    Where a plan is too long, what the tasks describe is left to the file on the branch, to which the comment links.
    """
    effective = overridden(config, snapshot.payload.overrides)
    return compose(
        render,
        "comments/plan.j2",
        {
            **_plan_values(plan),
            **_snapshot_values(snapshot),
            "revision": plan.revision,
            "digest": subject_of(marker.plan),
            "tree": page.tree(marker.tip),
            "reason": inline(reason),
            "cost": money(cost),
            "most": money(effective.budget.run.usd),
            "models": _models(plan, effective),
            "gates": [
                _GateRow(inline(name), cell(gate.run), gate.required, gate.minutes) for name, gate in gates.items()
            ],
            "left_out_strangers": config.comments.of == "writers",
            "approvals": config.approval.required,
            "settle": config.approval.settle,
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
        variants=({"brief": False}, {"brief": True}),
    )


def file_rows(files: Sequence[PlannedFile]) -> list[FileRow]:
    """Return files in the order given."""
    return [FileRow(inline(file.op), code(file.path)) for file in files]


def scope_rows(plan: Plan) -> list[FileRow]:
    """Return all that may change, by path."""
    return file_rows(sorted(plan.scope, key=lambda file: (file.path, file.op)))


def _plan_values(plan: Plan) -> dict[str, object]:
    payload = plan.payload
    return {
        "title": inline(payload.title),
        "overview": quoted(payload.overview),
        "prerequisites": [inline(text) for text in payload.prerequisites],
        "tasks": [_task_row(task) for task in payload.tasks],
        "scope": scope_rows(plan),
        "edge_cases": [_Pair(inline(edge.case), inline(edge.handling)) for edge in payload.edge_cases],
        "verification": [inline(text) for text in payload.verification],
        "documentation": [inline(text) for text in payload.documentation],
        "questions": [inline(text) for text in payload.questions],
        "turns": payload.estimate.turns,
        "estimate_reason": inline(payload.estimate.reason),
        "task_count": inline(counted(len(payload.tasks), "task")),
        "file_count": inline(counted(len({file.path for file in plan.scope}), "file")),
    }


def _task_row(task: Task) -> _TaskRow:
    return _TaskRow(
        name=inline(task.id),
        title=inline(task.title),
        complexity=inline(task.complexity),
        check=code(task.check or ""),
        after=joined([inline(name) for name in task.depends_on], ours(", ")),
        files=file_rows(task.files),
        criteria=[inline(text) for text in task.success_criteria],
        description=quoted(task.description),
    )


def _snapshot_values(snapshot: Snapshot) -> dict[str, object]:
    payload = snapshot.payload
    return {
        "issue": payload.issue.number,
        "issue_title": inline(payload.issue.title),
        "issue_author": code(payload.issue.author),
        "starter": _Said(
            code(payload.trigger.actor), inline(payload.trigger.permission), inline(day_and_time(payload.trigger.at))
        ),
        "comments": [
            _Said(code(comment.author), inline(comment.permission), inline(day_and_time(comment.at)))
            for comment in payload.issue.comments
        ],
        "left_out": payload.left_out,
        "base_branch": code(payload.base_branch or ""),
        "base_sha": sha(payload.base_sha),
    }


def _models(plan: Plan, config: Config) -> list[_Pair]:
    models = config.models
    roles = {
        "plan (done)": plan.made_by.model or "by hand",
        "implement": models.implement.model,
        "correct, if a task is blocked": models.correct.model,
        "review": models.review.model,
    }
    return [_Pair(inline(role), cell(model)) for role, model in roles.items()]
