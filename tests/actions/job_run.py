"""Runs one job (or one leg of a matrix) from its definition: token, machine, steps, outputs."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actions.job_machine import Machine, MachineLostError
from actions.job_scope import Job, Scope
from actions.job_steps import run_steps
from actions.workflow_commands import Annotation, Masks
from actions.workflow_language import ExpressionError, Json, UnsupportedError, as_text
from actions.workflow_matrix import Leg
from actions.workflow_records import JobRecord
from actions.workflow_settings import Settings

ALL_KEYS = (
    *("actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models"),
    *("packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses"),
)
NOT_BUILT = ("uses", "container", "services", "snapshot")
SUPPORTED_QUEUES = {None, "single", "max"}


@dataclass(frozen=True)
class JobTask:
    """One job to run: its definition and what it knows before it has a machine."""

    id: str
    name: str
    definition: Mapping[str, Json]
    workflow: Mapping[str, Json]
    contexts: Mapping[str, Json]  # github, inputs, needs, matrix, strategy
    leg: Leg
    attempt: int


class JobRun:
    """Runs a `JobTask` with these settings."""

    def __init__(self, settings: Settings, task: JobTask, artifacts, run) -> None:
        self._settings, self._task, self._artifacts, self._run = settings, task, artifacts, run
        self.record = JobRecord(task.id, task.name, matrix=dict(task.leg), attempt=task.attempt)

    def run(self) -> JobRecord:
        """What the job left. Whatever goes wrong in it is its result; only the runner's own limits are raised."""
        try:
            self._refuse_unbuilt()
            self._settings.hooks.before_job(self._run, self.record.name)
            self._with_token()
        except MachineLostError as error:
            self._lose(f"The runner has lost communication with the server. {error}")
        except ExpressionError as error:
            self._lose(f"The template is not valid. {error}")
        return self.record

    def _lose(self, message: str) -> None:
        self.record.result = "failure"
        self.record.outputs = {}
        self.record.errors.append(Annotation("error", message))

    def _refuse_unbuilt(self) -> None:
        for key in NOT_BUILT:
            if key in self._task.definition:
                raise UnsupportedError(f"jobs.{self._task.id}.{key}")

    def _with_token(self) -> None:
        self.record.permissions = permissions_of(self._task, self._settings.default_permissions)
        token = self._settings.issue_token(dict(self.record.permissions))
        try:
            self._with_contexts(token)
        finally:
            self._settings.revoke_token(token)

    def _with_contexts(self, token: str) -> None:
        secrets = {**self._settings.secrets, "GITHUB_TOKEN": token}
        contexts = {**self._task.contexts, "vars": dict(self._settings.variables), "secrets": secrets}
        contexts["github"] = {**contexts["github"], "token": token, "job": self._task.id}
        self._describe(contexts)
        job = self._job(contexts, secrets, token)
        contexts |= {"steps": {}, "runner": job.machine.runner_context()}
        contexts["github"] |= {"workspace": str(job.machine.workspace), "event_path": str(self._event(job, contexts))}
        scope = Scope(job, contexts)
        self._run_steps(scope)

    def _run_steps(self, scope: Scope) -> None:
        self.record.steps = []
        for step in self._task.definition["steps"]:
            self.record.steps += run_steps(scope, [step])
        self._settings.hooks.after_job(self._run, self.record.name)
        self.record.outputs = self._outputs(scope)
        self.record.result = scope.job.status

    def _evaluate(self, value: Json, contexts: Mapping[str, Json]) -> Json:
        return self._settings.language.evaluate(value, contexts)

    def _describe(self, contexts: Mapping[str, Json]) -> None:
        """What the job says of itself, before any step."""
        definition, record = self._task.definition, self.record
        record.runs_on = self._evaluate(definition["runs-on"], contexts)
        record.timeout_minutes = float(self._evaluate(definition.get("timeout-minutes", 360), contexts))
        allowed = self._evaluate(definition.get("continue-on-error"), contexts)
        record.continue_on_error = as_text(allowed) == "true"
        record.concurrency = concurrency_of(self._evaluate(definition.get("concurrency"), contexts))
        environment = self._evaluate(definition.get("environment"), contexts)
        record.environment_name = as_text(environment["name"] if isinstance(environment, dict) else environment)

    def _job(self, contexts: Mapping[str, Json], secrets: Mapping[str, str], token: str) -> Job:
        settings, definition = self._settings, self._task.definition
        environment: dict[str, str] = {}
        for level in (self._task.workflow, definition):
            found = self._evaluate(level.get("env") or {}, {**contexts, "env": environment})
            environment |= {name: as_text(value) for name, value in found.items()}
        return Job(
            name=self.record.name,
            language=settings.language,
            machine=Machine(settings.directory / f"job-{uuid.uuid4().hex[:12]}", settings.minute, settings.path),
            masks=Masks(tuple(secrets.values())),
            artifacts=self._artifacts,
            actions=settings.actions,
            clone=settings.repository.clone,
            token=token,
            timeout_minutes=self.record.timeout_minutes,
            each_line=settings.hooks.each_line,
            environment=environment,
            defaults=self._defaults({**contexts, "env": environment}),
        )

    def _defaults(self, contexts: Mapping[str, Json]) -> dict[str, str]:
        joined: dict[str, str] = {}
        for level in (self._task.workflow, self._task.definition):
            found = self._evaluate((level.get("defaults") or {}).get("run") or {}, contexts)
            joined |= {name: as_text(value) for name, value in found.items()}
        return joined

    def _event(self, job: Job, contexts: Mapping[str, Json]) -> Path:
        path = job.machine.temp / "_github_workflow" / "event.json"
        path.parent.mkdir()
        path.write_text(json.dumps(contexts["github"]["event"], indent=2), "utf-8")
        return path

    def _outputs(self, scope: Scope) -> dict[str, str]:
        """GitHub drops outputs that are empty, and those that may hold a secret."""
        kept: dict[str, str] = {}
        for name, value in scope.texts(self._task.definition.get("outputs")).items():
            if value != scope.job.masks.apply(value):
                said = f"Skip output '{name}' since it may contain secret."
                self.record.errors.append(Annotation("warning", said))
            elif value:
                kept[name] = value
        return kept


def permissions_of(task: JobTask, default: Mapping[str, str]) -> dict[str, str]:
    """What the job's token may do: the job's own `permissions:`, else the workflow's, else the repository's default."""
    for level in (task.definition, task.workflow):
        if "permissions" in level:
            return _granted(level["permissions"])
    return dict(default)


def _granted(permissions: Json) -> dict[str, str]:
    if isinstance(permissions, str):
        level = permissions.removesuffix("-all")
        return dict.fromkeys(ALL_KEYS, level) if level in {"read", "write"} else {}
    return {name: level for name, level in (permissions or {}).items() if level != "none"}


def concurrency_of(value: Json) -> dict[str, Json]:
    """The group as a mapping; a group that cancels what runs is refused, because a run here cannot be cancelled."""
    concurrency = {"group": value} if isinstance(value, str) else dict(value or {})
    if as_text(concurrency.get("cancel-in-progress")) == "true":
        raise UnsupportedError("concurrency.cancel-in-progress")
    if concurrency.get("queue") not in SUPPORTED_QUEUES:
        raise UnsupportedError(f"concurrency.queue: {concurrency['queue']}")
    return concurrency
