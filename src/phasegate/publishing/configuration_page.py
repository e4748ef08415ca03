"""The reference of the configuration as Markdown, from its JSON Schema: nothing in it is written twice."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from phasegate.policy.config import CONFIG_PATH, Config, config_schema
from phasegate.policy.scope import PROTECTED

Schema = Mapping[str, Any]
_HEAD = f"""# Configuration

`{CONFIG_PATH}`, read at the commit that a run starts from. Every key has a default, so an empty file works, and so does
none. Unknown keys are refused. `phasegate schema` prints the JSON Schema, for editors; this page is made from it by
`phasegate schema --markdown`.
"""
_WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}
_BOUNDS = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
_MEANINGS = {
    "usd": "US dollars",
    "tokens": "tokens, sent and received",
    "turns": "requests to a model",
    "minutes": "minutes of working time",
    "model": "the model's id, as the provider spells it",
    "rounds": "how often it is tried again before a person is asked",
    "name": "who serves the models",
    **dict.fromkeys(("input", "output", "cache_read", "cache_write"), "US dollars for a million tokens"),
}
"""For keys whose names the schema takes for clear."""
_AFTER = {"protected": f"Built in: {', '.join(f'`{pattern}`' for pattern in PROTECTED)}.\n"}
"""What is to be said below the table of a section."""
_NOT_GIVEN = object()


def configuration_page() -> str:
    """Return the page."""
    schema = config_schema()
    defaults = json.loads(Config().model_dump_json(by_alias=True))
    parts = [_HEAD]
    for key, given in schema["properties"].items():
        parts.append(_section(key, given, schema["$defs"], defaults[key]))
    return "\n".join(parts)


def _section(key: str, given: Schema, defs: Schema, default: object) -> str:
    rows = list(_rows(key, given, defs, default))
    said = given.get("description") or _resolved(given, defs).get("description", "")
    lines = [f"## {key}", "", f"{_sentence(said)}", "", "| key | value | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *rows, *(["", _AFTER[key]] if key in _AFTER else [""])])


def _rows(place: str, given: Schema, defs: Schema, default: object) -> Iterator[str]:
    schema = _resolved(given, defs)
    entry = next(iter(schema.get("patternProperties", {}).values()), None)
    if "properties" in schema:
        for key, child in schema["properties"].items():
            inner = default.get(key) if isinstance(default, dict) else child.get("default", _NOT_GIVEN)
            yield from _rows(f"{place}.{key}", child, defs, inner)
    elif entry is not None:
        yield from _rows(f"{place}.NAME", entry, defs, _NOT_GIVEN)
    else:
        told = "required" if default is _NOT_GIVEN else f"`{_plain(default)}`"
        yield f"| `{place}` | {_value(schema, defs)} | {told} | {_meaning(place, given)} |"


def _meaning(place: str, given: Schema) -> str:
    name = place.rpartition(".")[2]
    return _sentence(str(given.get("description") or _MEANINGS[name]))


def _resolved(given: Schema, defs: Schema) -> Schema:
    """Return what a reference leads to; of something that may be null, the other."""
    if "$ref" in given:
        return _resolved(defs[given["$ref"].rpartition("/")[2]], defs)
    for choice in given.get("anyOf", ()):
        found = _resolved(choice, defs)
        if "properties" in found or "patternProperties" in found:
            return found
    return given


def _value(schema: Schema, defs: Schema) -> str:
    if "anyOf" in schema:
        told = dict.fromkeys(_value(_resolved(choice, defs), defs) for choice in schema["anyOf"])
        # Decimals are numbers that may also be written as texts; nobody wants to read that.
        return " or ".join(part for part in told if not (part.startswith("text") and _is_decimal(schema)))
    if "enum" in schema:
        return ", ".join(f"`{_plain(choice)}`" for choice in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_value(_resolved(schema['items'], defs), defs)}"
    bounds = " ".join(f"{sign} {_number(schema[name])}" for name, sign in _BOUNDS if name in schema)
    return f"{_WORDS[schema['type']]} {bounds}".strip()


def _is_decimal(schema: Schema) -> bool:
    return any(choice.get("type") == "number" for choice in schema["anyOf"])


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1 else f"{int(value):,}"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentence(text: str) -> str:
    flat = " ".join(text.split())
    return f"{flat[:1].upper()}{flat[1:]}{'' if flat.endswith('.') else '.'}"
