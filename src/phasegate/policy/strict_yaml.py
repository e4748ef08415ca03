"""YAML into a frozen model, strictly: every mistake is told with file, line, column and the nearest valid key."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from phasegate.documents.parsing import shown

MAX_DEPTH = 32
_Shape = TypeVar("_Shape", bound=BaseModel)
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_PLAINER = {
    "model_type": "a mapping of keys to values is wanted",
    "dict_type": "a mapping of names to values is wanted",
    "invalid_key": "a key is a text: yes, no, on, off and numbers are none without quotes",
}


class YamlError(Exception):
    """A text that cannot be used; `problems` has one line for each mistake, with its place."""

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


class _Loader(yaml.SafeLoader):
    """YAML without dates: `2026-01-01` stays the text that was written."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ANN401 -- as the base class has it
        """Return the tag that a plain value gets."""
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # the stubs leave its types out
        return yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG if tag == _TIMESTAMP else tag


def parse_yaml(text: str, shape: type[_Shape], *, source: str, max_bytes: int, aliases: bool = False) -> _Shape:
    """Return the text as a model of this shape; an empty text is an empty mapping.

    `source` is the file's name as the user knows it; `aliases` are for files that their user alone writes. Raises
    `YamlError`, also for what no file of ours needs: tags, keys that are given twice, more than 32 levels.
    """
    if len(text.encode("utf-8", "surrogatepass")) > max_bytes:
        raise YamlError(f"{source} has more than {max_bytes} bytes.")
    root, value = _load(text, source, aliases=aliases)
    try:
        return shape.model_validate({} if value is None else value)
    except ValidationError as error:
        details = sorted(_innermost(error), key=lambda detail: detail["type"] != "extra_forbidden")
        raise YamlError(*(_explain(detail, root, shape, source) for detail in details)) from None


def _load(text: str, source: str, *, aliases: bool) -> tuple[yaml.Node | None, Any]:
    try:
        _refuse_odd_yaml(text, source, aliases=aliases)
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        _refuse_twice(root, source)
        return root, _Loader("").construct_document(root) if root else None
    except yaml.MarkedYAMLError as error:
        raise YamlError(f"{_at(source, error.problem_mark)}: {error.problem}.") from None
    except yaml.reader.ReaderError as error:
        line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
        raise YamlError(f"{source}:{line}:{column}: {error.reason}.") from None
    except (ValueError, OverflowError) as error:
        raise YamlError(f"{source}: not valid YAML: {str(error)[:200]}.") from None


def _refuse_odd_yaml(text: str, source: str, *, aliases: bool) -> None:
    """Refuse what makes a short text a long work: deep nesting and aliases; and tags, which nobody needs here."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if (isinstance(event, yaml.AliasEvent) and not aliases) or getattr(event, "tag", None):
            raise YamlError(f"{_at(source, event.start_mark)}: aliases and tags are not allowed here.")
        if depth > MAX_DEPTH:
            raise YamlError(f"{_at(source, event.start_mark)}: nested more than {MAX_DEPTH} levels deep.")


def _refuse_twice(node: yaml.Node | None, source: str) -> None:
    """Refuse a key that is given twice: YAML would keep the last one, without a word."""
    seen: set[str] = set()
    for key, child in _children(node):
        name = None if key is None else str(key.value)
        if key is not None and name in seen:
            raise YamlError(f"{_at(source, key.start_mark)}: the key `{shown(str(name))}` is given twice.")
        seen |= {name} if name is not None else set()
        _refuse_twice(child, source)


def _children(node: yaml.Node | None) -> Iterator[tuple[yaml.Node | None, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from node.value
    elif isinstance(node, yaml.SequenceNode):
        yield from ((None, child) for child in node.value)


def _innermost(error: ValidationError) -> list[Mapping[str, Any]]:
    """Return the problems without those of a whole (a list that is now too short) that follow from one in its parts."""
    details: list[Mapping[str, Any]] = list(error.errors(include_url=False))
    places = [detail["loc"] for detail in details]
    inside = [any(other[: len(place)] == place != other for other in places) for place in places]
    return [detail for detail, has_inner in zip(details, inside, strict=True) if not has_inner]


def _explain(detail: Mapping[str, Any], root: yaml.Node | None, shape: type[BaseModel], source: str) -> str:
    place: tuple[str | int, ...] = tuple(part for part in detail["loc"] if part != "[key]")
    head = f"{_at(source, _mark(root, place))}:"
    name = shown(_path(place)) or "the file"
    if detail["type"] != "extra_forbidden":
        return f"{head} `{name}`: {_PLAINER.get(detail['type'], detail['msg'].removeprefix('Value error, '))}."
    known = _keys_at(shape, place[:-1])
    near = difflib.get_close_matches(str(place[-1])[:80], known, n=1, cutoff=0.5)
    hint = f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."
    return f"{head} unknown key `{name}`. {hint}"


def _mark(node: yaml.Node | None, place: tuple[str | int, ...]) -> Any:  # noqa: ANN401 -- a yaml.Mark, or None
    """Return where the place stands, or the nearest thing around it that the file has."""
    mark = node.start_mark if node else None
    for part in place:
        found = next((pair for number, pair in enumerate(_children(node)) if part == _key(pair[0], number)), None)
        if found is None:
            break
        mark, node = (found[0] or found[1]).start_mark, found[1]
    return mark


def _key(key: yaml.Node | None, number: int) -> object:
    return number if key is None else str(key.value)


def _path(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _keys_at(shape: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    section: Any = shape
    for part in place:
        section = _below(section, part)
    return sorted(_fields(section))


def _below(section: type[BaseModel], part: str | int) -> Any:  # noqa: ANN401 -- a model, or a map or list of models
    """Return the type of what stands under a key or in a list."""
    if isinstance(section, type):
        return _model_or_map(_fields(section)[str(part)])
    return _model_or_map(get_args(section)[-1 if get_origin(section) is dict else 0])


def _fields(section: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _model_or_map(annotation: Any) -> Any:  # noqa: ANN401 -- type expressions
    """Return what an annotation is about: `X | None` is about X."""
    if isinstance(annotation, type) or get_origin(annotation) in {dict, tuple, list}:
        return annotation
    return next((_model_or_map(choice) for choice in get_args(annotation) if choice is not type(None)), annotation)


def _at(source: str, mark: Any) -> str:  # noqa: ANN401 -- a yaml.Mark, which PyYAML's types spell in two ways
    return f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
