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
from phasegate.phases.hiring import Hiring, employ, result_tool
from phasegate.phases.setting import Setting, Worker
from phasegate.policy.validation import check_plan


def plan(setting: Setting) -> Plan | Questions:
    """Return a plan, or questions for the human. Raises what `employ` raises."""
    progress = setting.store.progress
    tier = setting.config.models.plan
    talk = _talk(setting)
    with setting.work_tree(progress.base_sha) as tree:
        handed_in = employ(
            setting,
            Worker(PhaseName.PLAN),
            Hiring(
                tier=tier,
                system=setting.prompt("plan", may_ask=setting.config.plan.questions),
                sees=(_task(setting, talk),),
                tools=reading_tools(tree.workspace, setting.clock.seconds),
                results=_results(setting),
            ),
        )
    made_by, parents = setting.made_by(Step.PLAN, tier), _parents(setting, talk)
    if isinstance(handed_in.payload, QuestionsPayload):
        return Questions(run=progress.run, parents=parents, made_by=made_by, payload=handed_in.payload)
    payload = cast("PlanPayload", handed_in.payload)
    before = plan_in_force(setting)
    revision = before.revision + 1 if before else 1
    return Plan(run=progress.run, parents=parents, made_by=made_by, revision=revision, payload=payload)


def plan_in_force(setting: Setting) -> Plan | None:
    """Return the plan that a new one would replace; None if there is none yet, or in a primer run."""
    progress = setting.store.progress
    return setting.store.get(progress.plan, Plan) if progress.plan and progress.purpose == "change" else None


def told_gates(setting: Setting) -> str:
    """Return the gates with their commands, for whoever writes a plan."""
    return "\n".join(f"{name}: {gate.run}" for name, gate in setting.gates.items())


def plan_problems(setting: Setting, payload: PlanPayload) -> list[str]:
    """Return what is wrong with a plan for this repository."""
    return check_plan(
        payload, files=setting.files, protected=setting.protected, gates=setting.gates, done=finished_tasks(setting)
    )


def finished_tasks(setting: Setting) -> dict[str, Task]:
    """Return the tasks that are done already, by id: every later plan has to keep them as they are."""
    done = {task.id for task in setting.store.progress.tasks if task.status is WorkStatus.DONE}
    plan = plan_in_force(setting)
    return {task.id: task for task in plan.payload.tasks if task.id in done} if plan else {}


def what_was_said(setting: Setting) -> tuple[Feedback, ...]:
    """Return what people said to plans, drafts and questions, the latest last."""
    return tuple(sorted(setting.store.all(Feedback), key=lambda feedback: feedback.payload.at))


def _results(setting: Setting) -> Sequence[ResultTool]:
    def check(payload: BaseModel) -> Sequence[str]:
        return plan_problems(setting, cast("PlanPayload", payload))

    submit = result_tool("submit", "Hand in the plan.", PlanPayload, Plan, check)
    if not setting.config.plan.questions:
        return (submit,)
    told = "Ask the human instead of planning, when a decision is theirs and the plan depends on it."
    return (submit, result_tool("ask", told, QuestionsPayload, Questions))


def _talk(setting: Setting) -> tuple[Questions | Feedback, ...]:
    """Return what people said, the latest last, and before an answer the questions that it answers."""
    asked = {questions.digest: questions for questions in setting.store.all(Questions)}
    talk: list[Questions | Feedback] = []
    for feedback in what_was_said(setting):
        talk += [*(asked.pop(parent) for parent in feedback.parents if parent in asked), feedback]
    return tuple(talk)


def _parents(setting: Setting, talk: Sequence[Questions | Feedback]) -> tuple[Digest, ...]:
    progress = setting.store.progress
    start = (progress.snapshot, progress.phase(PhaseName.RESEARCH).document, progress.plan)
    return (*(digest for digest in start if digest), *(document.digest for document in talk))


def _task(setting: Setting, talk: Sequence[Questions | Feedback]) -> str:
    progress, fenced = setting.store.progress, setting.fence.around
    findings = progress.phase(PhaseName.RESEARCH).document
    before = plan_in_force(setting)
    return setting.prompt(
        "plan_task",
        issue=fenced("issue", setting.prompt("issue", issue=setting.snapshot.payload.issue)),
        findings=fenced("findings", setting.prompt("findings", findings=setting.store.get(findings, Findings).payload))
        if findings
        else "",
        primer=setting.primer(),
        gates=fenced("gates", told_gates(setting)),
        plan=fenced("the plan before", render_payload(before.payload)) if before else "",
        talk=fenced("what people said", setting.prompt("talk", documents=talk)) if talk else "",
        may_ask=setting.config.plan.questions,
        finished=", ".join(finished_tasks(setting)),
    )
