"""What a tool is: a specification for the model, and a function from JSON text to an output."""

import json
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from phasegate.documents.parsing import DocumentError, parse_model
from phasegate.doors.model import ToolSpec
from phasegate.errors import RefusedError

OUTPUT_LIMIT = 24_000
INPUT_LIMIT = 2 * 1024 * 1024
_Model = TypeVar("_Model", bound=BaseModel)


class ToolError(RefusedError):
    """A tool could not do what was asked; the text goes to the model."""


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What a tool answers."""

    text: str
    is_error: bool = False


class Tool(Protocol):
    """Something that a model may call."""

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""

    def run(self, input_json: str) -> ToolOutput:
        """Do it. Raises `UserError` with a text that the model can act on."""


class Input(BaseModel):
    """A tool's input: strict, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def parse_input(input_json: str, model: type[_Model]) -> _Model:
    """Return the parsed input. Raises `ToolError` with the field errors."""
    try:
        return parse_model(input_json.encode("utf-8", "surrogatepass"), model, max_bytes=INPUT_LIMIT)
    except DocumentError as error:
        raise ToolError(error.what) from None


def spec_of(name: str, description: str, model: type[BaseModel]) -> ToolSpec:
    """Return the specification of a tool whose input is a pydantic model."""
    schema = model.model_json_schema()
    return ToolSpec(name=name, description=description, schema_json=json.dumps(schema, sort_keys=True))


def cut(text: str, limit: int = OUTPUT_LIMIT, *, hint: str = "") -> str:
    """Return the text, or its head and tail with a line between that says how much is left out and how to see it."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]}\n[… {left_out} characters left out. {hint}]\n{text[-tail:]}"
