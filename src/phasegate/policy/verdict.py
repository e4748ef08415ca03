"""What a check of `phasegate doctor` says: one line for each, with what to do about it."""

from enum import StrEnum

from phasegate.documents.base import Frozen


class Level(StrEnum):
    """How bad it is. What could not be checked is never told as if it were well."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


class Verdict(Frozen):
    """The result of one check."""

    check: str
    level: Level
    what: str
    mend: str = ""


def ok(check: str, what: str) -> Verdict:
    """Return that something is as it should be."""
    return Verdict(check=check, level=Level.OK, what=what)


def warning(check: str, what: str, mend: str = "") -> Verdict:
    """Return that something may go wrong."""
    return Verdict(check=check, level=Level.WARNING, what=what, mend=mend)


def problem(check: str, what: str, mend: str = "") -> Verdict:
    """Return that something does not work, or is not safe."""
    return Verdict(check=check, level=Level.PROBLEM, what=what, mend=mend)


def skipped(check: str, what: str, mend: str = "") -> Verdict:
    """Return that something could not be looked at, and why."""
    return Verdict(check=check, level=Level.SKIPPED, what=what, mend=mend)
