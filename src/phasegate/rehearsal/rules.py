"""What the API refuses in a request whose fields are all well-formed: order, pairs, names, limits.

The wording follows the API's own messages where they are known, so that code which has to recognise one meets it here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phasegate.rehearsal.errors import ApiError
from phasegate.rehearsal.models import Model
from phasegate.rehearsal.request import (
    Block,
    CacheControl,
    CustomTool,
    Message,
    MessagesRequest,
    Prompt,
    TextBlock,
    ToolResultBlock,
    ToolUseBlock,
)

_MAX_MARKS = 4
_MIN_THINKING_BUDGET = 1024


@dataclass(frozen=True, slots=True)
class _Turn:
    """Messages of one role that follow one another: the API takes them as one turn."""

    role: str
    blocks: tuple[tuple[str, Block], ...]

    @property
    def place(self) -> str:
        """Return the first message's place, such as `messages.2`."""
        return self.blocks[0][0].partition(".content")[0] if self.blocks else "messages"

    def uses(self) -> list[tuple[str, ToolUseBlock]]:
        return [(place, block) for place, block in self.blocks if isinstance(block, ToolUseBlock)]

    def results(self) -> list[tuple[str, ToolResultBlock]]:
        return [(place, block) for place, block in self.blocks if isinstance(block, ToolResultBlock)]


def check_limits(request: MessagesRequest, name: str, model: Model) -> None:
    """Raise `ApiError` when `max_tokens` or the thinking budget is beyond what the model allows."""
    if request.max_tokens <= 0:
        raise ApiError("max_tokens: must be at least 1 (a rehearsal does not play 0, which only warms the cache)")
    if request.max_tokens > model.max_tokens:
        raise ApiError(
            f"max_tokens: {request.max_tokens} > {model.max_tokens}, which is the maximum allowed number of output "
            f"tokens for {name}"
        )
    budget = request.thinking.budget_tokens if request.thinking else None
    if budget is not None and budget >= request.max_tokens:
        raise ApiError("`max_tokens` must be greater than `thinking.budget_tokens`.")


def check_prompt(prompt: Prompt, model: Model) -> None:
    """Raise `ApiError` when the API would refuse the prompt for this model."""
    _check_tools(prompt)
    _check_tool_choice(prompt, model)
    _check_thinking(prompt, model)
    _check_order(prompt.messages)
    for number, message in enumerate(prompt.messages):
        _check_message(number, message)
    _check_texts("system", prompt.system)
    _check_marks(prompt)
    _check_pairs(_turns(prompt.messages))


def _check_tools(prompt: Prompt) -> None:
    names = [tool.name for tool in prompt.tools]
    if len(set(names)) < len(names):
        raise ApiError("tools: Tool names must be unique.")
    for number, tool in enumerate(prompt.tools):
        if isinstance(tool, CustomTool):
            _check_schema(f"tools.{number}.custom.input_schema", tool)


def _check_schema(place: str, tool: CustomTool) -> None:
    if "type" not in tool.input_schema:
        raise ApiError(f"{place}.type: Field required")
    if tool.input_schema["type"] != "object":
        raise ApiError(f"{place}.type: Input should be 'object'")
    if {"oneOf", "allOf", "anyOf"} & set(tool.input_schema):
        raise ApiError(f"{place}: input_schema does not support oneOf, allOf, or anyOf at the top level")


def _check_tool_choice(prompt: Prompt, model: Model) -> None:
    choice = prompt.tool_choice
    if choice is None:
        return
    if (choice.type == "tool") != (choice.name is not None):
        raise ApiError(
            f"tool_choice.{choice.type}.name: " + ("Field required" if choice.name is None else "not allowed")
        )
    if choice.type in {"any", "tool"} and not model.forced_tools:
        raise ApiError('tool_choice: type "tool" and "any" are not supported for this model.')
    if choice.type in {"any", "tool"} and not prompt.tools:
        raise ApiError(f"tool_choice.{choice.type}: may only be specified while providing `tools`")
    if choice.name is not None and choice.name not in {tool.name for tool in prompt.tools}:
        raise ApiError(f"tool_choice: Tool '{choice.name}' not found in provided tools")


def _check_thinking(prompt: Prompt, model: Model) -> None:
    thinking = prompt.thinking
    if thinking is None:
        return
    if thinking.type not in model.thinking:
        other = "adaptive" if "adaptive" in model.thinking else "disabled"
        raise ApiError(f'"thinking.type.{thinking.type}" is not supported for this model. Use "thinking.type.{other}".')
    if thinking.type != "enabled" and thinking.budget_tokens is not None:
        raise ApiError(f"thinking.{thinking.type}.budget_tokens: Extra inputs are not permitted")
    if thinking.type == "enabled" and thinking.budget_tokens is None:
        raise ApiError("thinking.enabled.budget_tokens: Field required")
    if thinking.budget_tokens is not None and thinking.budget_tokens < _MIN_THINKING_BUDGET:
        raise ApiError(f"thinking.enabled.budget_tokens: must be at least {_MIN_THINKING_BUDGET}")


def _check_order(messages: Sequence[Message]) -> None:
    if not messages:
        raise ApiError("messages: at least one message is required")
    if messages[0].role != "user":
        raise ApiError('messages: first message must use the "user" role')
    if messages[-1].role != "user":
        raise ApiError(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )


def _check_message(number: int, message: Message) -> None:
    if not message.content:
        raise ApiError(f"messages.{number}: all messages must have non-empty content")
    owners = {"tool_use": "assistant", "thinking": "assistant", "redacted_thinking": "assistant", "tool_result": "user"}
    for position, block in enumerate(message.content):
        owner = owners.get(block.type, message.role)
        if owner != message.role:
            raise ApiError(
                f"messages.{number}.content.{position}: `{block.type}` blocks can only be in `{owner}` messages"
            )
    _check_texts(f"messages.{number}.content", message.content)


def _check_texts(place: str, blocks: Sequence[Block]) -> None:
    for position, block in enumerate(blocks):
        here = f"{place}.{position}"
        if isinstance(block, ToolResultBlock):
            if block.is_error and not block.content:
                raise ApiError(f"{here}.tool_result: content cannot be empty if `is_error` is true")
            _check_texts(f"{here}.tool_result.content", block.content)
        elif isinstance(block, TextBlock) and not block.text:
            raise ApiError(f"{here}: text content blocks must be non-empty")
        elif isinstance(block, TextBlock) and not block.text.strip():
            raise ApiError(f"{here}: text content blocks must contain non-whitespace text")


def cache_marks(prompt: Prompt) -> Iterator[CacheControl]:
    """Yield the explicit cache breakpoints in the order in which the API reads them: tools, system, messages."""
    for tool in prompt.tools:
        yield from tool.marks()
    for block in prompt.system:
        yield from block.marks()
    for message in prompt.messages:
        for part in message.content:
            if isinstance(part, TextBlock | ToolResultBlock | ToolUseBlock):
                yield from part.marks()


def _check_marks(prompt: Prompt) -> None:
    marks = [*cache_marks(prompt), *prompt.marks()]
    if len(marks) > _MAX_MARKS:
        raise ApiError(f"A maximum of {_MAX_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    lives = [mark.ttl for mark in marks]
    first_short = lives.index("5m") if "5m" in lives else len(lives)
    if "1h" in lives[first_short:]:
        raise ApiError(
            "cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
            "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
        )


def _turns(messages: Sequence[Message]) -> list[_Turn]:
    turns: list[_Turn] = []
    for number, message in enumerate(messages):
        blocks = tuple((f"messages.{number}.content.{at}", block) for at, block in enumerate(message.content))
        if turns and turns[-1].role == message.role:
            blocks = turns.pop().blocks + blocks
        turns.append(_Turn(message.role, blocks))
    return turns


def _check_pairs(turns: Sequence[_Turn]) -> None:
    seen: set[str] = set()
    before = _Turn("assistant", ())
    for turn in turns:
        _check_answered(before, turn)
        _check_results(before, turn)
        for place, block in turn.uses():
            if block.id in seen:
                raise ApiError(f"{place}: `tool_use` ids must be unique")
            seen.add(block.id)
        before = turn


def _check_answered(before: _Turn, turn: _Turn) -> None:
    """Every call is answered at the very start of the next message (the API ignores results after other content)."""
    leading: set[str] = set()
    for _, block in turn.blocks:
        if not isinstance(block, ToolResultBlock):
            break
        leading.add(block.tool_use_id)
    missing = [block.id for _, block in before.uses() if block.id not in leading]
    if missing:
        raise ApiError(
            f"{before.place}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block at the start "
            "of the next message."
        )


def _check_results(before: _Turn, turn: _Turn) -> None:
    asked = {block.id for _, block in before.uses()}
    answered: set[str] = set()
    for place, block in turn.results():
        if block.tool_use_id not in asked:
            raise ApiError(
                f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: {block.tool_use_id}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if block.tool_use_id in answered:
            raise ApiError(
                f"{place}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{block.tool_use_id}"
            )
        answered.add(block.tool_use_id)
