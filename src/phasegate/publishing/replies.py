"""Answers to commands: done, or refused and why and what to do instead; and what `/status`, `/cost`, `/manual` tell."""

import shlex
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.hand_over import Answer
from phasegate.documents.markers import ReplyMarker
from phasegate.documents.plan import Plan
from phasegate.documents.progress import Progress, WorkStatus
from phasegate.publishing.page import Page
from phasegate.publishing.run_page import cost_values, run_values
from phasegate.publishing.safe_markdown import (
    COMMENT_BYTES,
    Render,
    Safe,
    SafeMarkdown,
    code,
    compose,
    fence,
    inline,
    ours,
)
from phasegate.publishing.words import counted

_REST = ours("*The rest does not fit here.*")


@dataclass(frozen=True, slots=True)
class _Todo:
    name: Safe
    title: Safe
    check: Safe


def reply(
    render: Render, *, marker: ReplyMarker, answer: Answer, command: str, details: SafeMarkdown | None = None
) -> SafeMarkdown:
    """Return the answer to a command such as `/approve`; an empty one where there was none.

    `details` come from one of the other functions here.
    """
    return compose(
        render,
        "comments/reply.j2",
        {
            "command": code(command),
            "refused": answer.topic == "refused",
            "icon": ours("⛔") if answer.topic == "refused" else ours("✅"),
            "what": inline(answer.what),
            "mend": inline(answer.mend),
            "code": code(answer.code),
            "details": details,
        },
        first=str(marker),
        limit=COMMENT_BYTES,
        rest=_REST,
    )


def status_details(
    render: Render, *, progress: Progress, page: Page, plan: Plan | None = None, estimate: Decimal | None = None
) -> SafeMarkdown:
    """Return where a run stands: phases, tasks, and what can be said now."""
    return compose(
        render,
        "comments/where.j2",
        {
            "revision": plan.revision if plan is not None else None,
            **run_values(progress, page, estimate=estimate),
        },
        limit=COMMENT_BYTES,
        rest=_REST,
    )


def cost_details(render: Render, *, progress: Progress, estimate: Decimal | None = None) -> SafeMarkdown:
    """Return what each phase has cost: tokens, turns, time and money, against what was expected."""
    values = cost_values(progress, estimate)
    return compose(render, "comments/cost.j2", values, limit=COMMENT_BYTES, rest=_REST)


def manual_details(
    render: Render, *, progress: Progress, plan: Plan, page: Page, plan_path: str | None = None
) -> SafeMarkdown:
    """Return how a person carries out what is left of a plan; `plan_path` is None where the branch has no plan file."""
    done = {task.id for task in progress.tasks if task.status is WorkStatus.DONE}
    todo = [task for task in plan.payload.tasks if task.id not in done]
    return compose(
        render,
        "comments/manual.j2",
        {
            "done": bool(done),
            "left": inline(counted(len(todo), "task")),
            "todo": [_Todo(inline(task.id), inline(task.title), code(task.check or "")) for task in todo],
            "plan_path": code(plan_path or ""),
            "plan_address": page.file(progress.branch, plan_path) if plan_path else None,
            "fetch": fence(_fetch(progress.branch), "sh"),
            "prompt": fence(_prompt(plan_path or f"the plan of run {progress.run}"), "sh"),
        },
        limit=COMMENT_BYTES,
        rest=_REST,
    )


def _fetch(branch: str) -> str:
    own = shlex.join(["git", "switch", "--create", f"{branch}-by-hand", "FETCH_HEAD"])
    return f"{shlex.join(['git', 'fetch', 'origin', branch])}\n{own}"


def _prompt(plan: str) -> str:
    wish = f"Carry out {plan}, one task after the other, one commit for each. Change only the files that it names."
    return shlex.join(["claude", wish])
