"""Removes a directory with whatever a program left in it: locked, nested too deep for any path, or full of links.

Directories are moved up to the top before they are emptied, so depth does not matter; links are removed, not followed.
"""

import itertools
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from phasegate.errors import UserError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_directory(directory: Path) -> None:
    """Remove a directory of ours with all that is in it; an absent one, or a link in its place, is left alone.

    No other process may be at work in there. Raises `UserError` when the system refuses.
    """
    if directory.is_symlink() or not directory.is_dir():
        return
    try:
        directory.chmod(0o700)
        top = os.open(directory, _DIRECTORY)
        try:
            _empty(top)
        finally:
            os.close(top)
        directory.rmdir()
    except OSError as error:
        raise UserError(f"{directory} could not be removed: {error}.", mend="Remove it by hand.") from error


def _empty(top: int) -> None:
    token = secrets.token_hex(8)  # the names that directories get at the top must be nobody else's
    names = (f"{token}-{number}" for number in itertools.count())
    pending = _clear(top, top, names)
    while pending:
        name = pending.pop()
        directory = os.open(name, _DIRECTORY, dir_fd=top)
        try:
            pending += _clear(directory, top, names)
        finally:
            os.close(directory)
        os.rmdir(name, dir_fd=top)


def _clear(directory: int, top: int, names: Iterator[str]) -> list[str]:
    """Remove all but the directories in here, move those to the top, and give their new names."""
    with os.scandir(directory) as found:
        children = [(child.name, child.is_dir(follow_symlinks=False)) for child in found]
    moved = []
    for child, is_directory in children:
        if is_directory:
            os.chmod(child, 0o700, dir_fd=directory)  # moving a directory needs the right to write it
            moved.append(next(names))
            os.rename(child, moved[-1], src_dir_fd=directory, dst_dir_fd=top)
        else:
            os.unlink(child, dir_fd=directory)
    return moved
