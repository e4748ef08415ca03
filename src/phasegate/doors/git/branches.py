"""Moves branches by compare-and-swap, and never one that somebody has checked out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phasegate.doors.git.objects import Sha, check_sha
from phasegate.doors.git.program import Answer, GitProgram, failure
from phasegate.errors import RefusedError, UserError

_HEADS = "refs/heads/"
_FORBIDDEN = frozenset(" ~^:?*[\\\x7f")
_REFLOG = {"GIT_COMMITTER_NAME": "phasegate", "GIT_COMMITTER_EMAIL": "phasegate@localhost"}
_MAX_NAME_BYTES = 200


def full_name(name: str) -> str:
    """The full reference of a branch; raises `UserError` for a name that is no branch's.

    The rules are those of `git check-ref-format --branch`, without its `@{-1}`; a name that starts with `refs/` is
    taken for a mistake.
    """
    parts = name.split("/")
    wrong = (
        not 0 < len(name.encode(errors="surrogatepass")) <= _MAX_NAME_BYTES
        or name.startswith(("-", "refs/"))
        or name.endswith(".")
        or name in {"@", "HEAD"}
        or ".." in name
        or "@{" in name
        or any(character in _FORBIDDEN or character < " " for character in name)
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    )
    if wrong:
        raise UserError(f"{name!r} cannot be a branch's name.", mend="See `git help check-ref-format` for the rules.")
    return _HEADS + name


@dataclass(frozen=True, slots=True)
class GitBranches:
    """The branches of one repository, and the checkout it was opened from."""

    program: GitProgram
    top: Path
    git_directory: Path

    def run(self, *arguments: str) -> Answer:
        """Run one git command on the repository itself; raises `UserError` when it fails."""
        return self.program.run(*arguments, cwd=self.top, environ=self._environ())

    def attempt(self, *arguments: str) -> Answer:
        """Run one git command on the repository itself that may fail."""
        return self.program.attempt(*arguments, cwd=self.top, environ=self._environ())

    def _environ(self) -> Mapping[str, str]:
        return {"GIT_DIR": str(self.git_directory), **_REFLOG}

    def head(self) -> str | None:
        """The branch that is checked out; None for a detached HEAD."""
        answer = self.attempt("symbolic-ref", "--quiet", "HEAD")
        return answer.line.removeprefix(_HEADS) if answer.code == 0 else None

    def commit(self, expression: str) -> Sha | None:
        """The commit that a revision names; None when it names none."""
        if not expression.strip() or expression.startswith("^"):
            return None
        answer = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{expression}^{{commit}}")
        return check_sha(answer.line) if answer.code == 0 else None

    def move(self, name: str, *, new: Sha, old: Sha | None) -> None:
        """Point a branch at `new` if it is still at `old` (None: if it does not exist).

        Raises `RefusedError` when it has moved or is checked out, and `UserError` when git cannot write it.
        """
        expected = "0" * len(new) if old is None else check_sha(old)
        self._swap(name, old, "-m", "phasegate: move", full_name(name), check_sha(new), expected)

    def delete(self, name: str, *, old: Sha) -> None:
        """Remove a branch if it is still at `old`; raises as `move` does."""
        self._swap(name, old, "-d", full_name(name), check_sha(old))

    def _swap(self, name: str, old: Sha | None, *arguments: str) -> None:
        self.check_not_checked_out(name)
        answer = self.attempt("update-ref", "--no-deref", *arguments)
        if answer.code == 0:
            return
        now = self.commit(full_name(name))
        if now == old:
            raise failure("update-ref", answer.complaint)
        raise RefusedError(
            f"The branch {name!r} has moved: expected {old or 'no branch'}, found {now or 'none'}.",
            cause="Somebody else wrote to it.",
            mend="Look at what is there now, and start again from it.",
        )

    def check_not_checked_out(self, name: str) -> None:
        """Raise `RefusedError` when a work tree has the branch checked out."""
        listing = os.fsdecode(self.run("worktree", "list", "--porcelain").output)
        if f"branch {full_name(name)}" in listing.split("\n"):
            raise RefusedError(
                f"The branch {name!r} is checked out in a work tree.",
                cause="Moving it would change what those files are compared with.",
                mend="Check out another branch there (git switch -), then say it again.",
            )
