"""The models that a rehearsal knows: their limits and what they accept, and their records as the API lists them.

The built-in values are those of Anthropic's model pages (https://platform.claude.com/docs/en/about-claude/models);
a script may add models, or change single values of the built-in ones.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

ThinkingType = Literal["adaptive", "between_tools", "disabled", "enabled"]
Lifecycle = Literal["active", "deprecated", "retired"]
_THINKING_TYPES: tuple[ThinkingType, ...] = ("adaptive", "between_tools", "disabled", "enabled")
_EPOCH = "1970-01-01T00:00:00Z"


class Model(BaseModel):
    """What one model accepts. Every value has a default, so that a script names only what it needs.

    `forced_tools`: whether `tool_choice` may be `any` or `tool`. `bound_thinking`: whether a thinking block is refused
    once anything before it has changed. `cache_minimum`: the shortest prefix that is cached, in tokens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    display_name: str = ""
    line: Literal["haiku", "sonnet", "opus", "fable", "mythos"] | None = None
    max_input_tokens: int = Field(default=200_000, gt=0)
    max_tokens: int = Field(default=64_000, gt=0)
    lifecycle: Lifecycle = "active"
    created_at: str = _EPOCH
    deprecated_at: str | None = None
    retires_at: str | None = None
    thinking: Annotated[tuple[ThinkingType, ...], Strict(strict=False)] = ("adaptive", "disabled")
    forced_tools: bool = True
    bound_thinking: bool = True
    cache_minimum: int = Field(default=1024, ge=0)


_BUILT_IN = {
    "claude-opus-5-5": Model(
        display_name="Claude Opus 5.5",
        line="opus",
        max_input_tokens=1_000_000,
        max_tokens=128_000,
        created_at="2026-09-22T00:00:00Z",
        thinking=("adaptive",),
        forced_tools=False,
    ),
    "claude-sonnet-5-5": Model(
        display_name="Claude Sonnet 5.5",
        line="sonnet",
        max_input_tokens=1_000_000,
        max_tokens=128_000,
        created_at="2026-09-28T00:00:00Z",
        thinking=("adaptive", "between_tools"),
        forced_tools=False,
    ),
    "claude-haiku-5-5": Model(
        display_name="Claude Haiku 5.5",
        line="haiku",
        max_input_tokens=1_000_000,
        max_tokens=128_000,
        created_at="2026-10-07T00:00:00Z",
    ),
}


def known_models(entries: dict[str, Model]) -> dict[str, Model]:
    """Return the built-in models with a script's entries on top: what an entry does not set keeps its value."""
    changed = {
        name: _BUILT_IN.get(name, Model()).model_copy(
            update={key: getattr(entry, key) for key in entry.model_fields_set}
        )
        for name, entry in entries.items()
    }
    return _BUILT_IN | changed


def model_record(name: str, model: Model) -> dict[str, Any]:
    """Return the model as `GET /v1/models/{id}` describes it: every field of the SDK's `ModelInfo`."""
    return {
        "type": "model",
        "id": name,
        "display_name": model.display_name or name,
        "line": model.line,
        "created_at": model.created_at,
        "lifecycle": model.lifecycle,
        "deprecated_at": model.deprecated_at,
        "retires_at": model.retires_at,
        "max_input_tokens": model.max_input_tokens,
        "max_tokens": model.max_tokens,
        "capabilities": _capabilities(model),
    }


def _capabilities(model: Model) -> dict[str, Any]:
    yes = {"supported": True}
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "context_management": {
            "supported": True,
            "clear_thinking_20251015": yes,
            "clear_tool_uses_20250919": yes,
            "compact_20260112": yes,
        },
        "effort": {"supported": True, "low": yes, "medium": yes, "high": yes, "xhigh": yes, "max": yes},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {"supported": True, "code_execution": yes, "web_search": yes},
        "structured_outputs": yes,
        "thinking": {
            "supported": any(kind != "disabled" for kind in model.thinking),
            "types": {kind: {"supported": kind in model.thinking} for kind in _THINKING_TYPES},
        },
    }
