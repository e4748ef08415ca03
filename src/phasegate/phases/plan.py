"""Plan: from findings to tasks, or to questions; never from the research conversation."""

from collections.abc import Sequence
from typing import cast

from pydantic import BaseModel

from phasegate.agent.assignment import ResultTool
from phasegate.agent.tools.toolset import reading_tools
from phasegate.documents.base import Digest, Step
from phasegate.documents.findings import Findings
from phasegate.documents.interview import Feedback, Questions, QuestionsPayload
from phasegate.documents.plan import Plan, PlanPayload, Task
from phasegate.documents.plan_markdown import render_payload
from phasegate.documents.progress import PhaseName, WorkStatus
from phasegate.phases.setting import Hiring, Setting, Worker
from phasegate.policy.validation import check_plan


def plan(setting: Setting) -> Plan | Questions:
    """Return a plan, or questions for the human. Raises what `Setting.employ` raises."""
    progress = setting.store.progress
    tier = setting.config.models.plan
    before = _before(setting)
    with setting.work_tree(progress.base_sha) as tree:
        handed_in = setting.employ(
            Worker(PhaseName.PLAN),
            Hiring(
                tier=tier,
                system=setting.prompt("plan"),
                sees=(_task(setting, before),),
                tools=reading_tools(tree.workspace, setting.clock.seconds),
                results=_results(setting),
            ),
        )
    made_by, parents = setting.made_by(Step.PLAN, tier), _parents(setting, before)
    if isinstance(handed_in.payload, QuestionsPayload):
        return Questions(run=progress.run, parents=parents, made_by=made_by, payload=handed_in.payload)
    payload = cast("PlanPayload", handed_in.payload)
    revision = max((old.revision for old in setting.store.all(Plan)), default=0) + 1
    return Plan(run=progress.run, parents=parents, made_by=made_by, revision=revision, payload=payload)


def plan_problems(setting: Setting, payload: PlanPayload) -> list[str]:
    """Return what is wrong with a plan for this repository."""
    return check_plan(
        payload, files=setting.files, protected=setting.protected, gates=setting.gates, done=finished_tasks(setting)
    )


def finished_tasks(setting: Setting) -> dict[str, Task]:
    """Return the tasks that are done already, by id: every later plan has to keep them as they are."""
    progress = setting.store.progress
    if progress.plan is None or progress.purpose == "primer":
        return {}
    done = {task.id for task in progress.tasks if task.status is WorkStatus.DONE}
    return {task.id: task for task in setting.store.get(progress.plan, Plan).payload.tasks if task.id in done}


def _results(setting: Setting) -> Sequence[ResultTool]:
    def check(payload: BaseModel) -> Sequence[str]:
        return plan_problems(setting, cast("PlanPayload", payload))

    submit = ResultTool("submit", "Hand in the plan.", PlanPayload, check)
    if not setting.config.plan.questions:
        return (submit,)
    told = "Ask the human instead of planning, when a decision is theirs and the plan depends on it."
    return (submit, ResultTool("ask", told, QuestionsPayload, lambda _: ()))


def _before(setting: Setting) -> tuple[Plan | Questions | Feedback, ...]:
    """Return the plan or the questions that people have answered, and what they said."""
    said = setting.store.all(Feedback)
    if not said:
        return ()
    known: dict[Digest, Plan | Questions] = {}
    known |= {old.digest: old for old in setting.store.all(Plan)}
    known |= {asked.digest: asked for asked in setting.store.all(Questions)}
    spoken = sorted(said, key=lambda feedback: feedback.payload.at)
    about = [known[parent] for feedback in spoken for parent in feedback.parents if parent in known]
    return (*dict.fromkeys(about), *spoken)


def _parents(setting: Setting, before: Sequence[Plan | Questions | Feedback]) -> tuple[Digest, ...]:
    findings = setting.store.progress.phase(PhaseName.RESEARCH).document
    start = (setting.store.progress.snapshot, *([findings] if findings else []))
    return (*start, *(document.digest for document in before))


def _task(setting: Setting, before: Sequence[Plan | Questions | Feedback]) -> str:
    findings = setting.store.progress.phase(PhaseName.RESEARCH).document
    plans = [document for document in before if isinstance(document, Plan)]
    fenced = setting.fence.around
    return setting.prompt(
        "plan_task",
        issue=fenced("issue", setting.prompt("issue", issue=setting.snapshot.payload.issue)),
        findings=fenced("findings", setting.prompt("findings", findings=setting.store.get(findings, Findings).payload))
        if findings
        else "",
        primer=setting.primer(),
        gates=fenced("gates", "\n".join(f"{name}: {gate.run}" for name, gate in setting.gates.items())),
        plan=fenced("the plan before", render_payload(plans[-1].payload)) if plans else "",
        talk=fenced("what people said", setting.prompt("talk", documents=before)) if before else "",
        may_ask=setting.config.plan.questions,
        finished=", ".join(finished_tasks(setting)),
    )
