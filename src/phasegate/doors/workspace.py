"""A directory whose files are reached by file descriptors only: no path and no link in it leads outside.

Every parent is opened from the directory before it, without following links; the last name is never followed either
(openat(2) with O_NOFOLLOW). A directory that is swapped for a link while we walk is met by the system call itself, so
there is no gap between a check and its use. `check_repo_path` only settles how a path is spelled.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from phasegate.documents.paths import RepoPath, check_repo_path
from phasegate.errors import ExitCode, UserError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CONTENT = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # a pipe must not make us wait
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_REFUSALS = {
    errno.ELOOP: "is a symbolic link, and links are not followed",
    errno.EEXIST: "is already there",
    errno.ENOTEMPTY: "is a directory that is not empty",
    errno.EINVAL: "is not a symbolic link",
    errno.ENXIO: "is a special file",
    errno.EACCES: "must not be read or changed: its permissions forbid it",
}
"""What the system says, in words that go on after the path."""


class WorkspaceError(UserError):
    """A path that cannot be used as asked; the text says why, so that a model can choose another way."""

    exit_code = ExitCode.REFUSED


class _AbsentError(WorkspaceError):
    """There is nothing at the path."""


class EntryKind(StrEnum):
    """What a name in a directory stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    OTHER = "other"


_CALLED = {
    EntryKind.FILE: "a file",
    EntryKind.DIRECTORY: "a directory",
    EntryKind.SYMLINK: "a symbolic link",
    EntryKind.OTHER: "a special file",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in the workspace, as it is itself (links are not followed); size in bytes, 0 for directories."""

    path: RepoPath
    kind: EntryKind
    size: int
    executable: bool


class Workspace:
    """The files below one directory. Methods raise `WorkspaceError` for what a path does not allow.

    A full disk is a plain `UserError`: no other path would help.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise UserError(f"The directory {root} cannot be opened: {error.strerror}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._descriptor)

    def read(self, path: str, *, limit: int | None = None) -> bytes:
        """Return a file's bytes, at most the first `limit`."""
        with self._parent(path) as (parent, name), _descriptor(name, _CONTENT, parent) as descriptor:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise WorkspaceError(f"{path} is {_CALLED[_kind(mode)]}, not a file.")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(-1 if limit is None else limit)

    def write(self, path: str, content: bytes, *, executable: bool | None = None) -> None:
        """Make or replace a file in one step, parents included; `executable=None` keeps the mode it has."""
        with self._parent(path, make=True) as (parent, name):
            mode = _new_mode(path, _status(name, parent), executable)
            temporary = f".phasegate-{secrets.token_hex(8)}"
            try:
                with _descriptor(temporary, _NEW, parent) as descriptor:
                    with open(descriptor, "wb", closefd=False) as file:
                        file.write(content)
                    os.fchmod(descriptor, mode)
                os.replace(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=parent)
                raise

    def symlink(self, path: str, target: bytes) -> None:
        """Make a symbolic link, parents included, wherever it points to: nothing here follows it."""
        with self._parent(path, make=True) as (parent, name):
            os.symlink(target, os.fsencode(name), dir_fd=parent)

    def readlink(self, path: str) -> bytes:
        """Return where a symbolic link points to."""
        with self._parent(path) as (parent, name):
            return os.readlink(os.fsencode(name), dir_fd=parent)

    def delete(self, path: str) -> None:
        """Delete a file, a link (not what it points to) or an empty directory."""
        with self._parent(path) as (parent, name):
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)

    def entry(self, path: str) -> Entry | None:
        """Return what a path stands for, None when there is nothing."""
        try:
            with self._parent(path) as (parent, name):
                status = _status(name, parent)
        except _AbsentError:
            return None
        return _entry(path, status) if status else None

    def list(self, path: str = "") -> tuple[Entry, ...]:
        """Return what is in one directory ("" is the root), by name.

        Names that are no repository path are left out: git's own data, and names that no document can carry.
        """
        with self._opened(_parts(path) if path else ()) as directory, os.scandir(directory) as found:
            entries = [
                _entry(below, status)
                for child in found
                if _is_path(below := f"{path}/{child.name}" if path else child.name)
                and (status := _status(child.name, directory))
            ]
        return tuple(sorted(entries, key=lambda entry: entry.path))

    def walk(self) -> Iterator[Entry]:
        """Yield everything but directories, in the order of their paths; links are not followed."""
        yield from self._walk("")

    def _walk(self, path: str) -> Iterator[Entry]:
        for entry in sorted(self.list(path), key=_path_order):
            if entry.kind is EntryKind.DIRECTORY:
                yield from self._walk(entry.path)
            else:
                yield entry

    @contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Give the directory that holds the path's last name, and that name."""
        *parents, name = _parts(path)
        with self._opened(parents, make=make) as parent, _told(path):
            yield parent, name

    @contextmanager
    def _opened(self, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """Give the directory at the end of these names, entered one by one; `make` makes those that are absent."""
        descriptor = os.open(".", _DIRECTORY, dir_fd=self._descriptor)  # a duplicate would share the place of reading
        try:
            for depth, part in enumerate(parts, 1):
                below = _enter(descriptor, part, "/".join(parts[:depth]), make=make)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)


def _parts(path: str) -> Sequence[str]:
    try:
        return check_repo_path(path).split("/")
    except ValueError as error:
        raise WorkspaceError(f"{error}.") from None


def _is_path(path: str) -> bool:
    try:
        check_repo_path(path)
    except ValueError:
        return False
    return True


def _enter(parent: int, name: str, path: str, *, make: bool) -> int:
    with _told(path):
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=parent)
        try:
            return os.open(name, _DIRECTORY, dir_fd=parent)
        except NotADirectoryError:
            status = _status(name, parent)
            if status and stat.S_ISLNK(status.st_mode):
                raise WorkspaceError(f"{path} is a symbolic link, and links are not followed.") from None
            raise _AbsentError(f"{path} is a file, not a directory.") from None


@contextmanager
def _descriptor(name: str, flags: int, parent: int) -> Iterator[int]:
    descriptor = os.open(name, flags, 0o600, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _status(name: str, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _entry(path: str, status: os.stat_result) -> Entry:
    kind = _kind(status.st_mode)
    return Entry(
        path=path,
        kind=kind,
        size=0 if kind is EntryKind.DIRECTORY else status.st_size,
        executable=kind is EntryKind.FILE and bool(status.st_mode & stat.S_IXUSR),
    )


def _kind(mode: int) -> EntryKind:
    kinds = {stat.S_IFREG: EntryKind.FILE, stat.S_IFDIR: EntryKind.DIRECTORY, stat.S_IFLNK: EntryKind.SYMLINK}
    return kinds.get(stat.S_IFMT(mode), EntryKind.OTHER)


def _path_order(entry: Entry) -> str:
    return f"{entry.path}/" if entry.kind is EntryKind.DIRECTORY else entry.path


def _new_mode(path: str, status: os.stat_result | None, executable: bool | None) -> int:
    if status and not stat.S_ISREG(status.st_mode):
        raise WorkspaceError(f"{path} is {_CALLED[_kind(status.st_mode)]}; it cannot be overwritten by a file.")
    if executable is None:
        return status.st_mode & 0o777 if status else 0o644
    return 0o755 if executable else 0o644


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Turn what the system refuses into words."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise UserError(f"{path} cannot be written: there is no space left on the disk.") from None
        if error.errno == errno.ENOENT:
            raise _AbsentError(f"{path} does not exist.") from None
        words = _REFUSALS.get(error.errno or 0, f"cannot be used: {error.strerror}")
        raise WorkspaceError(f"{path} {words}.") from None
