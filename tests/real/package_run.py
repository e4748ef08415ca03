"""A run on a real package: its git repository, the command line as a process of its own, and what the run left."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from phasegate.documents.base import Document
from phasegate.documents.progress import Progress
from phasegate.doors.run_store import RunStore
from phasegate.phases.branch import plan_path
from phasegate.publishing.views import AuditView, RunView
from repositories import git, make_repository

HERE = Path(__file__).resolve().parent
RUN = "L1"
BRANCH = f"phasegate/{RUN}"
APPROVER = "Ann Approver"
_Document = TypeVar("_Document", bound=Document)


@dataclass(frozen=True, slots=True)
class Counts:
    """How a suite ended, by its own words."""

    passed: int
    failed: int

    @classmethod
    def of(cls, output: str) -> "Counts":
        """Return the numbers of pytest's last line."""
        last = output.strip().splitlines()[-1]
        numbers = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", last)}
        assert numbers, f"pytest did not come to its end: {output[-2000:]}"
        return cls(numbers.get("passed", 0), numbers.get("failed", 0) + numbers.get("error", 0))


@dataclass(frozen=True, slots=True)
class PackageRun:
    """One package as a repository with the gate `suite`, which runs its own tests, and the one run on it."""

    name: str
    directory: Path
    suite: str
    environ: Mapping[str, str]

    @classmethod
    def make(
        cls, name: str, files: Mapping[str, bytes], directory: Path, *, suite: str, config: str = ""
    ) -> "PackageRun":
        """Make the repository of a package's files, and a configuration, in one commit."""
        gates = f"gates: {{suite: {{run: {json.dumps(suite)}}}}}\n{config}"
        path = make_repository(directory / "repository", {**files, ".github/phasegate.yml": gates})
        git(path, "config", "user.name", APPROVER)
        git(path, "config", "user.email", "ann@example.com")
        for place in ("home", "temporary", "elsewhere"):
            (directory / place).mkdir()
        environ = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory / "temporary"),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return cls(name, directory, suite, environ)

    @property
    def repository(self) -> Path:
        """The user's repository."""
        return self.directory / "repository"

    @property
    def store(self) -> RunStore:
        """What the run has left so far, read anew."""
        return RunStore(self.repository / ".git" / "phasegate" / "runs" / RUN)

    @property
    def progress(self) -> Progress:
        """Where the run is."""
        return self.store.progress

    def phasegate(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command as a user does, and hold that it leaves nothing in the directory for temporary files."""
        argv = (sys.executable, "-m", "phasegate", *arguments, "--repo", str(self.repository))
        done = _call(argv, self.directory, self.environ)
        assert list((self.directory / "temporary").iterdir()) == []
        return done

    def start(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Start a run on the package's issue, with its rehearsal."""
        issue, script = HERE / f"{self.name}.md", HERE / f"{self.name}.yml"
        return self.phasegate("run", "--issue", str(issue), "--rehearse", str(script), *arguments)

    def shown(self) -> RunView:
        """Return what `phasegate show` says."""
        return RunView.model_validate_json(self.phasegate("show", RUN, "--json").stdout)

    def audited(self) -> AuditView:
        """Return what `phasegate audit` says."""
        return AuditView.model_validate_json(self.phasegate("audit", RUN, "--json").stdout)

    def documents(self, kind: type[_Document]) -> tuple[_Document, ...]:
        """Return every document of a kind that the run has left."""
        return self.store.all(kind)

    def transcript(self, worker: str) -> str:
        """Return what a worker said and saw."""
        return (self.store.directory / "transcripts" / f"{worker}.jsonl").read_text("utf-8")

    def changed(self) -> dict[str, str]:
        """Return the branch's difference from the base: A, M or D by path, but for the plan."""
        lines = git(self.repository, "diff", "--name-status", "--no-renames", self.progress.base_sha, BRANCH)
        changed = {path: status for status, path in (line.split("\t") for line in lines.splitlines())}
        assert changed.pop(plan_path(self.store)) == "A"
        return changed

    def shows(self, path: str) -> str:
        """Return a file as the branch has it."""
        return git(self.repository, "show", f"{BRANCH}:{path}")

    def checkout(self, commit: str) -> Path:
        """Return a clone at a commit, for work outside phasegate."""
        path = self.directory / f"checkout-{commit.replace('/', '-')}"
        if not path.exists():
            git(self.directory, "clone", "--quiet", "--no-checkout", str(self.repository), str(path))
            git(path, "checkout", "--quiet", git(self.repository, "rev-parse", commit))
        return path

    def own_tests(self, commit: str) -> Counts:
        """Run the package's own tests at a commit, outside phasegate and outside its sandbox."""
        return Counts.of(self.call(commit, "sh", "-c", self.suite).stdout)

    def call(self, commit: str, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a clone at a commit."""
        return _call(argv, self.checkout(commit), {**self.environ, "TMPDIR": str(self.directory / "elsewhere")})


def _call(argv: tuple[str, ...], cwd: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)
