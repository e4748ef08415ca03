"""The door to single files of a checkout that a command writes for the user: never through a symbolic link."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from phasegate.errors import RefusedError, UserError

LIMIT = 1024 * 1024
_MODE = 0o644


@dataclass(frozen=True, slots=True)
class CheckoutFiles:
    """The files below the root of a checkout."""

    top: Path

    def read(self, path: str) -> str | None:
        """Return a file's text; None where there is none.

        Raises `RefusedError` for a symbolic link on the way and for what is no plain file, `UserError` for a file that
        is no UTF-8 or has more than 1 MiB.
        """
        place = self._checked(path)
        try:
            size = place.lstat().st_size
            content = place.read_bytes() if size <= LIMIT else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        if content is None:
            raise UserError(f"{path} has more than {LIMIT} bytes.", mend="Look whether it is the right file.")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(f"{path} is no UTF-8 text.", mend="Save it as UTF-8, or move it away.") from None

    def write(self, path: str, text: str) -> None:
        """Write a file at once, with the directories that it needs: nobody sees half of it. Raises as `read` does."""
        place = self._checked(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".phasegate-", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
            fresh = Path(name)
            fresh.chmod(_mode_of(place))
            fresh.replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _checked(self, path: str) -> Path:
        place = self.top
        for part in Path(path).parts:
            place /= part
            mode = _lstat(place)
            if mode is not None and stat.S_ISLNK(mode):
                raise _refused(path, place.relative_to(self.top), "a symbolic link")
        mode = _lstat(place)
        if mode is not None and not stat.S_ISREG(mode):
            raise _refused(path, place.relative_to(self.top), "no plain file")
        return place


def _lstat(place: Path) -> int | None:
    try:
        return place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _mode_of(place: Path) -> int:
    mode = _lstat(place)
    return _MODE if mode is None else stat.S_IMODE(mode)


def _refused(path: str, where: Path, what: str) -> RefusedError:
    return RefusedError(
        f"{path} is not written: {where} is {what}.",
        cause="What stands there leads elsewhere, or is not what belongs there.",
        mend=f"Move {where} away, then say it again.",
    )
