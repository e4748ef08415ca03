"""What an agent of a test is seated at: tools, a purse, and a record of all that happened."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from phasegate.agent.assignment import AgentEvent, Outcome, ResultTool
from phasegate.agent.loop import Agent
from phasegate.agent.tools.tool import ToolOutput
from phasegate.documents.progress import Spent
from phasegate.doors.model import ToolSpec
from phasegate.doors.prices import Prices
from phasegate.policy.budget import Account, spent_up
from phasegate.policy.config import Limits
from phasegate.rehearsal.record import Record
from phasegate.rehearsal.server import RehearsalServer

KEY = "sk-ant-secret-0123456789"
MODEL = "claude-sonnet-5-5"
NONCE = "0f1e2d3c4b5a6978"


class Answer(BaseModel):
    """What the agents of these tests hand in."""

    model_config = ConfigDict(extra="forbid", strict=True)
    text: str
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Echo:
    """A tool that answers with what it is told, as often as it is told."""

    name: str = "echo"
    error: Exception | None = None

    @property
    def spec(self) -> ToolSpec:
        schema = {"type": "object", "properties": {"text": {"type": "string"}, "times": {"type": "integer"}}}
        return ToolSpec(name=self.name, description="Echoes a text.", schema_json=json.dumps(schema))

    def run(self, input_json: str) -> ToolOutput:
        if self.error:
            raise self.error
        asked = json.loads(input_json)
        return ToolOutput(asked.get("text", "") * asked.get("times", 1))


ECHO = Echo()


@dataclass(slots=True)
class Purse:
    """A ledger with one account."""

    limits: Limits
    prices: Prices = field(default_factory=lambda: Prices({}))
    spent: list[Spent] = field(default_factory=list)

    @property
    def total(self) -> Spent:
        return sum(self.spent, Spent())

    def cost(self, model, usage):
        return self.prices.cost(model, usage)

    def refusal(self, *, next_usd, next_tokens):
        account = Account("task", self.limits, self.total)
        return spent_up([account], next_usd=next_usd, next_tokens=next_tokens)

    def pay(self, spent):
        self.spent.append(spent)


@dataclass(slots=True)
class Desk:
    """One agent at work: what it was, what happened, what it cost."""

    server: RehearsalServer
    agent: Agent
    purse: Purse
    waits: list[float]
    events: list[AgentEvent]

    def work(self) -> Outcome:
        return self.agent.work()

    @property
    def asked(self) -> list[Record]:
        """Every request for a message, in order."""
        return [record for record in self.server.log if record.path == "/v1/messages"]

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(record.body) for record in self.asked]

    def seen(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def limits(**changes: Any) -> Limits:
    """Return limits that no test meets by accident."""
    return Limits(**({"usd": Decimal(100), "tokens": 10_000_000, "turns": 1000, "minutes": 600} | changes))


def result_tool(check=lambda _: ()) -> ResultTool:
    return ResultTool("submit", "Hand in.", Answer, check)


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {tool: arguments}


def submit(text: str = "done") -> dict[str, Any]:
    return {"call": [call("submit", text=text)]}
