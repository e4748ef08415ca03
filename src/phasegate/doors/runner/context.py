"""What a runner of GitHub Actions says of the job: read once from its variables and its event file, strictly."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, urlsplit

from phasegate.documents.parsing import shown
from phasegate.errors import UserError

EVENT_LIMIT = 8 * 1024**2
"""Bytes of an event file: GitHub's payloads end at 25 MB, those of issues and comments far below one."""

_OWNER = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
_REPOSITORY = rf"{_OWNER}/(?!\.{{1,2}}\Z)[A-Za-z0-9._-]{{1,100}}"
_PATTERNS = {
    "GITHUB_REPOSITORY": re.compile(_REPOSITORY),
    "GITHUB_EVENT_NAME": re.compile(r"[a-z][a-z_]{0,63}"),
    "GITHUB_RUN_ID": re.compile(r"[1-9][0-9]{0,18}"),
    "GITHUB_RUN_ATTEMPT": re.compile(r"[1-9][0-9]{0,5}"),
    "GITHUB_ACTOR": re.compile(rf"{_OWNER}(\[bot\])?"),
    "GITHUB_WORKFLOW_REF": re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}/[^\s@]{1,255}@[^\s@][^\s]{0,255}"),
}
_ADDRESSES = ("GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL")
_PATHS = ("GITHUB_EVENT_PATH", "RUNNER_TEMP")
_REQUIRED = ("GITHUB_ACTIONS", *_PATTERNS, *_ADDRESSES, *_PATHS)
_ENVIRONMENTS = frozenset({"github-hosted", "self-hosted"})
_MEND = "Run it as a step of a workflow; on your own machine, use `phasegate run` instead."


@dataclass(frozen=True, slots=True)
class RunnerContext:
    """The job's surroundings; what came from outside has been checked for its form, and nothing more."""

    repository: str
    """`owner/name`."""
    api_url: str
    """Without a slash at its end, as the other two addresses; on GitHub Enterprise Server, that server's."""
    graphql_url: str
    server_url: str
    event_name: str
    event: bytes
    """The webhook's payload: not parsed, at most `EVENT_LIMIT` bytes."""
    run_id: int
    run_attempt: int
    actor: str
    temp: Path
    """A directory that is the job's own and empty when it starts."""
    workflow_ref: str
    """`owner/name/path@ref` of the workflow file that is running."""
    runner_environment: str
    """`github-hosted` or `self-hosted`."""
    debug: bool

    @property
    def run_url(self) -> str:
        """The address of the workflow run, of this attempt when it is not the first."""
        run = f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"
        return run if self.run_attempt == 1 else f"{run}/attempts/{self.run_attempt}"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the context that the variables and the event file describe.

        Raises `UserError` outside of GitHub Actions, and for a variable or an event file that is not of its form.
        """
        _refuse_missing(environ)
        value = {name: _matching(name, environ[name]) for name in _PATTERNS}
        address = {name: _address(name, environ[name]) for name in _ADDRESSES}
        return cls(
            repository=value["GITHUB_REPOSITORY"],
            api_url=address["GITHUB_API_URL"],
            graphql_url=address["GITHUB_GRAPHQL_URL"],
            server_url=address["GITHUB_SERVER_URL"],
            event_name=value["GITHUB_EVENT_NAME"],
            event=_event(Path(environ["GITHUB_EVENT_PATH"])),
            run_id=int(value["GITHUB_RUN_ID"]),
            run_attempt=int(value["GITHUB_RUN_ATTEMPT"]),
            actor=value["GITHUB_ACTOR"],
            temp=_directory(Path(environ["RUNNER_TEMP"])),
            workflow_ref=value["GITHUB_WORKFLOW_REF"],
            runner_environment=_environment(environ),
            debug=environ.get("RUNNER_DEBUG") == "1",
        )


def _refuse_missing(environ: Mapping[str, str]) -> None:
    missing = [name for name in _REQUIRED if not environ.get(name)]
    if missing:
        raise UserError("This is no job of GitHub Actions.", cause=f"Not set: {', '.join(missing)}.", mend=_MEND)


def _matching(name: str, value: str) -> str:
    if not _PATTERNS[name].fullmatch(value):
        raise _malformed(name, value)
    return value


def _address(name: str, value: str) -> str:
    try:
        parts = urlsplit(value)
        fit = _is_plain(parts, value) and (parts.scheme == "https" or _is_loopback(parts))
    except ValueError:
        fit = False
    if not fit:
        raise _malformed(name, value, mend="It is an https address, or an http one of this machine itself.")
    return value.rstrip("/")


def _is_plain(parts: SplitResult, value: str) -> bool:
    odd = "@" in parts.netloc or "?" in value or "#" in value or not re.fullmatch(r"[!-~]+", value)
    return bool(parts.hostname) and not odd and (parts.port is None or parts.port > 0)


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)


def _event(path: Path) -> bytes:
    content = _content(path) if path.is_file() else None
    if content is None or len(content) > EVENT_LIMIT:
        raise _malformed(
            "GITHUB_EVENT_PATH", str(path), mend=f"It is the path of a file of at most {EVENT_LIMIT} bytes."
        )
    return content


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(EVENT_LIMIT + 1)
    except OSError as error:
        raise UserError(
            f"The event file {shown(str(path))} cannot be read: {error.strerror or error}.",
            cause="GITHUB_EVENT_PATH names it.",
            mend=_MEND,
        ) from None


def _directory(path: Path) -> Path:
    if not path.is_absolute() or not path.is_dir():
        raise _malformed("RUNNER_TEMP", str(path), mend="It is the absolute path of a directory.")
    return path


def _environment(environ: Mapping[str, str]) -> str:
    value = environ.get("RUNNER_ENVIRONMENT") or "self-hosted"  # older runners, all of them self-hosted, set nothing
    if value not in _ENVIRONMENTS:
        raise _malformed("RUNNER_ENVIRONMENT", value, mend="It is github-hosted or self-hosted.")
    return value


def _malformed(name: str, value: str, *, mend: str = "") -> UserError:
    return UserError(
        f"{name} is {shown(value)!r}, which is not of its form.",
        cause="The runner sets it; a workflow or a machine that sets it anew can break it.",
        mend=mend or f"Do not set {name} yourself.",
    )
