"""Implement: the approved plan in waves of tasks, and repairs after a failed gate or a review.

What reaches the model here comes from the approved plan, the primer, earlier tasks' summaries and the files a task
names; never from the findings, the issue or its comments.
"""

import threading
from functools import partial

from phasegate.agent.tools.tool import cut
from phasegate.documents.base import Digest
from phasegate.documents.change_set import TaskResult
from phasegate.documents.gate_report import GateReport
from phasegate.documents.plan import Plan, Task
from phasegate.documents.progress import PhaseName, WorkProgress, WorkStatus
from phasegate.documents.review import Review
from phasegate.errors import RefusedError
from phasegate.phases.approved import approved_plan
from phasegate.phases.branch import sync
from phasegate.phases.gates import sandbox_of
from phasegate.phases.parallel import in_parallel
from phasegate.phases.setting import Setting
from phasegate.phases.work import WorkOrder, carry_out
from phasegate.policy.scope import Scope, waves

SHOWN_BYTES = 24_000
"""A named file up to this size is shown at once, which saves the model a turn for it."""
SHOWN_IN_ALL = 120_000
"""All files that are shown at once, and a difference, in bytes and characters."""


def implement(setting: Setting) -> None:
    """Work through all tasks and repairs that are left; the progress says how they ended.

    Ends early when a task is blocked. Raises `RefusedError` when the approval does not hold, and what `employ` raises.
    """
    plan = approved_plan(setting)
    sync(setting)
    if setting.gates:
        sandbox_of(setting)  # refused before any money is spent on work that could not be checked
    done = frozenset(task.id for task in setting.store.progress.tasks if task.status is WorkStatus.DONE)
    one_at_a_time = threading.Lock()
    for wave in waves(plan.payload.tasks, done):
        orders = [_task_order(setting, plan, task) for task in wave[: _room(setting)]]
        work = [partial(carry_out, setting, order, one_at_a_time) for order in orders]
        in_parallel(work, setting.config.implement.parallel, setting.stop)
        if len(orders) < len(wave) or any(task.status is WorkStatus.BLOCKED for task in setting.store.progress.tasks):
            return
    for repair in setting.store.progress.tasks:
        if repair.id.startswith("R") and repair.status is not WorkStatus.DONE:
            carry_out(setting, _repair_order(setting, plan, repair), one_at_a_time)


def implement_one(setting: Setting, task_id: str) -> None:
    """Work on one task of the next wave; the progress says how it ended.

    Raises as `implement` does, also for a task that is not next.
    """
    plan = approved_plan(setting)
    if setting.gates:
        sandbox_of(setting)
    task = next((task for task in next_wave(setting, plan) if task.id == task_id), None)
    if task is None:
        raise RefusedError(f"{task_id} is no task of run {setting.store.progress.run} that can be worked on now.")
    carry_out(setting, _task_order(setting, plan, task), threading.Lock())


def next_wave(setting: Setting, plan: Plan) -> tuple[Task, ...]:
    """Return the tasks that can be worked on now, side by side; none when all are done."""
    done = frozenset(task.id for task in setting.store.progress.tasks if task.status is WorkStatus.DONE)
    return next(iter(waves(plan.payload.tasks, done)), ())


def _room(setting: Setting) -> int:
    """Return how many tasks may still be begun in this slice."""
    tasks = setting.store.progress.tasks
    if setting.slice is None:
        return len(tasks)
    done = sum(task.status is WorkStatus.DONE for task in tasks)
    return max(0, setting.slice.tasks - done) if setting.clock.seconds() < setting.slice.until else 0


def _task_order(setting: Setting, plan: Plan, task: Task) -> WorkOrder:
    brief = setting.prompt(
        "implement_task",
        plan=plan.payload,
        task=task,
        command=setting.gates[task.check].run if task.check else "",
        earlier=_earlier(setting),
        files=_files(setting, [file.path for file in task.files]),
        primer=setting.primer(),
    )
    return WorkOrder(
        id=task.id,
        title=task.title,
        brief=brief,
        criteria=task.success_criteria,
        scope=Scope.of([task]),
        check=task.check,
        plan=plan.digest,
        parents=_parents(setting, plan),
    )


def _repair_order(setting: Setting, plan: Plan, repair: WorkProgress) -> WorkOrder:
    fenced = setting.fence.around
    reports = _failed_reports(setting)
    told = [(f"{name} report", setting.prompt(f"{name}_report", report=report.payload)) for name, report in reports]
    parents = (*_parents(setting, plan), *(report.digest for _, report in reports))
    brief = setting.prompt(
        "repair_task",
        plan=plan.payload,
        evidence="\n\n".join(fenced(*pair) for pair in told),
        diff=fenced("diff", changes_so_far(setting)),
        earlier=_earlier(setting),
        files=_files(setting, sorted({file.path for file in plan.scope})),
        scope=sorted(plan.scope, key=lambda file: file.path),
        primer=setting.primer(),
    )
    return WorkOrder(
        id=repair.id,
        title=repair.title,
        brief=brief,
        criteria=("what the report names is repaired",),
        scope=Scope.of(plan.payload.tasks),
        check=None,
        plan=plan.digest,
        parents=parents,
    )


def _failed_reports(setting: Setting) -> list[tuple[PhaseName, GateReport | Review]]:
    """Return the reports that ask for a repair: of the gates, of the review, or of both."""
    progress = setting.store.progress
    kinds: tuple[tuple[PhaseName, type[GateReport | Review]], ...] = (
        (PhaseName.VERIFY, GateReport),
        (PhaseName.REVIEW, Review),
    )
    reports = []
    for name, kind in kinds:
        phase = progress.phase(name)
        if phase.document and phase.validation and not phase.validation.passed:
            reports.append((name, setting.store.get(phase.document, kind)))
    return reports


def _parents(setting: Setting, plan: Plan) -> tuple[Digest, ...]:
    approval = setting.store.progress.approval
    return (plan.digest, *([approval] if approval else []))


def _earlier(setting: Setting) -> str:
    """Return what earlier tasks said of themselves, fenced: it may repeat what their files hold."""
    done = [task for task in setting.store.progress.tasks if task.status is WorkStatus.DONE]
    lines = "\n".join(f"{task.id} {task.title}: {task.summary}" for task in done)
    return setting.fence.around("earlier tasks", lines) if lines else ""


def changes_so_far(setting: Setting) -> str:
    """Return the difference between the base and the branch, of the files that the plan names."""
    progress = setting.store.progress
    plan = setting.store.get(progress.plan, Plan) if progress.plan else None
    paths = sorted({file.path for file in plan.scope}) if plan else []
    diff = setting.git.diff(progress.base_sha, progress.head_sha, paths) or "(nothing yet)"
    return cut(diff, SHOWN_IN_ALL, hint="Read the files to see the rest.")


def _files(setting: Setting, paths: list[str]) -> str:
    """Return the named files that exist, fenced, as far as they fit."""
    shown, left = [], SHOWN_IN_ALL
    head = setting.store.progress.head_sha
    for path in paths:
        content = setting.git.read(head, path)
        if content is None or b"\0" in content or len(content) > min(SHOWN_BYTES, left):
            continue
        left -= len(content)
        shown.append(setting.fence.around(f"file {path}", content.decode("utf-8", "replace")))
    return "\n\n".join(shown)


def results_of(setting: Setting) -> tuple[TaskResult, ...]:
    """Return the results of all finished tasks and repairs, in the order of the progress."""
    done = [task for task in setting.store.progress.tasks if task.status is WorkStatus.DONE and task.document]
    return tuple(setting.store.get(task.document, TaskResult) for task in done if task.document)
