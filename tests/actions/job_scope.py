"""What the steps of one job know: of the job as a whole, and within one list of steps."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actions.artifact_store import ArtifactStore
from actions.job_machine import Machine
from actions.workflow_commands import Masks
from actions.workflow_language import Json, Language, Status, as_text

# The keys of the `github` context that are variables too, as GITHUB_<KEY>.
AS_VARIABLES = (
    *("action", "action_path", "action_ref", "action_repository", "actor", "actor_id", "api_url", "base_ref"),
    *("event_name", "event_path", "graphql_url", "head_ref", "job", "ref", "ref_name", "ref_protected", "ref_type"),
    *("repository", "repository_id", "repository_owner", "repository_owner_id", "retention_days", "run_attempt"),
    *("run_id", "run_number", "server_url", "sha", "triggering_actor", "workflow", "workflow_ref", "workflow_sha"),
    "workspace",
)


@dataclass
class Job:
    """One job while it runs."""

    name: str
    language: Language
    machine: Machine
    masks: Masks
    artifacts: ArtifactStore
    actions: Mapping[str, Path]  # owner/name of an action -> the directory of its action.yml
    clone: Path
    token: str
    timeout_minutes: float
    each_line: Callable[[str, str], None]
    environment: dict[str, str]  # of workflow and job, and what steps added by GITHUB_ENV
    defaults: dict[str, str]  # of `defaults.run`
    paths: list[str] = field(default_factory=list)
    status: str = "success"
    started: float = field(default_factory=time.monotonic)

    def minutes_left(self) -> float:
        return self.timeout_minutes - (time.monotonic() - self.started) / self.machine.minute

    def add_path(self, path: str) -> None:
        self.paths.insert(0, path)


@dataclass
class Scope:
    """The steps of a job, or of one use of a composite action: their contexts and how they fare."""

    job: Job
    contexts: dict[str, Json]
    outer_env: dict[str, str] = field(default_factory=dict)  # `env:` of the steps that led into composite actions
    embedded: bool = False
    status: str = "success"

    @property
    def github(self) -> dict[str, Json]:
        return self.contexts["github"]

    def known(self, env: Mapping[str, str] | None = None) -> dict[str, Json]:
        """Every context an expression may ask for, with the `env` of this moment."""
        joined = {**self.job.environment, **self.outer_env, **(env or {})}
        return {**self.contexts, "env": joined, "job": {"status": self.job.status}}

    def functions(self) -> Status:
        """In a composite action success() and failure() speak of its own steps, cancelled() of the job."""
        status = self.status if self.embedded else self.job.status
        return Status(status == "success", status == "failure", self.job.status == "cancelled")

    def note(self, conclusion: str) -> None:
        """A step of this list has ended."""
        if conclusion in {"failure", "cancelled"} and self.status == "success":
            self.status = conclusion
        if not self.embedded and conclusion == "failure" and self.job.status == "success":
            self.job.status = "failure"

    def evaluate(self, value: Json, env: Mapping[str, str] | None = None) -> Json:
        return self.job.language.evaluate(value, self.known(env), self.functions())

    def text(self, value: Json, env: Mapping[str, str] | None = None) -> str:
        return as_text(self.evaluate(value, env))

    def texts(self, value: Json, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """A mapping of strings, such as `env:` or `with:`."""
        return {name: as_text(item) for name, item in (self.evaluate(value or {}, env) or {}).items()}

    def environ(self, env: Mapping[str, str]) -> dict[str, str]:
        """What a step's process finds. The runner's own variables win over those of the workflow."""
        machine = self.job.machine
        named = {f"GITHUB_{name.upper()}": as_text(self.github[name]) for name in AS_VARIABLES if name in self.github}
        runner = {f"RUNNER_{name.upper()}": value for name, value in machine.runner_context().items()}
        mine = {"CI": "true", **machine.environ(), **self.job.environment, **self.outer_env, **env}
        mine["PATH"] = ":".join([*self.job.paths, mine["PATH"]])
        return {**mine, "GITHUB_ACTIONS": "true", **named, **runner}
