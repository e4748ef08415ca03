"""Strict parsing: whatever comes from outside is hostile until it has passed here."""

import json
import unicodedata
from collections import Counter
from typing import Any, Never, TypeVar

from pydantic import BaseModel, ValidationError

from phasegate.documents.base import KIB, Document
from phasegate.errors import RefusedError

MAX_DEPTH = 32
MAX_ERRORS = 20
ENVELOPE_BYTES = 32 * KIB
_INVISIBLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS_TEXT = frozenset(chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
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
    """Return one line for each wrong field, up to 20: where it is, what is wrong.

    Values are left out and names of fields are made harmless: they may be hostile.
    """
    details = error.errors(include_url=False, include_input=False, include_context=False)
    lines = []
    for detail in details[:MAX_ERRORS]:
        place = ".".join(shown(str(part)) for part in detail["loc"]) or "document"
        lines.append(f"{place}: {detail['msg'].removeprefix('Value error, ')}")
    more = len(details) - len(lines)
    return [*lines, f"and {more} more"] if more else lines


def shown(text: str, limit: int = 80) -> str:
    """Return foreign text as a message may carry it: short, in one line, nothing that steers a terminal or a reader."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join("�" if c in _TURNS_TEXT or unicodedata.category(c) in _INVISIBLE else c for c in cut)


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
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"the key `{shown(twice)}` is given twice")
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
