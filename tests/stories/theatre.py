"""Whole stories: people act on a fake GitHub, the shipped workflow runs for every event, a rehearsal plays the model.

Everything but GitHub, its runner and the model is real: the workflow file, the action, the program, git, the sandbox.
Only what the action's set-up would install is there already: jobs use the environment of the tests.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from actions.packages_on_hand import path_of_python
from actions.workflow_language import Language
from actions.workflow_run import WorkflowRun
from actions.workflow_runner import WorkflowRunner
from actions.workflow_settings import Hooks, Repository, Servers
from fakehub.events import Event
from fakehub.hub import FakeHub
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer
from repositories import git
from scenes import SMALL
from stage import ROOT, write_script
from stories.hub_memory import Remembered

KEY = "sk-ant-canary-of-the-model-key"
CONFIG = """research: {scouts: 1}
approval: {settle: 0}
gates:
  test: {run: 'sh check.sh', minutes: 1}
"""
MAINTAINER, READER = "mia", "rudi"
KINDS = [
    "approval",
    "change-set",
    "findings",
    "gate-report",
    "plan",
    "review",
    "scout-report",
    "snapshot",
    "task-result",
]
"""The kinds of documents of a run in which nothing is out of the ordinary."""


class Theatre:
    """One repository on the fake GitHub with phasegate installed, a maintainer, and somebody who may only read."""

    def __init__(
        self,
        language: Language,
        directory: Path,
        scenes: Iterable[dict],
        *,
        config: str = CONFIG,
        files: Mapping[str, str] | None = None,
        hooks: Hooks | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.language, self.directory, self.hooks = language, directory, hooks or Hooks()
        self._ending = ExitStack()
        self.files = {**SMALL, ".github/phasegate.yml": config, **(files or {})}
        self.secrets = {"ANTHROPIC_API_KEY": KEY} if secrets is None else dict(secrets)
        write_script(directory / "script.yml", scenes)
        self.runs: list[WorkflowRun] = []
        self.tokens: list[str] = []
        self.model_url = ""
        self._numbers = count(1)
        self.packages = path_of_python(directory / "packages")

    def open(self) -> None:
        self.hub = self._ending.enter_context(FakeHub(self.directory / "hub", files=self.files))
        self.hub.add_user(MAINTAINER, "write")
        self.hub.add_user(READER, "read")
        script = load_script((self.directory / "script.yml").read_text("utf-8"), source="script.yml")
        self.model = self._ending.enter_context(RehearsalServer(script, self.directory / "rehearsal.jsonl"))

    def close(self) -> None:
        self._ending.close()

    def remember(self) -> None:
        """Keep the repository as it is now, for `put_back`."""
        self._remembered = Remembered.of(self.hub, self.directory / "remembered")
        self._secrets = self.secrets

    def put_back(self) -> None:
        """Begin again where `remember` was called: with another story's test, nothing of which is left."""
        self._remembered.put_back(self.hub)
        self.hooks, self.secrets = Hooks(), self._secrets

    def runner(self) -> WorkflowRunner:
        return WorkflowRunner(
            language=self.language,
            workflow=ROOT / ".github/workflows/phasegate.yml",
            repository=Repository(self.hub.main.full_name, self.hub.main.git.path, "main"),
            directory=self.directory / f"run-{next(self._numbers)}",
            issue_token=self._token,
            revoke_token=self.hub.revoke_token,
            servers=Servers(api=self.hub.api_url, graphql=self.hub.graphql_url, server=self.hub.url),
            secrets=self.secrets,
            variables={"PHASEGATE_MODEL_URL": self.model_url or self.model.url},
            actions={"phasegate/phasegate": ROOT},
            hooks=self.hooks,
            path=f"{self.packages}:/usr/bin:/bin",
        )

    def _token(self, permissions: dict[str, str]) -> str:
        self.tokens.append(self.hub.issue_token(permissions))
        return self.tokens[-1]

    def play(self) -> list[WorkflowRun]:
        """Run the workflow for every event, and for those that come of it, until nothing happens any more."""
        played = []
        while events := self.hub.take_events():
            for event in events:
                run = self._run(event)
                if run is not None:
                    played.append(run)
        return played

    def _run(self, event: Event) -> WorkflowRun | None:
        run = self.runner().start(event.name, event.payload, actor=event.actor, ref=event.ref, sha=event.sha)
        if run is not None:
            self.runs.append(run)
        return run

    # What people do

    def wish(self, title: str = "Make the texts new", body: str = "All of them, please.") -> int:
        """Open an issue; return its number."""
        return self.hub.open_issue(READER, title, body).number

    def label(self, number: int, name: str = "phasegate", login: str = MAINTAINER) -> WorkflowRun:
        """Label an issue; return the run that comes of it."""
        self.hub.take_events()
        self.hub.label(login, number, name)
        return self.play()[-1]

    def say(self, number: int, text: str, login: str = MAINTAINER) -> list[WorkflowRun]:
        """Comment; return the runs that come of it."""
        self.hub.take_events()
        self.hub.advance(2)  # GitHub's times have whole seconds: what is said in the same one does not count as later
        self.hub.comment(login, number, text)
        return self.play()

    def send(self, event: Event) -> list[WorkflowRun]:
        """Play what comes of something that a person did; nothing else that happened before counts."""
        self.hub.take_events()
        self.hub.emit(event)
        return self.play()

    def sender(self, login: str) -> dict:
        """An account as events name it."""
        account = self.hub.account(login)
        return {"login": login, "id": account.id, "type": account.kind}

    # What one sees

    def pull(self, issue: int = 1):
        """The open pull request of an issue's run."""
        return self.hub.pull(f"phasegate/issue-{issue}")

    def file(self, branch: str, path: str) -> str:
        """A file at the tip of a branch."""
        return git(self.hub.main.git.path, "show", f"{branch}:{path}")

    def paths(self, branch: str) -> list[str]:
        """The paths at the tip of a branch."""
        return git(self.hub.main.git.path, "ls-tree", "-r", "--name-only", branch).split("\n")

    def tip(self, issue: int = 1) -> str | None:
        """The commit that a run's branch is at."""
        return self.hub.main.git.resolve(f"refs/heads/phasegate/issue-{issue}")

    def asked(self, since: int = 0) -> list[str]:
        """The scenes that the model was asked for, in order, after the first `since` requests."""
        return [record.scene for record in self.model.log[since:] if record.scene]

    def documents(self, run: WorkflowRun) -> list[str]:
        """The kinds of all documents in the last hand-over of a workflow run."""
        handed = [artifact for name, artifact in run.artifacts.items() if name.startswith("phasegate-")]
        last = max(handed, key=lambda artifact: artifact.id)
        return sorted({one["kind"] for one in json.loads(last.files()["hand-over.json"])["documents"]})

    def texts(self, number: int) -> list[str]:
        """The comments of ours on an issue or pull request, as they are now."""
        return [one.body for one in self.hub.thread(number) if one.author.endswith("[bot]")]

    def text(self, number: int, kind: str) -> str:
        """The last comment of ours of a kind."""
        return self.kinds(number, kind)[-1]

    def kinds(self, number: int, kind: str) -> Sequence[str]:
        """All comments of ours of a kind, oldest first."""
        return [body for body in self.texts(number) if body.startswith(f"<!-- phasegate:{kind} ")]
