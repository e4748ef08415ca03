"""What a step says to the runner: commands in its log and lines in its files, read as GitHub's runner reads them.

Source: actions/runner, src/Runner.Common/ActionCommand.cs, and in src/Runner.Worker ActionCommandManager.cs and
FileCommandManager.cs.
"""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

COMMANDS = {
    *("add-path", "set-env", "set-output", "save-state", "add-mask", "add-matcher", "remove-matcher"),
    *("debug", "notice", "warning", "error", "echo", "group", "endgroup", "stop-commands", "internal-set-repo-path"),
}
LEVELS = {"notice", "warning", "error"}
ANNOTATIONS_PER_STEP = 10  # of each level; the runner drops the rest
MESSAGE_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
PROPERTY_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
OLD_ESCAPES = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


class FileCommandError(Exception):
    """A file such as GITHUB_OUTPUT that the runner cannot read: the step fails."""


@dataclass(frozen=True, slots=True)
class Command:
    """One workflow command: `::name key=value::message` or `##[name key=value;]message`."""

    name: str
    message: str = ""
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a step wants shown beside the run."""

    level: str
    message: str
    title: str = ""
    file: str = ""
    line: str = ""


def parse_command(line: str, *, stop_token: str | None = None) -> Command | None:
    """The command in a line of the log, or None. While commands are stopped only the stop token is one."""
    command = _parse_new(line, COMMANDS | ({stop_token} if stop_token else set())) or _parse_old(line)
    if stop_token and command and command.name != stop_token:
        return None
    return command


def _parse_new(line: str, names: set[str]) -> Command | None:
    found = re.match(r"\s*::(?P<name>[^\s:]+)(?:\s+(?P<properties>.*?))?::(?P<message>.*)", line, re.DOTALL)
    if not found or found["name"] not in names:
        return None
    properties = dict(_properties(found["properties"] or "", ",", PROPERTY_ESCAPES))
    return Command(found["name"], _unescaped(found["message"], MESSAGE_ESCAPES), properties)


def _parse_old(line: str) -> Command | None:
    found = re.search(r"##\[(?P<name>[^\s\]]+)(?:\s+(?P<properties>[^\]]*))?\](?P<message>.*)", line, re.DOTALL)
    if not found or found["name"] not in COMMANDS:
        return None
    properties = dict(_properties(found["properties"] or "", ";", OLD_ESCAPES))
    return Command(found["name"], _unescaped(found["message"], OLD_ESCAPES), properties)


def _properties(text: str, between: str, escapes: tuple) -> Iterator[tuple[str, str]]:
    for part in text.split(between):
        name, equals, value = part.strip().partition("=")
        if equals and value:
            yield name, _unescaped(value, escapes)


def _unescaped(text: str, escapes: tuple) -> str:
    for escape, character in escapes:
        text = text.replace(escape, character)
    return text


class Masks:
    """Values that must not be read in a log; also their lines and the forms they take in JSON and Base64."""

    def __init__(self, values: tuple[str, ...] = ()) -> None:
        self._hidden: set[str] = set()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        for part in {value, value.strip(), *value.splitlines()}:
            if part.strip():
                self._hidden |= {part, json.dumps(part)[1:-1], part.strip('"')} - {""}
                self._hidden.add(base64.b64encode(part.encode()).decode().rstrip("="))

    def apply(self, text: str) -> str:
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, "***")
        return text


def parse_pairs(text: str) -> dict[str, str]:
    """Names and values of GITHUB_OUTPUT or GITHUB_ENV: `name=value` or `name<<delimiter`, lines, `delimiter`."""
    pairs: dict[str, str] = {}
    lines = iter(text.splitlines(keepends=True))
    for line in lines:
        bare = line.rstrip("\r\n")
        if not bare:
            continue
        equals, heredoc = bare.find("="), bare.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = bare.partition("=")
        elif heredoc >= 0:
            name, _, delimiter = bare.partition("<<")
            value = _heredoc(lines, bare, delimiter)
        else:
            raise FileCommandError(f"Invalid format {bare!r}")
        if not name:
            raise FileCommandError(f"Invalid format {bare!r}. Name must not be empty")
        pairs[name] = value
    return pairs


def _heredoc(lines: Iterator[str], opening: str, delimiter: str) -> str:
    if not delimiter or "<<" in delimiter:
        raise FileCommandError(f"Invalid format {opening!r}. Delimiter must not be empty")
    value: list[str] = []
    for line in lines:
        if line.rstrip("\r\n") == delimiter:
            return re.sub(r"\r?\n\Z", "", "".join(value))
        value.append(line)
    raise FileCommandError(f"Invalid value. Matching delimiter not found {delimiter!r}")
