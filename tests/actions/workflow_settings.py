"""What a workflow runner has to be told: about the repository, the servers, and the test that watches."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actions.job_machine import SYSTEM_PATH
from actions.workflow_language import Language

if TYPE_CHECKING:
    from actions.workflow_run import WorkflowRun

# What GITHUB_TOKEN may do where neither the workflow nor the job says so, in a repository with restricted defaults.
RESTRICTED = {"contents": "read", "packages": "read"}


@dataclass(frozen=True)
class Repository:
    """The repository whose workflow runs; `clone` is the bare repository behind it."""

    name: str
    clone: Path
    default_branch: str = "main"
    id: int = 1
    owner_id: int = 2

    def head(self, branch: str) -> str:
        """The commit a branch is at."""
        command = ["git", "-C", str(self.clone), "rev-parse", "--verify", f"refs/heads/{branch}"]
        environ = {"PATH": SYSTEM_PATH, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout.strip()


@dataclass(frozen=True)
class Servers:
    """Where GitHub is."""

    api: str = "http://127.0.0.1:1/api/v3"
    graphql: str = "http://127.0.0.1:1/api/graphql"
    server: str = "http://127.0.0.1:1"


def _nothing(*_: object) -> None:
    """A hook that nobody set."""


@dataclass
class Hooks:
    """Where a test can step in. Any hook may raise MachineLostError: the job fails and hands nothing over."""

    before_job: Callable[["WorkflowRun", str], None] = _nothing  # the job's name; not called for skipped ones
    after_job: Callable[["WorkflowRun", str], None] = _nothing  # its steps are done, its outputs not yet handed over
    each_line: Callable[[str, str], None] = _nothing  # the job's name and a line that a process just printed


@dataclass
class Settings:
    """Everything a run needs that is not in the workflow file."""

    language: Language
    workflow: Path
    repository: Repository
    directory: Path
    issue_token: Callable[[dict[str, str]], str]
    revoke_token: Callable[[str], None] = _nothing
    servers: Servers = field(default_factory=Servers)
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, Path] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=Hooks)
    default_permissions: Mapping[str, str] = field(default_factory=lambda: dict(RESTRICTED))
    parallel: int = 1
    minute: float = 60.0
    path: str = SYSTEM_PATH
