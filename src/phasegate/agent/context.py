"""What a conversation may hold: its size, masking old tool results, and starting afresh from a note. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from phasegate.agent.fence import Fence
from phasegate.doors.model import (
    Block,
    Message,
    RedactedThinking,
    Request,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)

FULL = 0.7
"""The part of the window at which a conversation is made shorter."""
ENOUGH = 0.5
"""What masking has to bring it down to: with less room it would be masked, and its cache be lost, every few turns."""
KEPT_RESULTS = 6
TOKENS_PER_BYTE = 1 / 3
"""Of code and English at least; text that turns out to be denser is counted by what it turned out to be."""
_PROVIDER_TOOL_BYTES = 2_000
"""About what the description of one of the provider's own tools takes."""
_MASK = "[an old output was removed to make room; call the tool again if you need it]"


def size(request: Request) -> int:
    """Return how many bytes a request sends, but for what the wire adds."""
    return (
        _bytes(request.system)
        + sum(_tool_size(tool) for tool in request.tools)
        + sum(_size(block) for message in request.messages for block in message.blocks)
    )


def _tool_size(tool: ToolSpec) -> int:
    return _PROVIDER_TOOL_BYTES if tool.provider_type else _bytes(tool.description) + _bytes(tool.schema_json)


def _size(block: Block) -> int:
    match block:
        case Text(text) | ToolResult(_, text, _):
            return _bytes(text)
        case ToolCall(_, name, input_json):
            return _bytes(name) + _bytes(input_json)
        case Thinking(thinking, signature):
            return _bytes(thinking) + _bytes(signature)
        case RedactedThinking(data):
            return _bytes(data)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def estimated_tokens(request: Request, tokens_per_byte: float = TOKENS_PER_BYTE) -> int:
    """Return about how many tokens a request sends."""
    return int(size(request) * tokens_per_byte) + 1


def masked(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the conversation with all tool results but the last six masked, in one batch, and without thinking.

    One batch breaks the cache once; masking a little on every turn would break it on every turn. Thinking is bound to
    what stood before it, so where that changes it is not taken back; to leave all of it out is allowed
    (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking).
    """
    ids = [block.call_id for message in messages for block in message.blocks if isinstance(block, ToolResult)]
    old = frozenset(ids[:-KEPT_RESULTS])
    return tuple(replace(message, blocks=_masked(message.blocks, old)) for message in messages) if old else (*messages,)


def _masked(blocks: Sequence[Block], old: frozenset[str]) -> tuple[Block, ...]:
    return tuple(
        replace(block, text=_MASK)
        if isinstance(block, ToolResult) and block.call_id in old and len(block.text) > len(_MASK)
        else block
        for block in blocks
        if not isinstance(block, Thinking | RedactedThinking)
    )


def asked_for_note(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the conversation with the wish for a hand-over note at its end."""
    *before, last = messages
    return (*before, replace(last, blocks=(*last.blocks, Text(_ASK_FOR_NOTE))))


def insisted_on_note(messages: Sequence[Message], answered: Sequence[Block]) -> tuple[Message, ...]:
    """Return the conversation with an answer that was no note, and the wish once more."""
    told = "No tool can be called now: write the note."
    results = tuple(ToolResult(block.id, told, is_error=True) for block in answered if isinstance(block, ToolCall))
    said = Message("assistant", tuple(answered) or (Text("(nothing)"),))
    return (*messages, said, Message("user", (*results, Text(_ASK_FOR_NOTE))))


def hand_over(first: Message, note: str, fence: Fence) -> tuple[Message, ...]:
    """Return a fresh conversation: the first message, and the note that the agent left itself."""
    told = Text(
        "You worked on this before, and your conversation became too long. This is the note that you left yourself; "
        f"the work tree is as you left it.\n\n{fence.around('hand-over note', note)}"
    )
    return (replace(first, blocks=(*first.blocks, told)),)


_ASK_FOR_NOTE = (
    "Your context is nearly full. Write a hand-over note for yourself, who will go on with an empty memory: what is "
    "done, what is left, what you found out (paths, lines, names), what to try next, what not to try again. Only the "
    "note, at most 500 words; call no tool."
)
