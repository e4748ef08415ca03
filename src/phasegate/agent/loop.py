"""The loop: ask, do, append, until a result is handed in or a limit is met."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

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
)
from phasegate.agent.context import ENOUGH, FULL, asked_for_note, hand_over, insisted_on_note, masked
from phasegate.agent.payment import Ledger, PaidModel
from phasegate.agent.tools.tool import ToolError, ToolOutput, parse_input
from phasegate.doors.model import (
    Message,
    Model,
    Reply,
    Request,
    StopReason,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)
from phasegate.doors.workspace import WorkspaceError
from phasegate.errors import RefusedError

CHANCES = 3
"""How often in a row a model is told to go on after it stayed silent, or was cut off."""
_TOO_LONG = "what the agent has to read does not fit into the model's window"


@dataclass(slots=True)
class Agent:
    """One agent on one assignment, with a fresh context. `clock` gives seconds that only grow."""

    assignment: Assignment
    model: Model
    ledger: Ledger
    clock: Callable[[], float]
    watch: Callable[[AgentEvent], None]
    _first: Message = field(init=False)
    _messages: tuple[Message, ...] = field(init=False)
    _tools: tuple[ToolSpec, ...] = field(init=False)
    _used: Counter[Stop] = field(default_factory=Counter, init=False)
    _paid: PaidModel = field(init=False)

    def __post_init__(self) -> None:
        work = self.assignment
        self._paid = PaidModel(self.model, self.ledger, self.clock, self.watch)
        self._first = Message("user", tuple(Text(text) for text in work.sees))
        self._messages = (self._first,)
        self._tools = (*(tool.spec for tool in work.tools), *(result.spec for result in work.results))

    def work(self) -> Outcome:
        """Work until a result is handed in or a limit is met.

        Raises `ModelError` if the model cannot be asked, and what tools raise for which no model is to blame.
        """
        while True:
            stopped = self._made_fit()
            reply = stopped or self._paid.ask(self._request())
            ended = reply if isinstance(reply, Stopped) else self._react(reply)
            if ended is not None:
                return ended

    def _made_fit(self) -> Stopped | None:
        """Make the conversation shorter where it is too long."""
        if not self._fills(FULL):
            return None
        self._mask()
        if self._fills(ENOUGH):
            stopped = self._hand_over()
            if stopped is not None:
                return stopped
        return Stopped(Stop.WINDOW, _TOO_LONG) if self._fills(FULL) else None

    def _fills(self, part: float) -> bool:
        window = self.model.limits(self.assignment.tier.model).window
        return self._paid.tokens(self._request()) > window * part

    def _mask(self) -> None:
        shorter = masked(self._messages)
        if shorter != self._messages:
            self._messages = shorter
            self.watch(ContextShortened("old tool outputs were masked"))

    def _hand_over(self) -> Stopped | None:
        """Go on in a fresh context, from a note that the agent writes itself."""
        asked = replace(self._request(), messages=asked_for_note(self._messages))
        for _ in range(CHANCES):
            window = self.model.limits(asked.model).window
            if len(self._messages) == 1 or self._paid.tokens(asked) > window:
                return Stopped(Stop.WINDOW, _TOO_LONG)
            reply = self._paid.ask(asked)
            if isinstance(reply, Stopped):
                return reply
            if reply.stop is StopReason.REFUSAL:
                return _refused(reply)
            if note := "\n".join(self._said(reply)):
                self._messages = hand_over(self._first, note, self.assignment.fence)
                self.watch(ContextShortened("a fresh context was started from a hand-over note"))
                return None
            asked = replace(asked, messages=insisted_on_note(asked.messages, reply.blocks))
        return Stopped(Stop.WINDOW, "the conversation is too long, and no hand-over note was written")

    def _request(self) -> Request:
        tier = self.assignment.tier
        return Request(
            model=tier.model,
            max_tokens=min(tier.max_output_tokens, self.model.limits(tier.model).max_tokens),
            effort=tier.effort,
            system=self.assignment.system,
            tools=self._tools,
            messages=self._messages,
        )

    def _said(self, reply: Reply) -> list[str]:
        texts = [block.text for block in reply.blocks if isinstance(block, Text)]
        for text in texts:
            self.watch(Said(text))
        return texts

    def _react(self, reply: Reply) -> Outcome | None:
        """Do what a reply asks for; every stop reason by name."""
        self._said(reply)
        match reply.stop:
            case StopReason.TOOL_USE:
                return self._do(reply)
            case StopReason.END_TURN | StopReason.STOP_SEQUENCE | StopReason.PAUSE_TURN:
                return self._silent(reply)
            case StopReason.MAX_TOKENS:
                most = self._request().max_tokens
                return self._again(reply, Stop.CUT, f"Your reply was cut off at {most} tokens. Take smaller steps.")
            case StopReason.WINDOW_EXCEEDED:
                self._mask()
                return self._hand_over()
            case StopReason.REFUSAL:
                return _refused(reply)
            case StopReason.OTHER:
                return Stopped(Stop.UNKNOWN, f"the reply ended with “{reply.note}”, which is not known here")

    def _silent(self, reply: Reply) -> Stopped | None:
        names = " or ".join(f"`{result.name}`" for result in self.assignment.results)
        return self._again(reply, Stop.SILENT, f"Go on with your tools; when you are done, hand in with {names}.")

    def _again(self, reply: Reply, why: Stop, told: str) -> Stopped | None:
        """Tell the model to go on. Its calls are left out: a call without a result is refused."""
        if self._used_up(why, CHANCES):
            return Stopped(why, f"the model was told {CHANCES} times: {told}")
        blocks = tuple(block for block in reply.blocks if isinstance(block, Text)) or (Text("(nothing)"),)
        self._messages = (*self._messages, Message("assistant", blocks), Message("user", (Text(told),)))
        return None

    def _used_up(self, why: Stop, chances: int) -> bool:
        """Use up one chance; return whether there was none left."""
        self._used[why] += 1
        return self._used[why] > chances

    def _do(self, reply: Reply) -> Outcome | None:
        calls = [block for block in reply.blocks if isinstance(block, ToolCall)]
        if not calls:
            return self._silent(reply)
        self._used[Stop.SILENT] = self._used[Stop.CUT] = 0
        results = []
        for call in calls:
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
        if self._used_up(Stop.INVALID, self.assignment.chances):
            return Stopped(Stop.INVALID, "; ".join(problems))
        return ToolResult(call.id, self.assignment.fence.around("check", told), is_error=True)

    def _use(self, call: ToolCall) -> ToolResult:
        output = self._output(call)
        self.watch(ToolUsed(call.name, call.input_json, output.text, output.is_error))
        return ToolResult(call.id, self.assignment.fence.around("tool", output.text), output.is_error)

    def _output(self, call: ToolCall) -> ToolOutput:
        tool = next((tool for tool in self.assignment.tools if tool.spec.name == call.name), None)
        if tool is None:
            names = ", ".join(spec.name for spec in self._tools)
            return ToolOutput(f"There is no tool {call.name!r} here. There are: {names}.", is_error=True)
        try:
            return tool.run(call.input_json)
        except (RefusedError, WorkspaceError) as error:
            return ToolOutput(str(error), is_error=True)


def _refused(reply: Reply) -> Stopped:
    return Stopped(Stop.REFUSAL, reply.note or "the model refused without saying why")
