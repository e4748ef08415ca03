"""A throw-away copy of a commit's files, without any git data, and what was changed in it by comparing bytes."""

import os
import stat
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from phasegate.documents.paths import MAX_PATH_BYTES, check_repo_path
from phasegate.doors.git.objects import EXECUTABLE, FILE, GITLINK, SYMLINK
from phasegate.doors.git.repository import FileChange, Git, Sha, TreeEntry
from phasegate.doors.removal import remove_directory
from phasegate.doors.workspace import Entry, EntryKind, Workspace, WorkspaceError
from phasegate.errors import RefusedError, UserError

PREFIX = "phasegate-"
"""How the names of these directories begin: what a killed run left behind is known by it."""

MAX_CHANGED_BYTES = 64 * 1024 * 1024
"""How much changed content is read into memory; far beyond what a change set may carry."""

_IGNORE_FILE = ".gitignore"
_MAX_TARGET_BYTES = 4095  # PATH_MAX without its NUL


@dataclass(frozen=True, slots=True)
class WorkChange:
    """One path that differs from the base.

    `mode` is the new one, "" for a removed file; a link's content is its target. `old_oid` and `old_mode` are the
    base's: None and "" for what the base does not have.
    """

    path: str
    op: Literal["create", "modify", "delete"]
    mode: str
    content: bytes | None
    old_oid: Sha | None
    old_mode: str


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A copy of the commit `base` in a directory of its own; a context manager that removes it.

    Files have the very bytes of the commit (no filter, no line-end conversion), links point where they point, and a
    submodule is an empty directory. `left_out` names what cannot be copied, because no document could carry its name:
    it is missing in the copy and does not count as removed.
    """

    base: Sha
    workspace: Workspace
    left_out: tuple[str, ...]
    _git: Git
    _copied: Mapping[str, TreeEntry]
    _rules: Mapping[str, bytes]
    _cleanup: ExitStack

    @classmethod
    def make(cls, git: Git, commit: Sha, *, parent: Path) -> Self:
        """Copy a commit's files into a new directory below `parent`, which is not made: once it is gone, it stays gone.

        Raises `UserError` when the files cannot be had or written; nothing is left behind then.
        """
        entries = git.tree(commit)
        with ExitStack() as cleanup:
            root = _new_directory(parent)
            cleanup.callback(remove_directory, root)
            workspace = cleanup.enter_context(Workspace(root))
            copied, rules = _copy(git, entries, workspace)
            left_out = tuple(entry.path for entry in entries if entry.path not in copied)
            return cls(commit, workspace, left_out, git, copied, rules, cleanup.pop_all())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            with suppress(UserError):  # what went wrong first is what the user must read
                self.close()

    def close(self) -> None:
        """Remove the directory; raises `UserError` when the system refuses. Closing again does nothing."""
        self._cleanup.close()

    def changes(self, *, wanted: Collection[str] = ()) -> tuple[WorkChange, ...]:
        """What differs from the base, by path: bytes, the executable bit, and what kind of thing it is.

        New files that the base's rules ignore (unless they are `wanted`), empty directories, pipes and sockets, and
        all that is in a submodule's place are left out, as git leaves them out. Raises `RefusedError` when more than
        64 MiB changed.
        """
        _unlock(self.workspace.root)
        entries = [entry for entry in self.workspace.walk() if self._counts(entry)]
        new = [entry.path for entry in entries if entry.path not in self._copied and entry.path not in wanted]
        ignored = self._git.ignored(new, rules=self._rules)
        changes, room = [], MAX_CHANGED_BYTES
        for entry in entries:
            if entry.path not in ignored and (change := self._compare(entry, room)):
                changes.append(change)
                room -= len(change.content or b"")
        present = {entry.path for entry in entries}
        changes += [
            WorkChange(path, "delete", "", None, old.oid, old.mode)
            for path, old in self._copied.items()
            if path not in present and old.mode != GITLINK
        ]
        return tuple(sorted(changes, key=lambda change: change.path))

    def _counts(self, entry: Entry) -> bool:
        """Whether git could track it: it is a file or a link, and not in a submodule's place."""
        places = (self._copied.get(path) for path in _with_parents(entry.path))
        return entry.kind is not EntryKind.OTHER and not any(old and old.mode == GITLINK for old in places)

    def _compare(self, entry: Entry, room: int) -> WorkChange | None:
        old = self._copied.get(entry.path)
        if entry.size > max(room, old.size if old else 0):
            raise RefusedError(f"{entry.path} is too large to be part of a change, or too much changed in all.")
        mode, content = self._now(entry)
        if old is None:
            return WorkChange(entry.path, "create", mode, content, None, "")
        if (mode, self._git.blob_id(content)) == (old.mode, old.oid):
            return None
        return WorkChange(entry.path, "modify", mode, content, old.oid, old.mode)

    def _now(self, entry: Entry) -> tuple[str, bytes]:
        if entry.kind is EntryKind.SYMLINK:
            return SYMLINK, self.workspace.readlink(entry.path)
        return EXECUTABLE if entry.executable else FILE, self.workspace.read(entry.path, limit=entry.size)

    def apply(self, changes: Sequence[FileChange]) -> None:
        """Make these changes in the copy, removals first; a file takes the place of a link or an empty directory.

        Raises `WorkspaceError` for a path that cannot be changed so; the changes before it have been made then.
        """
        for change in changes:
            if change.content is None:
                self.workspace.delete(change.path)
                self._remove_empty_parents(change.path)
        for change in changes:
            if change.content is not None:
                self._write(change.path, change.content, executable=change.executable)

    def _write(self, path: str, content: bytes, *, executable: bool) -> None:
        entry = self.workspace.entry(path)
        if entry and entry.kind in {EntryKind.SYMLINK, EntryKind.DIRECTORY}:
            self.workspace.delete(path)
        self.workspace.write(path, content, executable=executable)

    def _remove_empty_parents(self, path: str) -> None:
        """As git does: no commit has an empty directory."""
        with suppress(WorkspaceError):
            for parent in list(_with_parents(path))[1:]:
                self.workspace.delete(parent)


def _new_directory(parent: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise UserError(f"No work tree can be made in {parent}: {error}.") from error


def _copy(
    git: Git, entries: Sequence[TreeEntry], workspace: Workspace
) -> tuple[dict[str, TreeEntry], dict[str, bytes]]:
    """Fill the workspace; gives what was copied, and the `.gitignore` files by their directories."""
    usable = [entry for entry in entries if _is_usable(entry.path)]
    copied = {entry.path: entry for entry in usable if entry.mode == GITLINK}
    for path in copied:  # first of all, while there is no link that could lead elsewhere
        (workspace.root / path).mkdir(parents=True)
    files = [entry for entry in usable if entry.mode != GITLINK]
    rules: dict[str, bytes] = {}
    with closing(git.blobs(entry.oid for entry in files)) as blobs:
        for entry, (_, content) in zip(files, blobs, strict=True):
            if _put(workspace, entry, content):
                copied[entry.path] = entry
            directory, _, name = entry.path.rpartition("/")
            if name == _IGNORE_FILE and entry.mode != SYMLINK:  # git reads no rules through a link
                rules[directory] = content
    return copied, rules


def _is_usable(path: str) -> bool:
    try:
        check_repo_path(path)
    except ValueError:
        return False
    return True


def _put(workspace: Workspace, entry: TreeEntry, content: bytes) -> bool:
    """Put one file or link into the copy; False for a link that no file system can hold."""
    if entry.mode != SYMLINK:
        workspace.write(entry.path, content, executable=entry.mode == EXECUTABLE)
    elif b"\0" in content or not 0 < len(content) <= _MAX_TARGET_BYTES:
        return False
    else:
        workspace.symlink(entry.path, content)
    return True


def _with_parents(path: str) -> Iterator[str]:
    """The path, then every directory above it, the nearest first."""
    while path:
        yield path
        path = path.rpartition("/")[0]


def _unlock(root: Path) -> None:
    """Make everything readable again that a program locked away, as far down as paths reach; links are not followed."""
    pending = [str(root)]
    deepest = len(pending[0]) + MAX_PATH_BYTES
    while pending:
        directory = pending.pop()
        with suppress(OSError):  # what stays locked is told by whoever reads it
            _allow(directory, stat.S_IRWXU)
            with os.scandir(directory) as found:
                children = list(found)
            for child in children:
                if child.is_file(follow_symlinks=False):
                    _allow(child.path, stat.S_IRUSR)
                elif child.is_dir(follow_symlinks=False) and len(child.path) <= deepest:
                    pending.append(child.path)


def _allow(path: str, rights: int) -> None:
    mode = stat.S_IMODE(os.lstat(path).st_mode)
    if mode & rights != rights:
        Path(path).chmod(mode | rights)
