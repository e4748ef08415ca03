"""The embedded forge: issues, comments and people of a repository that is on no server, under `.git/phasegate/`."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from phasegate.documents.approval import Approver
from phasegate.documents.base import RunId
from phasegate.documents.parsing import field_errors
from phasegate.documents.snapshot import Comment, Issue
from phasegate.doors.git import Git
from phasegate.doors.run_store import PROGRESS_FILE, RunStore
from phasegate.errors import UserError

MAX_ISSUE_BYTES = 64 * 1024
TITLE_LENGTH = 120
BRANCH_PREFIX = "phasegate"


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
        """Return the store of a new run, with the next free number."""
        runs = self.directory / "runs"
        number = max((int(run[1:]) for run in self.runs()), default=0) + 1
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
        return tuple(sorted(found, key=lambda run: int(run[1:])))

    def comment(self, store: RunStore, author: str, body: str) -> None:
        """Add a comment to a run's thread."""
        with (store.directory / "thread.jsonl").open("a", encoding="utf-8") as thread:
            entry = {"author": author, "at": self.now().isoformat(), "body": body}
            thread.write(json.dumps(entry, ensure_ascii=False) + os.linesep)

    def comments(self, store: RunStore) -> tuple[Comment, ...]:
        """Return a run's thread, the oldest first."""
        path = store.directory / "thread.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return tuple(
            Comment.model_validate_json(json.dumps({**json.loads(line), "permission": "admin"})) for line in lines
        )


def issue_from(text: str, author: str) -> Issue:
    """Return an issue from a text: its first line (without a leading #) is the title, the rest the body.

    Raises `UserError` for an empty or an over-long text.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_ISSUE_BYTES:
        raise UserError(
            f"The issue has {size} bytes, {MAX_ISSUE_BYTES} are allowed.",
            mend="Say what is wanted, and put logs and data into files of the repository.",
        )
    head, _, body = text.strip().partition("\n")
    title = head.lstrip("#").strip()
    if not any(character.isalnum() for character in title):
        raise UserError("The issue is empty.", mend='Say what is wanted: phasegate run "Add a --json flag".')
    if len(title) > TITLE_LENGTH:
        title, body = title[: TITLE_LENGTH - 1].rstrip() + "…", text.strip()
    try:
        return Issue(number=None, title=title, body=body.strip(), author=author)
    except ValidationError as error:
        raise UserError("The issue cannot be used: " + "; ".join(field_errors(error)) + ".") from None


def branch_of(run: RunId) -> str:
    """Return the name of a run's branch."""
    return f"{BRANCH_PREFIX}/{run}"


def _made(directory: Path) -> bool:
    try:
        directory.mkdir(parents=True)
    except FileExistsError:
        return False
    return True
