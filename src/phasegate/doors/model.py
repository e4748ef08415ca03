"""What crosses the door to a model: a conversation of frozen blocks, one request, one reply."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from phasegate.documents.progress import Usage
from phasegate.errors import ExitCode, UserError


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a model thought; goes back as it came."""

    thinking: str
    signature: str


@dataclass(frozen=True, slots=True)
class RedactedThinking:
    """What a model thought, sealed by the provider; goes back as it came."""

    data: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A wish of the model; the input is JSON text, hostile until a tool has parsed it."""

    id: str
    name: str
    input_json: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to a tool call."""

    call_id: str
    text: str
    is_error: bool = False


Block = Text | Thinking | RedactedThinking | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as it is offered: either one of the provider's own types, or a description with a JSON Schema."""

    name: str
    provider_type: str | None = None
    description: str = ""
    schema_json: str = ""


class StopReason(StrEnum):
    """Why a reply ended; every reason is handled by name."""

    END_TURN = "end_turn"
    TOOL_USE = "tool_use"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    PAUSE_TURN = "pause_turn"
    REFUSAL = "refusal"
    WINDOW_EXCEEDED = "model_context_window_exceeded"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a model. Cache breakpoints are set by the door: they are the provider's business."""

    model: str
    max_tokens: int
    effort: str | None
    system: str
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said; the usage includes attempts that failed on the way."""

    blocks: tuple[Block, ...]
    stop: StopReason
    usage: Usage
    note: str = ""
    """The provider's explanation of a refusal, or the name of a stop reason that we do not know."""
    sent: int = 0
    """Tokens that this one request sent, as the provider counts them; 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """A model's own record of itself."""

    window: int
    """Tokens that can be sent."""
    max_tokens: int
    """Tokens that a reply can have."""
    lifecycle: str
    thinks: bool
    """Whether it can decide by itself how much to think."""


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt failed; after so many seconds the request is sent again."""

    attempt: int
    seconds: float
    reason: str
    usage: Usage = field(default_factory=Usage)
    """What all failed attempts so far have used."""


class ModelError(UserError):
    """The model could not be asked; `usage` is what the failed attempts have used."""

    exit_code = ExitCode.GATE_FAILED

    def __init__(self, what: str, *, cause: str = "", mend: str = "", usage: Usage | None = None) -> None:
        super().__init__(what, cause=cause, mend=mend)
        self.usage = usage or Usage()


class Model(Protocol):
    """Whoever answers requests."""

    def limits(self, model: str) -> ModelLimits:
        """Return the model's record. Raises `ModelError`."""

    def ask(self, request: Request, on_retry: Callable[[Retry], None]) -> Reply:
        """Return the reply to a request. Raises `ModelError`, and whatever `on_retry` raises to end the attempts."""


@dataclass(frozen=True, slots=True)
class NoModel:
    """Stands where no model may be asked: for want of a key, or for want of the right."""

    what: str
    cause: str = ""
    mend: str = ""

    def limits(self, model: str) -> ModelLimits:
        """Raise `ModelError`."""
        raise self._error(model)

    def ask(self, request: Request, on_retry: Callable[[Retry], None]) -> Reply:  # noqa: ARG002 -- the protocol's
        """Raise `ModelError`."""
        raise self._error(request.model)

    def _error(self, model: str) -> ModelError:
        return ModelError(f"{self.what} ({model} was to be asked)", cause=self.cause, mend=self.mend)
