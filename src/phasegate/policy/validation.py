"""The validation gates: code that decides, on a document, whether the next phase may start."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from phasegate.documents.change_set import ChangeEntry
from phasegate.documents.findings import FindingsPayload
from phasegate.documents.plan import Operation, PlanPayload, Task
from phasegate.documents.progress import Verdict
from phasegate.documents.review import ReviewPayload
from phasegate.policy.scope import ProtectedPaths, Scope, in_order, parents

MAX_FILES = 100
MAX_CHANGE_BYTES = 4 * 1024 * 1024


class ScoutOutcome(Protocol):
    """What the gate after research needs to know of a scout."""

    @property
    def status(self) -> str:
        """success, partial or failure."""


def verdict(problems: Sequence[str], *, good: str) -> Verdict:
    """Return a verdict from a list of problems."""
    return Verdict(passed=not problems, reason="; ".join(problems) or good)


def check_findings(findings: FindingsPayload, *, files: Mapping[str, int]) -> list[str]:
    """Return what is wrong with findings; `files` is every path at the base commit with its number of bytes."""
    missing = sorted(findings.cited_paths() - files.keys())
    return [f"cites {path}, which is not in the repository" for path in missing]


def check_scouts(scouts: Sequence[ScoutOutcome], *, minimum: int) -> list[str]:
    """Return what is wrong with the scouts' results: too few have come back with something."""
    useful = sum(scout.status != "failure" for scout in scouts)
    wanted = min(minimum, len(scouts))
    return [] if useful >= wanted else [f"{useful} of {len(scouts)} scouts came back with something, {wanted} have to"]


def check_plan(
    plan: PlanPayload,
    *,
    files: Iterable[str],
    protected: ProtectedPaths,
    gates: Iterable[str],
    done: Mapping[str, Task] | None = None,
) -> list[str]:
    """Return what is wrong with a plan.

    `files` are the paths at the base commit; `done` are the tasks that are finished already, which a correction must
    carry over unchanged.
    """
    finished = done or {}
    problems = [*_order_problems(plan.tasks), *_finished_problems(plan, finished)]
    known_gates = frozenset(gates)
    for task in plan.tasks:
        problems += [
            f"{task.id} names {file.path}, which is protected" for file in task.files if protected.holds(file.path)
        ]
        if task.check is not None and task.check not in known_gates:
            named = ", ".join(sorted(known_gates)) or "none"
            problems.append(f"{task.id} wants the check {task.check}, which is no gate here (there are: {named})")
    return problems or _file_problems(plan.tasks, frozenset(files))


def _finished_problems(plan: PlanPayload, finished: Mapping[str, Task]) -> list[str]:
    kept = {task.id: task for task in plan.tasks}
    return [f"{id_} is finished and must stay as it is" for id_, task in finished.items() if kept.get(id_) != task]


def _order_problems(tasks: Sequence[Task]) -> list[str]:
    ids = [task.id for task in tasks]
    problems = [f"the id {id_} is used twice" for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1})]
    for task in tasks:
        problems += [f"{task.id} depends on {id_}, which is no task" for id_ in task.depends_on if id_ not in ids]
    if problems:
        return problems
    left = {task.id: set(task.depends_on) for task in tasks}
    while ready := [id_ for id_, after in left.items() if not after & left.keys()]:
        for id_ in ready:
            del left[id_]
    return [f"the tasks {', '.join(sorted(left))} wait for each other"] if left else []


def _file_problems(tasks: Sequence[Task], files: frozenset[str]) -> list[str]:
    """Follow the tasks in their order: created paths are absent before, modified and deleted ones are there."""
    there = set(files)
    problems = []
    for task in in_order(tasks):
        created = {file.path for file in task.files if file.op is Operation.CREATE}
        for file in task.files:
            if file.op is Operation.CREATE and _taken(file.path, there | created - {file.path}):
                problems.append(f"{task.id} creates {file.path}, which exists already or cannot exist beside what does")
            if file.op is not Operation.CREATE and file.path not in there:
                problems.append(f"{task.id} is to {file.op} {file.path}, which is not there")
        there |= created
        there -= {file.path for file in task.files if file.op is Operation.DELETE}
    return problems


def _taken(path: str, there: set[str]) -> bool:
    below = f"{path}/"
    return path in there or not there.isdisjoint(parents(path)) or any(file.startswith(below) for file in there)


def check_change(entries: Sequence[ChangeEntry], *, scope: Scope, protected: ProtectedPaths) -> list[str]:
    """Return what is wrong with a change: outside the scope, protected, too many files, too many bytes."""
    problems = []
    for entry in entries:
        if protected.holds(entry.path):
            problems.append(f"{entry.path} is protected and may not be touched")
        elif not scope.allows(entry.path, entry.op):
            problems.append(f"the plan does not allow to {entry.op} {entry.path}")
    if len(entries) > MAX_FILES:
        problems.append(f"{len(entries)} files are changed, {MAX_FILES} are allowed")
    size = sum(len(entry.data()) for entry in entries)
    if size > MAX_CHANGE_BYTES:
        problems.append(f"{size} bytes are changed, {MAX_CHANGE_BYTES} are allowed")
    return problems


def check_review(review: ReviewPayload, *, files: Iterable[str]) -> list[str]:
    """Return what is wrong with a review; `files` are the paths that exist before or after the change."""
    known = frozenset(files)
    return [f"cites {finding.path}, which does not exist" for finding in review.findings if finding.path not in known]
