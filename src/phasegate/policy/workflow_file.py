"""A workflow file as data: every scalar by its place, read as text, so that `on` stays `on` and `false` stays `false`.

GitHub reads YAML 1.2; what PyYAML would take for booleans and numbers are plain words here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from phasegate.documents.parsing import shown

MAX_WORKFLOW_BYTES = 256 * 1024
_DEEPEST = 32
Place = tuple[str | int, ...]
"""Keys and numbers of list entries, from the top of the file."""
EMPTY = ""
"""What stands for an empty mapping, an empty list and null."""


class WorkflowError(Exception):
    """A workflow that cannot be read, or has something that we do not look through."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """The scalars of a workflow."""

    leaves: Mapping[Place, str]

    def below(self, *place: str | int) -> Mapping[Place, str]:
        """Return the scalars at a place and below it, by the rest of their places."""
        size = len(place)
        return {where[size:]: value for where, value in self.leaves.items() if where[:size] == place}

    def has(self, *place: str | int) -> bool:
        """Return whether anything is said at a place."""
        return any(where[: len(place)] == place for where in self.leaves)

    def keys(self, *place: str | int) -> tuple[str, ...]:
        """Return the keys of the mapping at a place; for a list or a single word, its words."""
        below = self.below(*place)
        words = (str(where[0]) if where and isinstance(where[0], str) else value for where, value in below.items())
        return tuple(dict.fromkeys(word for word in words if word))

    def text(self, *place: str | int) -> str | None:
        """Return the scalar at a place; None where there is none."""
        return self.leaves.get(place)


def read_workflow(text: str, *, source: str) -> Workflow:
    """Return a workflow. Raises `WorkflowError` for what is no YAML, too big, or uses anchors, tags, keys twice."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_WORKFLOW_BYTES:
        raise WorkflowError(f"{source} has more than {MAX_WORKFLOW_BYTES} bytes")
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            _refuse_odd(event, source)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise WorkflowError(f"{source} is not valid YAML: {shown(' '.join(str(error).split()), 200)}") from None
    except RecursionError:
        raise WorkflowError(f"{source} is nested too deeply") from None
    return Workflow(dict(_leaves(root, (), source)))


def _refuse_odd(event: yaml.Event, source: str) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) or getattr(event, "tag", None):
        raise WorkflowError(f"{_at(source, event.start_mark)}: anchors, aliases and tags are not looked through")


def _leaves(node: yaml.Node | None, place: Place, source: str) -> Iterator[tuple[Place, str]]:
    if len(place) > _DEEPEST:
        raise WorkflowError(f"{source} is nested too deeply")
    below = list(_children(node, source))
    for key, child in below:
        yield from _leaves(child, (*place, key), source)
    if not below:
        yield place, node.value if isinstance(node, yaml.ScalarNode) else EMPTY


def _children(node: yaml.Node | None, source: str) -> Iterator[tuple[str | int, yaml.Node]]:
    if isinstance(node, yaml.SequenceNode):
        yield from enumerate(node.value)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            name = str(key.value)
            if name in seen:
                raise WorkflowError(f"{_at(source, key.start_mark)}: the key {shown(name)} is given twice")
            seen.add(name)
            yield name, child


def _at(source: str, mark: Any) -> str:  # noqa: ANN401 -- a yaml.Mark, which PyYAML's types spell in two ways
    return f"{source}:{mark.line + 1}"
