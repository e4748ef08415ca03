"""The pipeline as data: each step, what it needs, what it makes, and the one power it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from phasegate.documents.base import Step


class Power(StrEnum):
    """What a process may hold; none holds two of them."""

    NONE = "none"
    MODEL_KEY = "model key"
    WRITE = "write token"
    EXECUTE = "executes code"


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step: the kinds of documents it cannot do without, the kinds it can make, and its power."""

    power: Power
    needs: tuple[str, ...]
    makes: tuple[str, ...]
    sandboxed: bool = False
    """Whether code of the repository runs below it: in the sandbox, a process that has none of the powers."""


STEPS: Mapping[Step, StepFacts] = {
    Step.DECIDE: StepFacts(Power.NONE, (), ("snapshot", "approval", "feedback", "plan")),
    Step.ACKNOWLEDGE: StepFacts(Power.WRITE, (), ()),
    Step.SCOUT: StepFacts(Power.MODEL_KEY, ("snapshot",), ("scout-report",)),
    Step.RESEARCH: StepFacts(Power.MODEL_KEY, ("snapshot",), ("scout-report", "findings")),
    Step.PLAN: StepFacts(Power.MODEL_KEY, ("snapshot",), ("plan", "questions", "primer-draft")),
    Step.PUBLISH_PLAN: StepFacts(Power.WRITE, ("snapshot",), ()),
    Step.TASK: StepFacts(Power.MODEL_KEY, ("plan", "approval"), ("task-result", "blocked"), sandboxed=True),
    Step.IMPLEMENT: StepFacts(
        Power.MODEL_KEY, ("plan", "approval"), ("task-result", "blocked", "change-set"), sandboxed=True
    ),
    Step.CORRECT: StepFacts(Power.MODEL_KEY, ("plan", "approval", "blocked"), ("plan",)),
    Step.VERIFY: StepFacts(Power.EXECUTE, ("approval", "change-set"), ("gate-report",), sandboxed=True),
    Step.REVIEW: StepFacts(Power.MODEL_KEY, ("plan", "approval", "change-set", "gate-report"), ("review",)),
    Step.PUBLISH: StepFacts(Power.WRITE, ("snapshot", "approval"), ()),
    Step.REPORT: StepFacts(Power.WRITE, (), ()),
}
"""In order. Scout and task are parts of research and implement, each in a job of its own.

A plan that a human edited by hand is made by `decide`: no model had a part in it."""
