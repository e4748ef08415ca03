"""Runs one program to its end: bounded in time and in output, and with nothing of it left running."""

import os
import select
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from phasegate.errors import UserError

OUTPUT_LIMIT = 64 * 1024
"""Bytes of output that are kept unless the caller says otherwise."""

_CHUNK = 64 * 1024
_DRAIN_SECONDS = 0.2
"""How long the output of processes left behind is still read once the program itself has ended."""
_DRAIN_CHUNKS = 16
"""A pipe holds at most 1 MiB (pipe-max-size): what is left in it after the kill is read, and no more."""


@dataclass(frozen=True, slots=True)
class Execution:
    """How a program ended: exit code (None when it ran out of time), output and seconds.

    The output is stdout and stderr in the order they were written, decoded with replacement. When it is over the
    limit, its middle is missing and a line says how many bytes. A program ended by a signal has the signal's number,
    negative, as its exit code.
    """

    exit_code: int | None
    output: str
    seconds: float
    timed_out: bool

    @property
    def ok(self) -> bool:
        """True when the program ended by itself and was content."""
        return self.exit_code == 0 and not self.timed_out


def execute(
    argv: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    timeout: float,
    stdin: bytes = b"",
    output_limit: int = OUTPUT_LIMIT,
) -> Execution:
    """Run a program in a process group of its own, with exactly this environment, for at most `timeout` seconds.

    The whole group is killed at the end, however that comes about: exit, timeout, Ctrl-C (which is raised again).
    Processes that left the group are not; a sandbox with its own process ids ends those too.
    Raises `UserError` when the program cannot be started.
    """
    started = time.monotonic()
    output = _HeadAndTail(output_limit)
    process: subprocess.Popen[bytes] | None = None
    try:
        with _interrupt_put_off():
            process = _start(argv, cwd=cwd, environ=environ, with_input=bool(stdin))
        ended = _Conversation(process, stdin, output).hold(started + timeout)
    finally:
        if process is not None:
            _end(process, output)
    return Execution(
        exit_code=process.returncode if ended else None,
        output=output.text(),
        seconds=time.monotonic() - started,
        timed_out=not ended,
    )


class _HeadAndTail:
    """Keeps the first and the last half of what goes through it, whatever its length."""

    def __init__(self, limit: int) -> None:
        self._head_limit = limit - limit // 2
        self._tail_limit = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._size = 0

    def add(self, data: bytes) -> None:
        self._size += len(data)
        room = self._head_limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        del self._tail[: max(0, len(self._tail) - self._tail_limit)]

    def text(self) -> str:
        left_out = self._size - len(self._head) - len(self._tail)
        if not left_out:
            return (self._head + self._tail).decode("utf-8", "replace")
        head, tail = (part.decode("utf-8", "replace") for part in (self._head, self._tail))
        return f"{head}\n[… {left_out} bytes left out …]\n{tail}"


@contextmanager
def _interrupt_put_off() -> Iterator[None]:
    """Let Ctrl-C take effect only at the end: before we know a process that was born, it would be left behind.

    A blocked signal would do as well here, but the program would inherit that.
    """
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted, and only it may change how
        return
    met: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: met.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if met:
        signal.raise_signal(signal.SIGINT)


def _start(
    argv: Sequence[str], *, cwd: Path, environ: Mapping[str, str], with_input: bool
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.PIPE if with_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
    except ValueError:
        raise UserError("The command cannot be run: it holds a NUL or an unpaired surrogate.") from None
    except OSError as error:
        raise _not_started(argv[0], cwd, error) from None


def _not_started(program: str, cwd: Path, error: OSError) -> UserError:
    if not cwd.is_dir():
        return UserError(f"{program} cannot be run: the directory {cwd} is not there.")
    if isinstance(error, FileNotFoundError):
        return UserError(f"The program {program} was not found.", mend="Install it, or put its directory on PATH.")
    return UserError(f"The program {program} cannot be run.", cause=f"The system says: {error.strerror}.")


class _Conversation:
    """Passes input in and output out, until the program has ended and nobody writes any more."""

    def __init__(self, process: "subprocess.Popen[bytes]", stdin: bytes, output: _HeadAndTail) -> None:
        self._process = process
        self._input = memoryview(stdin)
        self._output = output
        self._running = True
        self._selector = selectors.DefaultSelector()

    def hold(self, deadline: float) -> bool:
        """Return whether the program ended before the deadline."""
        exit_descriptor = os.pidfd_open(self._process.pid)
        try:
            with self._selector:
                self._selector.register(exit_descriptor, selectors.EVENT_READ, self._note_exit)
                self._selector.register(_pipe(self._process.stdout), selectors.EVENT_READ, self._receive)
                if self._process.stdin:
                    self._selector.register(self._process.stdin, selectors.EVENT_WRITE, self._send)
                self._turn(deadline)
        finally:
            os.close(exit_descriptor)
        return not self._running

    def _turn(self, deadline: float) -> None:
        drained: float | None = None
        while self._running or self._process.stdout in self._selector.get_map():
            if not self._running and drained is None:
                drained = time.monotonic() + _DRAIN_SECONDS
            wait = (deadline if drained is None else min(deadline, drained)) - time.monotonic()
            if wait <= 0:
                return
            for key, _ in self._selector.select(wait):
                key.data(key.fileobj)

    def _note_exit(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        self._running = False

    def _receive(self, pipe: IO[bytes]) -> None:
        data = os.read(pipe.fileno(), _CHUNK)
        if data:
            self._output.add(data)
        else:
            self._selector.unregister(pipe)

    def _send(self, pipe: IO[bytes]) -> None:
        try:  # a pipe that can be written to takes this many bytes without blocking
            sent = os.write(pipe.fileno(), self._input[: select.PIPE_BUF])
        except BrokenPipeError:
            sent = len(self._input)
        self._input = self._input[sent:]
        if not self._input:
            self._selector.unregister(pipe)
            pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # asked for in _start
    return pipe


def _end(process: "subprocess.Popen[bytes]", output: _HeadAndTail) -> None:
    """Kill the group, take what is left in the pipe, and let go of everything."""
    # The program is waited for only afterwards: until then its process id, which names the group, cannot be reused.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    pipe = _pipe(process.stdout)
    os.set_blocking(pipe.fileno(), False)
    with suppress(BlockingIOError):
        for _ in range(_DRAIN_CHUNKS):  # a process that left the group may go on talking
            output.add(os.read(pipe.fileno(), _CHUNK))
    for descriptor in (pipe, process.stdin):
        if descriptor:
            descriptor.close()
