"""What a human has approved, and whether that still covers what is in force."""

from phasegate import __version__
from phasegate.agent.tools.toolset import TOOLSET
from phasegate.documents.approval import Approval
from phasegate.documents.base import Sha
from phasegate.documents.plan import Plan
from phasegate.errors import RefusedError
from phasegate.phases.setting import Setting
from phasegate.policy.approval import Standing, why_void, within_approved


def approved_plan(setting: Setting) -> Plan:
    """Return the plan in force. Raises `RefusedError` unless a human's approval covers it."""
    void = why_approval_is_void(setting)
    if void is not None:
        raise RefusedError(f"The approval does not hold: {void}.")
    return setting.store.get(setting.store.progress.plan or "", Plan)


def why_approval_is_void(setting: Setting) -> str | None:
    """Return why what is in force may not be carried out, or None if a human's approval covers it.

    In a primer run that is the draft. Corrections of a plan are covered as long as they ask for nothing more.
    """
    progress = setting.store.progress
    if progress.plan is None or progress.approval is None:
        return f"there is none for run {progress.run}"
    approval = setting.store.get(progress.approval, Approval)
    bound = approval.payload
    void = why_void(approval, bound.subject, standing(setting, head_sha=bound.head_sha))
    if void is None and progress.plan != bound.subject:
        covered = progress.purpose == "change" and within_approved(
            approved_subject(setting), setting.store.get(progress.plan, Plan)
        )
        void = None if covered else "what is in force goes beyond what was approved"
    return void


def standing(setting: Setting, *, head_sha: Sha) -> Standing:
    """Return how things stand, for an approval to be bound to or held against."""
    return Standing(
        base_sha=setting.store.progress.base_sha,
        config=setting.config.digest,
        head_sha=head_sha,
        toolset=TOOLSET,
        version=__version__,
    )


def approved_subject(setting: Setting) -> Plan:
    """Return the very plan that the human approved; corrections may have followed it. Raises `RefusedError`."""
    progress = setting.store.progress
    if progress.approval is None:
        raise RefusedError(f"Run {progress.run} has no approved plan.")
    return setting.store.get(setting.store.get(progress.approval, Approval).payload.subject, Plan)
