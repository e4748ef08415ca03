"""Strict parsing: whatever comes from outside is hostile until it has passed here."""

import json
from typing import Any, Never, TypeVar

from pydantic import BaseModel, ValidationError

from phasegate.documents.base import KIB, Document
from phasegate.errors import RefusedError

MAX_DEPTH = 32
ENVELOPE_BYTES = 8 * KIB
_Model = TypeVar("_Model", bound=BaseModel)
_Doc = TypeVar("_Doc", bound=Document)


class DocumentError(RefusedError):
    """A document that is too big, malformed, or not of its schema; the text names the field."""


def parse_document(content: bytes, kind: type[_Doc]) -> _Doc:
    """Return the document in the bytes. Raises `DocumentError`."""
    return parse_model(content, kind, max_bytes=2 * kind.max_bytes + ENVELOPE_BYTES)


def parse_model(content: bytes, model: type[_Model], *, max_bytes: int) -> _Model:
    """Return a strict model from JSON bytes of at most `max_bytes`.

    Refuses duplicate keys, NaN and infinities, nesting beyond 32 levels, unknown keys. Raises `DocumentError`.
    """
    name = model.__name__
    if len(content) > max_bytes:
        raise DocumentError(f"{name}: {len(content)} bytes, {max_bytes} are allowed.")
    _refuse_odd_json(content, name)
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        raise DocumentError(f"{name}: " + "; ".join(field_errors(error))) from None


def field_errors(error: ValidationError) -> list[str]:
    """Return one line for each wrong field: where it is, what is wrong. Values are left out: they may be hostile."""
    lines = []
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(str(part) for part in detail["loc"]) or "document"
        lines.append(f"{place}: {detail['msg'].removeprefix('Value error, ')}")
    return lines


def _refuse_odd_json(content: bytes, name: str) -> None:
    try:
        value = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise DocumentError(f"{name}: nested too deeply.") from None
    except ValueError as error:
        raise DocumentError(f"{name}: not valid JSON: {error}.") from None
    if _deeper_than(value, MAX_DEPTH):
        raise DocumentError(f"{name}: nested more than {MAX_DEPTH} levels deep.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = dict(pairs)
    if len(seen) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice")
    return seen


def _no_constant(constant: str) -> Never:
    raise ValueError(f"{constant} is no JSON number")


def _deeper_than(value: Any, levels: int) -> bool:  # noqa: ANN401 -- any JSON value
    layer = [value]
    for _ in range(levels + 1):
        layer = [child for node in layer for child in _children(node)]
        if not layer:
            return False
    return True


def _children(node: Any) -> list[Any]:  # noqa: ANN401 -- any JSON value
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []
