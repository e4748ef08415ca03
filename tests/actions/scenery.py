"""Builds what tests of the runner need: a repository, a token office, a workflow from a few lines."""

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from actions.workflow_language import Language
from actions.workflow_run import WorkflowRun
from actions.workflow_runner import WorkflowRunner
from actions.workflow_settings import Repository
from repositories import make_repository

LABELED = {"action": "labeled", "label": {"name": "go"}, "sender": {"login": "alice", "id": 7}}


@dataclass
class TokenOffice:
    """Issues tokens and remembers what each may do, and which are still good."""

    issued: dict[str, dict[str, str]] = field(default_factory=dict)
    valid: set[str] = field(default_factory=set)

    def issue(self, permissions: dict[str, str]) -> str:
        token = f"ghs_{len(self.issued):04}"
        self.issued[token] = permissions
        self.valid.add(token)
        return token

    def revoke(self, token: str) -> None:
        self.valid.remove(token)


@dataclass
class Scenery:
    """A repository and what is around it; `play` runs a workflow in it."""

    language: Language
    directory: Path
    tokens: TokenOffice = field(default_factory=TokenOffice)

    def __post_init__(self) -> None:
        self.clone = make_repository(self.directory / "clone", {"README.md": "Hello\n", "src/code.py": "x = 1\n"})

    def runner(self, workflow: str, **settings: object) -> WorkflowRunner:
        path = self.directory / "workflow.yml"
        path.write_text(textwrap.dedent(workflow), "utf-8")
        return WorkflowRunner(
            language=self.language,
            workflow=path,
            repository=Repository("octo/hello", self.clone),
            directory=self.directory / "runs",
            issue_token=self.tokens.issue,
            revoke_token=self.tokens.revoke,
            **settings,
        )

    def play(
        self, workflow: str, event: str = "issues", payload: dict | None = None, **settings: object
    ) -> WorkflowRun:
        """Runs it for an event that starts it."""
        run = self.runner(workflow, **settings).start(event, LABELED if payload is None else payload)
        assert run is not None
        return run

    def play_jobs(self, jobs: str, **settings: object) -> WorkflowRun:
        """Runs these jobs, which need no head of their own."""
        return self.play(
            "on: issues\npermissions: {}\njobs:\n" + textwrap.indent(textwrap.dedent(jobs), "  "), **settings
        )

    def play_steps(self, steps: str, **settings: object) -> WorkflowRun:
        """Runs one job, `only`, of these steps."""
        return self.play_jobs(
            "only:\n  runs-on: ubuntu-24.04\n  steps:\n" + textwrap.indent(textwrap.dedent(steps), "    "), **settings
        )

    def action(self, name: str, text: str) -> Path:
        """An action's directory, with this action.yml."""
        directory = self.directory / "actions" / name
        directory.mkdir(parents=True)
        (directory / "action.yml").write_text(textwrap.dedent(text), "utf-8")
        return directory
