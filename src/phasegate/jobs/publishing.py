"""The jobs that write: everything is checked once more, the branch moves by compare-and-swap, people are told."""

from dataclasses import dataclass

from phasegate.documents.base import Sha, Step
from phasegate.documents.hand_over import Answer, HandOver
from phasegate.documents.progress import Progress, RunState, WorkStatus
from phasegate.doors.git.remote import RemoteGit
from phasegate.doors.git.repository import Git
from phasegate.errors import UserError
from phasegate.jobs.branch_state import read_state, state_commit
from phasegate.jobs.checking import check_approvers, check_branch, check_pull
from phasegate.jobs.inputs import TOLD
from phasegate.jobs.job import Job
from phasegate.jobs.posting import Board
from phasegate.jobs.replying import reply_to
from phasegate.jobs.summary import plan_of, summarise
from phasegate.jobs.writing import DryWriter, ForgeWriter, Writer
from phasegate.phases.setting import Setting
from phasegate.pipeline import perform
from phasegate.policy.flow import next_step
from phasegate.policy.thread import Pull, Thread
from phasegate.publishing.pull_text import pull_title

_GOES_ON = frozenset({Step.IMPLEMENT, Step.CORRECT})


def publish(job: Job) -> None:
    """Publish a plan, or what came of one. Raises `UserError` when something is not as it was when it was decided."""
    taken = job.taken()
    if taken.progress is None:
        raise UserError("There is no run to publish.", cause="The workflow was edited.")
    pushing = job.writer()
    remote, git, store = pushing.opened(taken)
    dry = DryWriter() if taken.dry_run else None
    writer: Writer = dry or ForgeWriter(job, pushing)
    with job.setting(git, store) as setting:
        try:
            _publish(_Stage(job, setting, taken, remote, git, writer))
        except UserError as error:
            what = " ".join(part for part in (error.what, error.cause) if part)
            reply_to(job, taken, Answer(code="not-published", topic="refused", what=what, mend=error.mend), writer)
            job.runner.output("next", TOLD)
            raise
        summarise(job, setting, note=store.progress.reason)
    if dry is not None:
        dry.tell(job)
    job.runner.log(f"Calls to GitHub: {job.github.calls.total}.")


def _publish(stage: "_Stage") -> None:
    board = stage.checked()
    step = next_step(stage.progress)
    if step in {Step.PUBLISH_PLAN, Step.PUBLISH}:
        perform(step, stage.setting)
    stage.put_out(board)


@dataclass(slots=True)
class _Stage:
    """What is published, and where it goes."""

    job: Job
    setting: Setting
    taken: HandOver
    remote: RemoteGit
    git: Git
    writer: Writer

    @property
    def progress(self) -> Progress:
        """Where the run is."""
        return self.setting.store.progress

    @property
    def issue(self) -> int:
        """The number of the issue."""
        return int(self.taken.run)

    def checked(self) -> Board:
        """Return where people look. Raises `RefusedError` if the pull request or the approvers are not as they were."""
        thread, on_issue = self._threads()
        if self.progress.purpose != "findings":
            check_pull(thread.pull, self.setting)
        check_approvers(self.job.github, self.setting)
        return Board(self.job, self.setting, self.taken, self.writer, thread, on_issue)

    def _threads(self) -> tuple[Thread, Thread | None]:
        """Return where people look, and the issue: an earlier attempt of this job may have opened the pull request."""
        known, is_findings, on_issue = self.taken.places.pull, self.progress.purpose == "findings", None
        if known is None or is_findings:
            on_issue = self.job.github.thread(self.issue, self.progress.branch)
            if on_issue.pull is None or is_findings:
                return on_issue, on_issue
            known = on_issue.pull.number
        return self.job.github.thread(known), on_issue

    def put_out(self, board: Board) -> None:
        """Move the branch and tell everybody. What was done already by an earlier attempt is not done again."""
        if self.progress.purpose == "findings":
            board.tell_findings()
            return
        new = self._new_tip()
        check_branch(self.remote, self.taken.run, {new, self.taken.places.tip}, board.thread)
        board.announce(new)
        self._push(new)
        pull = self._pull(board, new)
        if pull is not None:
            board.tell_on_pull(pull, new)
        board.tell_on_issue(pull)
        if self.progress.state is RunState.FAILED:
            board.tell_failure("`/retry` goes on at the first thing that is not done; `/cancel` ends the run.")
        self._go_on()

    def _new_tip(self) -> Sha:
        """Return the commit that the branch is to end with: the state, or once all is done the code alone."""
        if self.progress.state is RunState.DONE:
            return self.progress.head_sha
        return state_commit(self.setting.store, self.git)

    def _push(self, new: Sha) -> None:
        now = self.remote.tip(self.progress.branch)
        if now != new:
            self.writer.push(self.remote, self.progress.branch, new=new, old=self.taken.places.tip)

    def _pull(self, board: Board, new: Sha) -> Pull | None:
        """Return the pull request, opened now if there is a plan and none yet."""
        known, plan = board.thread.pull, plan_of(self.setting.store)
        if known is not None or plan is None:
            return known
        snapshot = self.setting.snapshot
        pull = self.writer.open_draft(
            head=self.progress.branch,
            base=snapshot.payload.base_branch or "",
            title=pull_title(snapshot, plan),
            body=board.pull_body(plan),
        )
        board.post_status(pull.number, new)
        return pull

    def _go_on(self) -> None:
        """Start the next slice, if there is one, it may start by itself, and this one got somewhere."""
        rules, step = self.setting.config.implement.slice, next_step(self.progress)
        if step in _GOES_ON and rules.dispatch and _got_somewhere(self._before(), self.progress):
            self.writer.dispatch({"issue": self.issue, "command": "continue"})

    def _before(self) -> Progress | None:
        """Return where the run was when this workflow run began, as its branch said then."""
        tip = self.taken.places.tip
        if tip is None:
            return None
        self.remote.fetch(tip)
        state = read_state(self.git, tip, self.taken.run)
        return state.progress if state else None


def _got_somewhere(before: Progress | None, after: Progress) -> bool:
    """Say whether a slice finished a task, or added one: what makes no headway must not start itself again."""
    if before is None:
        return False

    def done(progress: Progress) -> int:
        return sum(task.status is WorkStatus.DONE for task in progress.tasks)

    return done(after) > done(before) or len(after.tasks) > len(before.tasks) or after.plan != before.plan
