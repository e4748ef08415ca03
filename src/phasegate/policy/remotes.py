"""Where a repository lives, from the address that git has for it. Pure."""

import re
from dataclasses import dataclass

from phasegate.documents.parsing import shown

GITHUB = "github.com"
_NAME = r"(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,99})/(?P<name>(?!\.{1,2}/?$)[A-Za-z0-9._-]{1,100}?)(?:\.git)?/?"
_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)(?P<port>:[0-9]{1,5})?"
_FORMS = (
    re.compile(rf"(?P<scheme>https?|ssh|git)://(?:[^@/\s]*@)?{_HOST}/{_NAME}"),
    re.compile(rf"(?:[^@/\s:]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]{{0,253}}):/?{_NAME}"),
)
_ELSEWHERE = frozenset(
    {"gitlab.com", "bitbucket.org", "codeberg.org", "git.sr.ht", "dev.azure.com", "ssh.dev.azure.com"}
)
"""Well-known places that are not GitHub; any other host is taken for a GitHub Enterprise Server."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository on a server."""

    host: str
    """With its port where the address names one that a browser would need, too."""
    repository: str
    """`owner/name`."""

    @property
    def is_github(self) -> bool:
        """Whether it can be at GitHub, in the cloud or on a server of its own."""
        return self.host not in _ELSEWHERE

    @property
    def is_cloud(self) -> bool:
        """Whether it is at GitHub itself: github.com, or a company's part of it at ghe.com."""
        return self.host == GITHUB or self.host.endswith(".ghe.com")

    @property
    def web(self) -> str:
        """Return the address of the repository in a browser."""
        return f"https://{self.host}/{self.repository}"

    @property
    def api(self) -> str:
        """Return the address of the REST API."""
        if self.host == GITHUB:
            return "https://api.github.com"
        return f"https://api.{self.host}" if self.is_cloud else f"https://{self.host}/api/v3"


def read_remote(address: str) -> Remote | None:
    """Return the repository that an address of git names; None for what is none on a server, such as a path.

    What stands before an `@` is left out: it may be a password.
    """
    for form in _FORMS:
        if found := form.fullmatch(address.strip()):
            groups = found.groupdict()
            web = groups.get("scheme") in {"http", "https"}
            host = groups["host"].lower() + ((groups.get("port") or "") if web else "")
            return Remote(_plain_host(host), f"{groups['owner']}/{groups['name']}")
    return None


def _plain_host(host: str) -> str:
    """Return the host that a browser would go to.

    GitHub has another one for SSH by way of port 443; and people with several accounts give it names such as
    `github-work` in their configuration of SSH.
    """
    if host == f"ssh.{GITHUB}" or ("." not in host and host.startswith("github")):
        return GITHUB
    return host.removeprefix("ssh.") if host.endswith(".ghe.com") else host


def not_github(remote: Remote | None) -> str:
    """Return why nothing can be asked of GitHub, or an empty text."""
    if remote is None:
        return "The remote `origin` of this repository is no address of GitHub."
    return "" if remote.is_github else f"The remote `origin` is at {shown(remote.host)}, which is not GitHub."
