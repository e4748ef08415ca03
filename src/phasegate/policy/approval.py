"""Whether an approval still holds: it binds what was read, and any difference voids it."""

from dataclasses import dataclass

from phasegate.documents.approval import Approval
from phasegate.documents.base import Digest, Sha
from phasegate.documents.plan import Plan
from phasegate.documents.snapshot import Permission
from phasegate.policy.scope import Scope

MAY_APPROVE: frozenset[Permission] = frozenset({"admin", "write"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when an approval is to be used."""

    base_sha: Sha
    config: Digest
    head_sha: Sha


def why_void(approval: Approval, subject: Digest, now: Standing) -> str | None:
    """Return why an approval does not allow to start on `subject`, or None if it does."""
    bound = approval.payload
    if bound.approver.permission not in MAY_APPROVE:
        return f"{bound.approver.login} has the permission {bound.approver.permission}; write is needed"
    if bound.subject != subject:
        return f"it was given for {bound.subject[:12]}, and {subject[:12]} is in force"
    if bound.base_sha != now.base_sha:
        return "the base commit is another one"
    if bound.config != now.config:
        return "the configuration has changed"
    if bound.head_sha != now.head_sha:
        return "the branch has moved since"
    return None


def within_approved(approved: Plan, corrected: Plan) -> bool:
    """Say whether a corrected plan asks for nothing that was not approved."""
    return Scope.of(approved.payload.tasks).covers(Scope.of(corrected.payload.tasks))
