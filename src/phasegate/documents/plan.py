"""Plan: the tasks that a human approves, and the scope that binds whoever carries them out."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from phasegate.documents.base import KIB, Document, Frozen, Line, Number, Prose
from phasegate.documents.paths import RepoPath

MAX_TASKS = 40
TaskId = Annotated[str, StringConstraints(pattern=r"^T[1-9][0-9]?$")]


def _check_gate_name(name: str) -> str:
    if name == "none":
        raise ValueError("none says that there is no gate: name it otherwise")
    return name


GateName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$"), AfterValidator(_check_gate_name)]
"""A quality gate, as the configuration names it."""


class Operation(StrEnum):
    """What happens to a file."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"


class PlannedFile(Frozen):
    """A file that a task may touch, and how."""

    path: RepoPath
    op: Operation


class Task(Frozen):
    """One atomic piece of work: small enough for a fresh context, checked by something that can fail."""

    id: TaskId
    title: Annotated[Line, StringConstraints(max_length=100)]
    files: tuple[PlannedFile, ...] = Field(min_length=1, max_length=12)
    description: Prose = Field(description="what to do, so precise that nobody has to decide anything anew")
    success_criteria: tuple[Line, ...] = Field(min_length=1, max_length=12)
    check: GateName | None = Field(description="the gate that must pass when this task is done, or null")
    depends_on: tuple[TaskId, ...]
    complexity: Literal["small", "medium", "large"]

    @model_validator(mode="after")
    def _each_path_once(self) -> Self:
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise ValueError(f"{self.id} names a path twice")
        return self


class EdgeCase(Frozen):
    """Something out of the ordinary, and how it is handled."""

    case: Annotated[Line, StringConstraints(pattern="^[^→]*$")] = Field(description="without the sign →")
    handling: Line


class Estimate(Frozen):
    """How much work it looks like."""

    turns: Annotated[int, Field(ge=1, le=2000)] = Field(description="model turns over all tasks")
    reason: Line


class PlanPayload(Frozen):
    """The plan as the planner writes it."""

    title: Annotated[Line, StringConstraints(max_length=100)]
    overview: Prose = Field(description="what changes for the user, and the approach, in a few sentences")
    prerequisites: tuple[Line, ...] = Field(max_length=20)
    tasks: tuple[Task, ...] = Field(min_length=1, max_length=MAX_TASKS)
    edge_cases: tuple[EdgeCase, ...] = Field(max_length=30)
    verification: tuple[Line, ...] = Field(min_length=1, max_length=20, description="how a person sees that it works")
    documentation: tuple[Line, ...] = Field(max_length=20)
    questions: tuple[Line, ...] = Field(max_length=20, description="what the approver should look at; not blocking")
    estimate: Estimate

    def task(self, task_id: str) -> Task:
        """Return the task of that id. Raises `KeyError`."""
        return {task.id: task for task in self.tasks}[task_id]


class Plan(Document):
    """What is approved by its digest; `scope` is what the tasks name, nothing else."""

    max_bytes: ClassVar[int] = 48 * KIB
    kind: Literal["plan"] = "plan"
    revision: Number
    payload: PlanPayload

    @property
    def scope(self) -> frozenset[PlannedFile]:
        """Every file that some task may touch, with what may happen to it."""
        return scope_of(self.payload.tasks)


def scope_of(tasks: Iterable[Task]) -> frozenset[PlannedFile]:
    """Return the union of what the tasks name."""
    return frozenset(file for task in tasks for file in task.files)
