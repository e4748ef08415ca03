"""What people get to read when a run is published: status, plan, questions, findings, review, labels.

What an earlier attempt of the same job has posted is not posted again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.base import Sha
from phasegate.documents.findings import Findings
from phasegate.documents.hand_over import Answer, HandOver
from phasegate.documents.interview import Questions
from phasegate.documents.markers import NoteMarker, NoticeMarker, PlanMarker, ReviewMarker, StatusMarker, marker_of
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, PhaseStatus, Progress, RunState, WaitingFor
from phasegate.jobs.job import Job
from phasegate.jobs.replying import reply_to
from phasegate.jobs.summary import estimate, plan_of, report_of, review_of
from phasegate.jobs.working import FAILED
from phasegate.jobs.writing import Writer
from phasegate.phases.setting import Setting
from phasegate.pipeline import PLAN_WAITS
from phasegate.policy.labels import STATE_LABELS, label_of
from phasegate.policy.thread import Pull, Thread
from phasegate.policy.thread_rules import notice_comment, plan_comment, status_comment
from phasegate.publishing.issue_comments import findings_comment, notice, questions_comment
from phasegate.publishing.plan_comment import plan_comment as written_plan
from phasegate.publishing.pull_text import pull_body
from phasegate.publishing.review_comment import review_comment
from phasegate.publishing.safe_markdown import SafeMarkdown
from phasegate.publishing.status_comment import status_comment as written_status


@dataclass(frozen=True, slots=True)
class Board:
    """Where people look: the pull request if there is one, else the issue."""

    job: Job
    setting: Setting
    taken: HandOver
    writer: Writer
    thread: Thread
    on_issue: Thread | None
    """The issue, as long as nothing was known of a pull request when it was decided."""

    @property
    def progress(self) -> Progress:
        """Where the run is."""
        return self.setting.store.progress

    @property
    def issue(self) -> int:
        """The number of the issue."""
        return int(self.taken.run)

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

    def announce(self, new: Sha) -> None:
        """Say where the branch will be before it is there, so that a crash in between leaves nothing in doubt."""
        known = _kept_comment(self.thread, self.taken.run)
        if known is not None:
            self.writer.edit_comment(known, self._status(new))
        else:
            self.post_status(self.thread.number, new)

    def post_status(self, number: int, new: Sha) -> None:
        """Post the status where it is kept up to date from now on."""
        self.writer.comment(number, self._status(new), str(self._marker(new)))

    def tell_on_pull(self, pull: Pull, new: Sha) -> None:
        """Post the plan, or the review when all is done, and bring the pull request where the run is."""
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
            if not self._is_posted(str(marker)):
                self.writer.comment(pull.number, said, str(marker))
            if pull.is_draft:
                self.writer.mark_ready(pull)
        if self.progress.state is RunState.REJECTED and pull.is_open:
            self.writer.close_pull(pull.number)

    def _post_plan(self, pull: Pull, new: Sha) -> None:
        plan = self.setting.store.get(self.progress.plan or "", Plan)
        marker = PlanMarker(self.taken.run, plan.revision, plan.digest, new)
        comments = self.thread.comments if self.thread.number == pull.number else ()
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
        if self.thread.number == pull.number:  # it was opened with the plan before: digest and scope are others now
            self.writer.describe_pull(pull.number, self.pull_body(plan))

    def pull_body(self, plan: Plan) -> SafeMarkdown:
        """Return the text of the pull request: the plan's digest, and what it may touch."""
        return pull_body(self.job.templates.render, run=self.taken.run, plan=plan, page=self.job.page)

    def tell_on_issue(self, pull: Pull | None) -> None:
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
        if not self._is_posted(str(marker)):
            self.writer.comment(self.thread.number, said, str(marker))

    def _is_posted(self, marker: str) -> bool:
        """Say whether an earlier attempt of this job posted a comment: one of ours, since what set the run going."""
        since = self.taken.origin.at
        comments = self.thread.comments
        return any(one.is_ours and one.created >= since and one.body.startswith(marker) for one in comments)

    def tell_findings(self) -> None:
        """Post the findings of a run that was for nothing else, or why there are none."""
        phase = self.progress.phase(PhaseName.RESEARCH)
        if phase.status is PhaseStatus.DONE:
            findings = self.setting.store.get(phase.document or "", Findings)
            marker = NoteMarker("findings", self.taken.run)
            said = findings_comment(self.job.templates.render, marker=marker, findings=findings, page=self.job.page)
            if not self._is_posted(str(marker)):
                self.writer.comment(self.issue, said, str(marker))
        else:
            self.tell_failure("Take the label off the issue and put it on again, once that is mended.")
        known = notice_comment(self.thread.comments, self.taken.run)
        if known is not None:
            what = "The findings are below." if phase.status is PhaseStatus.DONE else self.progress.reason
            self.writer.edit_comment(known.id, self._notice(what, None))

    def tell_failure(self, mend: str) -> None:
        """Say why the run failed, and what can be done."""
        known = self.taken.answer if self.taken.answer and self.taken.answer.code == FAILED else None
        what = known.what if known else self.progress.reason
        answer = Answer(code=FAILED, topic="refused", what=what, mend=mend)
        reply_to(self.job, self.taken, answer, self.writer)

    def _label(self, pull: Pull | None) -> None:
        """Show the state by one label, on the pull request if there is one."""
        there = self.thread.labels
        now = label_of(self.progress.state)
        others = [name for name in STATE_LABELS if name in there and name != now]
        self.writer.label(pull.number if pull else self.issue, [now], others)
        left = [name for name in STATE_LABELS if self.on_issue is not None and name in self.on_issue.labels]
        if pull is not None and left:  # from now on the pull request shows the state
            self.writer.label(self.issue, [], left)


def _kept_comment(thread: Thread, run: str) -> int | None:
    """Return the comment on the issue that is kept up to date in place."""
    known = status_comment(thread.comments, run) or notice_comment(thread.comments, run)
    return known.id if known else None


def _older_plans(thread: Thread, run: str) -> Sequence[str]:
    """Return the node ids of plan comments that are not folded yet."""
    ours = [comment for comment in thread.comments if comment.is_ours and not comment.is_minimised]
    markers = [(comment, marker_of(comment.body)) for comment in ours]
    return [one.node_id for one, marker in markers if isinstance(marker, PlanMarker) and marker.run == run]
