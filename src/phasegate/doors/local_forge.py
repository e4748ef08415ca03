"""The embedded forge: issues, comments and people of a repository that is on no server, under `.git/phasegate/`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from phasegate.documents.approval import Approver
from phasegate.documents.base import RunId
from phasegate.documents.parsing import field_errors
from phasegate.documents.snapshot import Comment, Issue
from phasegate.doors.git.repository import Git
from phasegate.doors.run_store import PROGRESS_FILE, RunStore, disk_trouble
from phasegate.errors import UserError

MAX_ISSUE_BYTES = 64 * 1024
TITLE_LENGTH = 120
BRANCH_PREFIX = "phasegate"
_LOCAL_RUN = re.compile(r"L[1-9][0-9]{0,6}")
_HEADING = re.compile(r"^#+(?!\d)\s*")
"""Of Markdown; `#12` is no heading, but another issue."""


@dataclass(frozen=True, slots=True)
class LocalForge:
    """Where issues and comments live when there is no GitHub. Who has the files may write: there is nobody else."""

    git: Git
    now: Callable[[], datetime]

    @property
    def directory(self) -> Path:
        """Where everything of phasegate is kept in this repository."""
        return self.git.directory / "phasegate"

    def person(self) -> Approver:
        """Return who is at the keyboard, as git knows them."""
        known = self.git.identity()
        login, address = (known.name, known.email) if known else ("local user", "local")
        return Approver(id=address, login=login, permission="admin")

    def open_run(self) -> RunStore:
        """Return the store of a new run, with the next free number. Raises `UserError` if it could have no branch."""
        if self.git.branch(BRANCH_PREFIX) is not None:
            raise UserError(
                f"There is a branch named {BRANCH_PREFIX}, so git cannot keep branches below {BRANCH_PREFIX}/.",
                mend=f"Rename it: git branch -m {BRANCH_PREFIX} another-name",
            )
        runs = self.directory / "runs"
        number = max(map(_number, self.runs()), default=0) + 1
        while True:
            taken = self.git.branch(branch_of(f"L{number}")) is not None
            if not taken and _made(runs / f"L{number}"):
                return RunStore(runs / f"L{number}")
            number += 1

    def run(self, run: RunId) -> RunStore:
        """Return the store of a run. Raises `UserError` if there is none of that name."""
        if run not in self.runs():
            known = ", ".join(self.runs()) or "none"
            raise UserError(f"There is no run {run!r} here.", mend=f"The runs of this repository: {known}.")
        return RunStore(self.directory / "runs" / run)

    def runs(self) -> tuple[RunId, ...]:
        """Return the ids of all runs, the oldest first."""
        found = (path.parent.name for path in self.directory.glob(f"runs/L*/{PROGRESS_FILE}"))
        return tuple(sorted(filter(_LOCAL_RUN.fullmatch, found), key=_number))

    def comment(self, store: RunStore, author: str, body: str) -> None:
        """Add a comment to a run's thread. Raises `UserError` for text that is none, and for a full disk."""
        _size("comment", body)
        store.add_comment(Comment(author=author, permission="admin", at=self.now(), body=body))

    def comments(self, store: RunStore) -> tuple[Comment, ...]:
        """Return a run's thread, the oldest first."""
        return store.comments()


def issue_from(text: str, author: str) -> Issue:
    """Return an issue from a text: its first line with words (without leading #) is the title, the rest the body.

    Raises `UserError` for a text that is empty, over-long, or none at all.
    """
    size = _size("issue", text)
    if size > MAX_ISSUE_BYTES:
        raise UserError(
            f"The issue has {size} bytes, {MAX_ISSUE_BYTES} are allowed.",
            mend="Say what is wanted, and put logs and data into files of the repository.",
        )
    lines = text.strip().split("\n")
    head = next((number for number, line in enumerate(lines) if any(map(str.isalnum, line))), None)
    if head is None:
        raise UserError("The issue is empty.", mend='Say what is wanted: phasegate run "Add a --json flag".')
    title = " ".join(_HEADING.sub("", lines[head].strip(), count=1).split())
    body = "\n".join(lines[head + 1 :])
    if len(title) > TITLE_LENGTH:
        title, body = title[: TITLE_LENGTH - 1].rstrip() + "…", "\n".join(lines[head:])
    try:
        return Issue(number=None, title=title, body=body.strip(), author=author)
    except ValidationError as error:
        raise UserError(f"The issue cannot be used: {'; '.join(field_errors(error))}.") from None


def _size(what: str, text: str) -> int:
    """Return a text's bytes. Raises `UserError` for what came from bytes that are no UTF-8."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        raise UserError(f"The {what} cannot be used: it is not UTF-8 text.") from None


def branch_of(run: RunId) -> str:
    """Return the name of a run's branch."""
    return f"{BRANCH_PREFIX}/{run}"


def _number(run: RunId) -> int:
    return int(run.removeprefix("L"))


def _made(directory: Path) -> bool:
    with disk_trouble():
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            return False
    return True
