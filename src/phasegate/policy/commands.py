"""Commands that people type: a comment's first line, and nothing that merely looks like one."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

Verb = Literal[
    "approve", "revise", "replan", "reject", "answer", "adopt", "manual", "retry", "status", "cost", "cancel"
]
VERBS: tuple[Verb, ...] = get_args(Verb)

LONGEST_TEXT = 16_000
"""Characters of a text: as many as the document takes that keeps it."""

_WITH_TEXT = frozenset({"revise", "answer", "reject"})
_NEEDS_TEXT = frozenset({"revise", "answer"})
# The end of the line or ASCII white space ends a verb; anything else, seen or unseen, makes it another word.
_LINE = re.compile(rf"/(?P<verb>{'|'.join(VERBS)})(?:[ \t]+(?P<rest>.*))?[ \t]*")
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants done. The text is free of control characters and of white space at its ends."""

    verb: Verb
    text: str = ""
    digest: str | None = None
    """The plan's digest or its beginning; only with `approve`."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A command that cannot be understood: its verb is known, what follows does not fit."""

    verb: Verb
    what: str


def parse_command(body: str) -> Command | Malformed | None:
    """Return the command that a comment is; None for any other comment.

    The first line counts, from its first character on; a text goes on in the lines after it. So what is quoted,
    indented, fenced, in upper case, or spelt with letters that only look alike is no command.
    """
    line, _, below = body.replace("\r\n", "\n").partition("\n")
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    verb = next(verb for verb in VERBS if verb == found["verb"])
    rest = (found["rest"] or "").strip(" \t")
    if verb in _WITH_TEXT:
        return command_of(verb, f"{rest}\n{below}", None)
    if verb == "approve":
        return command_of(verb, "", rest or None)
    return command_of(verb, rest, None)


def command_of(verb: Verb, text: str, digest: str | None) -> Command | Malformed:
    """Return the command with these arguments, or what is wrong with them."""
    said = _clean(text)
    problem = _wrong_text(verb, said) or _wrong_digest(verb, digest)
    return Malformed(verb, problem) if problem else Command(verb, said, digest)


def _wrong_text(verb: Verb, text: str) -> str:
    if verb in _NEEDS_TEXT and not text:
        return f"`/{verb}` needs a text after it"
    if verb not in _WITH_TEXT and text:
        return f"nothing may follow `/{verb}` on its line"
    if len(text) > LONGEST_TEXT:
        return f"the text after `/{verb}` has {len(text)} characters, {LONGEST_TEXT} are allowed"
    return ""


def _wrong_digest(verb: Verb, digest: str | None) -> str:
    if digest is None:
        return ""
    if verb != "approve":
        return f"`/{verb}` takes no digest"
    if not _DIGEST.fullmatch(digest):
        return "only the plan's digest may follow `/approve`: 8 to 64 of the characters 0-9 and a-f"
    return ""


def _clean(text: str) -> str:
    storable = text.replace("\r\n", "\n").encode("utf-8", "replace").decode()
    return _CONTROLS.sub(" ", storable).strip()
