"""The door to what git knows of a file: where the repository comes from, earlier texts, and merging of three texts."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from phasegate.doors.git.program import GitProgram

_LOOKED_BACK = 200
"""Commits that touched the file."""


@dataclass(frozen=True, slots=True)
class GitHistory:
    """The history of a checkout; nothing is written to the repository."""

    program: GitProgram
    top: Path

    @classmethod
    def open(cls, top: Path, *, environ: Mapping[str, str]) -> Self:
        """Return the history of the checkout at `top`. Raises `UserError` where git is missing or too old."""
        return cls(GitProgram.find(environ), top)

    def version(self) -> str:
        """Return git's version in its own words."""
        return self.program.run("version", cwd=Path("/")).line

    def remote(self, name: str = "origin") -> str | None:
        """Return the address of a remote, as the user's configuration rewrites it; None without such a remote."""
        answer = self.program.attempt("remote", "get-url", "--", name, cwd=self.top, as_user=True)
        return answer.line if answer.code == 0 else None

    def earlier(self, path: str) -> Iterator[bytes]:
        """Give the texts that a file had in the commits that lead to HEAD, newest first."""
        # Not `git log`: a repository's configuration can have that check signatures with a program of its choice.
        commits = self.program.attempt("rev-list", f"--max-count={_LOOKED_BACK}", "HEAD", "--", path, cwd=self.top)
        for commit in commits.output.decode().split() if commits.code == 0 else ():
            blob = self.program.attempt("cat-file", "blob", f"{commit}:{path}", cwd=self.top)
            if blob.code == 0:
                yield blob.output

    def merged(self, mine: str, base: str, theirs: str) -> str | None:
        """Return `mine` with what changed from `base` to `theirs`; None where both changed the same lines."""
        with tempfile.TemporaryDirectory(prefix="phasegate-", dir=self.program.temporary) as name:
            files = [Path(name) / part for part in ("mine", "base", "theirs")]
            for file, text in zip(files, (mine, base, theirs), strict=True):
                file.write_bytes(text.encode())
            answer = self.program.attempt("merge-file", "-p", "--", *map(str, files), cwd=Path(name))
        return answer.output.decode() if answer.code == 0 else None
