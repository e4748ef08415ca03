"""What a human says to a run: approve, revise, answer, adopt, reject, take by hand, cancel.

Each is done, or refused with the reason.
"""

from pydantic import ValidationError

from phasegate.documents.approval import Approval, ApprovalPayload, Approver
from phasegate.documents.base import Digest, Step
from phasegate.documents.interview import Feedback
from phasegate.documents.parsing import field_errors
from phasegate.documents.plan import Plan
from phasegate.documents.plan_markdown import parse_plan
from phasegate.documents.progress import PhaseName, Progress, RunState, WaitingFor, WorkStatus
from phasegate.documents.progress_events import HumanSpoke, PhasesReopened, PlanSet, RunEnded, RunResumed, WorkMoved
from phasegate.doors.run_store import RunStore
from phasegate.errors import RefusedError, UserError
from phasegate.phases.approved import standing
from phasegate.phases.branch import sync
from phasegate.phases.plan import plan_problems
from phasegate.phases.setting import Setting
from phasegate.policy.approval import why_void

SHORTEST_DIGEST = 8
"""How much of a digest has to be said, in characters."""


def approve(
    setting: Setting,
    approver: Approver,
    *,
    digest: str | None = None,
    others: tuple[Approver, ...] = (),
    comment: str | None = None,
) -> None:
    """Bind a yes to what is in force. `digest` (or its beginning) makes sure of what was read.

    `others` said yes too; `comment` is where on the forge it was said.

    Raises `RefusedError` when nothing waits, the digest is another one, or the branch has moved.
    """
    progress = _waiting(setting.store.progress, WaitingFor.APPROVAL)
    subject = _in_force(progress)
    if digest is not None and not (len(digest) >= SHORTEST_DIGEST and subject.startswith(digest.lower())):
        raise RefusedError(
            f"The plan in force is {subject[:12]}, not {digest}.", mend="Read it again before approving."
        )
    sync(setting)
    now = standing(setting, head_sha=progress.head_sha)
    approval = Approval(
        run=progress.run,
        parents=(subject,),
        made_by=setting.made_by(Step.DECIDE, None),
        payload=ApprovalPayload(
            subject=subject,
            head_sha=now.head_sha,
            base_sha=now.base_sha,
            config=now.config,
            toolset=now.toolset,
            version=now.version,
            approver=approver,
            others=others,
            comment=comment,
            at=setting.clock.now(),
        ),
    )
    void = why_void(approval, subject, now)
    if void is not None:
        raise RefusedError(f"The approval cannot be given: {void}.")
    blocked = [task.id for task in progress.tasks if task.status is WorkStatus.BLOCKED]
    again = [WorkMoved(task, WorkStatus.PENDING, setting.clock.now()) for task in blocked]
    setting.store.advance(HumanSpoke(setting.store.put(approval)), *again)


def say(setting: Setting, verb: str, text: str, author: str) -> None:
    """Send a plan back with a wish (`revise`), start it anew (`replan`), or answer the planner's questions (`answer`).

    Raises `RefusedError` when the run does not wait for that, `UserError` for an empty or an over-long text.
    """
    wanted = WaitingFor.ANSWERS if verb == "answer" else WaitingFor.APPROVAL
    progress = _waiting(setting.store.progress, wanted)
    about = progress.phase(PhaseName.PLAN).document if wanted is WaitingFor.ANSWERS else _in_force(progress)
    content = {
        "run": progress.run,
        "parents": (about,),
        "made_by": setting.made_by(Step.DECIDE, None),
        "payload": {"verb": verb, "text": text, "author": author, "at": setting.clock.now()},
    }
    try:
        feedback = Feedback.model_validate(content)
    except ValidationError as error:
        raise UserError("What you said cannot be used: " + "; ".join(field_errors(error)) + ".") from None
    setting.store.put(feedback)
    setting.store.advance(HumanSpoke(None), PhasesReopened((PhaseName.PLAN,)))


def adopt(setting: Setting, markdown: str) -> bool:
    """Take the plan as a human edited it; return whether it differs from the one in force.

    Raises `DocumentError` for what is no plan, `RefusedError` for a plan that does not pass the gate after planning.
    """
    progress = _waiting(setting.store.progress, WaitingFor.APPROVAL)
    _refuse_in_primer_run(progress)
    current = setting.store.get(_in_force(progress), Plan)
    parsed = parse_plan(markdown)
    if parsed.payload == current.payload:
        return False
    problems = plan_problems(setting, parsed.payload)
    if problems:
        raise RefusedError("The plan cannot be adopted: " + "; ".join(problems) + ".", mend="Edit it, and adopt again.")
    adopted = Plan(
        run=progress.run,
        parents=(current.digest,),
        made_by=setting.made_by(Step.DECIDE, None),
        revision=current.revision + 1,
        payload=parsed.payload,
    )
    tasks = tuple((task.id, task.title) for task in adopted.payload.tasks)
    setting.store.advance(HumanSpoke(None), PlanSet(setting.store.put(adopted), tasks))
    return True


def end(store: RunStore, state: RunState, reason: str) -> None:
    """Reject, cancel, or take by hand. Raises `RefusedError` when the run is over already, or has no plan to take."""
    if state is RunState.MANUAL:
        _refuse_in_primer_run(store.progress)
        _in_force(store.progress)
    store.advance(RunEnded(state, reason))


def resume(store: RunStore) -> None:
    """Open a failed, cancelled or interrupted run again at its first unfinished task or phase.

    One that waits for a human goes on waiting. Raises `IllegalTransitionError` for a run that is done, rejected or
    taken by hand.
    """
    if store.progress.state is not RunState.WAITING:
        store.advance(RunResumed())


def _waiting(progress: Progress, wanted: WaitingFor) -> Progress:
    if progress.state is RunState.WAITING and progress.waiting_for is wanted:
        return progress
    stands = f"waits for {progress.waiting_for}" if progress.state is RunState.WAITING else f"is {progress.state}"
    raise RefusedError(
        f"Run {progress.run} {stands}: there is nothing to say to that.",
        mend=f"`phasegate status {progress.run}` says what it waits for.",
    )


def _in_force(progress: Progress) -> Digest:
    if progress.plan is None:
        raise RefusedError(f"Run {progress.run} has no plan yet.")
    return progress.plan


def _refuse_in_primer_run(progress: Progress) -> None:
    if progress.purpose == "primer":
        run = progress.run
        raise RefusedError(
            f"Run {run} drafts a primer: there is no plan in it.",
            mend=f'`phasegate revise {run} "TEXT"` has it drafted anew, or edit the primer on the branch afterwards.',
        )
