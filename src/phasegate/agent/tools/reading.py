"""Tools that look: read a file by line ranges, list a directory, search. They change nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import regex
from pathspec import GitIgnoreSpec
from pydantic import Field

from phasegate.agent.tools.tool import Input, ToolError, ToolOutput, cut, parse_input, spec_of
from phasegate.doors.model import ToolSpec
from phasegate.doors.workspace import Entry, EntryKind, Workspace

READ_LIMIT = 1024 * 1024
LINES_AT_ONCE = 800
ENTRIES_AT_ONCE = 500
HITS_AT_ONCE = 200
LINE_WIDTH = 400
SEARCH_SECONDS = 10.0
Clock = Callable[[], float]
Line = Annotated[int, Field(ge=1)]


class ReadInput(Input):
    path: str = Field(description="relative to the repository's root")
    first_line: Line = 1
    last_line: Line | None = Field(default=None, description=f"at most {LINES_AT_ONCE} lines are shown at once")


@dataclass(frozen=True, slots=True)
class ReadTool:
    """Shows a text file with line numbers."""

    workspace: Workspace

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return spec_of("read", "Show a text file, or a range of its lines, with line numbers.", ReadInput)

    def run(self, input_json: str) -> ToolOutput:
        """Return numbered lines."""
        asked = parse_input(input_json, ReadInput)
        lines = text_of(self.workspace, asked.path).split("\n")
        return ToolOutput(numbered(lines, asked.first_line, asked.last_line))


def text_of(workspace: Workspace, path: str) -> str:
    """Return a file's text. Raises `ToolError` for what is no text or too big."""
    content = workspace.read(path, limit=READ_LIMIT + 1)
    if b"\0" in content[:8192]:
        raise ToolError(f"{path} is a binary file.")
    if len(content) > READ_LIMIT:
        raise ToolError(f"{path} has more than {READ_LIMIT} bytes. Use search to find the place.")
    return content.decode("utf-8", "replace")


def numbered(lines: list[str], first: int, last: int | None) -> str:
    """Return lines first to last (counted from 1, both included) with their numbers."""
    if first > len(lines):
        raise ToolError(f"The file has {len(lines)} lines.")
    end = min(last or len(lines), first + LINES_AT_ONCE - 1, len(lines))
    shown = [f"{number:6}\t{lines[number - 1]}" for number in range(first, end + 1)]
    if end < min(last or len(lines), len(lines)):
        shown.append(f"[… lines {end + 1} to {len(lines)} are left out: ask for them with first_line]")
    return cut("\n".join(shown), hint="Ask for fewer lines.")


class ListInput(Input):
    path: str = Field(default="", description="a directory; empty for the repository's root")
    depth: Annotated[int, Field(ge=1, le=6)] = 2


@dataclass(frozen=True, slots=True)
class ListTool:
    """Shows what is in a directory."""

    workspace: Workspace

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return spec_of("list", "List a directory, down to a depth. Directories end with a slash.", ListInput)

    def run(self, input_json: str) -> ToolOutput:
        """Return one path for each line, with the size of files in bytes."""
        asked = parse_input(input_json, ListInput)
        lines: list[str] = []
        self._collect(asked.path.strip("/"), asked.depth, lines)
        if len(lines) > ENTRIES_AT_ONCE:
            lines = [*lines[:ENTRIES_AT_ONCE], "[… more entries: list a directory below, or less deep]"]
        return ToolOutput("\n".join(lines) or "The directory is empty.")

    def _collect(self, path: str, depth: int, lines: list[str]) -> None:
        for entry in self.workspace.list(path):
            if len(lines) > ENTRIES_AT_ONCE:
                return
            lines.append(_entry_line(entry))
            if entry.kind is EntryKind.DIRECTORY and depth > 1:
                self._collect(entry.path, depth - 1, lines)


def _entry_line(entry: Entry) -> str:
    match entry.kind:
        case EntryKind.DIRECTORY:
            return f"{entry.path}/"
        case EntryKind.FILE:
            return f"{entry.path}  ({entry.size} bytes)"
        case _:
            return f"{entry.path}  ({entry.kind}, not followed)"


class SearchInput(Input):
    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    regular_expression: bool = Field(default=False, description="false: the pattern is a fixed string")
    ignore_case: bool = False
    glob: str | None = Field(default=None, description="only these files, in the patterns of .gitignore, such as *.py")


@dataclass(frozen=True, slots=True)
class SearchTool:
    """Finds lines; it ends after ten seconds, whatever the pattern."""

    workspace: Workspace
    clock: Clock

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return spec_of("search", "Find lines in the repository's text files, as path:line: text.", SearchInput)

    def run(self, input_json: str) -> ToolOutput:
        """Return the hits."""
        asked = parse_input(input_json, SearchInput)
        pattern = _compiled(asked)
        only = GitIgnoreSpec.from_lines([asked.glob]) if asked.glob else None
        deadline = self.clock() + SEARCH_SECONDS
        hits: list[str] = []
        for entry in self.workspace.walk():
            if (
                entry.kind is not EntryKind.FILE
                or entry.size > READ_LIMIT
                or (only and not only.match_file(entry.path))
            ):
                continue
            if not self._search_file(entry.path, pattern, deadline, hits):
                hits.append(f"[the search was ended after {SEARCH_SECONDS:.0f} seconds: narrow it with glob]")
                break
            if len(hits) >= HITS_AT_ONCE:
                hits = [*hits[:HITS_AT_ONCE], f"[more than {HITS_AT_ONCE} hits: narrow the search]"]
                break
        return ToolOutput(cut("\n".join(hits), hint="Narrow the search.") or "Nothing found.")

    def _search_file(self, path: str, pattern: "regex.Pattern[str]", deadline: float, hits: list[str]) -> bool:
        """Add a file's hits; return False when the time is over."""
        content = self.workspace.read(path)
        if b"\0" in content[:8192]:
            return True
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            left = deadline - self.clock()
            try:
                if left <= 0:
                    return False
                if pattern.search(line, timeout=left):
                    hits.append(f"{path}:{number}: {line[:LINE_WIDTH]}")
            except TimeoutError:
                return False
        return True


def _compiled(asked: SearchInput) -> "regex.Pattern[str]":
    flags = regex.IGNORECASE if asked.ignore_case else 0
    source = asked.pattern if asked.regular_expression else regex.escape(asked.pattern)
    try:
        return regex.compile(source, flags)
    except regex.error as error:
        raise ToolError(f"The regular expression cannot be read: {error}.") from None
