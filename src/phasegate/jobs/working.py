"""The jobs that think and do: each does its part of a run and leaves it to the next, also when it fails."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from phasegate.documents.base import Step
from phasegate.documents.hand_over import Answer, HandOver
from phasegate.documents.progress import PhaseName, RunState, WorkStatus
from phasegate.documents.progress_events import RunEnded
from phasegate.errors import UserError
from phasegate.jobs.job import Job
from phasegate.jobs.joining import join, share_of_budget
from phasegate.jobs.summary import summarise
from phasegate.phases.implement import implement_one
from phasegate.phases.research import scout_alone
from phasegate.phases.setting import Setting, Slice
from phasegate.pipeline import perform, with_power_of
from phasegate.policy.flow import next_step
from phasegate.steps import STEPS, Power

_IMPLEMENTING = frozenset({Step.IMPLEMENT, Step.CORRECT})
FAILED = "run-failed"
"""The code of what is said of a run that a job could not go on with."""
_FOLLOWING: Mapping[Step, frozenset[Step]] = {
    Step.RESEARCH: frozenset({Step.PLAN}),
    Step.IMPLEMENT: frozenset({Step.VERIFY}),
    Step.VERIFY: frozenset({Step.REVIEW}),
}
"""Which step another job of the same workflow run goes on with; all else is for whoever publishes."""


def work(job: Job) -> None:
    """Do what the job is for, and hand the run over, whatever comes of it, also when the job is to end early.

    Raises `UserError` after that when it failed, and `KeyboardInterrupt` when it was told to end.
    """
    taken = job.taken()
    _, git, store = job.opened(taken)
    failed: UserError | KeyboardInterrupt | None = None
    with job.setting(git, store) as setting:
        try:
            _check_key(job, setting)
            _WORK[job.step](job, setting, taken)
        except UserError as error:
            failed = error
            _book(setting, error)
            taken = taken.model_copy(update={"answer": _failure(error)})
        except KeyboardInterrupt as error:  # the job was cancelled, or its time is over: what is finished stays
            setting.stop.set()
            failed = error
        summarise(job, setting, note=str(failed) if failed else "")
    following = next_step(store.progress)
    handed = str(following) if following in _FOLLOWING.get(job.step, frozenset()) else ""
    job.leave(job.packed(git, store, taken), handed)
    if failed is not None:
        raise failed


def _check_key(job: Job, setting: Setting) -> None:
    asks, anthropic = STEPS[job.step].power is Power.MODEL_KEY, setting.config.provider.name == "anthropic"
    if asks and anthropic and not job.inputs.model_key:
        raise UserError(
            "No model can be asked: the secret ANTHROPIC_API_KEY is not set, or not given to this workflow.",
            cause="Its place is Settings → Secrets and variables → Actions.",
        )


def _failure(error: UserError) -> Answer:
    """Return what whoever publishes says of a failure: the cause too, which no document keeps."""
    return Answer(code=FAILED, topic="refused", what=" ".join(part for part in (error.what, error.cause) if part))


def _book(setting: Setting, error: UserError) -> None:
    """Book that the run failed, unless the phase has done so."""
    if setting.store.progress.state is RunState.ACTIVE:
        setting.store.advance(RunEnded(RunState.FAILED, error.what))


def _research(job: Job, setting: Setting, taken: HandOver) -> None:
    join(job, setting, taken)
    perform(Step.RESEARCH, setting)


def _one(step: Step) -> Callable[[Job, Setting, HandOver], None]:
    return lambda _job, setting, _taken: perform(step, setting)


def _scout(job: Job, setting: Setting, _taken: HandOver) -> None:
    share = share_of_budget(setting, PhaseName.RESEARCH, setting.config.research.scouts)
    scout_alone(replace(with_power_of(Step.SCOUT, setting), set_aside=share), job.inputs.part)


def _task(job: Job, setting: Setting, _taken: HandOver) -> None:
    left = sum(task.status is not WorkStatus.DONE for task in setting.store.progress.tasks)
    share = share_of_budget(setting, PhaseName.IMPLEMENT, left)
    implement_one(replace(with_power_of(Step.TASK, setting), set_aside=share), job.inputs.part)


def _implement(job: Job, setting: Setting, taken: HandOver) -> None:
    """Work on tasks, and correct the plan, until all is done, a human is needed, or the slice is over."""
    join(job, setting, taken)
    rules, done = setting.config.implement.slice, _done(setting)
    until = setting.clock.seconds() + rules.minutes * 60
    sliced = replace(setting, slice=Slice(until=until, tasks=0 if job.inputs.hand_overs else done + rules.tasks))
    while (step := next_step(sliced.store.progress)) in _IMPLEMENTING:
        before = sliced.store.progress
        perform(step, sliced)
        if step is Step.IMPLEMENT and _is_over(sliced, before.tasks):
            return


def _done(setting: Setting) -> int:
    return sum(task.status is WorkStatus.DONE for task in setting.store.progress.tasks)


def _is_over(setting: Setting, before: object) -> bool:
    """Say whether the slice has ended: nothing was blocked, nothing is wrong, and nothing more was begun."""
    tasks = setting.store.progress.tasks
    return not any(task.status is WorkStatus.BLOCKED for task in tasks) and tasks == before


_WORK: Mapping[Step, Callable[[Job, Setting, HandOver], None]] = {
    Step.SCOUT: _scout,
    Step.RESEARCH: _research,
    Step.PLAN: _one(Step.PLAN),
    Step.TASK: _task,
    Step.IMPLEMENT: _implement,
    Step.VERIFY: _one(Step.VERIFY),
    Step.REVIEW: _one(Step.REVIEW),
}
