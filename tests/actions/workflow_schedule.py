"""Which jobs of a run start when, and which are skipped.

Source: GitHub's reference of `jobs.<job_id>.needs` and `.if` (a failure or skip applies to all jobs of the chain from
there on) and of the status functions (`failure()` asks about any ancestor).
"""

from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from actions.job_run import JobRun, JobTask
from actions.workflow_commands import Annotation
from actions.workflow_language import ExpressionError, Json, Status, as_text
from actions.workflow_matrix import Leg, MatrixError, expand, leg_name
from actions.workflow_records import JobRecord, joined_result

if TYPE_CHECKING:
    from actions.workflow_run import WorkflowRun

Jobs = Mapping[str, Mapping[str, Json]]


def needs_of(job: str, jobs: Jobs) -> list[str]:
    needs = jobs[job].get("needs") or []
    return [needs] if isinstance(needs, str) else needs


def ancestors_of(job: str, jobs: Jobs) -> set[str]:
    """Every job that this one needs, and those that they need."""
    direct = needs_of(job, jobs)
    return set(direct).union(*(ancestors_of(other, jobs) for other in direct))


class Schedule:
    """Executes one attempt of a run. `kept` are whole jobs of the attempt before, `legs` single legs of a matrix."""

    def __init__(
        self,
        run: "WorkflowRun",
        kept: Mapping[str, list[JobRecord]],
        legs: Mapping[str, list[JobRecord]] | None = None,
    ) -> None:
        self._run = run
        self._jobs: Jobs = run.document["jobs"]
        self._kept, self._legs = kept, legs or {}
        self._done: set[str] = set()

    def run(self) -> None:
        """Fills the run's records. What a hook or the runner itself raises comes out of here."""
        self._run.records = {job: list(self._kept.get(job, [])) for job in self._jobs}
        self._done = {job for job in self._jobs if job in self._kept}
        waiting = [job for job in self._jobs if job not in self._done]
        running: dict[Future, str] = {}
        with ThreadPoolExecutor(max_workers=self._run.settings.parallel) as pool:
            while waiting or running:
                self._begin_ready(waiting, running, pool)
                self._finish_some(running)

    def _begin_ready(self, waiting: list[str], running: dict[Future, str], pool: ThreadPoolExecutor) -> None:
        while ready := [job for job in waiting if self._done.issuperset(needs_of(job, self._jobs))]:
            for job in ready:
                waiting.remove(job)
                tasks = self._tasks(job)
                running |= {pool.submit(self._run_task, task): job for task in tasks}
                self._done |= set() if tasks else {job}

    def _finish_some(self, running: dict[Future, str]) -> None:
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            future.result()
            if job not in running.values():
                self._done.add(job)

    def _tasks(self, job: str) -> list[JobTask]:
        """What is to be run for this job: nothing when it is skipped or cannot start."""
        try:
            if not self._is_wanted(job):
                self._run.records[job] = [JobRecord(job, self._plain_name(job), attempt=self._run.attempt)]
                return []
            return self._legs_to_run(job)
        except (ExpressionError, MatrixError) as error:
            record = JobRecord(job, self._plain_name(job), "failure", attempt=self._run.attempt)
            record.errors.append(Annotation("error", str(error)))
            self._run.records[job] = [record]
            return []

    def _is_wanted(self, job: str) -> bool:
        records = [record for other in ancestors_of(job, self._jobs) for record in self._run.records[other]]
        results = [record.effective_result for record in records]
        status = Status(all(result == "success" for result in results), "failure" in results)
        return self._run.settings.language.decide(self._jobs[job].get("if"), self._contexts(job), status)

    def _contexts(self, job: str) -> dict[str, Json]:
        needs = {other: self._handed_over(other) for other in needs_of(job, self._jobs)}
        variables = dict(self._run.settings.variables)
        return {"github": self._run.github, "inputs": dict(self._run.inputs), "vars": variables, "needs": needs}

    def _handed_over(self, job: str) -> dict[str, Json]:
        records = self._run.records[job]
        outputs = {name: value for record in records for name, value in record.outputs.items()}
        return {"result": joined_result([record.effective_result for record in records]), "outputs": outputs}

    def _plain_name(self, job: str) -> str:
        name = self._jobs[job].get("name")
        return name if isinstance(name, str) else job

    def _legs_to_run(self, job: str) -> list[JobTask]:
        definition, contexts = self._jobs[job], self._contexts(job)
        strategy = self._run.settings.language.evaluate(definition.get("strategy") or {}, contexts)
        legs = expand(strategy["matrix"]) if "matrix" in strategy else [{}]
        common = {
            "fail-fast": strategy.get("fail-fast", True),
            "job-total": len(legs),
            "max-parallel": strategy.get("max-parallel", len(legs)),
        }
        kept = [record for record in self._legs.get(job, []) if record.matrix in legs]
        self._run.records[job] = kept
        todo = [(index, leg) for index, leg in enumerate(legs) if leg not in [record.matrix for record in kept]]
        return [
            self._task(job, leg, {**contexts, "matrix": leg, "strategy": {**common, "job-index": index}})
            for index, leg in todo
        ]

    def _task(self, job: str, leg: Leg, contexts: Mapping[str, Json]) -> JobTask:
        definition = self._jobs[job]
        given = self._run.settings.language.evaluate(definition.get("name"), contexts)
        name = as_text(given) or leg_name(job, leg)
        return JobTask(job, name, definition, self._run.document, contexts, leg, self._run.attempt)

    def _run_task(self, task: JobTask) -> None:
        siblings = self._run.records[task.id]
        if task.contexts["strategy"]["fail-fast"] and any(record.result == "failure" for record in siblings):
            siblings.append(JobRecord(task.id, task.name, "cancelled", matrix=dict(task.leg), attempt=task.attempt))
        else:
            siblings.append(JobRun(self._run.settings, task, self._run.artifacts, self._run).run())
