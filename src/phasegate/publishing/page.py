"""Where links of ours lead: the server that the run is on, the repository, and the run of the workflow."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from phasegate.documents.base import Sha
from phasegate.publishing.safe_markdown import Safe

_SERVER = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Page:
    """Addresses on the forge; `run_url` is empty where there is no workflow.

    Raises `ValueError` for anything that is not a plain address: it would stand in a link.
    """

    server_url: str
    repository: str
    run_url: str

    def __post_init__(self) -> None:
        """Check all three."""
        if not _SERVER.fullmatch(self.server_url):
            raise ValueError("the server's address is no plain web address")
        if not _REPOSITORY.fullmatch(self.repository):
            raise ValueError("the repository is not named as owner/name")
        if self.run_url and not _SERVER.fullmatch(self.run_url):
            raise ValueError("the run's address is no plain web address")

    @property
    def run(self) -> Safe | None:
        """The address of the workflow's run."""
        return Safe(self.run_url) if self.run_url else None

    def commit(self, sha: Sha) -> Safe:
        """Return the address of a commit."""
        return self._at("commit", sha)

    def tree(self, branch: str) -> Safe:
        """Return the address of a branch."""
        return self._at("tree", branch)

    def file(self, branch: str, path: str) -> Safe:
        """Return the address of a file on a branch."""
        return self._at("blob", f"{branch}/{path}")

    def _at(self, kind: str, path: str) -> Safe:
        return Safe(f"{self.server_url}/{self.repository}/{kind}/{quote(path, errors='replace')}")
