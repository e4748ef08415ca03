"""The configuration file, parsed: a mistake is told with line, column and the nearest valid key."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

import yaml
from pydantic import ValidationError

from phasegate.documents.parsing import shown
from phasegate.errors import UserError
from phasegate.policy.config import CONFIG_PATH, Config

MAX_CONFIG_BYTES = 64 * 1024
MAX_DEPTH = 32
_Place = tuple[str, ...]
_MEND = "`phasegate schema` prints every key with its meaning and default."
_PLAINER = {
    "model_type": "a mapping of keys to values is wanted",
    "dict_type": "a mapping of names to values is wanted",
    "invalid_key": "a key is a text: yes, no, on, off and numbers are none without quotes",
}


class ConfigError(UserError):
    """The configuration file cannot be used."""


@dataclass(slots=True)
class _Marks:
    """Where each key and value stands, by its path of keys."""

    at: dict[_Place, yaml.Mark] = field(default_factory=dict)

    def nearest(self, place: _Place) -> yaml.Mark:
        while place not in self.at:
            place = place[:-1]
        return self.at[place]


def parse_config(text: str | None, *, source: str = CONFIG_PATH) -> Config:
    """Return the configuration in a YAML text; None or an empty text means all defaults. Raises `ConfigError`."""
    if text is None:
        return Config()
    if len(text.encode("utf-8", "surrogatepass")) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{source} has more than {MAX_CONFIG_BYTES} bytes.")
    marks = _Marks()
    value = _load(text, source, marks)
    try:
        return Config.model_validate(value)
    except ValidationError as error:
        details = sorted(error.errors(include_url=False), key=lambda detail: detail["type"] != "extra_forbidden")
        first, *others = [_explain(detail, marks, source) for detail in details[:4]]
        raise ConfigError(first, cause=" ".join(others), mend=_MEND) from None


def _load(text: str, source: str, marks: _Marks) -> Any:  # noqa: ANN401 -- any YAML value, on its way into the model
    try:
        _refuse_odd_yaml(text, source)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _locate(node, (), marks, source)
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{_at(source, error.problem_mark)}: {error.problem}.", mend=_MEND) from None
    except yaml.reader.ReaderError as error:
        line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
        raise ConfigError(f"{source}:{line}:{column}: {error.reason}.", mend=_MEND) from None
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{source}: not valid YAML: {str(error)[:200]}.", mend=_MEND) from None
    return {} if value is None else value


def _refuse_odd_yaml(text: str, source: str) -> None:
    """Refuse aliases and deep nesting, which make a short text a long work, and tags, which nobody needs here."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise ConfigError(f"{_at(source, event.start_mark)}: aliases and tags are not allowed here.")
        if depth > MAX_DEPTH:
            raise ConfigError(f"{_at(source, event.start_mark)}: nested more than {MAX_DEPTH} levels deep.")


def _locate(node: yaml.Node, place: _Place, marks: _Marks, source: str) -> None:
    marks.at[place] = node.start_mark
    for key, mark, child in _children(node):
        inner = (*place, key)
        if inner in marks.at:
            raise ConfigError(f"{_at(source, mark)}: the key `{shown(key)}` is given twice.")
        _locate(child, inner, marks, source)
        marks.at[inner] = mark


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key.start_mark, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(number), item.start_mark, item) for number, item in enumerate(node.value))


def _explain(detail: Mapping[str, Any], marks: _Marks, source: str) -> str:
    place = tuple(str(part) for part in detail["loc"] if part != "[key]")
    where, name = _at(source, marks.nearest(place)), shown(".".join(place))
    if detail["type"] != "extra_forbidden":
        what = _PLAINER.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        return f"{where}: `{name or 'the file'}`: {what}."
    known = _keys_at(place[:-1])
    near = difflib.get_close_matches(place[-1][:80], known, n=1, cutoff=0.5)
    hint = f" Did you mean `{near[0]}`?" if near else f" Known here: {', '.join(known)}."
    return f"{where}: unknown key `{name}`.{hint}"


def _keys_at(place: _Place) -> list[str]:
    section: Any = Config
    for part in place:
        section = _below(section, part)
    return sorted(section.model_fields)


def _below(annotation: Any, key: str) -> Any:  # noqa: ANN401 -- type expressions
    """Return the type of what stands under a key: in a map of sections a section, in a section what its field says."""
    choices = (annotation, *get_args(annotation))
    maps = [choice for choice in choices if get_origin(choice) is dict]
    return get_args(maps[0])[1] if maps else annotation.model_fields[key].annotation


def _at(source: str, mark: Any) -> str:  # noqa: ANN401 -- a yaml.Mark, which PyYAML's types spell in two ways
    return f"{source}:{mark.line + 1}:{mark.column + 1}"
