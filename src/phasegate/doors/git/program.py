"""Runs the git program: in a scrubbed environment, within a time limit, and with its failures told in its own words.

Nothing that a repository's configuration names is run: no hook, no file system monitor, no pager, no transport.
"""

import io
import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from phasegate.errors import UserError

TIMEOUT = 120.0
"""Seconds that one git command may take; for a stream, seconds of silence."""

OLDEST_VERSION = (2, 30)
"""The first git with a working `rev-parse --verify --end-of-options`."""

_EVERYWHERE = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": "none",  # beats protocol.<name>.allow of a repository: a partial clone fetches nothing
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",  # reading must not rewrite the user's index
    "GIT_TERMINAL_PROMPT": "0",
}
_NO_USER_CONFIGURATION = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
_OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=false"),
    *("-c", "protocol.allow=never"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one git command left: its exit code, its output, and its complaints."""

    code: int
    output: bytes
    complaint: str

    @property
    def line(self) -> str:
        """The output as one line of text, for paths and ids."""
        return os.fsdecode(self.output.removesuffix(b"\n"))


@dataclass(frozen=True, slots=True)
class GitProgram:
    """The git that `PATH` names, and the little of the user's environment that it may see."""

    path: str
    environ: Mapping[str, str]
    user: Mapping[str, str]
    temporary: str | None

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Self:
        """Find git by the `PATH` of `environ`; raises `UserError` when it is missing or older than 2.30.

        Relative entries of `PATH` are left out: they would name a program inside the repository at hand.
        """
        entries = environ.get("PATH", os.defpath).split(os.pathsep)
        search = os.pathsep.join(entry for entry in entries if entry.startswith("/"))
        path = shutil.which("git", path=search)
        if path is None:
            raise UserError(
                "git was not found.", cause="No directory of PATH has it.", mend="Install git 2.30 or newer."
            )
        user = {name: environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in environ}
        program = cls(path, {"PATH": search, **_EVERYWHERE}, user, environ.get("TMPDIR"))
        program._check_version()
        return program

    def _check_version(self) -> None:
        answer = self.run("version", cwd=Path("/"))
        found = re.search(r"(\d+)\.(\d+)", answer.line)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_VERSION:
            raise UserError(f"{self.path} is too old: {answer.line}.", mend="Install git 2.30 or newer.")

    def run(
        self,
        *arguments: str,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        as_user: bool = False,
    ) -> Answer:
        """Run one git command and give its answer; raises `UserError` in git's own words when it fails.

        `as_user` lets git read the user's own and the system's configuration, which is for reading settings only.
        """
        answer = self.attempt(*arguments, cwd=cwd, environ=environ, stdin=stdin, as_user=as_user)
        if answer.code != 0:
            raise failure(arguments[0], answer.complaint)
        return answer

    def attempt(
        self,
        *arguments: str,
        cwd: Path,
        environ: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        as_user: bool = False,
        timeout: float | None = None,
    ) -> Answer:
        """Run one git command that may fail, and give its answer; raises `UserError` only when it cannot run at all.

        `timeout` is in seconds; None stands for the usual limit.
        """
        seconds = TIMEOUT if timeout is None else timeout
        configuration = self.user if as_user else _NO_USER_CONFIGURATION
        try:
            done = subprocess.run(
                self._command(arguments),
                cwd=cwd,
                env={**self.environ, **configuration, **(environ or {})},
                input=stdin,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _too_slow(arguments[0], seconds) from error
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            raise UserError(f"git {arguments[0]} could not be run in {cwd}: {error}.") from error
        return Answer(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    @contextmanager
    def stream(
        self, *arguments: str, cwd: Path, environ: Mapping[str, str], stdin: IO[bytes]
    ) -> Iterator[io.BufferedReader]:
        """Run one git command and give its output to be read bit by bit; the command ends with the block.

        Raises `UserError` when the reader meets an early end (`EOFError`) or when git stays silent for too long.
        """
        with tempfile.TemporaryFile(dir=self.temporary) as complaints:
            child = subprocess.Popen(
                self._command(arguments),
                cwd=cwd,
                env={**self.environ, **_NO_USER_CONFIGURATION, **environ},
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=complaints,
            )
            try:
                yield io.BufferedReader(_TimedPipe(child), 1 << 20)
            except EOFError as error:
                complaints.seek(0)
                raise failure(arguments[0], complaints.read().decode(errors="replace")) from error
            except TimeoutError as error:
                raise _too_slow(arguments[0], TIMEOUT) from error
            finally:
                _end(child)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [self.path, *_OPTIONS, *arguments]


class _TimedPipe(io.RawIOBase):
    """The output of a child process; raises `TimeoutError` when nothing comes for `TIMEOUT` seconds."""

    def __init__(self, child: subprocess.Popen[bytes]) -> None:
        super().__init__()
        assert child.stdout is not None
        self._descriptor = child.stdout.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed asks for any writable buffer
        if not self._poll.poll(TIMEOUT * 1000):
            raise TimeoutError
        return os.readv(self._descriptor, [buffer])


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdout is not None
    child.kill()
    child.stdout.close()
    child.wait()


def failure(command: str, complaint: str) -> UserError:
    """The error for a git command that failed: names it and quotes the line in which git says why."""
    lines = [line for line in complaint.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines or ["nothing"]
    quoted = "".join(character if character.isprintable() else "?" for character in telling[0])
    return UserError(f"git {command} failed.", cause=f"git says: {quoted}", mend="Repair that in the repository first.")


def _too_slow(command: str, seconds: float) -> UserError:
    return UserError(
        f"git {command} gave no answer within {seconds:.0f} seconds.",
        cause="The disk or the network may be slow, or another process holds a lock.",
        mend="Try again.",
    )
