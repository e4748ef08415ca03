"""The body of a request, parsed into frozen types that have exactly the documented fields.

The shapes follow the `*_param` types of the anthropic SDK 2.11.0, as far as a rehearsal plays them: text, thinking,
custom tools, bash and the text editor. Anything else is refused, in the words of the API ("Extra inputs are not
permitted"), because the API is as strict.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, JsonValue, Tag, ValidationError

from phasegate.rehearsal.errors import ApiError

_REMOVED = frozenset({"temperature", "top_p", "top_k"})
_Effort = Literal["low", "medium", "high", "xhigh", "max"]
_JsonObject = dict[str, JsonValue]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    unhashed: ClassVar[dict[str, Any]] = {"cache_control": True}

    def canonical(self) -> bytes:
        """Return the JSON that is hashed and counted: fields in a fixed order, inner objects in the order sent.

        Cache marks are left out, as moving one changes nothing; so are fields that say nothing.
        """
        shown = self.model_dump(mode="json", exclude_none=True, exclude=self.unhashed)
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class CacheControl(_Wire):
    """A cache breakpoint."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] = "5m"


class _Marked(_Wire):
    cache_control: CacheControl | None = None

    def marks(self) -> tuple[CacheControl, ...]:
        """Return the cache breakpoints on this part, in order."""
        return (self.cache_control,) if self.cache_control else ()


class TextBlock(_Marked):
    """Text, of either side."""

    type: Literal["text"]
    text: str
    citations: list[JsonValue] | None = None


def _as_blocks(value: object) -> object:
    if isinstance(value, str):
        return ({"type": "text", "text": value},)
    return tuple(value) if isinstance(value, list) else value


def _as_text(value: object) -> object:
    return () if value == "" else _as_blocks(value)


class ToolResultBlock(_Marked):
    """What a tool call gave back."""

    unhashed: ClassVar[dict[str, Any]] = {"cache_control": True, "content": {"__all__": {"cache_control"}}}

    type: Literal["tool_result"]
    tool_use_id: str = Field(pattern=r"^[a-zA-Z0-9_-]+$")
    content: Annotated[tuple[TextBlock, ...], BeforeValidator(_as_text)] = ()
    is_error: bool = False
    toolset_name: str | None = None

    def marks(self) -> tuple[CacheControl, ...]:
        """Return the cache breakpoints in this result and on it, in order."""
        inner = tuple(mark for block in self.content for mark in block.marks())
        return inner + super().marks()


class ToolUseBlock(_Marked):
    """A tool call that the model made."""

    type: Literal["tool_use"]
    id: str = Field(pattern=r"^[a-zA-Z0-9_-]+$")
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")
    input: _JsonObject
    caller: _JsonObject = {}
    toolset_name: str | None = None


class ThinkingBlock(_Wire):
    """Reasoning of the model, with the signature that it came with."""

    type: Literal["thinking"]
    thinking: str
    signature: str


class RedactedThinkingBlock(_Wire):
    """Reasoning that the API has encrypted."""

    type: Literal["redacted_thinking"]
    data: str


Block = TextBlock | ToolResultBlock | ToolUseBlock | ThinkingBlock | RedactedThinkingBlock
_Blocks = Annotated[
    tuple[Annotated[Block, Field(discriminator="type")], ...],
    BeforeValidator(_as_blocks),
]


class Message(_Wire):
    """One message; a plain string as its content is one block of text."""

    role: Literal["user", "assistant"]
    content: _Blocks

    def text(self) -> str:
        """Return all text in the message, that of tool results included, one block on a line."""
        return "\n".join(_texts(self.content))


def _texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, TextBlock):
            yield block.text
        elif isinstance(block, ToolResultBlock):
            yield from _texts(block.content)


class _AnyTool(_Marked):
    strict: bool = False
    defer_loading: bool = False
    input_examples: list[_JsonObject] | None = None
    allowed_callers: list[str] | None = None


class CustomTool(_AnyTool):
    """A tool that the client describes itself."""

    type: Literal["custom"] | None = None
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")
    description: str = ""
    input_schema: _JsonObject
    eager_input_streaming: bool | None = None


class BashTool(_AnyTool):
    """The bash tool, whose schema the model knows."""

    type: Literal["bash_20250124"]
    name: Literal["bash"]


class EditorTool(_AnyTool):
    """The text editor, whose schema the model knows."""

    type: Literal["text_editor_20250728"]
    name: Literal["str_replace_based_edit_tool"]
    max_characters: int | None = Field(default=None, gt=0)


def _tool_type(value: object) -> object:
    return (value.get("type") or "custom") if isinstance(value, dict) else None


Tool = Annotated[
    Annotated[CustomTool, Tag("custom")]
    | Annotated[BashTool, Tag("bash_20250124")]
    | Annotated[EditorTool, Tag("text_editor_20250728")],
    Discriminator(_tool_type),
]


class ToolChoice(_Wire):
    """How the model may use its tools; `name` belongs to `tool`."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class Thinking(_Wire):
    """How the model is asked to think; `budget_tokens` belongs to `enabled`."""

    type: Literal["adaptive", "enabled", "disabled", "between_tools"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] | None = None


class _OutputFormat(_Wire):
    type: Literal["json_schema"]
    json_schema: _JsonObject = Field(alias="schema")


class OutputConfig(_Wire):
    """Effort, and the schema of a structured answer."""

    effort: _Effort | None = None
    format: _OutputFormat | None = None


class Prompt(_Marked):
    """What the model is shown: the part that `messages` and `messages/count_tokens` have in common."""

    model: str
    messages: tuple[Message, ...] = Field(max_length=100_000)
    system: Annotated[tuple[TextBlock, ...], BeforeValidator(_as_text)] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    speed: Literal["standard", "fast"] | None = None


class MessagesRequest(Prompt):
    """The body of `POST /v1/messages`: the documented parameters that the SDK sends in the body, and no others."""

    max_tokens: int
    stream: bool = False
    stop_sequences: tuple[str, ...] = ()
    container: JsonValue = None
    diagnostics: JsonValue = None
    inference_geo: str | None = None
    metadata: _JsonObject | None = None
    service_tier: Literal["auto", "standard_only"] | None = None


_Body = TypeVar("_Body", bound=Prompt)


def parse_body(body: bytes, shape: type[_Body]) -> _Body:
    """Return the body as this type of request. Raises `ApiError` (400) that names the first field that is wrong."""
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if place in _REMOVED:
        raise ApiError(f"{place}: this parameter was removed with API version 2026-10-21")
    if first["type"] == "json_invalid":
        raise ApiError(f"The request body is not valid JSON: {first['msg']}")
    raise ApiError(f"{place}: {first['msg']}" if place else first["msg"])
