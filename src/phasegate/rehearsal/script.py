"""What a rehearsal script says: scenes, and in each scene the turns that the model plays."""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, Strict, model_validator

from phasegate.errors import UserError
from phasegate.policy.strict_yaml import YamlError, parse_yaml
from phasegate.rehearsal.models import Model

StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
]
Cut = Literal["before", "eof", "socket", "event"]
MAX_SCRIPT_BYTES = 8 * 1024 * 1024
_MEND = "docs/rehearsal.md describes every key of a rehearsal script."
_TOLD = 5
"""How many mistakes are told at once."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_call(value: object) -> object:
    """Turn `{read: {path: a}}` into the tool's name and its input, and refuse an input that JSON cannot carry."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("a call is one tool's name with its input, such as `- read: {path: README.md}`")
    tool, arguments = next(iter(value.items()))
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"this input is not JSON: {error}") from None
    return {"tool": tool, "input": {} if arguments is None else arguments}


Strings = Annotated[tuple[str, ...], Strict(strict=False), BeforeValidator(_as_list)]
"""One string or a list of strings."""


class Call(_Part):
    """One tool call: the tool's name and its input."""

    tool: str
    input: dict[str, JsonValue]


class Failure(_Part):
    """An error that is answered instead of the turn, once."""

    status: int = Field(ge=400, le=599)
    retry_after: float | None = Field(default=None, ge=0)
    message: str | None = None


class When(_Part):
    """Matchers on a request; all that are given must hold. Of several models one must be meant, of the rest all."""

    model: Strings = ()
    system: Strings = ()
    not_system: Strings = ()
    first: Strings = ()
    not_first: Strings = ()
    tools: Strings = ()
    not_tools: Strings = ()


class Turn(_Part):
    """What the model answers to one request: `think`, then `say`, then the calls.

    `expect` and `expect_not` look at the last user message; `fail` and `break` come before the turn plays whole.
    """

    expect: Strings = ()
    expect_not: Strings = ()
    think: str | None = None
    say: str | None = None
    call: Annotated[tuple[Annotated[Call, BeforeValidator(_as_call)], ...], Strict(strict=False)] = ()
    stop: StopReason | None = None
    fail: Annotated[tuple[Failure, ...], Strict(strict=False)] = ()
    cut: Cut | None = Field(default=None, alias="break")
    breaks: int = Field(default=1, ge=1)
    delay: float | None = Field(default=None, ge=0)
    force: bool = False

    @model_validator(mode="after")
    def _plays_something(self) -> "Turn":
        if not (self.say or self.think or self.call or self.stop):
            raise ValueError("a turn needs `say`, `think` or `call`, or a `stop` for an answer without content")
        if "breaks" in self.model_fields_set and not self.cut:
            raise ValueError("`breaks` counts a `break`, which this turn does not have")
        return self


class Scene(_Part):
    """One conversation: which requests belong to it, and its turns in order."""

    name: str = Field(min_length=1)
    when: When = When()
    turns: Annotated[tuple[Turn, ...], Strict(strict=False)] = Field(min_length=1)
    repeat: bool = False


class Script(_Part):
    """A whole rehearsal. `delay` is the pace in seconds of every turn that names none."""

    rehearsal: Literal[1]
    models: dict[str, Model] = {}
    delay: float = Field(default=0, ge=0)
    scenes: Annotated[tuple[Scene, ...], Strict(strict=False)] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Script":
        names = [scene.name for scene in self.scenes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two scenes have the name {twice!r}")
        return self


def load_script(text: str, *, source: str) -> Script:
    """Return the script in a YAML text; `source` is the name that its errors carry. Raises `UserError`."""
    try:
        return parse_yaml(text, Script, source=source, max_bytes=MAX_SCRIPT_BYTES, aliases=True)
    except YamlError as error:
        told, left = error.problems[:_TOLD], len(error.problems) - _TOLD
        more = (f"and {left} more",) if left > 0 else ()
        raise UserError(f"{source} cannot be used.", cause="\n".join((*told, *more)), mend=_MEND) from None
