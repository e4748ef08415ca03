"""The search: finds lines by a fixed string or a regular expression. Neither can hang a run, nor eat its memory."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated

import regex
from pathspec import GitIgnoreSpec
from pydantic import Field

from phasegate.agent.tools.reading import READ_LIMIT, is_binary
from phasegate.agent.tools.tool import Input, ToolError, ToolOutput, cut, parse_input, spec_of
from phasegate.doors.model import ToolSpec
from phasegate.doors.workspace import Entry, EntryKind, Workspace, WorkspaceError

HITS_AT_ONCE = 200
LINE_WIDTH = 400
SEARCH_SECONDS = 10.0
_LARGEST = 500_000
"""`regex` writes counted repetitions out when it compiles: a million of them take some 300 MB (regex 2026.11.15)."""
_COUNT = regex.compile(r"\{\s*(\d+)")
_RECURSION = regex.compile(r"\(\?(?:R|&|P>|[+-]?\d)")
"""A pattern that calls itself takes memory until there is none."""
Clock = Callable[[], float]


class SearchInput(Input):
    pattern: Annotated[str, Field(min_length=1, max_length=1000)]
    regular_expression: bool = Field(default=False, description="false: the pattern is a fixed string")
    ignore_case: bool = False
    glob: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="only these files, in the patterns of .gitignore, such as *.py"
    )


SEARCH = spec_of("search", "Find lines in the repository's text files, as path:line: text.", SearchInput)


@dataclass(frozen=True, slots=True)
class SearchTool:
    """Finds lines; it ends after ten seconds, whatever the pattern. `clock` gives seconds that only grow."""

    workspace: Workspace
    clock: Clock

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return SEARCH

    def run(self, input_json: str) -> ToolOutput:
        """Return the hits."""
        asked = parse_input(input_json, SearchInput)
        search = _Search(self.workspace, _compiled(asked), _glob(asked.glob), self.clock, self.clock() + SEARCH_SECONDS)
        hits: list[str] = []
        try:
            for hit in search.hits():
                if len(hits) == HITS_AT_ONCE:
                    hits.append(f"[more than {HITS_AT_ONCE} hits: narrow the search]")
                    break
                hits.append(hit)
        except TimeoutError:
            hits.append(f"[the search was ended after {SEARCH_SECONDS:.0f} seconds: narrow it with glob]")
        except (MemoryError, RecursionError):
            raise ToolError("The regular expression takes too much memory.") from None
        return ToolOutput(cut("\n".join(hits), hint="Narrow the search.") or "Nothing found.")


@dataclass(frozen=True, slots=True)
class _Search:
    """One search. Its steps raise `TimeoutError` when the time is over."""

    workspace: Workspace
    pattern: "regex.Pattern[str]"
    glob: "regex.Pattern[str] | None"
    clock: Clock
    deadline: float

    def hits(self) -> Iterator[str]:
        for entry in self.workspace.walk():
            if self._is_wanted(entry):
                yield from self._in_file(entry.path)

    def _left(self) -> float:
        left = self.deadline - self.clock()
        if left <= 0:
            raise TimeoutError
        return left

    def _is_wanted(self, entry: Entry) -> bool:
        left = self._left()
        if entry.kind is not EntryKind.FILE or entry.size > READ_LIMIT:
            return False
        return self.glob is None or self.glob.search(entry.path, timeout=left) is not None

    def _in_file(self, path: str) -> Iterator[str]:
        try:
            content = self.workspace.read(path, limit=READ_LIMIT)
        except WorkspaceError:  # gone, or closed, since it was listed; the others are still searched
            return
        if is_binary(content):
            return
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            found = self.pattern.search(line, timeout=self._left())
            if found:
                yield f"{path}:{number}: {_around(line, found.start())}"


def _around(line: str, position: int) -> str:
    """Return a line, or the part of a long one that a hit is in."""
    first = max(0, min(position - LINE_WIDTH // 2, len(line) - LINE_WIDTH))
    last = first + LINE_WIDTH
    return f"{'…' * (first > 0)}{line[first:last]}{'…' * (last < len(line))}".removesuffix("\r")


def _compiled(asked: SearchInput) -> "regex.Pattern[str]":
    flags = regex.IGNORECASE if asked.ignore_case else 0
    if not asked.regular_expression:
        return regex.compile(regex.escape(asked.pattern), flags)
    if _RECURSION.search(asked.pattern):
        raise ToolError("A regular expression cannot call itself here.")
    if math.prod(max(1, int(count)) for count in _COUNT.findall(asked.pattern)) * len(asked.pattern) > _LARGEST:
        raise ToolError("The counted repetitions in the regular expression are too large together: use + or *.")
    try:
        return regex.compile(asked.pattern, flags)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise ToolError(f"The regular expression cannot be read: {error}.") from None


def _glob(glob: str | None) -> "regex.Pattern[str] | None":
    """Return a pattern of .gitignore for an engine that can be timed: in the usual one, many stars take forever."""
    if glob is None:
        return None
    try:
        patterns = GitIgnoreSpec.from_lines([glob]).patterns
    except ValueError:
        patterns = ()
    for pattern in patterns:
        if pattern.include and pattern.regex is not None:
            return regex.compile(pattern.regex.pattern)
    raise ToolError(f"{glob!r} is no pattern that files can match; try one like *.py or src/.")
