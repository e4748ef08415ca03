"""Our frozen blocks and Anthropic's JSON, both ways. Pure.

Cache breakpoints (four are allowed in a request): the last tool, the system prompt, the first message, the last
message. The first three stay, the fourth moves with the conversation.
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
_STOP_REASONS = {reason.value: reason for reason in StopReason}


def request_body(request: Request, limits: ModelLimits) -> Json:
    """Return the parameters of `messages.stream`."""
    body: Json = {
        "model": request.model,
        "max_tokens": min(request.max_tokens, limits.max_tokens),
        "system": [{"type": "text", "text": request.system, **_CACHE}],
        "tools": _tools(request.tools),
        "messages": _messages(request.messages),
    }
    if limits.thinks:
        body["thinking"] = {"type": "adaptive"}
    if request.effort is not None:
        body["output_config"] = {"effort": request.effort}
    return body


def _tools(specs: tuple[ToolSpec, ...]) -> list[Json]:
    tools = [_tool(spec) for spec in specs]
    return [*tools[:-1], {**tools[-1], **_CACHE}] if tools else []


def _tool(spec: ToolSpec) -> Json:
    if spec.provider_type is not None:
        return {"type": spec.provider_type, "name": spec.name}
    return {"name": spec.name, "description": spec.description, "input_schema": json.loads(spec.schema_json)}


def _messages(messages: tuple[Message, ...]) -> list[Json]:
    marked = {0, len(messages) - 1}
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
            return {"type": "tool_use", "id": id_, "name": name, "input": json.loads(input_json)}
        case ToolResult(call_id, text, is_error):
            return {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": is_error}


def reply_of(message: "SdkMessage") -> Reply:
    """Return the SDK's final message as a reply. Its stop reason must be set."""
    reason = str(message.stop_reason)
    return Reply(
        blocks=tuple(_parsed(message.content)),
        stop=_STOP_REASONS.get(reason, StopReason.OTHER),
        usage=usage_of(message.usage),
        note=_note(message) or ("" if reason in _STOP_REASONS else reason),
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
    adaptive = info.capabilities is not None and info.capabilities.thinking.types.adaptive.supported
    return ModelLimits(
        window=info.max_input_tokens or 200_000,
        max_tokens=info.max_tokens or 64_000,
        lifecycle=info.lifecycle,
        thinks=adaptive,
    )
