"""What an agent is given, and how it can end."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel

from phasegate.agent.fence import Fence
from phasegate.agent.tools.tool import Tool
from phasegate.documents.progress import Spent
from phasegate.doors.model import ToolSpec
from phasegate.policy.config import Tier


@dataclass(frozen=True, slots=True)
class ResultTool:
    """A tool that ends the work: its input is a document's payload.

    `check` returns what is wrong with a payload that fits the schema; the model gets to hear it.
    """

    name: str
    description: str
    payload: type[BaseModel]
    check: Callable[[BaseModel], Sequence[str]]

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        schema = json.dumps(self.payload.model_json_schema(), sort_keys=True)
        return ToolSpec(name=self.name, description=self.description, schema_json=schema)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role, what it sees, its tools, and the ways to hand in. `sees` is the first message, text by text."""

    tier: Tier
    system: str
    sees: tuple[str, ...]
    tools: tuple[Tool, ...]
    results: tuple[ResultTool, ...]
    fence: Fence
    chances: int = 3
    """How often what it hands in goes back to the agent; the next time it is stopped."""


class Stop(StrEnum):
    """Why an agent ended without a result."""

    BUDGET = "budget"
    REFUSAL = "refusal"
    INVALID = "invalid"
    SILENT = "silent"
    CUT = "cut"
    WINDOW = "window"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Submitted:
    """The agent handed in, by the result tool of that name."""

    by: str
    payload: BaseModel


@dataclass(frozen=True, slots=True)
class Stopped:
    """The agent ended without a result."""

    stop: Stop
    reason: str


Outcome = Submitted | Stopped


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A model turn was paid for."""

    model: str
    spent: Spent


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool was called."""

    name: str
    input_json: str
    output: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Said:
    """The model said something beside its calls."""

    text: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The provider could not answer; the request is sent again."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class ContextShortened:
    """The conversation was made shorter."""

    how: str


AgentEvent = TurnEnded | ToolUsed | Said | Waiting | ContextShortened
