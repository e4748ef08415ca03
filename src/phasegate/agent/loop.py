"""The loop: ask, do, append, until a result is handed in or a limit is met."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from phasegate.agent.assignment import (
    AgentEvent,
    Assignment,
    ContextShortened,
    Outcome,
    ResultTool,
    Said,
    Stop,
    Stopped,
    Submitted,
    ToolUsed,
    TurnEnded,
    Waiting,
)
from phasegate.agent.context import ASK_FOR_NOTE, estimated_tokens, hand_over, is_full, masked
from phasegate.agent.tools.tool import ToolError, ToolOutput, parse_input
from phasegate.documents.progress import Spent, Usage
from phasegate.doors.model import (
    Message,
    Model,
    ModelError,
    Reply,
    Request,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
)
from phasegate.errors import UserError

CHANCES = 3
"""How often a model may stay silent or be cut off, each; how often it may hand in is the assignment's."""


class Ledger(Protocol):
    """Whoever keeps the account."""

    def cost(self, model: str, usage: Usage) -> Decimal:
        """Return US dollars. Raises `UserError` for a model without a price."""

    def refusal(self, *, next_usd: Decimal, next_tokens: int) -> str | None:
        """Return why the next request may not be sent, or None."""

    def pay(self, spent: Spent) -> None:
        """Book what a turn has cost."""


@dataclass(slots=True)
class Agent:
    """One agent on one assignment, with a fresh context. `clock` gives seconds that only grow."""

    assignment: Assignment
    model: Model
    ledger: Ledger
    clock: Callable[[], float]
    watch: Callable[[AgentEvent], None]
    _messages: tuple[Message, ...] = field(init=False)
    _used: dict[Stop, int] = field(default_factory=dict, init=False)
    _booked: float = field(init=False)

    def __post_init__(self) -> None:
        self._booked = self.clock()
        self._messages = (Message("user", tuple(Text(text) for text in self.assignment.sees)),)

    def work(self) -> Outcome:
        """Work until a result is handed in or a limit is met. Raises `ModelError` if the model cannot be asked."""
        while True:
            reply = self._ask()
            ended = reply if isinstance(reply, Stopped) else self._react(reply)
            if ended is not None:
                return ended

    def _ask(self) -> Reply | Stopped:
        request = self._fitting()
        return request if isinstance(request, Stopped) else self._paid(request)

    def _fitting(self) -> Request | Stopped:
        """Return the next request, with the conversation made shorter where it is too long."""
        window = self.model.limits(self.assignment.tier.model).window
        if is_full(self._request(), window):
            self._messages = masked(self._messages)
            self.watch(ContextShortened("old tool outputs were masked"))
        if is_full(self._request(), window):
            stopped = self._hand_over()
            if stopped is not None:
                return stopped
        if is_full(self._request(), window):
            return Stopped(Stop.WINDOW, "what the agent has to read does not fit into the model's window")
        return self._request()

    def _hand_over(self) -> Stopped | None:
        """Go on in a fresh context, from a note that the agent writes itself."""
        if len(self._messages) == 1:
            return Stopped(Stop.WINDOW, "what the agent has to read does not fit into the model's window")
        last = self._messages[-1]
        asked = replace(last, blocks=(*last.blocks, Text(ASK_FOR_NOTE)))
        reply = self._paid(replace(self._request(), messages=(*self._messages[:-1], asked)))
        if isinstance(reply, Stopped):
            return reply
        note = "\n".join(block.text for block in reply.blocks if isinstance(block, Text))
        if not note:
            return Stopped(Stop.WINDOW, "the conversation is too long, and no hand-over note was written")
        self._messages = hand_over(self._messages, note, self.assignment.fence)
        self.watch(ContextShortened("a fresh context was started from a hand-over note"))
        return None

    def _request(self) -> Request:
        tier = self.assignment.tier
        tools = (*(tool.spec for tool in self.assignment.tools), *(result.spec for result in self.assignment.results))
        return Request(
            model=tier.model,
            max_tokens=tier.max_output_tokens,
            effort=tier.effort,
            system=self.assignment.system,
            tools=tools,
            messages=self._messages,
        )

    def _paid(self, request: Request) -> Reply | Stopped:
        """Send one request if the budget allows, and book it, also when it fails."""
        tokens = estimated_tokens(request)
        most = Usage(input_tokens=tokens, output_tokens=request.max_tokens)
        refusal = self.ledger.refusal(next_usd=self.ledger.cost(request.model, most), next_tokens=most.total)
        if refusal is not None:
            return Stopped(Stop.BUDGET, refusal)
        try:
            reply = self.model.ask(request, lambda retry: self.watch(Waiting(retry.seconds, retry.reason)))
        except ModelError as error:
            self._book(error.usage)
            raise
        self._book(reply.usage)
        return reply

    def _book(self, usage: Usage) -> None:
        """Book a turn; its time runs from the turn before, so that the tools' time is in it."""
        model, now = self.assignment.tier.model, self.clock()
        seconds, self._booked = round(now - self._booked, 3), now
        spent = Spent(usage=usage, usd=self.ledger.cost(model, usage), turns=1, seconds=seconds)
        self.ledger.pay(spent)
        self.watch(TurnEnded(model, spent))

    def _react(self, reply: Reply) -> Outcome | None:
        """Do what a reply asks for; every stop reason by name."""
        for text in (block.text for block in reply.blocks if isinstance(block, Text)):
            self.watch(Said(text))
        match reply.stop:
            case StopReason.TOOL_USE:
                return self._do(reply)
            case StopReason.MAX_TOKENS:
                told = f"Your reply was cut off at {self.assignment.tier.max_output_tokens} tokens. Take smaller steps."
                return self._again(_without_calls(reply), Stop.CUT, told)
            case StopReason.WINDOW_EXCEEDED:
                return self._hand_over()
            case StopReason.REFUSAL:
                return Stopped(Stop.REFUSAL, reply.note or "the model refused without saying why")
            case StopReason.OTHER:
                return Stopped(Stop.UNKNOWN, f"the reply ended with “{reply.note}”, which is not known here")
            case _:
                names = " or ".join(f"`{result.name}`" for result in self.assignment.results)
                told = f"Go on with your tools; when you are done, hand in with {names}."
                return self._again(_without_calls(reply), Stop.SILENT, told)

    def _again(self, reply: Reply, why: Stop, told: str) -> Stopped | None:
        if self._used_up(why, CHANCES):
            return Stopped(why, f"the model was told {CHANCES} times: {told}")
        blocks = reply.blocks or (Text("(nothing)"),)
        self._messages = (*self._messages, Message("assistant", blocks), Message("user", (Text(told),)))
        return None

    def _used_up(self, why: Stop, chances: int) -> bool:
        """Use up one chance; return whether there was none left."""
        self._used[why] = self._used.get(why, 0) + 1
        return self._used[why] > chances

    def _do(self, reply: Reply) -> Outcome | None:
        results = []
        for call in (block for block in reply.blocks if isinstance(block, ToolCall)):
            result_tool = next((result for result in self.assignment.results if result.name == call.name), None)
            done = self._hand_in(result_tool, call) if result_tool else self._use(call)
            if isinstance(done, Submitted | Stopped):
                return done
            results.append(done)
        self._messages = (*self._messages, Message("assistant", reply.blocks), Message("user", tuple(results)))
        return None

    def _hand_in(self, result: ResultTool, call: ToolCall) -> Submitted | Stopped | ToolResult:
        try:
            payload = parse_input(call.input_json, result.payload)
            problems = list(result.check(payload))
        except ToolError as error:
            problems = [error.what]
        if not problems:
            return Submitted(result.name, payload)
        told = "Not accepted:\n" + "\n".join(f"- {problem}" for problem in problems)
        self.watch(ToolUsed(result.name, call.input_json, told, is_error=True))
        if self._used_up(Stop.INVALID, self.assignment.chances - 1):
            return Stopped(Stop.INVALID, "; ".join(problems))
        return ToolResult(call.id, self.assignment.fence.around("check", told), is_error=True)

    def _use(self, call: ToolCall) -> ToolResult:
        output = self._output(call)
        self.watch(ToolUsed(call.name, call.input_json, output.text, output.is_error))
        return ToolResult(call.id, self.assignment.fence.around("tool", output.text), output.is_error)

    def _output(self, call: ToolCall) -> ToolOutput:
        tool = next((tool for tool in self.assignment.tools if tool.spec.name == call.name), None)
        if tool is None:
            return ToolOutput(f"There is no tool {call.name!r} here.", is_error=True)
        try:
            return tool.run(call.input_json)
        except UserError as error:
            return ToolOutput(str(error), is_error=True)


def _without_calls(reply: Reply) -> Reply:
    """Return a reply that did not end in tool use without its calls: a call without a result is refused."""
    return replace(reply, blocks=tuple(block for block in reply.blocks if isinstance(block, Text)))
