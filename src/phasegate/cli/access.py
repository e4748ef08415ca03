"""How a command reaches GitHub for the repository at hand: which server, and with which token of the environment."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from phasegate.doors.git.history import GitHistory
from phasegate.doors.git.repository import Git
from phasegate.errors import UserError
from phasegate.policy.remotes import Remote, not_github, read_remote

if TYPE_CHECKING:
    from phasegate.doors.github.client import GitHub

CLOUD_TOKENS = ("GH_TOKEN", "GITHUB_TOKEN")
SERVER_TOKENS = ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout, and where it says that it comes from."""

    git: Git
    history: GitHistory
    remote: Remote | None
    foreign: str
    """Why GitHub cannot be asked for it, or an empty text."""
    mend: str

    @classmethod
    def open(cls, directory: Path, environ: Mapping[str, str]) -> "Checkout":
        """Return the checkout of a directory. Raises `UserError` where there is none."""
        if not directory.is_dir():
            raise UserError(f"{directory} is no directory.")
        git = Git.open(directory, environ=environ)
        history = GitHistory.open(git.top, environ=environ)
        address = history.remote()
        remote = read_remote(address or "")
        foreign = "There is no remote `origin`." if address is None else not_github(remote)
        verb = "add" if address is None else "set-url"
        return cls(git, history, remote, foreign, f"git remote {verb} origin https://github.com/OWNER/NAME")


@dataclass(frozen=True, slots=True)
class Access:
    """The API of the server that a repository lives at; `token` is None where the environment has none for it."""

    remote: Remote
    api_url: str
    token: str | None = field(repr=False)
    variables: tuple[str, ...]
    """Where a token was looked for."""

    @classmethod
    def of(cls, remote: Remote, environ: Mapping[str, str]) -> "Access":
        """Return the access to a repository.

        A token for GitHub goes to GitHub, and to the server that the environment itself names (as a job's does); not to
        whatever host a clone happens to come from.
        """
        server = urlsplit(environ.get("GITHUB_SERVER_URL", ""))
        is_named = bool(server.hostname) and server.netloc.lower() == remote.host
        variables = CLOUD_TOKENS if remote.is_cloud or is_named else SERVER_TOKENS
        token = next((value for name in variables if (value := environ.get(name, "").strip())), None)
        api = environ.get("GITHUB_API_URL") if is_named else None
        return cls(remote, (api or remote.api).rstrip("/"), token, variables)

    def github(self) -> "GitHub":
        """Return the door to it. There has to be a token."""
        from phasegate.doors.github.client import GitHub  # noqa: PLC0415 -- most commands never ask GitHub

        assert self.token is not None
        return GitHub(self.remote.repository, self.token, api_url=self.api_url, clock=time.time, sleep=time.sleep)
