"""How the runner of GitHub Actions reads a step: its two command parsers and its reader of output files, in Python.

Written after actions/runner, ActionCommand.cs, ProcessInvoker.cs and FileCommandManager.cs, at its version 2.336.0.
"""

import re
from dataclasses import dataclass, field

COMMANDS = frozenset(
    [
        *("stop-commands", "add-mask", "add-matcher", "remove-matcher", "add-path", "set-env", "set-output"),
        *("save-state", "debug", "notice", "warning", "error", "group", "endgroup", "echo", "internal-set-repo-path"),
    ]
)
BLANK = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""What .NET's TrimStart takes away."""


@dataclass(frozen=True)
class Command:
    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


def lines_of(output: str) -> list[str]:
    """Lines as StreamReader.ReadLine splits them: a lone carriage return ends one too."""
    return re.split(r"\r\n|\r|\n", output)


def commands_in(output: str) -> list[Command]:
    return [found for line in lines_of(output) if (found := _new_command(line) or _old_command(line))]


def _new_command(line: str) -> Command | None:
    line = line.lstrip(BLANK)
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, properties = line[2:end].partition(" ")
    if name.lower() not in COMMANDS:
        return None
    escapes = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
    pairs = _pairs(properties.strip(), ",", escapes)
    return Command(name.lower(), _unescaped(line[end + 2 :], {"%0D": "\r", "%0A": "\n", "%25": "%"}), pairs)


def _old_command(line: str) -> Command | None:
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, properties = line[start + 3 : end].partition(" ")
    if name.lower() not in COMMANDS:
        return None
    escapes = {"%3B": ";", "%0D": "\r", "%0A": "\n", "%5D": "]", "%25": "%"}
    return Command(name.lower(), _unescaped(line[end + 1 :], escapes), _pairs(properties, ";", escapes))


def _pairs(text: str, separator: str, escapes: dict[str, str]) -> dict[str, str]:
    pairs = (part.split("=", 1) for part in text.split(separator) if part)
    return {pair[0]: _unescaped(pair[1], escapes) for pair in pairs if len(pair) == 2 and all(pair)}


def _unescaped(text: str, escapes: dict[str, str]) -> str:
    for escaped, plain in escapes.items():
        text = text.replace(escaped, plain)
    return text


def outputs_in(text: str) -> dict[str, str]:
    """What the runner takes from an output file; a file that it refuses raises ValueError."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        equals, heredoc = line.find("="), line.find("<<")
        if not line:
            continue
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            found[line[:equals]] = line[equals + 1 :]
        elif heredoc > 0 and line[heredoc + 2 :]:
            found[line[:heredoc]] = _until(line[heredoc + 2 :], lines)
        else:
            raise ValueError(f"invalid format {line!r}")
    return found


def _until(delimiter: str, lines) -> str:
    value: list[str] = []
    for line in lines:
        if line == delimiter:
            return "\n".join(value)
        value.append(line)
    raise ValueError(f"no {delimiter!r}")
