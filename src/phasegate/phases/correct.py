"""Correct: a task is blocked, and the strong model decides what the plan should say instead."""

from collections.abc import Sequence
from typing import cast

from pydantic import BaseModel

from phasegate.agent.tools.toolset import reading_tools
from phasegate.documents.base import Step
from phasegate.documents.change_set import Blocked
from phasegate.documents.plan import Plan, PlanPayload
from phasegate.documents.plan_markdown import render_payload
from phasegate.documents.progress import PhaseName
from phasegate.phases.hiring import Hiring, employ, result_tool
from phasegate.phases.implement import changes_so_far
from phasegate.phases.plan import finished_tasks, plan_problems, told_gates
from phasegate.phases.setting import Setting, Worker


def correct(setting: Setting, plan: Plan, blocked: Sequence[Blocked]) -> Plan:
    """Return a revised plan; finished tasks stand in it as they were. Raises what `employ` raises."""
    tier = setting.config.models.correct

    def check(payload: BaseModel) -> Sequence[str]:
        return plan_problems(setting, cast("PlanPayload", payload))

    with setting.work_tree(setting.store.progress.head_sha) as tree:
        handed_in = employ(
            setting,
            Worker(PhaseName.CORRECT),
            Hiring(
                tier=tier,
                system=setting.prompt("correct"),
                sees=(_task(setting, plan, blocked),),
                tools=reading_tools(tree.workspace, setting.clock.seconds),
                results=(result_tool("submit", "Hand in the corrected plan.", PlanPayload, Plan, check),),
            ),
        )
    return Plan(
        run=plan.run,
        parents=(plan.digest, *(report.digest for report in blocked)),
        made_by=setting.made_by(Step.CORRECT, tier),
        revision=plan.revision + 1,
        payload=cast("PlanPayload", handed_in.payload),
    )


def _task(setting: Setting, plan: Plan, blocked: Sequence[Blocked]) -> str:
    fenced = setting.fence.around
    return setting.prompt(
        "correct_task",
        plan=fenced("the plan", render_payload(plan.payload)),
        tasks=", ".join(report.payload.task for report in blocked),
        blocked=fenced("reports of blocked tasks", setting.prompt("blocked", reports=blocked)),
        finished=", ".join(finished_tasks(setting)) or "none",
        gates=fenced("gates", told_gates(setting)),
        diff=fenced("diff", changes_so_far(setting)),
        primer=setting.primer(),
    )
