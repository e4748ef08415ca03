"""The door to git: the repository a user stands in, read and extended without touching checkout, index or stashes."""

import re
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from phasegate.doors.git.branches import GitBranches, full_name
from phasegate.doors.git.commits import FileChange, Person, build_commit
from phasegate.doors.git.ignore import ignored_paths
from phasegate.doors.git.objects import CommitNote, GitObjects, Sha, TreeEntry
from phasegate.doors.git.program import Answer, GitProgram, failure
from phasegate.errors import UserError

__all__ = ["CommitNote", "FileChange", "Git", "Person", "Sha", "TreeEntry"]

# What decides how git compares a checkout with its index. Values only: none of these names a program.
_COMPARING = "autocrlf|checkstat|eol|filemode|ignorecase|precomposeunicode|symlinks|trustctime"
_SETTINGS = rf"^core\.({_COMPARING}|sharedrepository)$"
_FORMATS = {40: "sha1", 64: "sha256"}
_PLAIN = re.compile(r"[A-Za-z0-9]{1,16}")


@dataclass(frozen=True, slots=True)
class Git:
    """One repository: `top` is its checkout's root, `directory` the git directory that all its work trees share."""

    top: Path
    directory: Path
    _program: GitProgram
    _objects: GitObjects
    _branches: GitBranches
    _core: Mapping[str, str]

    @classmethod
    def open(cls, directory: Path, *, environ: Mapping[str, str]) -> Self:
        """Find the repository that `directory` lies in.

        `environ` gives `PATH`, `TMPDIR`, and `HOME` for the user's own git settings; its `GIT_*` do not count. Raises
        `UserError` for: no git, no repository, one that somebody else owns, a bare one, one without a commit.
        """
        program = GitProgram.find(environ)
        top, git_directory, common = _discover(program, directory)
        branches = GitBranches(program, top, git_directory)
        head = branches.commit("HEAD")
        if head is None:
            raise UserError(
                f"The repository {top} has no commits yet on its current branch.",
                cause="There is nothing to start from.",
                mend="Make a first commit, or check out a branch that has one.",
            )
        found = _settings(program, git_directory, top, _SETTINGS)
        core = {name.removeprefix("core."): value for name, value in found.items() if _PLAIN.fullmatch(value)}
        objects = GitObjects(program, common, _FORMATS[len(head)], core.pop("sharedrepository", "umask"))
        return cls(top, common, program, objects, branches, core)

    def resolve(self, ref: str) -> Sha:
        """The id of the commit that a branch, tag, id or other revision names; raises `UserError` without one."""
        if sha := self._branches.commit(ref):
            return sha
        shallow = self.is_shallow()
        raise UserError(
            f"{ref!r} names no commit in this repository.",
            cause="This is a shallow clone, which lacks most of the history." if shallow else "",
            mend="Run `git fetch --unshallow`." if shallow else "`git branch --all` and `git tag` list what there is.",
        )

    def head_branch(self) -> str | None:
        """The branch that is checked out; None when HEAD is detached."""
        return self._branches.head()

    def is_dirty(self) -> bool:
        """Whether a tracked file of the checkout, or its index, differs from HEAD.

        No filter runs for that, so a file that a filter made (as Git LFS does) counts as changed once it was touched.
        """
        form = ("--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
        with self._objects.pristine(head=self.resolve("HEAD"), core=self._core) as bench:
            index = {"GIT_INDEX_FILE": str(self._branches.git_directory / "index"), "GIT_WORK_TREE": str(self.top)}
            environ = {**bench.environ, **index}
            return bool(self._program.run("status", *form, cwd=self.top, environ=environ).output)

    def is_shallow(self) -> bool:
        """Whether the clone's history was cut off."""
        return self._branches.run("rev-parse", "--is-shallow-repository").line == "true"

    def identity(self) -> Person | None:
        """The user's name and address as their own git configuration, or the repository's, has them; None without."""
        values = _settings(self._program, self._branches.git_directory, self.top, r"^user\.(name|email)$")
        name, email = values.get("user.name"), values.get("user.email")
        return Person(name, email) if name and email else None

    def tree(self, commit: Sha) -> tuple[TreeEntry, ...]:
        """All files, symbolic links and submodules of a commit, in git's order; raises `UserError` without it."""
        return self._objects.tree(commit)

    def read(self, commit: Sha, path: str) -> bytes | None:
        """A file's bytes at a commit (a symbolic link's target); None when there is none or it is no file."""
        return self._objects.read(commit, path)

    def note(self, commit: Sha) -> CommitNote:
        """What a commit says of itself: parents, time, message; raises `UserError` without it."""
        return self._objects.note(commit)

    def blobs(self, oids: Iterable[Sha]) -> Generator[tuple[Sha, bytes], None, None]:
        """The bytes of these blobs, in their order, from one process; raises `UserError` for a missing one."""
        return self._objects.blobs(oids)

    def blob_id(self, content: bytes) -> Sha:
        """The id that git gives a file with these bytes; nothing is written."""
        return self._objects.blob_id(content)

    def diff(self, base: Sha, head: Sha, paths: Sequence[str] = ()) -> str:
        """The unified difference of two commits, of all files or of `paths`, taken literally; no attribute counts."""
        return self._objects.diff(base, head, paths)

    def ignored(self, paths: Collection[str], *, rules: Mapping[str, bytes]) -> frozenset[str]:
        """Those of `paths` that would be ignored as new files; `rules` has each `.gitignore` by its directory.

        What tools leave behind (`ignore.NEVER_SOURCE`) is ignored without a rule. The checkout does not count.
        """
        return ignored_paths(self._objects, paths, rules)

    def commit(
        self, *, parent: Sha, changes: Sequence[FileChange], message: str, author: Person, when: datetime
    ) -> Sha:
        """Write a commit of `parent` and give its id; no reference moves. `when` needs a time zone.

        Raises `RefusedError` for changes that contradict each other or the parent, `UserError` when git cannot write.
        """
        return build_commit(self._objects, parent=parent, changes=changes, message=message, author=author, when=when)

    def branch(self, name: str) -> Sha | None:
        """The commit a branch is at; None when there is no such branch."""
        return self._branches.commit(full_name(name))

    def move_branch(self, name: str, *, new: Sha, old: Sha | None) -> None:
        """Point a branch at `new` if it is still at `old` (None: if it does not exist).

        Raises `RefusedError` when it has moved or is checked out, and `UserError` when git cannot write it.
        """
        self._branches.move(name, new=new, old=old)

    def check_not_checked_out(self, name: str) -> None:
        """Raise `RefusedError` when some work tree has the branch checked out: then it cannot be moved."""
        self._branches.check_not_checked_out(name)

    def delete_branch(self, name: str, *, old: Sha) -> None:
        """Remove a branch if it is still at `old`; raises as `move_branch` does."""
        self._branches.delete(name, old=old)


def _discover(program: GitProgram, directory: Path) -> tuple[Path, Path, Path]:
    """The checkout's root, its git directory and the one that all work trees share.

    The user's own configuration is read here, because only it may say that a repository of another owner is safe.
    """

    def ask(*questions: str) -> Answer:
        return program.attempt("rev-parse", *questions, cwd=directory, as_user=True)

    kind = ask("--is-bare-repository", "--is-inside-git-dir")
    if kind.code != 0:
        raise _no_repository(directory, kind.complaint)
    if "true" in kind.line:
        raise UserError(
            f"{directory} is a bare repository or git's own data: there is no checkout.",
            mend="Run this in a clone: `git clone <repository>`.",
        )
    top, git_directory, common = (
        ask(question).line for question in ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    )
    return Path(top), Path(git_directory), (directory / common).resolve()


def _no_repository(directory: Path, complaint: str) -> UserError:
    if "not a git repository" in complaint:
        return UserError(
            f"{directory} is not inside a git repository.",
            mend="Change to one, or make one: `git init`, and a first commit.",
        )
    if "safe.directory" in complaint:
        return UserError(
            f"The repository of {directory} belongs to another user, and git does not trust it.",
            cause="Its configuration could run commands of theirs.",
            mend=f"If you trust it: git config --global --add safe.directory {directory.resolve()}",
        )
    return failure("rev-parse", complaint)


def _settings(program: GitProgram, git_directory: Path, top: Path, names: str) -> dict[str, str]:
    """The settings whose names match, as the user's git sees them; the last value of each counts."""
    environ = {"GIT_DIR": str(git_directory)}
    answer = program.attempt("config", "-z", "--get-regexp", names, cwd=top, environ=environ, as_user=True)
    pairs = (item.partition("\n") for item in answer.output.decode(errors="replace").split("\0")[:-1])
    return {name: value if equals else "true" for name, equals, value in pairs}
