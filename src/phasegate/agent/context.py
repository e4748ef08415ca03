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
)

FULL = 0.7
"""The part of the window at which a conversation is made shorter."""
KEPT_RESULTS = 6
_BYTES_PER_TOKEN = 3
"""Code and English need three to four bytes for a token; three errs on the safe side."""
_MASK = "[an old output was removed to make room; call the tool again if you need it]"


def estimated_tokens(request: Request) -> int:
    """Return about how many tokens a request sends."""
    fixed = len(request.system) + sum(len(tool.description) + len(tool.schema_json) for tool in request.tools)
    return (fixed + sum(_size(block) for message in request.messages for block in message.blocks)) // _BYTES_PER_TOKEN


def _size(block: Block) -> int:
    match block:
        case Text(text) | ToolResult(_, text, _):
            return len(text.encode("utf-8", "replace"))
        case ToolCall(_, name, input_json):
            return len(name) + len(input_json.encode("utf-8", "replace"))
        case Thinking(thinking, signature):
            return len(thinking) + len(signature)
        case RedactedThinking(data):
            return len(data)


def is_full(request: Request, window: int) -> bool:
    """Say whether a conversation has to be made shorter before it is sent."""
    return estimated_tokens(request) + request.max_tokens > window * FULL


def masked(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the conversation with all tool results but the last six masked, in one batch.

    One batch breaks the cache once; masking a little on every turn would break it on every turn.
    """
    ids = [block.call_id for message in messages for block in message.blocks if isinstance(block, ToolResult)]
    old = frozenset(ids[:-KEPT_RESULTS])
    return tuple(
        replace(message, blocks=tuple(_masked(block, old) for block in message.blocks)) for message in messages
    )


def _masked(block: Block, old: frozenset[str]) -> Block:
    hidden = isinstance(block, ToolResult) and block.call_id in old and len(block.text) > len(_MASK)
    return replace(block, text=_MASK) if hidden and isinstance(block, ToolResult) else block


def hand_over(messages: Sequence[Message], note: str, fence: Fence) -> tuple[Message, ...]:
    """Return a fresh conversation: the first message, and the note that the agent left itself."""
    first = messages[0]
    told = Text(
        "You worked on this before, and your conversation became too long. This is the note that you left yourself; "
        f"the work tree is as you left it.\n\n{fence.around('hand-over note', note)}"
    )
    return (Message("user", (*first.blocks, told)),)


ASK_FOR_NOTE = (
    "Your context is nearly full. Write a hand-over note for yourself, who will go on with an empty memory: what is "
    "done, what is left, what you found out (paths, lines, names), what to try next, what not to try again. Only the "
    "note, at most 500 words; call no tool."
)
