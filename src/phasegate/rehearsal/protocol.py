"""A reply on the wire: one JSON message, or the same as server-sent events.

The events and their order are those of the API's streaming
(https://platform.claude.com/docs/en/build-with-claude/streaming).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from phasegate.rehearsal.errors import error_body
from phasegate.rehearsal.request import MessagesRequest
from phasegate.rehearsal.script import Cut
from phasegate.rehearsal.stage import Play
from phasegate.rehearsal.thinking import sign
from phasegate.rehearsal.usage import Usage, estimate

_PIECES = 8
_SHORTEST_PIECE = 12
_OVERLOADED = 529


@dataclass(frozen=True, slots=True)
class Thought:
    """A thinking block; the text is empty when the request did not ask to see it."""

    text: str
    signature: str


@dataclass(frozen=True, slots=True)
class Speech:
    """A text block."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool_use block; `arguments` is the JSON text of its input."""

    id: str
    name: str
    arguments: str


ReplyBlock = Thought | Speech | ToolCall


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of the model."""

    id: str
    model: str
    blocks: tuple[ReplyBlock, ...]
    stop_reason: str
    stop_sequence: str | None
    usage: Usage


def make_reply(play: Play, request: MessagesRequest, usage: Usage) -> Reply:
    """Return the reply that the play stands for; `usage` is the input's, to which the output's is added.

    Ids follow from the conversation and the turn, so that the same run gives the same bytes.
    """
    turn = play.turn
    seed = f"{play.conversation}:{play.scene}:{play.number}"
    thought = _thought(turn.think, request)
    calls = tuple(
        ToolCall(f"toolu_{_short(f'{seed}:{at}')}", call.tool, _dumps(call.input)) for at, call in enumerate(turn.call)
    )
    said = (Speech(turn.say),) if turn.say else ()
    blocks: tuple[ReplyBlock, ...] = (*((thought,) if thought else ()), *said, *calls)
    stop = turn.stop or ("tool_use" if calls else "end_turn")
    pondered = estimate((turn.think or "").encode()) if thought else 0
    spoken = sum(estimate(_dumps(_final(block)).encode()) for block in blocks if not isinstance(block, Thought))
    return Reply(
        id=f"msg_{_short(seed)}",
        model=request.model,
        blocks=blocks,
        stop_reason=stop,
        stop_sequence=next(iter(request.stop_sequences), None) if stop == "stop_sequence" else None,
        usage=replace(usage, output_tokens=max(1, pondered + spoken), thinking_tokens=pondered),
    )


def _thought(text: str | None, request: MessagesRequest) -> Thought | None:
    """Return the thinking block as the request asked for it: newer models show its text only on request."""
    asked = request.thinking
    if text is None or (asked and asked.type == "disabled"):
        return None
    shown = text if asked and asked.display == "summarized" else ""
    return Thought(shown, sign(shown, request))


def message_json(reply: Reply) -> bytes:
    """Return the reply as the body of an answer that is not streamed."""
    return _dumps(_message(reply, [_final(block) for block in reply.blocks])).encode()


def stream_events(reply: Reply) -> tuple[bytes, ...]:
    """Return the reply as server-sent events, each ready to be written."""
    return tuple(_event(str(data["type"]), data) for data in _stream(reply))


def cut_events(events: tuple[bytes, ...], cut: Cut, *, request_id: str) -> tuple[bytes, ...]:
    """Return what is sent of a stream that breaks in its middle; for `event`, the error event follows."""
    sent = events[: max(2, len(events) // 2)]
    if cut == "event":
        body = error_body("Overloaded", status=_OVERLOADED, request_id=request_id)
        return (*sent, b"event: error\ndata: " + body + b"\n\n")
    return sent


def _stream(reply: Reply) -> Iterator[dict[str, Any]]:
    opening = replace(reply, stop_reason="", stop_sequence=None, usage=replace(reply.usage, output_tokens=1))
    yield {"type": "message_start", "message": _message(opening, []) | {"stop_reason": None, "stop_details": None}}
    yield {"type": "ping"}
    for index, block in enumerate(reply.blocks):
        yield {"type": "content_block_start", "index": index, "content_block": _empty(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    usage = reply.usage.as_json()
    ending = {key: usage[key] for key in usage if key not in {"cache_creation", "service_tier"}}
    yield {"type": "message_delta", "delta": _stop(reply), "usage": ending}
    yield {"type": "message_stop"}


def _message(reply: Reply, content: list[dict[str, Any]]) -> dict[str, Any]:
    start = {"id": reply.id, "type": "message", "role": "assistant", "model": reply.model, "content": content}
    return start | _stop(reply) | {"usage": reply.usage.as_json()}


def _stop(reply: Reply) -> dict[str, Any]:
    refused = {"type": "refusal", "category": None, "explanation": None} if reply.stop_reason == "refusal" else None
    return {"stop_reason": reply.stop_reason, "stop_sequence": reply.stop_sequence, "stop_details": refused}


def _final(block: ReplyBlock) -> dict[str, Any]:
    match block:
        case Thought(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case Speech(text):
            return {"type": "text", "text": text}
        case ToolCall(identity, name, arguments):
            return {"type": "tool_use", "id": identity, "name": name, "input": json.loads(arguments)}


def _empty(block: ReplyBlock) -> dict[str, Any]:
    match block:
        case Thought():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case Speech():
            return {"type": "text", "text": ""}
        case ToolCall(identity, name):
            return {"type": "tool_use", "id": identity, "name": name, "input": {}}


def _deltas(block: ReplyBlock) -> Iterator[dict[str, Any]]:
    match block:
        case Thought(text, signature):
            yield from ({"type": "thinking_delta", "thinking": piece} for piece in _pieces(text))
            yield {"type": "signature_delta", "signature": signature}
        case Speech(text):
            yield from ({"type": "text_delta", "text": piece} for piece in _pieces(text))
        case ToolCall(_, _, arguments):
            yield {"type": "input_json_delta", "partial_json": ""}
            yield from ({"type": "input_json_delta", "partial_json": piece} for piece in _pieces(arguments))


def _pieces(text: str) -> Iterator[str]:
    """Yield the text in a few pieces, never one event for each word of a whole file."""
    size = max(_SHORTEST_PIECE, -(-len(text) // _PIECES))
    return (text[at : at + size] for at in range(0, len(text), size))


def _event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {_dumps(data)}\n\n".encode()


def _dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
