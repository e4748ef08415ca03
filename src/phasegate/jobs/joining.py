"""Jobs that worked side by side, brought together: what each left is booked in turn, its commits are put in a row."""

from decimal import Decimal

from phasegate.documents.base import Step, digest_of
from phasegate.documents.change_set import TaskResult
from phasegate.documents.findings import ScoutReport
from phasegate.documents.hand_over import HandOver
from phasegate.documents.parsing import DocumentError
from phasegate.documents.progress import PhaseName, Progress, RunState, Spent, Usage, WorkProgress, WorkStatus
from phasegate.documents.progress_events import Paid, WorkMoved
from phasegate.errors import GateFailedError, RefusedError
from phasegate.jobs.carrying import parsed_documents
from phasegate.jobs.job import Job
from phasegate.phases.branch import built, move, task_message
from phasegate.phases.changes import file_changes
from phasegate.phases.setting import SetAside, Setting, Worker


def share_of_budget(setting: Setting, phase: PhaseName, parts: int) -> SetAside:
    """Return what is set aside for the other jobs, so that all together keep within the budget."""
    others, budget = Decimal(max(parts, 1) - 1) / max(parts, 1), setting.config.budget
    progress = setting.store.progress
    spent, in_phase = progress.spent, progress.phase(phase).spent
    usd = min(budget.run.usd - spent.usd, budget.phase.usd - in_phase.usd)
    tokens = min(budget.run.tokens - spent.usage.total, budget.phase.tokens - in_phase.usage.total)
    turns = min(budget.run.turns - spent.turns, budget.phase.turns - in_phase.turns)
    most = Spent(
        usage=Usage(input_tokens=max(0, int(tokens * others))),
        usd=max(Decimal(0), usd * others),
        turns=max(0, int(turns * others)),
    )
    aside = SetAside()
    aside.keep(Worker(phase, "others"), most)
    return aside


def join(job: Job, setting: Setting, taken: HandOver) -> None:
    """Take over what the jobs of a matrix left, in the order of their parts. Without any, nothing happens.

    Raises `RefusedError` for what does not come from the same hand-over, or does not hold together.
    """
    before = setting.store.progress
    for part in job.joined():
        _check_origin(part, taken)
        if part.progress is None:
            raise RefusedError("A job that worked side by side with others left no run.")
        _pay(setting, before, part.progress)
        if job.step is Step.RESEARCH:  # later the scouts' details have stayed behind: no branch carries them
            _take_scouts(setting, part)
        else:
            _take_tasks(setting, before, part, part.progress)
    failed = [part.progress.reason for part in job.joined() if part.progress and part.progress.state is RunState.FAILED]
    if failed:
        raise GateFailedError(f"A job that worked side by side with others failed: {failed[0]}", mend="`/retry`")


def _check_origin(part: HandOver, taken: HandOver) -> None:
    same = (part.run, part.origin, part.places) == (taken.run, taken.origin, taken.places)
    if not same or part.progress is None or taken.progress is None or part.progress.plan != taken.progress.plan:
        raise RefusedError("The jobs that worked side by side did not start from the same run.")


def _pay(setting: Setting, before: Progress, after: Progress) -> None:
    for phase in after.phases:
        spent = _difference(phase.spent, before.phase(phase.id).spent)
        tasks = [_difference(task.spent, _spent(before, task.id)) for task in after.tasks]
        for task, its in zip(after.tasks, tasks, strict=True):
            if phase.id is PhaseName.IMPLEMENT and its != Spent():
                setting.store.advance(Paid(phase.id, its, task.id))
                spent = _difference(spent, its)
        if spent != Spent():
            setting.store.advance(Paid(phase.id, spent))


def _spent(progress: Progress, task_id: str) -> Spent:
    task = progress.task(task_id)
    return task.spent if task else Spent()


def _difference(after: Spent, before: Spent) -> Spent:
    """Return what was spent in between. Raises `RefusedError` if it is less than nothing."""
    try:
        usage = {name: value - getattr(before.usage, name) for name, value in after.usage}
        return Spent(
            usage=Usage(**usage),
            usd=after.usd - before.usd,
            turns=after.turns - before.turns,
            seconds=max(0.0, round(after.seconds - before.seconds, 3)),
        )
    except ValueError:
        raise RefusedError("A job that worked side by side with others gave money back.") from None


def _take_scouts(setting: Setting, part: HandOver) -> None:
    details = {item.name: item.text for item in part.details}
    for document in parsed_documents(part):
        if isinstance(document, ScoutReport) and document.payload.status != "failure":
            payload = document.payload
            text = details.get(payload.details_file, "")
            if digest_of(text.encode()) != payload.details_digest:
                raise DocumentError(f"The details of the scout {payload.scout} are not what it left.")
            setting.store.keep_details(payload.details_file, text)
            setting.store.put(document)


def _take_tasks(setting: Setting, before: Progress, part: HandOver, after: Progress) -> None:
    documents = {document.digest: document for document in parsed_documents(part)}
    for task in after.tasks:
        was = before.task(task.id)
        if was is None or was.status is task.status or task.document is None:
            continue
        document = documents.get(task.document)
        if document is None or task.status not in {WorkStatus.DONE, WorkStatus.BLOCKED}:
            raise RefusedError(f"The task {task.id} came back without what it left.")
        started = WorkMoved(task.id, WorkStatus.RUNNING, task.started or setting.clock.now(), model=task.model)
        setting.store.advance(started)
        setting.store.put(document)
        if isinstance(document, TaskResult):
            _commit(setting, part, task, document)
        else:
            setting.store.advance(_moved(setting, task, None))


def _commit(setting: Setting, part: HandOver, task: WorkProgress, result: TaskResult) -> None:
    carried = next((commit for commit in part.commits if commit.sha == task.commit), None)
    if carried is None:
        raise RefusedError(f"The task {task.id} came back without its commit.")
    commit = built(setting, file_changes(carried.entries), task_message(setting, result, task.title))
    move(setting, commit, _moved(setting, task, commit))


def _moved(setting: Setting, task: WorkProgress, commit: str | None) -> WorkMoved:
    now = setting.clock.now()
    return WorkMoved(task.id, task.status, now, summary=task.summary, document=task.document, commit=commit)
