"""Our frozen blocks and Anthropic's JSON, both ways. Pure.

Cache breakpoints (four are allowed in a request): the system prompt, with the tools before it; the first message; the
last message; and the last but one of ours, because the cache looks back only 20 blocks for what it knows, and parallel
calls can be more. The first two stay, the others move with the conversation.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from phasegate.documents.progress import Usage
from phasegate.doors.model import (
    Block,
    Message,
    ModelLimits,
    RedactedThinking,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)

if TYPE_CHECKING:
    from anthropic.types import Message as SdkMessage
    from anthropic.types import ModelInfo
    from anthropic.types import Usage as SdkUsage

Json = dict[str, Any]
_CACHE: Json = {"cache_control": {"type": "ephemeral"}}
_STOP_REASONS = {reason.value: reason for reason in StopReason if reason is not StopReason.OTHER}


def request_body(request: Request, limits: ModelLimits) -> Json:
    """Return the parameters of `messages.stream`."""
    body: Json = {
        "model": request.model,
        "max_tokens": min(request.max_tokens, limits.max_tokens),
        "system": [{"type": "text", "text": request.system, **_CACHE}],
        "tools": [_tool(spec) for spec in request.tools],
        "messages": _messages(request.messages),
    }
    if limits.thinks:
        body["thinking"] = {"type": "adaptive"}
    if request.effort is not None:
        body["output_config"] = {"effort": request.effort}
    return body


def _tool(spec: ToolSpec) -> Json:
    if spec.provider_type is not None:
        return {"type": spec.provider_type, "name": spec.name}
    return {"name": spec.name, "description": spec.description, "input_schema": json.loads(spec.schema_json)}


def _messages(messages: tuple[Message, ...]) -> list[Json]:
    last = len(messages) - 1
    marked = {0, max(0, last - 2), last}
    return [_message(message, cached=number in marked) for number, message in enumerate(messages)]


def _message(message: Message, *, cached: bool) -> Json:
    content = [_block(block) for block in message.blocks]
    if cached and content:
        content[-1] = {**content[-1], **_CACHE}
    return {"role": message.role, "content": content}


def _block(block: Block) -> Json:
    match block:
        case Text(text):
            return {"type": "text", "text": text}
        case Thinking(thinking, signature):
            return {"type": "thinking", "thinking": thinking, "signature": signature}
        case RedactedThinking(data):
            return {"type": "redacted_thinking", "data": data}
        case ToolCall(id_, name, input_json):
            return {"type": "tool_use", "id": id_, "name": name, "input": _sendable(input_json)}
        case ToolResult(call_id, text, is_error):
            return {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": is_error}


def _sendable(input_json: str) -> Json:
    """Return a call's input as the API takes it back; the tool has refused what is no object or no JSON already."""
    value = json.loads(input_json, parse_constant=lambda _: None)
    return value if isinstance(value, dict) else {}


def reply_of(message: "SdkMessage") -> Reply:
    """Return the SDK's final message as a reply. Its stop reason must be set."""
    reason, usage = str(message.stop_reason), usage_of(message.usage)
    return Reply(
        blocks=tuple(_parsed(message.content)),
        stop=_STOP_REASONS.get(reason, StopReason.OTHER),
        usage=usage,
        note=_note(message) or ("" if reason in _STOP_REASONS else reason),
        sent=usage.sent,
    )


def _note(message: "SdkMessage") -> str:
    details = message.stop_details
    return (details.explanation or details.category or "") if details else ""


def _parsed(content: Iterable[Any]) -> Iterable[Block]:
    for block in content:
        match block.type:
            case "text" if block.text.strip():  # the API refuses empty texts when they are sent back
                yield Text(block.text)
            case "thinking":
                yield Thinking(block.thinking, block.signature)
            case "redacted_thinking":
                yield RedactedThinking(block.data)
            case "tool_use":
                yield ToolCall(block.id, block.name, json.dumps(block.input, ensure_ascii=False))


def usage_of(usage: "SdkUsage | None") -> Usage:
    """Return the tokens of a message, finished or not."""
    if usage is None:
        return Usage()
    return Usage(
        input_tokens=usage.input_tokens or 0,
        cache_read_tokens=usage.cache_read_input_tokens or 0,
        cache_write_tokens=usage.cache_creation_input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
    )


def limits_of(info: "ModelInfo") -> ModelLimits:
    """Return what a model's record says; bounds that it leaves out are taken as the smallest of this generation."""
    return ModelLimits(
        window=info.max_input_tokens or 200_000,
        max_tokens=info.max_tokens or 64_000,
        lifecycle=info.lifecycle,
        thinks=info.capabilities is not None and info.capabilities.thinking.types.adaptive.supported,
    )
