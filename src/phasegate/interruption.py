"""Ctrl-C and its kin: what runs for us is ended, then one `KeyboardInterrupt` goes through the whole command."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def listen() -> None:
    """Take these signals for an interruption, but for those that whoever started us wants ignored (nohup)."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def was_interrupted(error: BaseException | None) -> bool:
    """Say whether an error came up only because, or only after, the user interrupted."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    _end_programs()
    raise KeyboardInterrupt


def _end_programs() -> None:
    """Kill our children that lead a process group, with the group: threads that wait for them cannot be interrupted."""
    for child, group in _children(os.getpid()):
        if child == group:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


def _children(parent: int) -> Iterator[tuple[int, int]]:
    """Yield process id and group of each child, as proc(5) tells; nothing where there is no /proc."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            _state, its_parent, group, *_ = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            if int(its_parent) == parent:
                yield int(stat.parent.name), int(group)
