"""One run of a workflow, as a test sees it; and running its failed jobs again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from actions.artifact_store import ArtifactStore
from actions.job_run import concurrency_of
from actions.workflow_commands import Annotation
from actions.workflow_language import Json
from actions.workflow_records import DONE_BADLY, JobRecord, joined_result
from actions.workflow_schedule import Schedule, ancestors_of
from actions.workflow_settings import Settings


@dataclass
class WorkflowRun:
    """A run; it is complete when `WorkflowRunner.start` returns it."""

    settings: Settings
    document: Mapping[str, Json]
    github: dict[str, Json]
    inputs: Mapping[str, Json]
    artifacts: ArtifactStore
    attempt: int = 1
    records: dict[str, list[JobRecord]] = field(default_factory=dict)  # by the job's id

    @property
    def jobs(self) -> dict[str, JobRecord]:
        """Every job by its name; the legs of a matrix have names of their own, such as `task (1)`."""
        return {record.name: record for records in self.records.values() for record in records}

    @property
    def results(self) -> dict[str, str]:
        """Each job's result, a matrix joined into one."""
        return {job: joined_result([record.result for record in records]) for job, records in self.records.items()}

    @property
    def result(self) -> str:
        """The run's conclusion."""
        return joined_result([record.effective_result for record in self.jobs.values()])

    @property
    def log(self) -> str:
        return "\n".join(record.log for record in self.jobs.values() if record.log)

    @property
    def summary(self) -> str:
        return "".join(record.summary for record in self.jobs.values())

    @property
    def annotations(self) -> list[Annotation]:
        return [note for record in self.jobs.values() for note in record.annotations]

    @property
    def concurrency(self) -> dict[str, Json]:
        """The workflow's own concurrency group."""
        contexts = {"github": self.github, "inputs": self.inputs, "vars": dict(self.settings.variables)}
        return concurrency_of(self.settings.language.evaluate(self.document.get("concurrency"), contexts))

    def execute(self, kept: Mapping[str, list[JobRecord]] | None = None) -> None:
        """Runs every job but those that are kept, as soon as the jobs it needs are done."""
        Schedule(self, kept or {}).run()

    def rerun_failed(self, triggering_actor: str | None = None) -> "WorkflowRun":
        """The next attempt: jobs that failed or were cancelled, and all that need them; the rest keep their results."""
        failed = {job for job, result in self.results.items() if result in DONE_BADLY}
        jobs = self.document["jobs"]
        again = failed | {job for job in jobs if failed & ancestors_of(job, jobs)}
        kept = {job: list(records) for job, records in self.records.items() if job not in again}
        legs = {job: [leg for leg in self.records[job] if leg.result == "success"] for job in failed}
        return self._next_attempt(kept, legs, triggering_actor)

    def rerun(self, triggering_actor: str | None = None) -> "WorkflowRun":
        """The next attempt of everything."""
        return self._next_attempt({}, {}, triggering_actor)

    def _next_attempt(self, kept: dict, legs: dict, actor: str | None) -> "WorkflowRun":
        attempt = self.attempt + 1
        github = {**self.github, "run_attempt": str(attempt)}
        github["triggering_actor"] = actor or github["triggering_actor"]
        run = replace(self, github=github, attempt=attempt, records={})
        Schedule(run, kept, legs).run()
        return run
