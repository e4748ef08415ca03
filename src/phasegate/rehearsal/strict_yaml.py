"""YAML into a frozen model, strictly: every mistake is told with file, line, column and the nearest valid key."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from phasegate.errors import UserError

_Shape = TypeVar("_Shape", bound=BaseModel)
_MAX_PROBLEMS = 5
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Loader(yaml.SafeLoader):
    """YAML without dates: `2026-01-01` stays the text that was written."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ANN401 -- as the base class has it
        """Return the tag that a plain value gets."""
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # the stubs leave its types out
        return yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG if tag == _TIMESTAMP else tag


def parse_yaml(text: str, shape: type[_Shape], *, source: str, mend: str) -> _Shape:
    """Return the text as a model of this shape.

    `source` is the file's name as the user knows it and `mend` what to do about a mistake; both end up in the
    message. Raises `UserError`, with up to five problems, each with its place.
    """
    root, value = _load(text, source=source, mend=mend)
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        problems = [_explain(detail, root, shape, source) for detail in _innermost(error)]
        shown = problems[:_MAX_PROBLEMS]
        left = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
        raise UserError(f"{source} cannot be used.", cause="\n".join(shown + left), mend=mend) from None


def _innermost(error: ValidationError) -> list[Mapping[str, Any]]:
    """Return the problems without those of a whole (a list that is now too short) that follow from one in its parts."""
    details: list[Mapping[str, Any]] = list(error.errors(include_url=False))
    places = [detail["loc"] for detail in details]
    inside = [any(other[: len(place)] == place != other for other in places) for place in places]
    return [detail for detail, has_inner in zip(details, inside, strict=True) if not has_inner]


def _load(text: str, *, source: str, mend: str) -> tuple[yaml.Node | None, Any]:
    what = f"{source} is not readable as YAML."
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        _refuse_twice(root)
        return root, _Loader("").construct_document(root) if root else None
    except yaml.MarkedYAMLError as error:
        cause = f"{_at(source, error.problem_mark)}: {error.problem or error.context}."
        raise UserError(what, cause=cause, mend=mend) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(what, cause=f"{source}: {str(error)[:300]}.", mend=mend) from None


def _refuse_twice(node: yaml.Node | None) -> None:
    """Raise when a mapping names a key twice: YAML would keep the last one, without a word."""
    seen: set[str] = set()
    for key, child in _children(node):
        if isinstance(key, yaml.ScalarNode):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        _refuse_twice(child)


def _children(node: yaml.Node | None) -> Iterator[tuple[yaml.Node | None, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from node.value
    elif isinstance(node, yaml.SequenceNode):
        yield from ((None, child) for child in node.value)


def _explain(detail: Mapping[str, Any], root: yaml.Node | None, shape: type[BaseModel], source: str) -> str:
    place: tuple[str | int, ...] = detail["loc"]
    head = f"{_at(source, _mark(root, place))}: {_path(place) or 'the file'}"
    if detail["type"] != "extra_forbidden":
        return f"{head}: {detail['msg']}"
    valid = _keys_at(shape, place[:-1])
    near = difflib.get_close_matches(str(place[-1]), valid, n=1)
    return f"{head}: unknown key; " + (f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(valid)}")


def _mark(node: yaml.Node | None, place: tuple[str | int, ...]) -> yaml.Mark | None:
    """Return where the place stands, or the nearest thing around it that the file has."""
    mark = node.start_mark if node else None
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            mark = node.start_mark
            continue
        pair = next((pair for pair in _children(node) if pair[0] is not None and pair[0].value == part), None)
        if pair is None or pair[0] is None:
            return mark
        mark, node = pair[0].start_mark, pair[1]
    return mark


def _path(place: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _at(source: str, mark: yaml.Mark | None) -> str:
    return f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source


def _keys_at(shape: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are valid at a place; the name of an entry in a mapping of models counts as that model."""
    model = shape
    for part in place:
        field = next((field for name, field in model.model_fields.items() if (field.alias or name) == part), None)
        model = (_model_in(field.annotation) if field else None) or model
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 -- any type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model), None)
