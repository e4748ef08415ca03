"""A Markdown text as a row of headings, and under each the items of lists or the words of quotes, unchanged.

The structure is read by a CommonMark parser that does not see the words of lists and quotes; those are taken from the
source lines that it names. So nothing inside them has to be escaped, and nothing inside them is structure. What is
neither list nor quote is an error, so that no words are lost silently.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from phasegate.documents.parsing import DocumentError, shown

_MARKER = re.compile(r"^(?:[-+*]|[0-9]{1,9}[.)])\s*")
_WORDS = re.compile(r"^ {0,3}(?:>|(?:[-+*]|[0-9]{1,9}[.)])(?=[ \t]))[ \t]?(.*\S.*)")
_NOTHING = "None."


@dataclass(frozen=True, slots=True)
class _Block:
    """Something under a heading: a list with its items, a quote with its one text, or something else."""

    kind: Literal["list", "quote", "other"]
    line: int
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the number of its line, and what stands under it up to the next heading."""

    level: int
    heading: str
    line: int
    blocks: tuple[_Block, ...]

    def items(self) -> list[str]:
        """Return the items of its lists. Raises `DocumentError` if anything else stands there."""
        return self._only("list", "a list: start each line with `- `")

    def text(self) -> str:
        """Return the words of its quotes. Raises `DocumentError` if anything else stands there."""
        return "\n\n".join(self._only("quote", "a quote: start each line with `> `"))

    def nothing(self) -> None:
        """Raise `DocumentError` if anything stands there."""
        self._only("nothing", "other headings")

    def _only(self, kind: str, form: str) -> list[str]:
        stray = next((block for block in self.blocks if block.kind != kind), None)
        if stray is not None:
            heading = f"{'#' * self.level} {shown(self.heading)}"
            raise DocumentError(f"The plan cannot be read at line {stray.line}: under `{heading}` stands only {form}.")
        return [text for block in self.blocks for text in block.texts]


class Sections:
    """The sections of a plan in order; each is asked for by level and name. Raises `DocumentError` for another."""

    def __init__(self, text: str) -> None:
        self._rest = list(_sections(text))

    def next_level(self) -> int:
        """Return the level of the next heading; 0 at the end."""
        return self._rest[0].level if self._rest else 0

    def take(self, level: int, heading: str | None = None) -> Section:
        """Return the next section, which has that level and, unless None, that heading."""
        wanted = f"{'#' * level} {heading or '…'}"
        if not self._rest:
            raise DocumentError(f"The plan ends too early: the heading `{wanted}` is missing.")
        found = self._rest.pop(0)
        if found.level != level or (heading is not None and found.heading != heading):
            raise DocumentError(
                f"The plan cannot be read at line {found.line}: `{'#' * found.level} {shown(found.heading)}` "
                f"stands where `{wanted}` is expected."
            )
        return found

    def expect_end(self) -> None:
        """Raise `DocumentError` if there is another section."""
        if self._rest:
            raise DocumentError(f"The plan goes on after its end, at line {self._rest[0].line}.")


def bullets(items: Sequence[str]) -> str:
    """Return the Markdown of a list, which `Section.items` gives back."""
    return "\n".join(f"- {item}" for item in items) or _NOTHING


def quote(text: str) -> str:
    """Return the Markdown of a quote, which `Section.text` gives back."""
    return "\n".join(f"> {line}" if line else ">" for line in text.split("\n"))


def _sections(text: str) -> Iterator[Section]:
    lines = text.split("\n")
    blocks = MarkdownIt("commonmark").disable("inline").parse("\n".join(_masked(line) for line in lines))
    tokens = [token for token in blocks if token.level <= 1 and token.map and token.type != "inline"]
    starts = [number for number, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    for start, end in pairwise([*starts, len(tokens)]):
        head, (first, last) = tokens[start], _span(tokens[start])
        words = " ".join(line.strip() for line in lines[first : max(first + 1, last - 1)])  # the last may underline it
        yield Section(int(head.tag[1]), words.lstrip("#").strip(), first + 1, _blocks(lines, tokens[start + 1 : end]))


def _masked(line: str) -> str:
    """Return the line with a mere `x` for what follows the mark of a list or a quote; the end of a comment stays."""
    words = _WORDS.match(line)
    if words is None:
        return line
    return f"{line[: words.start(1)]}x{' -->' if '-->' in words[1] else ''}"


def _blocks(lines: list[str], tokens: list[Token]) -> tuple[_Block, ...]:
    starts = [number for number, token in enumerate(tokens) if token.level == 0]
    blocks = (_block(lines, tokens[start:end]) for start, end in pairwise([*starts, len(tokens)]))
    return tuple(block for block in blocks if block is not None)


def _block(lines: list[str], tokens: list[Token]) -> _Block | None:
    """Return what an outermost block is; None for comments, and for `None.` where a list would be empty."""
    outer, (first, last) = tokens[0], _span(tokens[0])
    raw = "\n".join(lines[first:last]).strip()
    if raw == _NOTHING or (raw.startswith("<!--") and raw.find("-->") == len(raw) - len("-->")):
        return None
    match outer.type:
        case "bullet_list_open" | "ordered_list_open":
            return _Block("list", first + 1, tuple(_item(lines, token) for token in tokens[1:]))
        case "blockquote_open":
            return _Block("quote", first + 1, (_unquoted(lines[first:last]),))
        case _:
            return _Block("other", first + 1)


def _span(token: Token) -> tuple[int, int]:
    first, last = token.map or (0, 0)
    return first, last


def _item(lines: list[str], token: Token) -> str:
    first, last = _span(token)
    joined = " ".join(line.strip() for line in lines[first:last] if line.strip())
    return _MARKER.sub("", joined)


def _unquoted(lines: list[str]) -> str:
    return "\n".join(line.lstrip().removeprefix(">").removeprefix(" ") for line in lines).strip()
