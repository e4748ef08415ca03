"""Tools that look: read a file by line ranges, list a directory. They change nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from pydantic import Field

from phasegate.agent.tools.tool import Input, ToolError, ToolOutput, cut, parse_input, spec_of
from phasegate.doors.model import ToolSpec
from phasegate.doors.sandbox.layout import WORKSPACE
from phasegate.doors.workspace import Entry, EntryKind, Workspace, WorkspaceError

READ_LIMIT = 1024 * 1024
LINES_AT_ONCE = 800
ENTRIES_AT_ONCE = 500
_BINARY_SNIFF = 8192
Line = Annotated[int, Field(ge=1)]


class ReadInput(Input):
    path: str = Field(description="relative to the repository's root")
    first_line: Line = 1
    last_line: Line | None = Field(default=None, description=f"at most {LINES_AT_ONCE} lines are shown at once")


READ = spec_of("read", "Show a text file, or a range of its lines, with line numbers.", ReadInput)


@dataclass(frozen=True, slots=True)
class ReadTool:
    """Shows a text file with line numbers."""

    workspace: Workspace

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return READ

    def run(self, input_json: str) -> ToolOutput:
        """Return numbered lines."""
        asked = parse_input(input_json, ReadInput)
        return ToolOutput(shown_file(self.workspace, relative(asked.path), asked.first_line, asked.last_line))


def relative(path: str) -> str:
    """Return a path relative to the root, also when it is given below `/workspace`, where commands see the root."""
    if path == str(WORKSPACE) or path.startswith(f"{WORKSPACE}/"):
        path = path.removeprefix(str(WORKSPACE)).lstrip("/")
    return path.removeprefix("./").rstrip("/") if path != "." else ""


def is_binary(content: bytes) -> bool:
    """Say whether bytes are no text, by what git goes by: a NUL near the beginning."""
    return b"\0" in content[:_BINARY_SNIFF]


def shown_file(workspace: Workspace, path: str, first: int, last: int | None) -> str:
    """Return lines of a file with their numbers, and what cannot be seen of how lines end.

    Raises `ToolError` for what is no text, too big, or has no such lines.
    """
    content = workspace.read(path, limit=READ_LIMIT + 1)
    if is_binary(content):
        raise ToolError(f"{path} is a binary file.")
    if len(content) > READ_LIMIT:
        raise ToolError(f"{path} has more than {READ_LIMIT} bytes. Use search to find the place.")
    text = content.decode("utf-8", "replace")
    if not text:
        return f"{path} is empty."
    return numbered(text, first, last) + _line_ends(text)


def _line_ends(text: str) -> str:
    windows = text.count("\r\n")
    notes = []
    if windows:
        notes.append("lines end with CRLF" if windows == text.count("\n") else "some lines end with CRLF")
    if not text.endswith("\n"):
        notes.append("no newline at the end of the file")
    return f"\n[{'; '.join(notes)}]" if notes else ""


def numbered(text: str, first: int, last: int | None) -> str:
    """Return lines first to last (counted from 1, both included) with their numbers. Raises `ToolError`."""
    lines = text.removesuffix("\n").split("\n")
    wanted = min(last or len(lines), len(lines))
    if first > len(lines):
        raise ToolError(f"There are {len(lines)} lines.")
    if first > wanted:
        raise ToolError(f"The last line comes before the first one: {first} to {last}.")
    end = min(wanted, first + LINES_AT_ONCE - 1)
    shown = [f"{number:6}\t{line}".removesuffix("\r") for number, line in enumerate(lines[first - 1 : end], first)]
    if end < wanted:
        shown.append(f"[… lines {end + 1} to {wanted} are left out: ask for them by their numbers]")
    return cut("\n".join(shown), hint="Ask for fewer lines.")


class ListInput(Input):
    path: str = Field(default="", description="a directory; empty for the repository's root")
    depth: Annotated[int, Field(ge=1, le=6)] = 2


LIST = spec_of("list", "List a directory, down to a depth. Directories end with a slash.", ListInput)


@dataclass(frozen=True, slots=True)
class ListTool:
    """Shows what is in a directory."""

    workspace: Workspace

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return LIST

    def run(self, input_json: str) -> ToolOutput:
        """Return one path for each line, with the size of files in bytes."""
        asked = parse_input(input_json, ListInput)
        return ToolOutput(shown_directory(self.workspace, relative(asked.path), asked.depth))


def shown_directory(workspace: Workspace, path: str, depth: int) -> str:
    """Return one path for each line, down to a depth. Raises `WorkspaceError` for what is no directory."""
    lines = list(islice(_entries(workspace, workspace.list(path), depth), ENTRIES_AT_ONCE + 1))
    if len(lines) > ENTRIES_AT_ONCE:
        lines[-1] = "[… more entries: list a directory below, or less deep]"
    return cut("\n".join(lines), hint="List a directory below, or less deep.") or "The directory is empty."


def _entries(workspace: Workspace, entries: tuple[Entry, ...], depth: int) -> Iterator[str]:
    for entry in entries:
        yield _entry_line(entry)
        if entry.kind is EntryKind.DIRECTORY and depth > 1:
            yield from _entries(workspace, _below(workspace, entry.path), depth - 1)


def _below(workspace: Workspace, path: str) -> tuple[Entry, ...]:
    """Return what is in a directory; nothing if it cannot be read, so that its neighbours are still shown."""
    try:
        return workspace.list(path)
    except WorkspaceError:
        return ()


def _entry_line(entry: Entry) -> str:
    match entry.kind:
        case EntryKind.DIRECTORY:
            return f"{entry.path}/"
        case EntryKind.FILE:
            return f"{entry.path}  ({entry.size} bytes)"
        case _:
            return f"{entry.path}  ({entry.kind}, not followed)"
