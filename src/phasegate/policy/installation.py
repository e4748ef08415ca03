"""What `phasegate init` writes, and what becomes of a file that is already there. Pure.

The first line of a file of ours says which version wrote it and the SHA-256 of what it wrote. So a file that nobody
touched can be replaced by a newer one, and a file that somebody edited is known as such.
"""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from phasegate.documents.base import Digest, digest_of
from phasegate.policy.config import CONFIG_PATH, PRIMER_PATH

WORKFLOW_PATH = ".github/workflows/phasegate.yml"
PLAN_TEMPLATE_PATH = ".claude/PLAN_TEMPLATE.md"
BESIDE = ".new"
"""Ends the name of what is written beside a file; GitHub takes no workflow from a file of that name."""
_STAMP = re.compile(
    r"\A(?:# |<!-- )phasegate (?P<version>[0-9][0-9A-Za-z.+-]{0,63}) sha256:(?P<digest>[0-9a-f]{64})(?: -->)?\n"
)
Merge = Callable[[Digest, str, str], str | None]
"""From the digest of what was once written, the text as it is now and the new one: both changes in one, or None."""


class Care(StrEnum):
    """What becomes of a file of ours that somebody edited."""

    MERGED = "merged"
    """It has to work with the program: a newer one is merged in."""
    KEPT = "kept"
    """It is theirs from then on."""
    ONCE = "once"
    """It is theirs from the beginning: written where there is none, then never again."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """One file as this version ships it."""

    path: str
    body: str
    care: Care


CARE = {
    WORKFLOW_PATH: Care.MERGED,
    CONFIG_PATH: Care.KEPT,
    PRIMER_PATH: Care.ONCE,
    PLAN_TEMPLATE_PATH: Care.KEPT,
}
"""All that `init` writes."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which version wrote a file, and the digest of what it wrote."""

    version: str
    digest: Digest

    def line(self, path: str) -> str:
        """Return the first line of the file."""
        text = f"phasegate {self.version} sha256:{self.digest}"
        return f"<!-- {text} -->\n" if path.endswith(".md") else f"# {text}\n"


@dataclass(frozen=True, slots=True)
class Present:
    """A file as it is in the checkout."""

    body: str
    stamp: Stamp | None

    @property
    def is_untouched(self) -> bool:
        """Whether it is what some version of ours wrote."""
        return self.stamp is not None and digest_of(self.body.encode()) == self.stamp.digest


class Outcome(StrEnum):
    """What `init` does with one file."""

    CREATED = "created"
    UPDATED = "updated"
    MERGED = "merged"
    BESIDE = "written beside"
    KEPT = "kept"
    CURRENT = "up to date"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one file; `after` is None where nothing is written."""

    path: str
    outcome: Outcome
    before: str
    after: str | None
    why: str = ""


def read_present(text: str) -> Present:
    """Return a file's text in its two parts. Line ends of Windows count as ours: git may have made them."""
    plain = text.replace("\r\n", "\n")
    found = _STAMP.match(plain)
    if found is None:
        return Present(plain, None)
    return Present(plain[found.end() :], Stamp(found["version"], found["digest"]))


def stamped(shipped: Shipped, version: str, body: str | None = None) -> str:
    """Return a file as it is written; `body` is what a merge made of it."""
    stamp = Stamp(version, digest_of(shipped.body.encode()))
    return stamp.line(shipped.path) + (shipped.body if body is None else body)


def change(shipped: Shipped, text: str | None, *, version: str, merge: Merge, force: bool = False) -> Change:
    """Return what becomes of a file whose text is now `text` (None: there is none)."""
    new = stamped(shipped, version)
    if text is None:
        return Change(shipped.path, Outcome.CREATED, "", new)
    if shipped.care is Care.ONCE:
        return Change(shipped.path, Outcome.KEPT, text, None, "it is yours")
    present = read_present(text)
    if present.body == shipped.body:
        same = present.stamp is None or present.stamp.version == version
        return Change(shipped.path, Outcome.CURRENT if same else Outcome.UPDATED, text, None if same else new)
    if force:
        return Change(shipped.path, Outcome.UPDATED, text, new)
    return _renewed(shipped, present, text, version, merge)


def _renewed(shipped: Shipped, present: Present, text: str, version: str, merge: Merge) -> Change:
    """Return what becomes of a file that is not as this version ships it."""
    stamp = present.stamp
    if stamp is not None and is_older(version, stamp.version):
        why = f"phasegate {stamp.version} wrote it, and this is only {version}: update the program"
        return Change(shipped.path, Outcome.KEPT, text, None, why)
    if present.is_untouched:
        return Change(shipped.path, Outcome.UPDATED, text, stamped(shipped, version))
    if shipped.care is Care.KEPT:
        return Change(shipped.path, Outcome.KEPT, text, None, "it is yours")
    if stamp is not None and stamp.digest == digest_of(shipped.body.encode()):
        return Change(shipped.path, Outcome.KEPT, text, None, "you edited it, and ours is not newer")
    merged = merge(stamp.digest, present.body, shipped.body) if stamp is not None else None
    if merged is None:
        why = f"your edits and the new version do not go together: take what you want from {shipped.path}{BESIDE}"
        return Change(shipped.path + BESIDE, Outcome.BESIDE, text, stamped(shipped, version), why)
    return Change(shipped.path, Outcome.MERGED, text, stamped(shipped, version, merged), "your edits are kept")


def is_older(version: str, than: str) -> bool:
    """Return whether a version comes before another, by their numbers."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:3])


def difference(made: Change) -> str:
    """Return the unified difference that a change makes; empty where it makes none."""
    if made.after is None:
        return ""
    old = "/dev/null" if made.outcome is Outcome.CREATED else f"a/{made.path.removesuffix(BESIDE)}"
    lines = difflib.unified_diff(
        made.before.replace("\r\n", "\n").splitlines(keepends=True),
        made.after.splitlines(keepends=True),
        fromfile=old,
        tofile=f"b/{made.path}",
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
