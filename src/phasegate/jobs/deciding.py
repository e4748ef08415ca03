"""The first job: who wants what, may they, and what happens now. No model is asked and nothing is written."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Literal

from phasegate.documents.base import Step
from phasegate.documents.hand_over import Answer, HandOver, Origin
from phasegate.documents.progress import Progress, RunState, WaitingFor
from phasegate.documents.progress_events import HumanNeeded
from phasegate.documents.snapshot import Permission
from phasegate.doors.git.repository import Git
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError, UserError
from phasegate.jobs.checking import check_approvers
from phasegate.jobs.inputs import MOST_SLOTS
from phasegate.jobs.job import Job
from phasegate.jobs.looking import Found, Ours, asked_permission, look
from phasegate.jobs.snapshots import snapshot_of
from phasegate.jobs.summary import estimate
from phasegate.phases.approved import approved_plan
from phasegate.phases.beginning import first_progress
from phasegate.phases.human import adopt, approve, end, resume, say
from phasegate.phases.implement import next_wave
from phasegate.phases.research import scouts
from phasegate.phases.setting import Setting
from phasegate.policy.approval import MAY_APPROVE
from phasegate.policy.branches import branch_of
from phasegate.policy.decide import Counted, Decision, GoOn, Ignore, Refuse, Speak, Start, Tell, decide
from phasegate.policy.events import CommentWritten, Dispatched, LabelAdded
from phasegate.policy.flow import next_step

ANSWER_ONLY = "acknowledge"
"""What comes next when nothing is to be done but to answer."""
_DONE: Mapping[str, str] = {
    "approve": "Approved. The implementation starts now, in its own job. The status comment shows what comes of it.",
    "revise": "A new plan is being made with what you said; it will be posted here.",
    "replan": "A new plan is being made from scratch; it will be posted here.",
    "answer": "Thank you. The planner goes on with your answers.",
    "adopt": "The plan is taken as you edited it; it will be posted here for approval.",
    "reject": "The plan is rejected, and the run is over.",
    "manual": "The plan is yours now, and the run is over.",
    "retry": "It goes on at the first thing that is not done.",
    "cancel": "The run is cancelled. What is at work right now ends by itself and is not published; to stop it at "
    "once, cancel its workflow run.",
    "start": "Work has begun.",
    "continue": "It goes on.",
}
_ENDS: Mapping[str, RunState] = {
    "reject": RunState.REJECTED,
    "manual": RunState.MANUAL,
    "cancel": RunState.CANCELLED,
}
_REPLAN = "Start over: make a new plan from the findings, without leaning on the plan before."
_STEPS: Mapping[Step, str] = {Step.CORRECT: "implement"}


@dataclass(frozen=True, slots=True)
class _Case:
    """A decision to carry out, and what it was made on."""

    job: Job
    event: Ours
    found: Found
    origin: Origin
    dry_run: bool

    def hand_over(self, answer: Answer | None) -> HandOver:
        """Return a hand-over without a run."""
        run = self.found.facts.run.run if self.found.facts.run else str(self.event.number)
        return HandOver(
            run=run,
            made_by=Step.DECIDE,
            origin=self.origin,
            places=self.found.places,
            dry_run=self.dry_run,
            answer=answer,
        )


def decide_on(job: Job, event: Ours) -> None:
    """Decide, and leave what follows from it, also when it cannot be found out. Raises `UserError` for a stranger's."""
    now, permission = job.clock.now(), asked_permission(job, event.sender)
    is_dry = isinstance(event, Dispatched) and event.request.dry_run
    origin = _origin(event, permission, now)
    try:
        found = look(job, event, permission)
        decision = decide(event, found.facts, found.config, now)
    except UserError as error:
        if permission not in MAY_APPROVE:
            raise
        answer = _refused("cannot-decide", error)
        left = HandOver(run=str(event.number), made_by=Step.DECIDE, origin=origin, dry_run=is_dry, answer=answer)
        job.leave(left, ANSWER_ONLY)
        return
    job.runner.log(f"Decided: {decision.code}.")
    if isinstance(decision, Ignore):
        job.runner.notice(decision.why, title="Nothing to do")
        job.runner.output("next", "")
        return
    case = _Case(job, event, found, origin, is_dry)
    try:
        _carry_out(case, decision)
    except UserError as error:
        _answer(case, _refused("refused-by-run", error))


def _refused(code: str, error: UserError) -> Answer:
    what = " ".join(part for part in (error.what, error.cause) if part)
    return Answer(code=code, topic="refused", what=what, mend=error.mend)


def _origin(event: Ours, permission: Permission | None, now: datetime) -> Origin:
    kinds: Mapping[type[Ours], Literal["issues", "issue_comment"]] = {
        LabelAdded: "issues",
        CommentWritten: "issue_comment",
    }
    said = event.said if isinstance(event, CommentWritten) else None
    verb = event.request.command if isinstance(event, Dispatched) else getattr(said, "verb", "start")
    return Origin(
        event=event.source if isinstance(event, Dispatched) else kinds[type(event)],
        actor=event.sender.login,
        actor_id=event.sender.id,
        permission=permission or "none",
        at=now if isinstance(event, Dispatched) else event.at,
        number=event.number,
        comment=event.comment if isinstance(event, CommentWritten) else None,
        verb=verb,
    )


def _carry_out(case: _Case, decision: Decision) -> None:
    match decision:
        case Refuse(code, what, mend):
            _answer(case, Answer(code=code, topic="refused", what=what, mend=mend))
        case Counted(have, need):
            _answer(case, Answer(code=decision.code, topic="done", what=f"Approval {have} of {need} is counted."))
        case Tell(topic, what):
            busy = f"A job is at work on it right now: {case.found.facts.at_work}" if case.found.facts.at_work else ""
            _answer(case, Answer(code=decision.code, topic=topic, what=what or busy))
        case Start():
            _start(case, decision)
        case Speak() | GoOn():
            _speak(case, decision)


def _answer(case: _Case, answer: Answer) -> None:
    """Leave an answer; the run, if there is one, goes with it for whoever writes the answer."""
    hand_over, found = case.hand_over(answer), case.found
    if found.git is not None and found.store is not None:
        cost = estimate(found.store, found.config)
        hand_over = case.job.packed(found.git, found.store, hand_over.model_copy(update={"estimate": cost}))
    case.job.leave(hand_over, ANSWER_ONLY)


def _start(case: _Case, decision: Start) -> None:
    found, job, run = case.found, case.job, str(case.event.number)
    if found.git is None:
        raise RefusedError("There is no clone to start from.")
    snapshot = snapshot_of(job, case.event, found.thread, case.origin, decision, found.git)
    store = job.fresh_store(run)
    store.put(snapshot)
    store.begin(first_progress(snapshot, branch_of(run), with_research=decision.with_research))
    _leave(case, found.git, store, "start")


def _speak(case: _Case, decision: Speak | GoOn) -> None:
    found, job = case.found, case.job
    if found.git is None or found.store is None:
        raise RefusedError("There is no run to speak to.")
    verb = decision.verb if isinstance(decision, Speak) else "continue"
    with job.setting(found.git, found.store) as setting:
        if isinstance(decision, Speak):
            _said(case, decision, setting)
        else:
            resume(setting.store)  # a job that was told to end early may have left something half done
        _check_approval(case, setting)
    _leave(case, found.git, found.store, verb)


def _check_approval(case: _Case, setting: Setting) -> None:
    """Let the run wait for another approval, before any money is spent, if who approved may not write any more."""
    try:
        check_approvers(case.job.github, setting)
    except RefusedError as error:
        if setting.store.progress.state is RunState.ACTIVE:
            setting.store.advance(HumanNeeded(WaitingFor.APPROVAL, error.what))


def _said(case: _Case, decision: Speak, setting: Setting) -> None:
    """Pass on what was said to the run. Raises `UserError` when the run refuses it."""
    by, text, store = decision.by, decision.text, setting.store
    if decision.verb in _ENDS:
        end(store, _ENDS[decision.verb], f"{decision.verb} by {by.login}" + (f": {text}" if text else ""))
        return
    comment = str(case.origin.comment) if case.origin.comment else None
    words: Mapping[str, Callable[[], object]] = {
        "approve": partial(approve, setting, by, digest=decision.digest, others=decision.others, comment=comment),
        "revise": lambda: say(setting, "revise", text, by.login),
        "replan": lambda: say(setting, "replan", text or _REPLAN, by.login),
        "answer": lambda: say(setting, "answer", text, by.login),
        "adopt": lambda: _adopt(case, setting),
        "retry": lambda: resume(store),
    }
    words[decision.verb]()


def _adopt(case: _Case, setting: Setting) -> None:
    if case.found.edited_plan is None or not adopt(setting, case.found.edited_plan):
        raise RefusedError(
            "The plan on the branch is the one that is shown here: nobody edited it.",
            mend="Edit its Markdown file on the branch, commit that, then say `/adopt`.",
        )


def _leave(case: _Case, git: Git, store: RunStore, verb: str) -> None:
    """Leave the run to the job that goes on with it."""
    job, progress = case.job, store.progress
    answer = Answer(code=verb, topic="done", what=_DONE[verb])
    following, parts = _following(case, git, store, progress)
    job.leave(job.packed(git, store, case.hand_over(answer)), following)
    if parts:
        slots = [{"slot": number, "part": part} for number, part in enumerate(parts, 1)]
        job.runner.output("parts", json.dumps(slots))


def _following(case: _Case, git: Git, store: RunStore, progress: Progress) -> tuple[str, tuple[str, ...]]:
    """Return the job that comes next, and the parts that it is spread over."""
    step = next_step(progress)
    if step is None:  # one that waits is taken up again only where its plan could not be shown
        return ("publish" if progress.ended else "publish-plan"), ()
    with case.job.setting(git, store) as setting:
        spread = setting.config.fan_out == "jobs"
        if spread and step is Step.RESEARCH and (asked := tuple(scout for scout, _ in scouts(setting))):
            return "scout", asked[:MOST_SLOTS]
        if spread and step is Step.IMPLEMENT:
            wave = tuple(task.id for task in next_wave(setting, approved_plan(setting)))
            if len(wave) > 1:
                return "task", wave[:MOST_SLOTS]
    return _STEPS.get(step, str(step)), ()
