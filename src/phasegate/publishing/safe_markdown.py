"""Markdown that may be published: the one place where text from outside becomes part of what people read on GitHub.

Foreign text (an issue, a plan, a model's words, a program's output, a login) comes in through `inline`, `prose`,
`quoted`, `code`, `cell` or `fence`, and only what they return gets into a template. It notifies nobody, refers to
nothing, links nowhere, commands nothing, and cannot look like a part of the page around it.

GitHub looks for mentions, references and shortcodes in the rendered text, where an escape is gone. So those are broken
by U+200B, which `visible` lets nobody else bring in.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import groupby
from typing import NamedTuple

from phasegate.publishing.cutting import cut_between_blocks
from phasegate.publishing.invisible import visible

COMMENT_BYTES = 60_000
"""GitHub takes 65,536 characters in a comment, and does not say what it counts as one."""
SUMMARY_BYTES = 900_000
"""GitHub takes 1 MiB for the summary of a step."""

Render = Callable[..., str]
"""Renders the template of that name with those values."""

_BREAK = "\u200b"
_BROKEN_AFTER = re.compile(
    r"[@＠﹫]"  # noqa: RUF001 -- @, and what folds into it
    r"|[#＃﹟](?=[0-9]|\Z)"  # noqa: RUF001 -- the same for #
    r"|\b(?:GH|GHSA|CVE)-(?=\w|\Z)"
    r"|:(?=//)|\b(?:mailto|xmpp):|\bwww(?=\.)"
    r"|:(?=[A-Za-z0-9_+-]+:)",
    re.IGNORECASE,
)
_COMMIT = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])", re.IGNORECASE)
_SIX = re.compile(r".{6}(?=.)")
"""Of a commit's name; GitHub links seven and more."""
_ESCAPES = str.maketrans(
    {sign: f"\\{sign}" for sign in "\\`*_[]~{}"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "$": "&#36;", _BREAK: "&#8203;"}
)
_STARTS_BLOCK = re.compile(r"(?P<number>[0-9]{1,9}(?=[.)](?:\s|\Z)))?(?P<sign>(?(number)[.)]|[-+=#(/]))")
_CODE_SPAN = re.compile(r"(?<!`)`(?!`)([^`|\s][^`|]*|\s[^`|]+)`(?!`)")
"""In text without two blanks in a row."""
_SKIPS_CHECKS = re.compile(r"[\[*](?=(?:skip|no|ci|actions)[ _])", re.IGNORECASE)
"""As in `[skip ci]`, `[no ci]`, `[ci skip]`, `[actions skip]`, `***NO_CI***`."""
_ITEM = re.compile(r"\s*[-*+]\s+(?=\S)")
_FENCE = re.compile(r"\s*(?P<ticks>`{3,}|~{3,})[^`]*\Z")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LANGUAGES = frozenset({"", "diff", "json", "python", "sh", "text", "toml", "yaml"})
"""No picture, formula or map, and no suggestion that could be accepted with a click."""


class Safe(str):
    """A part of a document that is harmless. What is cut out of it is a mere `str` again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SafeMarkdown:
    """A whole text that may be published."""

    text: str


def with_first_line(comment: str, line: str) -> SafeMarkdown:
    """Return a comment of ours, as we read it back unedited by anybody else, with another marker as its first line."""
    _, _, rest = comment.partition("\n")
    return SafeMarkdown(f"{line}\n{rest}")


def ours(text: str) -> Safe:
    """Return our own words as they are: a literal of this program, never anything from outside."""
    return Safe(text)


def joined(parts: Iterable[Safe], between: Safe) -> Safe:
    """Return harmless parts with something harmless between them."""
    return Safe(between.join(parts))


def inline(text: str) -> Safe:
    """Return foreign text for one line: it reads as it was written, but for `code`, which is set as such."""
    return Safe(_line(visible(text)))


def prose(text: str) -> Safe:
    """Return foreign text of several paragraphs; lines, simple lists and code stay what they are, all else is words."""
    return Safe("\n\n".join(_blocks(visible(text).split("\n"))))


def quoted(text: str) -> Safe:
    """Return foreign text as `prose` in a quotation, so that it cannot be taken for ours."""
    return Safe("\n".join(f"> {line}".rstrip() for line in prose(text).split("\n")))


def code(text: str) -> Safe:
    """Return foreign text as code within a line; not for tables, where a bar would end the cell."""
    flat = " ".join(visible(text).split())
    if not flat:
        return Safe("")
    ticks = "`" * (_longest_run("`", flat) + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return Safe(f"{ticks}{space}{flat}{space}{ticks}")


def cell(text: str) -> Safe:
    """Return foreign text as code for a cell of a table, or as plain text where it has a bar in it."""
    return inline(text) if "|" in text else code(text)


def fence(text: str, language: str = "") -> Safe:
    """Return foreign text as a block of code, fenced longer than anything in it.

    Colours of a terminal are left out. Each line begins with a blank, which Markdown drops, and which keeps bots that
    read the source from finding a command there. Raises `ValueError` for a language that GitHub would draw or apply.
    """
    if language not in _LANGUAGES:
        raise ValueError(f"{language} is not among {', '.join(sorted(_LANGUAGES - {''}))}")
    lines = visible(_COLOURS.sub("", text)).expandtabs(4).strip("\n").split("\n")
    ticks = "`" * max(3, _longest_run("`", text) + 1)
    return Safe("\n".join([f" {ticks}{language}", *(f" {line}".rstrip() for line in lines), f" {ticks}"]))


def cut(text: Safe, limit: int, note: Safe) -> Safe:
    """Return the blocks of a text that fit into so many bytes, and the note if something is missing.

    The first line always stays. Raises `ValueError` when it and the note are longer than that.
    """
    return Safe(cut_between_blocks(text, limit, note))


def compose(
    render: Render,
    name: str,
    values: Mapping[str, object],
    *,
    first: str = "",
    limit: int,
    rest: Safe,
    variants: Iterable[Mapping[str, object]] = ({},),
) -> SafeMarkdown:
    """Return the template `name` with the values in it, within `limit` bytes.

    `first` is the marker. `variants` are more values, the fullest first: the first that fits is taken. The last is cut
    if it has to be, and `rest` says where the rest is. Raises `TypeError` for a value that could carry foreign text as
    it came: only `Safe`, whole numbers, None, and rows of those get into a template.
    """
    text = Safe("")
    for variant in variants:
        body = fragment(render, name, {**values, **variant})
        text = Safe(f"{first}\n{body}\n" if first else f"{body}\n")
        if len(text.encode()) <= limit:
            break
    return SafeMarkdown(cut(text, limit, rest))


def plain(text: str, limit: int) -> str:
    """Return foreign text for a title: one line, cut to so many characters, that notifies nobody and closes nothing."""
    broken = _broken(" ".join(visible(text).split()))
    return broken if len(broken) <= limit else broken[: limit - 1] + "…"


def for_commits(text: str) -> str:
    """Return foreign text without what keeps checks from running when it stands in a commit's message.

    The title and the text of a pull request become one when it is squashed.
    """
    return _SKIPS_CHECKS.sub(r"\g<0> ", text)


def fragment(render: Render, name: str, values: Mapping[str, object]) -> Safe:
    """Return the template `name` with the values in it, to be a value itself. Raises as `compose` does."""
    return Safe(render(name, **{key: _checked(value, key) for key, value in values.items()}).strip("\n"))


def _checked(value: object, name: str) -> object:
    """Return the value as a template gets it: of a row only the fields, so that nothing unchecked is in reach."""
    if value is None or isinstance(value, Safe | int):
        return value
    if isinstance(value, SafeMarkdown):
        return Safe(value.text.strip("\n"))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_checked(item, name) for item in value]
    if isinstance(value, Mapping):
        return {_checked(key, name): _checked(item, name) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _checked(getattr(value, field.name), f"{name}.{field.name}") for field in fields(value)}
    raise TypeError(f"{name} is a {type(value).__name__}, which could say anything: make it harmless first")


def _line(text: str) -> str:
    first, *others = _CODE_SPAN.split(" ".join(text.split()))
    rest = (_literal(piece) if number % 2 else code(piece) for number, piece in enumerate(others))
    return _start(first) + "".join(rest)


def _start(text: str) -> str:
    """Return the beginning of a line, which would be a list, a heading or a bot's command without an escape."""
    broken = _broken(text)
    found = _STARTS_BLOCK.match(broken)
    if found is None:
        return broken.translate(_ESCAPES)
    sign = "&#47;" if found["sign"] == "/" else f"\\{found['sign']}"
    return (found["number"] or "") + sign + broken[found.end() :].translate(_ESCAPES)


def _literal(text: str) -> str:
    return _broken(text).translate(_ESCAPES)


def _broken(text: str) -> str:
    broken = _COMMIT.sub(lambda found: _SIX.sub(rf"\g<0>{_BREAK}", found[0]), text)
    return _BROKEN_AFTER.sub(rf"\g<0>{_BREAK}", broken)


class _Piece(NamedTuple):
    kind: str
    text: str = ""


def _blocks(lines: Sequence[str]) -> Iterator[str]:
    for kind, pieces in groupby(_pieces(lines), key=lambda piece: piece.kind):
        texts = [piece.text for piece in pieces]
        if kind == "line":
            yield "\\\n".join(_line(text) for text in texts)
        elif kind == "item":
            yield "\n".join(f"- {_line(text)}" for text in texts)
        elif kind == "code":
            yield fence("\n".join(texts))


def _pieces(lines: Sequence[str]) -> Iterator[_Piece]:
    """Yield what each line is: a line of code, an item of a list, a line of a paragraph, or what parts them."""
    opened = ""
    for line in lines:
        ticks = _FENCE.match(line)
        if opened and not _closes(line.strip(), opened):
            yield _Piece("code", line)
        elif opened or ticks:
            opened = "" if opened or ticks is None else ticks["ticks"]
            yield _Piece("nothing")
        elif not line.strip():
            yield _Piece("nothing")
        else:
            item = _ITEM.match(line)
            yield _Piece("item", line[item.end() :].strip()) if item else _Piece("line", line.strip())


def _closes(line: str, opened: str) -> bool:
    return line.startswith(opened) and not line.strip(opened[0])


def _longest_run(character: str, text: str) -> int:
    return max((len(run) for run in re.findall(re.escape(character) + "+", text)), default=0)
