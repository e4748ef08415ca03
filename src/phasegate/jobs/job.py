"""One job: what it is told, what it stands on, and what it leaves."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from shutil import copytree

from rich.console import Console

from phasegate.documents.base import RunId, Sha, Step
from phasegate.documents.hand_over import HandOver
from phasegate.doors.anthropic.api import KEY_VARIABLE
from phasegate.doors.git.remote import RemoteGit, repository_url
from phasegate.doors.git.repository import Git
from phasegate.doors.github.app import installation_token
from phasegate.doors.github.client import GitHub, Pace
from phasegate.doors.local_forge import LocalForge
from phasegate.doors.removal import remove_directory
from phasegate.doors.run_store import RunStore
from phasegate.doors.runner.output import Runner, RunnerContext
from phasegate.doors.templates import Templates, template_directory
from phasegate.errors import UserError
from phasegate.jobs.carrying import packed, read_hand_over, unpack, unpack_documents
from phasegate.jobs.inputs import Inputs
from phasegate.phases.setting import Clock, Setting
from phasegate.progress_view import ProgressView
from phasegate.publishing.page import Page
from phasegate.steps import STEPS
from phasegate.surroundings import RunOptions, Surroundings

_APP_PERMISSIONS = {"contents": "write", "pull_requests": "write"}
_HAND_OVER = "hand-over.json"


@dataclass(frozen=True, slots=True)
class Job:
    """A step on a machine of its own."""

    context: RunnerContext
    runner: Runner
    inputs: Inputs
    environ: Mapping[str, str]
    clock: Clock
    github: GitHub
    templates: Templates
    page: Page

    @classmethod
    def of(cls, context: RunnerContext, runner: Runner, inputs: Inputs, environ: Mapping[str, str]) -> "Job":
        """Return the job that a runner's step is."""
        clock = Clock(now=lambda: datetime.now(UTC), seconds=time.monotonic, sleep=time.sleep)
        github = _github(context, inputs.token, clock)
        page = Page(context.server_url, context.repository, context.run_url)
        return cls(context, runner, inputs, environ, clock, github, Templates(template_directory()), page)

    @property
    def folder(self) -> Path:
        """The job's own directory."""
        return self.context.temp / "phasegate"

    @property
    def step(self) -> Step:
        """What the job does."""
        return self.inputs.step

    def store(self, run: RunId) -> RunStore:
        """Return where the run's files are in this job."""
        return RunStore(self.folder / "run" / run)

    def fresh_store(self, run: RunId) -> RunStore:
        """Return an empty place for a new run, also where an older one was."""
        store = self.store(run)
        remove_directory(store.directory)
        return store

    def remote(self, base: Sha) -> RemoteGit:
        """Return a new clone with the commit `base` and nothing else. Raises `UserError`."""
        url = repository_url(self.context.server_url, self.context.repository)
        directory = self.folder / "repository"
        token, environ = self.inputs.token, self.environ
        return RemoteGit.clone(directory, url, base=base, token=token, environ=environ, sleep=self.clock.sleep)

    def git(self, remote: RemoteGit) -> Git:
        """Return the clone as the phases use it."""
        return Git.open(remote.directory, environ=self.environ)

    def writer(self) -> "Job":
        """Return the job with the rights of the GitHub App, if one is configured, so that its pushes start CI."""
        if not self.inputs.app_id:
            return self
        token = installation_token(
            app_id=self.inputs.app_id,
            private_key=self.inputs.app_private_key,
            repository=self.context.repository,
            api_url=self.context.api_url,
            permissions=_APP_PERMISSIONS,
            clock=time.time,
            sleep=self.clock.sleep,
        )
        self.runner.mask(token)
        github = _github(self.context, token, self.clock)
        return replace(self, inputs=replace(self.inputs, token=token), github=github)

    def taken(self) -> HandOver:
        """Return the hand-over that this job was given. Raises `RefusedError` if it is another one."""
        digest = self.inputs.hand_over
        if digest is None:
            raise UserError(f"The step {self.step} needs a hand-over.", cause="The workflow was edited.")
        return read_hand_over(self.folder / "in" / _HAND_OVER, digest)

    def joined(self) -> tuple[HandOver, ...]:
        """Return the hand-overs of the jobs of a matrix. Raises `RefusedError` if one is another than was said."""
        folder = self.folder / "in"
        return tuple(
            read_hand_over(folder / f"phasegate-{digest}" / _HAND_OVER, digest) for digest in self.inputs.hand_overs
        )

    def opened(self, hand_over: HandOver) -> tuple[RemoteGit, Git, RunStore]:
        """Return a clone and a store with the run in them. Raises `UserError` for a run that does not hold together."""
        if hand_over.progress is None:
            raise UserError("The hand-over carries no run.")
        remote = self.remote(hand_over.progress.base_sha)
        git, store = self.git(remote), self.store(hand_over.run)
        unpack(hand_over, store, git)
        return remote, git, store

    def documents(self, hand_over: HandOver) -> RunStore:
        """Return a store with the run's documents, for a job that needs no clone. Raises `RefusedError`."""
        store = self.store(hand_over.run)
        unpack_documents(hand_over, store)
        return store

    @contextmanager
    def setting(self, git: Git, store: RunStore) -> Iterator[Setting]:
        """Give the phases what they need, with no more power than the step may hold."""
        facts = STEPS[self.step]
        environ = dict(self.environ)
        if self.inputs.model_key and facts.power.value == "model key":
            environ[KEY_VARIABLE] = self.inputs.model_key
        around = Surroundings(git, LocalForge(git, self.clock.now), environ, self.clock, self.inputs.model_url or None)
        view = ProgressView(Console(file=_Log(self.runner), width=140, highlight=False), self.clock.seconds, live=False)
        options = RunOptions()
        with around.setting(store, options, view.watch, self.runner.warning, executes=facts.sandboxed) as setting:
            try:
                yield setting
            finally:
                self._keep_transcripts(store)

    def _keep_transcripts(self, store: RunStore) -> None:
        transcripts = store.directory / "transcripts"
        if transcripts.is_dir():
            copytree(transcripts, self.folder / "out" / "transcripts", dirs_exist_ok=True)

    def leave(self, hand_over: HandOver, following: str) -> None:
        """Write the hand-over and say what comes next."""
        out = self.folder / "out"
        out.mkdir(parents=True, exist_ok=True)
        (out / _HAND_OVER).write_bytes(hand_over.to_bytes())
        self.runner.output("run", hand_over.run)
        self.runner.output("hand-over", hand_over.digest)
        self.runner.output("next", following)

    def packed(self, git: Git, store: RunStore, before: HandOver) -> HandOver:
        """Return the run as it is now, for the next job."""
        return packed(store, git, before, self.step)


class _Log(StringIO):
    """Standard output of a console, with nothing in it that the runner could take for a command."""

    def __init__(self, runner: Runner) -> None:
        super().__init__()
        self._runner = runner
        self._left = ""

    def write(self, text: str) -> int:
        *lines, self._left = (self._left + text).split("\n")
        for line in lines:
            self._runner.log(line)
        return len(text)


def _github(context: RunnerContext, token: str, clock: Clock) -> GitHub:
    # A job writes a dozen times at most: far below the 80 a minute that GitHub allows.
    pace = Pace(writes=0.0)
    return GitHub(context.repository, token, api_url=context.api_url, clock=time.time, sleep=clock.sleep, pace=pace)
