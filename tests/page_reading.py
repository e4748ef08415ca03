"""How GitHub would read a text: as Markdown, and then its words for mentions, references and links."""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

GUARD = "\u200b"
_PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ACTS = {
    "mention": re.compile(r"(?<![\w/])[@\uff20]\w"),
    "email": re.compile(r"\w@\w"),
    "reference": re.compile(r"[#\uff03]\d|\bGH-\d", re.IGNORECASE),
    "advisory": re.compile(r"\b(GHSA|CVE)-\w", re.IGNORECASE),
    "address": re.compile(r"\w://|\bwww\.|\b(mailto|xmpp):\w", re.IGNORECASE),
    "commit": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,40}(?![0-9A-Za-z])", re.IGNORECASE),
    "shortcode": re.compile(r":[A-Za-z0-9_+-]+:"),
}
"""What GitHub makes something of, when it stands in the words of a page."""
ACTIVE = {"html_inline", "html_block", "link_open", "image", "s_open", "em_open", "strong_open", "heading_open"}


def tokens(markdown: str) -> Iterator[Token]:
    """Yield every token of the document, also those within lines."""
    for token in _PARSER.parse(markdown):
        yield token
        yield from token.children or ()


def kinds(markdown: str) -> list[str]:
    """Return the structure: every kind of token in order, without words and code within lines."""
    ignored = {"text", "code_inline", "softbreak"}
    return [token.type for token in tokens(markdown) if token.type not in ignored]


def words(markdown: str) -> str:
    """Return what a reader sees outside code, one line for each block; code stands there as a blank."""
    lines = []
    for block in _PARSER.parse(markdown):
        if block.type == "inline":
            shown = {"text": "", "code_inline": " ", "softbreak": "\n", "hardbreak": "\n"}
            parts = ((shown.get(child.type, ""), child) for child in block.children or ())
            lines.append("".join(child.content if child.type == "text" else instead for instead, child in parts))
    return "\n".join(lines)


def everything(markdown: str) -> str:
    """Return all that a reader sees, code too, without our guards."""
    parts = []
    for token in tokens(markdown):
        if token.type in {"text", "code_inline", "fence", "code_block"}:
            parts.append(token.content)
        elif token.type in {"softbreak", "hardbreak", "paragraph_close"}:
            parts.append("\n")
    return "".join(parts).replace(GUARD, "")


def acting(markdown: str) -> list[str]:
    """Return the kinds of things in the words of the document that GitHub would act upon."""
    return [name for name, pattern in ACTS.items() if pattern.search(words(markdown))]


def headings(markdown: str) -> list[str]:
    """Return the headings in order."""
    found = list(_PARSER.parse(markdown))
    return [found[number + 1].content for number, token in enumerate(found) if token.type == "heading_open"]


def tables(markdown: str) -> list[list[list[str]]]:
    """Return the tables: rows of cells, as a reader sees them."""
    result: list[list[list[str]]] = []
    inside = False
    for token in _PARSER.parse(markdown):
        if token.type in {"table_open", "table_close"}:
            inside = token.type == "table_open"
            result += [[]] if inside else []
        elif token.type == "tr_open":
            result[-1].append([])
        elif token.type == "inline" and inside:
            shown = "".join(child.content for child in token.children if child.type in {"text", "code_inline"})
            result[-1][-1].append(shown.replace(GUARD, ""))
    return result


def links(markdown: str) -> list[str]:
    """Return where the links lead."""
    return [str(token.attrs["href"]) for token in tokens(markdown) if token.type == "link_open"]


def fences(markdown: str) -> list[str]:
    """Return the blocks of code."""
    return [token.content for token in tokens(markdown) if token.type == "fence"]
