"""Which module does which step."""

from collections.abc import Callable, Mapping

from phasegate.documents.base import Step
from phasegate.doors.runner.output import Runner, RunnerContext
from phasegate.jobs.deciding import decide_on
from phasegate.jobs.inputs import Inputs
from phasegate.jobs.job import Job
from phasegate.jobs.publishing import publish
from phasegate.jobs.telling import acknowledge, report
from phasegate.jobs.working import work
from phasegate.policy.events import Foreign, parse_event


def _decide(job: Job) -> None:
    event = parse_event(job.context.event_name, job.context.event)
    if not isinstance(event, Foreign):
        decide_on(job, event)


JOBS: Mapping[Step, Callable[[Job], None]] = {
    Step.DECIDE: _decide,
    Step.ACKNOWLEDGE: acknowledge,
    Step.SCOUT: work,
    Step.RESEARCH: work,
    Step.PLAN: work,
    Step.PUBLISH_PLAN: publish,
    Step.TASK: work,
    Step.IMPLEMENT: work,
    Step.VERIFY: work,
    Step.REVIEW: work,
    Step.PUBLISH: publish,
    Step.REPORT: report,
}
"""Correct has no job of its own: it is a fresh conversation in the job that implements, with the same power."""


def perform_job(context: RunnerContext, runner: Runner, inputs: Inputs, environ: Mapping[str, str]) -> None:
    """Do a step. Raises `UserError`."""
    JOBS[inputs.step](Job.of(context, runner, inputs, environ))
