"""Publish: everything is checked once more, then the branch gets its last shape. Nothing is executed here."""

from phasegate.documents.change_set import ChangeSet
from phasegate.documents.gate_report import GateReport
from phasegate.documents.primer import PrimerDraft
from phasegate.documents.progress import PhaseName, RunState, WorkStatus
from phasegate.documents.progress_events import RunEnded
from phasegate.documents.review import Review
from phasegate.doors.git.repository import FileChange
from phasegate.errors import RefusedError
from phasegate.phases.approved import approved_plan
from phasegate.phases.branch import built, move, sign_off, sync
from phasegate.phases.setting import Setting
from phasegate.policy.config import PRIMER_PATH
from phasegate.publishing.words import counted


def publish_change(setting: Setting) -> None:
    """Sign the commits off with the reviewer's name, and end the run. Raises `RefusedError` if something is amiss."""
    problems = _amiss(setting)
    if problems:
        raise RefusedError("The branch cannot be delivered: " + "; ".join(problems) + ".")
    progress = setting.store.progress
    commits = counted(len(progress.tasks), "commit")
    signed = sign_off(setting, progress.phase(PhaseName.REVIEW).model or "nobody")
    setting.store.advance(signed, RunEnded(RunState.DONE, f"{commits} on {progress.branch}"))


def _amiss(setting: Setting) -> list[str]:
    """Return what does not fit together: approval, branch, change, gates and review."""
    progress, get = setting.store.progress, setting.store.get
    plan = approved_plan(setting)
    change = get(progress.phase(PhaseName.IMPLEMENT).document or "", ChangeSet)
    report = get(progress.phase(PhaseName.VERIFY).document or "", GateReport)
    review = get(progress.phase(PhaseName.REVIEW).document or "", Review)
    promises = {
        "the change belongs to another plan": change.payload.plan == plan.digest,
        "the branch is not what was verified": change.payload.head_sha == progress.head_sha,
        "the gates saw another change": report.payload.change_set == change.digest,
        "a required gate has not passed": report.payload.passed,
        "the review saw another change, or other gates": {change.digest, report.digest} <= set(review.parents),
        "the review wants changes": review.payload.verdict == "approve",
        "a task is not done": all(task.status is WorkStatus.DONE for task in progress.tasks),
    }
    return [what for what, kept in promises.items() if not kept]


def publish_primer(setting: Setting) -> None:
    """Commit the approved draft, and end the run. Raises `RefusedError` if somebody else moved the branch."""
    progress = setting.store.progress
    draft = setting.store.get(progress.plan or "", PrimerDraft)
    sync(setting)
    text = draft.payload.primer.text.encode() + b"\n"
    if setting.git.read(progress.head_sha, PRIMER_PATH) != text:
        trailers = f"Planned-by: {draft.made_by.model}\nPhasegate-Plan: {progress.run} {draft.digest[:12]}\n"
        message = f"Describe the repository in {PRIMER_PATH}\n\n{trailers}"
        move(setting, built(setting, [FileChange(PRIMER_PATH, text)], message))
    setting.store.advance(RunEnded(RunState.DONE, f"{PRIMER_PATH} on {progress.branch}"))
