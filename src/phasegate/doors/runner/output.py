"""The runner of GitHub Actions, as a job's step sees it: outputs, summary, annotations, masks, groups and the log."""

import base64
import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, TextIO
from urllib.parse import quote

from phasegate.documents.parsing import shown
from phasegate.doors.runner.context import EVENT_LIMIT, RunnerContext
from phasegate.doors.runner.log import command, log_safe
from phasegate.errors import UserError

__all__ = ["ANNOTATIONS", "EVENT_LIMIT", "OUTPUT_LIMIT", "SUMMARY_LIMIT", "Runner", "RunnerContext", "log_safe"]

ANNOTATIONS = 10
"""Annotations of one level that GitHub shows for a step."""
OUTPUT_LIMIT = 256 * 1024
"""UTF-16 units of one output; GitHub allows 1 MiB for all outputs of a job."""
SUMMARY_LIMIT = 1024**2
"""Bytes of a step's summary; the runner drops a bigger one whole."""

_CUT = "\n\n_The summary ends here: GitHub shows no more than 1 MiB of it._\n"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_SHORT = 4
"""A part of a secret shorter than this is not masked by itself: it would blot out ordinary text."""

_Level = Literal["notice", "warning", "error"]


@dataclass(slots=True)
class Runner:
    """Speaks to the runner by its files and by standard output. `out` is that output."""

    output_file: Path
    summary_file: Path
    out: TextIO
    _said: Counter[str] = field(default_factory=Counter)
    _cut: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str], out: TextIO) -> Self:
        """Return the runner whose files the variables name. Raises `UserError` where there is none."""
        missing = [name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY") if not environ.get(name)]
        if missing:
            raise UserError(
                "There is no runner of GitHub Actions to speak to.",
                cause=f"Not set: {', '.join(missing)}.",
                mend="Run it as a step of a workflow.",
            )
        return cls(Path(environ["GITHUB_OUTPUT"]), Path(environ["GITHUB_STEP_SUMMARY"]), out)

    def output(self, name: str, value: str) -> None:
        """Set an output of the step. Raises `UserError` for a name or a value that GitHub would not carry."""
        if not _NAME.fullmatch(name):
            raise UserError(f"{shown(name)!r} is no name of an output.", mend="Use a-z, 0-9 and hyphens.")
        if len(value.encode("utf-16-le", "surrogatepass")) > 2 * OUTPUT_LIMIT:
            raise UserError(
                f"The output {name} is over {OUTPUT_LIMIT} characters.",
                cause="GitHub carries at most 1 MiB of outputs for a job.",
                mend="Hand over a file instead.",
            )
        delimiter = _delimiter(value)
        _append(self.output_file, f"{name}<<{delimiter}\n{value}\n{delimiter}\n")

    def summary(self, text: str) -> None:
        """Add Markdown to the step's summary; what is over GitHub's limit is cut at a line, with a note."""
        if self._cut:
            return
        room = SUMMARY_LIMIT - _size(self.summary_file) - len(_CUT)
        whole = _encodable(f"{text}\n")
        fitting = _head(whole, room)
        self._cut = fitting != whole
        _append(self.summary_file, fitting + (_CUT if self._cut else ""))

    def notice(self, message: str, *, title: str = "") -> None:
        """Say something on the run's page."""
        self._annotate("notice", message, title)

    def warning(self, message: str, *, title: str = "") -> None:
        """Warn on the run's page."""
        self._annotate("warning", message, title)

    def error(self, message: str, *, title: str = "") -> None:
        """Say on the run's page what went wrong; the exit code is what makes the step fail."""
        self._annotate("error", message, title)

    def mask(self, secret: str) -> None:
        """Let the runner blot a secret out of the log: whole, by line, and as it may be written elsewhere."""
        if secret.strip():
            self._print(command("add-mask", secret))
        for form in _forms(secret):
            self._print(command("add-mask", form))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold the lines logged inside under a title."""
        self._print(command("group", log_safe(title)))
        try:
            yield
        finally:
            self._print(command("endgroup"))

    def log(self, text: str) -> None:
        """Write text to the log, whoever wrote it; none of its lines can be read as a command."""
        self._print(log_safe(text))

    def _annotate(self, level: _Level, message: str, title: str) -> None:
        """Annotate, or once GitHub would drop it, log."""
        self._said[level] += 1
        if self._said[level] > ANNOTATIONS:
            self.log(f"{level.capitalize()}: {message}")
        else:
            # Escaped it is no command, but the page of the log unfolds what it takes for one.
            self._print(command(level, log_safe(message), {"title": log_safe(title)}))

    def _print(self, line: str) -> None:
        self.out.write(_encodable(line) + "\n")
        self.out.flush()


def _delimiter(value: str) -> str:
    """Return a line that nobody can foresee and that is not in the value."""
    while (delimiter := f"end-{secrets.token_hex(16)}") in value:
        pass
    return delimiter


def _forms(secret: str) -> Iterator[str]:
    """Yield the lines of a secret, and how programs write it: in base64, in git's header, in an address."""
    raw = secret.encode("utf-8", "surrogateescape")
    lines = secret.splitlines()
    encoded = (
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        base64.b64encode(b"x-access-token:" + raw),
    )
    forms = [*map(str.strip, lines), *(form.decode().rstrip("=") for form in encoded), quote(raw, safe="")]
    yield from sorted({form for form in forms if len(form) >= _SHORT} - {secret})


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _head(text: str, room: int) -> str:
    """Return as many of the first lines as have room, in bytes."""
    content = text.encode()
    return text if len(content) <= room else content[: content.rfind(b"\n", 0, max(room, 0)) + 1].decode()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(path: Path, text: str) -> None:
    try:
        with path.open("ab") as file:
            file.write(_encodable(text).encode())
    except OSError as error:
        raise UserError(
            f"{shown(path.name)} cannot be written: {error.strerror or error}.",
            cause="It is the runner's file for what a step says.",
            mend="Look whether the disk is full.",
        ) from None
