"""The configuration file, parsed: a mistake is told with line, column and the nearest valid key."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from phasegate.errors import UserError
from phasegate.policy.config import CONFIG_PATH, Config

MAX_CONFIG_BYTES = 64 * 1024
_Place = tuple[str, ...]


class ConfigError(UserError):
    """The configuration file cannot be used."""


@dataclass(slots=True)
class _Marks:
    """Where each key and value stands, by its path of keys."""

    at: dict[_Place, yaml.Mark] = field(default_factory=dict)

    def nearest(self, place: _Place) -> yaml.Mark | None:
        while place and place not in self.at:
            place = place[:-1]
        return self.at.get(place)


def parse_config(text: str | None, *, source: str = CONFIG_PATH) -> Config:
    """Return the configuration in a YAML text; None or an empty text means all defaults. Raises `ConfigError`."""
    if text is None:
        return Config()
    if len(text) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{source} has more than {MAX_CONFIG_BYTES} bytes.")
    marks = _Marks()
    value = _load(text, source, marks)
    try:
        return Config.model_validate(value)
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
        problems = [_explain(detail, marks, source) for detail in details]
        raise ConfigError(problems[0], cause=" ".join(problems[1:4]), mend=_MEND) from None


_MEND = "`phasegate schema` prints every key with its meaning and default."


def _load(text: str, source: str, marks: _Marks) -> Any:  # noqa: ANN401 -- any YAML value, on its way into the model
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return {}
        _locate(node, (), marks, source)
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        where = _at(source, error.problem_mark or error.context_mark)
        raise ConfigError(f"{where}: {error.problem or error.context or 'not valid YAML'}.", mend=_MEND) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: not valid YAML: {str(error)[:200]}.", mend=_MEND) from None


def _locate(node: yaml.Node, place: _Place, marks: _Marks, source: str) -> None:
    marks.at[place] = node.start_mark
    for key, mark, child in _children(node):
        inner = (*place, key)
        if inner in marks.at:
            raise ConfigError(f"{_at(source, mark)}: the key `{key}` is given twice.")
        _locate(child, inner, marks, source)
        marks.at[inner] = mark


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key.start_mark, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(number), item.start_mark, item) for number, item in enumerate(node.value))


def _explain(detail: Mapping[str, Any], marks: _Marks, source: str) -> str:
    place = tuple(str(part) for part in detail["loc"] if part != "[key]")
    where, name = _at(source, marks.nearest(place)), ".".join(place)
    if detail["type"] != "extra_forbidden":
        return f"{where}: `{name or 'the file'}`: {detail['msg']}."
    near = difflib.get_close_matches(place[-1], _keys_at(place[:-1]), n=1, cutoff=0.5)
    hint = f" Did you mean `{near[0]}`?" if near else f" Known here: {', '.join(sorted(_keys_at(place[:-1])))}."
    return f"{where}: unknown key `{name}`.{hint}"


def _keys_at(place: _Place) -> list[str]:
    model: type[BaseModel] | None = Config
    for part in place:
        model = _model_below(model, part) if model else None
    return list(model.model_fields) if model else []


def _model_below(model: type[BaseModel], part: str) -> type[BaseModel] | None:
    """Return the section that a key leads to; in a map of sections, the section itself answers for its names."""
    known = model.model_fields.get(part)
    return _section_in(known.annotation) if known else model


def _section_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 -- a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_section_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inner if model), None)


def _at(source: str, mark: yaml.Mark | None) -> str:
    return f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
