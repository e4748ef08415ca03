"""One piece of work: a fresh context, a work tree of its own, a check that decides, one commit."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from pydantic import BaseModel

from phasegate.agent.tools.editing import EditRules
from phasegate.agent.tools.toolset import working_tools
from phasegate.documents.base import KIB, Digest, Step
from phasegate.documents.change_set import (
    Blocked,
    BlockedPayload,
    BlockedReason,
    ChangeEntry,
    TaskResult,
    TaskResultPayload,
    WorkResult,
)
from phasegate.documents.gate_report import GateResult
from phasegate.documents.plan import Operation
from phasegate.documents.progress import PhaseName, WorkStatus
from phasegate.documents.progress_events import WorkMoved
from phasegate.doors.work_tree import WorkTree
from phasegate.errors import RefusedError, UserError
from phasegate.phases.branch import built, move, task_message
from phasegate.phases.changes import entry_of, file_changes
from phasegate.phases.gates import describe, run_gate
from phasegate.phases.hiring import Hiring, employ, result_tool, size_problems
from phasegate.phases.setting import Setting, Worker, WorkerEnded, WorkerStarted
from phasegate.policy.scope import Scope
from phasegate.policy.validation import check_change

RESULT_BYTES = 8 * KIB
"""The bound of what an executor says of its work; the rest of a task's document is for the output of its check."""


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What an executor is given: one task, or one repair."""

    id: str
    title: str
    brief: str
    """What the executor sees."""
    criteria: tuple[str, ...]
    scope: Scope
    check: str | None
    plan: Digest
    parents: tuple[Digest, ...]


def carry_out(setting: Setting, order: WorkOrder, one_at_a_time: threading.Lock) -> None:
    """Work on an order until it is committed or blocked; the progress says which.

    Several orders may be carried out side by side if their scopes are disjoint; they commit one at a time.
    Raises what `employ` raises.
    """
    worker, tier = Worker(PhaseName.IMPLEMENT, order.id), setting.config.models.implement
    setting.store.advance(WorkMoved(order.id, WorkStatus.RUNNING, setting.clock.now(), model=tier.model))
    setting.watch(worker, WorkerStarted(order.title, tier.model))
    try:
        summary, good = _carry_out(setting, order, worker, one_at_a_time)
    except UserError as error:
        setting.watch(worker, WorkerEnded(good=False, summary=error.what))
        _book_failure(setting, order, error)
        raise
    setting.watch(worker, WorkerEnded(good, summary))


def _book_failure(setting: Setting, order: WorkOrder, error: UserError) -> None:
    """Book that an order failed, unless it was done already and only the branch could not be moved."""
    task = setting.store.progress.task(order.id)
    if task is not None and task.status is WorkStatus.RUNNING:
        setting.store.advance(WorkMoved(order.id, WorkStatus.FAILED, setting.clock.now(), summary=error.what))


def _carry_out(setting: Setting, order: WorkOrder, worker: Worker, one_at_a_time: threading.Lock) -> tuple[str, bool]:
    with setting.work_tree(setting.store.progress.head_sha) as tree:
        desk = _Desk(setting, order, tree, worker)
        handed_in = employ(setting, worker, desk.hiring())
        if isinstance(handed_in.payload, BlockedReason):
            return _block(setting, order, handed_in.payload), False
        result = cast("WorkResult", handed_in.payload)
        with one_at_a_time:
            _commit(setting, order, result, desk)
        return result.summary, True


def _block(setting: Setting, order: WorkOrder, reason: BlockedReason) -> str:
    document = Blocked(
        run=setting.store.progress.run,
        parents=order.parents,
        made_by=setting.made_by(Step.IMPLEMENT, setting.config.models.implement),
        payload=BlockedPayload(task=order.id, plan=order.plan, blocked=reason),
    )
    digest, now = setting.store.put(document), setting.clock.now()
    summary = f"blocked: {reason.reason}"
    setting.store.advance(WorkMoved(order.id, WorkStatus.BLOCKED, now, summary=summary, document=digest))
    return summary


def _commit(setting: Setting, order: WorkOrder, result: WorkResult, desk: "_Desk") -> None:
    document = TaskResult(
        run=setting.store.progress.run,
        parents=order.parents,
        made_by=setting.made_by(Step.IMPLEMENT, setting.config.models.implement),
        payload=TaskResultPayload(task=order.id, plan=order.plan, result=result, check=desk.gate),
    )
    digest = setting.store.put(document)
    message = task_message(setting, document, order.title)
    now, commit = setting.clock.now(), built(setting, file_changes(desk.entries), message)
    done = WorkMoved(order.id, WorkStatus.DONE, now, summary=result.summary, document=digest, commit=commit)
    move(setting, commit, done)


@dataclass(slots=True)
class _Desk:
    """Where an executor works, and the check of what it hands in."""

    setting: Setting
    order: WorkOrder
    tree: WorkTree
    worker: Worker
    entries: tuple[ChangeEntry, ...] = ()
    gate: GateResult | None = field(default=None)

    def hiring(self) -> Hiring:
        config = self.setting.config
        tools = working_tools(
            self.tree.workspace,
            self.setting.clock.seconds,
            rules=EditRules(self.order.scope, self.setting.protected),
            sandbox=self.setting.sandbox,
            shell_seconds=config.sandbox.minutes * 60.0,
        )
        told = "Say that the task cannot be done as written, with evidence. Somebody else then changes the plan."
        return Hiring(
            tier=config.models.implement,
            system=self._system(),
            sees=(self.order.brief,),
            tools=tools,
            results=(
                result_tool("submit", "Hand in the finished task.", WorkResult, TaskResult, self.check),
                result_tool("report_blocked", told, BlockedReason, Blocked),
            ),
            chances=config.implement.check_attempts - 1,
            task=self.order.id,
        )

    def _system(self) -> str:
        deletes = any(file.op is Operation.DELETE for file in self.order.scope.files)
        return self.setting.prompt("implement", has_shell=self.setting.sandbox is not None, has_delete=deletes)

    def check(self, payload: BaseModel) -> Sequence[str]:
        """Return why the work is not done; "done" is decided here, not by the model's word."""
        unmet = _unmet(cast("WorkResult", payload), self.order.criteria)
        problems = [*size_problems(payload, RESULT_BYTES), *unmet, *self._changed()]
        if problems or self.order.check is None:
            return problems
        return self._gate_problems(self.order.check)

    def _changed(self) -> list[str]:
        try:
            changed = self.tree.changes(wanted=frozenset(file.path for file in self.order.scope.files))
            self.entries = tuple(entry_of(change) for change in changed)
        except RefusedError as error:  # too large, a link, an odd name: the executor can mend that
            return [error.what]
        if not self.entries:
            return ["nothing was changed: do the work, or call report_blocked"]
        problems = check_change(self.entries, scope=self.order.scope, protected=self.setting.protected)
        return problems + self._left_undone()

    def _left_undone(self) -> list[str]:
        """Return which files of a task were to be made or deleted and were not; a repair has the whole plan's scope."""
        files = self.order.scope.files if self.order.id.startswith("T") else ()
        there = {entry.path for entry in self.tree.workspace.walk()}
        left = [file for file in files if (file.op is Operation.CREATE) != (file.path in there)]
        return [f"{file.path} was to be {file.op}d, and is not" for file in left if file.op is not Operation.MODIFY]

    def _gate_problems(self, name: str) -> list[str]:
        """Run the task's check on a clean copy: what it leaves behind is nobody's work."""
        with self.setting.work_tree(self.tree.base) as clean:
            clean.apply(file_changes(self.entries))
            self.gate = run_gate(self.setting, name, clean, Worker(PhaseName.IMPLEMENT, f"{self.order.id}-{name}"))
        if self.gate.passed:
            return []
        return [f"the check failed. {describe(self.gate)}. Its output ends with:\n{self.gate.tail}"]


def _unmet(result: WorkResult, criteria: Sequence[str]) -> list[str]:
    unmet = [
        f"not met: {item.criterion}; finish it, or call report_blocked" for item in result.criteria if not item.met
    ]
    answered = len(result.criteria)
    if answered < len(criteria):
        unmet.append(f"{len(criteria)} success criteria are asked for, {answered} are answered")
    return unmet
