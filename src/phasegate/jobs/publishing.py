"""The jobs that write: everything is checked once more, the branch moves by compare-and-swap, people are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.base import Sha, Step
from phasegate.documents.findings import Findings
from phasegate.documents.hand_over import Answer, HandOver
from phasegate.documents.interview import Questions
from phasegate.documents.markers import NoteMarker, NoticeMarker, PlanMarker, ReviewMarker, StatusMarker, marker_of
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, PhaseStatus, Progress, RunState, WaitingFor, WorkStatus
from phasegate.doors.git.remote import RemoteGit
from phasegate.doors.git.repository import Git
from phasegate.errors import UserError
from phasegate.jobs.branch_state import read_state, state_commit
from phasegate.jobs.checking import check_approvers, check_branch, check_pull
from phasegate.jobs.inputs import TOLD
from phasegate.jobs.job import Job
from phasegate.jobs.replying import reply_to
from phasegate.jobs.summary import estimate, plan_of, report_of, review_of, summarise
from phasegate.jobs.working import FAILED
from phasegate.jobs.writing import DryWriter, ForgeWriter, Writer
from phasegate.phases.setting import Setting
from phasegate.pipeline import PLAN_WAITS, perform
from phasegate.policy.flow import next_step
from phasegate.policy.labels import STATE_LABELS, label_of
from phasegate.policy.thread import Pull, Thread
from phasegate.policy.thread_rules import notice_comment, plan_comment, status_comment
from phasegate.publishing.issue_comments import findings_comment, notice, questions_comment
from phasegate.publishing.plan_comment import plan_comment as written_plan
from phasegate.publishing.pull_text import pull_body, pull_title
from phasegate.publishing.review_comment import review_comment
from phasegate.publishing.safe_markdown import SafeMarkdown
from phasegate.publishing.status_comment import status_comment as written_status

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
    stage.check()
    step = next_step(stage.progress)
    if step in {Step.PUBLISH_PLAN, Step.PUBLISH}:
        perform(step, stage.setting)
    stage.put_out()


@dataclass(slots=True)
class _Stage:
    """What is published, and where it goes."""

    job: Job
    setting: Setting
    taken: HandOver
    remote: RemoteGit
    git: Git
    writer: Writer
    thread: Thread | None = None
    """Of the pull request if there is one, else of the issue."""
    on_issue: Thread | None = None
    """Of the issue, as long as nothing was known of a pull request when it was decided."""

    @property
    def progress(self) -> Progress:
        """Where the run is."""
        return self.setting.store.progress

    @property
    def issue(self) -> int:
        """The number of the issue."""
        return int(self.taken.run)

    def check(self) -> None:
        """Raise `RefusedError` if the pull request or those who approved are not as they were."""
        self.thread = self._thread()
        if self.progress.purpose != "findings":
            check_pull(self.thread.pull, self.setting)
        check_approvers(self.job.github, self.setting)

    def _thread(self) -> Thread:
        """Return where people look: an earlier attempt of this job may have opened the pull request."""
        known, is_findings = self.taken.places.pull, self.progress.purpose == "findings"
        if known is None or is_findings:
            self.on_issue = self.job.github.thread(self.issue, self.progress.branch)
            if self.on_issue.pull is None or is_findings:
                return self.on_issue
            known = self.on_issue.pull.number
        return self.job.github.thread(known)

    def put_out(self) -> None:
        """Move the branch and tell everybody. What was done already by an earlier attempt is not done again."""
        if self.progress.purpose == "findings":
            self._tell_findings()
            return
        new = self._new_tip()
        check_branch(self.remote, self.taken.run, {new, self.taken.places.tip}, self.thread)
        self._announce(new)
        self._push(new)
        pull = self._pull(new)
        if pull is not None:
            self._tell_on_pull(pull, new)
        self._tell_on_issue(pull)
        if self.progress.state is RunState.FAILED:
            self._tell_failure("`/retry` goes on at the first thing that is not done; `/cancel` ends the run.")
        self._go_on()

    def _new_tip(self) -> Sha:
        """Return the commit that the branch is to end with: the state, or once all is done the code alone."""
        if self.progress.state is RunState.DONE:
            return self.progress.head_sha
        return state_commit(self.setting.store, self.git)

    def _marker(self, new: Sha) -> StatusMarker:
        return StatusMarker(self.taken.run, tip=new, was=self.taken.places.tip)

    def _status(self, new: Sha) -> SafeMarkdown:
        store = self.setting.store
        return written_status(
            self.job.templates.render,
            marker=self._marker(new),
            progress=self.progress,
            plan=plan_of(store),
            report=report_of(store),
            review=review_of(store),
            estimate=estimate(self.setting.store, self.setting.config),
            page=self.job.page,
        )

    def _announce(self, new: Sha) -> None:
        """Say where the branch will be before it is there, so that a crash in between leaves nothing in doubt."""
        number = self.thread.number if self.thread else self.issue
        self._write_status(number, new)

    def _write_status(self, number: int, new: Sha) -> None:
        known = _kept_comment(self.thread, self.taken.run) if self.thread else None
        if known is not None:
            self.writer.edit_comment(known, self._status(new))
        else:
            self.writer.comment(number, self._status(new), str(self._marker(new)))

    def _push(self, new: Sha) -> None:
        now = self.remote.tip(self.progress.branch)
        if now != new:
            self.writer.push(self.remote, self.progress.branch, new=new, old=self.taken.places.tip)

    def _pull(self, new: Sha) -> Pull | None:
        """Return the pull request, opened now if there is a plan and none yet."""
        known, plan = self.thread.pull if self.thread else None, plan_of(self.setting.store)
        if known is not None or plan is None:
            return known
        snapshot = self.setting.snapshot
        body = pull_body(self.job.templates.render, run=self.taken.run, plan=plan, page=self.job.page)
        pull = self.writer.open_draft(
            head=self.progress.branch,
            base=snapshot.payload.base_branch or "",
            title=pull_title(snapshot, plan),
            body=body,
        )
        self.writer.comment(pull.number, self._status(new), str(self._marker(new)))
        return pull

    def _tell_on_pull(self, pull: Pull, new: Sha) -> None:
        if self.progress.state is RunState.WAITING and self.progress.waiting_for is WaitingFor.APPROVAL:
            self._post_plan(pull, new)
        review = review_of(self.setting.store)
        if self.progress.state is RunState.DONE and review is not None:
            marker = ReviewMarker(self.taken.run, new)
            said = review_comment(
                self.job.templates.render,
                marker=marker,
                review=review,
                report=report_of(self.setting.store),
                page=self.job.page,
            )
            if not self._is_posted(self.thread, str(marker)):
                self.writer.comment(pull.number, said, str(marker))
            if pull.is_draft:
                self.writer.mark_ready(pull)
        if self.progress.state is RunState.REJECTED and pull.is_open:
            self.writer.close_pull(pull.number)

    def _post_plan(self, pull: Pull, new: Sha) -> None:
        plan = self.setting.store.get(self.progress.plan or "", Plan)
        marker = PlanMarker(self.taken.run, plan.revision, plan.digest, new)
        comments = self.thread.comments if self.thread and self.thread.number == pull.number else ()
        known = plan_comment(comments, self.taken.run, plan.digest, new)
        if known is not None and str(marker) in known.body:
            return
        cost = estimate(self.setting.store, self.setting.config) or Decimal(0)
        said = written_plan(
            self.job.templates.render,
            marker=marker,
            plan=plan,
            snapshot=self.setting.snapshot,
            config=self.setting.config,
            gates=self.setting.gates,
            cost=cost,
            reason="" if self.progress.reason == PLAN_WAITS else self.progress.reason,
            page=self.job.page,
        )
        self.writer.comment(pull.number, said, str(marker))
        for older in _older_plans(self.thread, self.taken.run):
            self.writer.minimise(older)

    def _tell_on_issue(self, pull: Pull | None) -> None:
        """Say on the issue where the run is; once there is a pull request, that it goes on there, questions too."""
        if self.progress.waiting_for is WaitingFor.ANSWERS:
            self._post_questions()
        known = _kept_comment(self.on_issue, self.taken.run) if self.on_issue else None
        if pull is not None and known is not None:
            self.writer.edit_comment(known, self._notice(f"The plan is on #{pull.number}.", pull.number))
        self._label(pull)

    def _notice(self, what: str, pull: int | None) -> SafeMarkdown:
        marker = NoticeMarker(self.taken.run)
        render, page = self.job.templates.render, self.job.page
        return notice(render, marker=marker, progress=self.progress, what=what, pull=pull, page=page)

    def _post_questions(self) -> None:
        asked = self.setting.store.get(self.progress.phase(PhaseName.PLAN).document or "", Questions)
        marker = NoteMarker("questions", self.taken.run)
        said = questions_comment(self.job.templates.render, marker=marker, questions=asked, page=self.job.page)
        if not self._is_posted(self.thread, str(marker)):
            self.writer.comment(self.thread.number if self.thread else self.issue, said, str(marker))

    def _is_posted(self, thread: Thread | None, marker: str) -> bool:
        """Say whether an earlier attempt of this job posted a comment: one of ours, since what set the run going."""
        comments = thread.comments if thread else ()
        since = self.taken.origin.at
        return any(one.is_ours and one.created >= since and one.body.startswith(marker) for one in comments)

    def _tell_findings(self) -> None:
        phase = self.progress.phase(PhaseName.RESEARCH)
        if phase.status is PhaseStatus.DONE:
            findings = self.setting.store.get(phase.document or "", Findings)
            marker = NoteMarker("findings", self.taken.run)
            said = findings_comment(self.job.templates.render, marker=marker, findings=findings, page=self.job.page)
            if not self._is_posted(self.thread, str(marker)):
                self.writer.comment(self.issue, said, str(marker))
        else:
            self._tell_failure("Take the label off the issue and put it on again, once that is mended.")
        known = notice_comment(self.thread.comments if self.thread else (), self.taken.run)
        if known is not None:
            what = "The findings are below." if phase.status is PhaseStatus.DONE else self.progress.reason
            self.writer.edit_comment(known.id, self._notice(what, None))

    def _tell_failure(self, mend: str) -> None:
        known = self.taken.answer if self.taken.answer and self.taken.answer.code == FAILED else None
        what = known.what if known else self.progress.reason
        answer = Answer(code=FAILED, topic="refused", what=what, mend=mend)
        reply_to(self.job, self.taken, answer, self.writer)

    def _label(self, pull: Pull | None) -> None:
        """Show the state by one label, on the pull request if there is one."""
        there = self.thread.labels if self.thread else ()
        now = label_of(self.progress.state)
        others = [name for name in STATE_LABELS if name in there and name != now]
        self.writer.label(pull.number if pull else self.issue, [now], others)
        left = [name for name in STATE_LABELS if self.on_issue is not None and name in self.on_issue.labels]
        if pull is not None and left:  # from now on the pull request shows the state
            self.writer.label(self.issue, [], left)

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


def _kept_comment(thread: Thread, run: str) -> int | None:
    """Return the comment on the issue that is kept up to date in place."""
    known = status_comment(thread.comments, run) or notice_comment(thread.comments, run)
    return known.id if known else None


def _older_plans(thread: Thread | None, run: str) -> Sequence[str]:
    """Return the node ids of plan comments that are not folded yet."""
    comments = thread.comments if thread else ()
    ours = [comment for comment in comments if comment.is_ours and not comment.is_minimised]
    markers = [(comment, marker_of(comment.body)) for comment in ours]
    return [one.node_id for one, marker in markers if isinstance(marker, PlanMarker) and marker.run == run]


def _got_somewhere(before: Progress | None, after: Progress) -> bool:
    """Say whether a slice finished a task, or added one: what makes no headway must not start itself again."""
    if before is None:
        return False

    def done(progress: Progress) -> int:
        return sum(task.status is WorkStatus.DONE for task in progress.tasks)

    return done(after) > done(before) or len(after.tasks) > len(before.tasks) or after.plan != before.plan
