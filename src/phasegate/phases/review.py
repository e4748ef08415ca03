"""Review: a strong model reads plan, difference and gate report, with a fresh context."""

from collections.abc import Sequence
from typing import cast

from pydantic import BaseModel

from phasegate.agent.tools.toolset import reading_tools
from phasegate.documents.base import Step
from phasegate.documents.change_set import ChangeSet
from phasegate.documents.gate_report import GateReport
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import render_payload
from phasegate.documents.progress import PhaseName
from phasegate.documents.review import Review, ReviewPayload
from phasegate.phases.hiring import Hiring, employ, result_tool
from phasegate.phases.implement import changes_so_far
from phasegate.phases.setting import Setting, Worker
from phasegate.policy.validation import check_review


def review(setting: Setting, plan: Plan, change: ChangeSet, report: GateReport) -> Review:
    """Return a verdict on the change. Raises what `employ` raises."""
    tier = setting.config.models.review
    known = frozenset(setting.files) | {entry.path for entry in change.payload.entries}

    def check(payload: BaseModel) -> Sequence[str]:
        return check_review(cast("ReviewPayload", payload), files=known)

    with setting.work_tree(change.payload.head_sha) as tree:
        handed_in = employ(
            setting,
            Worker(PhaseName.REVIEW),
            Hiring(
                tier=tier,
                system=setting.prompt("review"),
                sees=(_task(setting, plan, change, report),),
                tools=reading_tools(tree.workspace, setting.clock.seconds),
                results=(result_tool("submit", "Hand in the review.", ReviewPayload, Review, check),),
            ),
        )
    return Review(
        run=change.run,
        parents=(plan.digest, change.digest, report.digest),
        made_by=setting.made_by(Step.REVIEW, tier),
        payload=cast("ReviewPayload", handed_in.payload),
    )


def _task(setting: Setting, plan: Plan, change: ChangeSet, report: GateReport) -> str:
    fenced = setting.fence.around
    return setting.prompt(
        "review_task",
        plan=fenced("the plan", render_payload(plan.payload)),
        results=fenced("what the executor says", setting.prompt("results", tasks=change.payload.tasks)),
        gates=fenced("gate report", setting.prompt("verify_report", report=report.payload)),
        diff=fenced("diff", changes_so_far(setting)),
        primer=setting.primer(),
    )
