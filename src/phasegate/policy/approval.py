"""Whether an approval still holds: it binds what was read, and any difference voids it."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from phasegate.documents.approval import Approval, Approver
from phasegate.documents.base import Digest, Sha, Version
from phasegate.documents.plan import Plan
from phasegate.documents.snapshot import Permission
from phasegate.policy.config import ApprovalRules
from phasegate.policy.scope import Scope
from phasegate.policy.thread import ThreadComment

MAY_APPROVE: frozenset[Permission] = frozenset({"admin", "write"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when an approval is to be used."""

    base_sha: Sha
    config: Digest
    head_sha: Sha
    toolset: Digest
    version: Version


def why_void(approval: Approval, subject: Digest, now: Standing) -> str | None:
    """Return why an approval does not allow to start on `subject`, or None if it does."""
    bound = approval.payload
    if bound.approver.permission not in MAY_APPROVE:
        return f"{bound.approver.login} has the permission {bound.approver.permission}; write is needed"
    if bound.subject != subject:
        return f"it was given for {bound.subject[:12]}, and {subject[:12]} is in force"
    differences = {
        "the base commit is another one": bound.base_sha != now.base_sha,
        "the configuration has changed": bound.config != now.config,
        "the branch has moved since": bound.head_sha != now.head_sha,
        f"it was given to phasegate {bound.version}, and this is {now.version}": bound.version != now.version,
        "the tools of whoever carries it out have changed": bound.toolset != now.toolset,
    }
    return next((what for what, differs in differences.items() if differs), None)


def within_approved(approved: Plan, corrected: Plan) -> bool:
    """Say whether a corrected plan asks for nothing that was not approved."""
    return Scope.of(approved.payload.tasks).covers(Scope.of(corrected.payload.tasks))


def published(plan: ThreadComment) -> datetime:
    """Return since when the plan's comment says what it says."""
    return plan.edited or plan.created


def approvable_from(plan: ThreadComment, rules: ApprovalRules) -> datetime:
    """Return from when on a comment can approve a plan: times have seconds, so one of the same second may be older."""
    return published(plan) + timedelta(seconds=max(rules.settle, 1))


def expires_at(plan: ThreadComment, rules: ApprovalRules) -> datetime:
    """Return until when a plan can be approved."""
    return published(plan) + timedelta(hours=rules.expires)


@dataclass(frozen=True, slots=True)
class Requester:
    """Who started a run; the id where it is known, since a login can change hands."""

    login: str
    id: int | None

    def is_same(self, person: Approver) -> bool:
        """Say whether this is the person who wants to approve."""
        return person.id == str(self.id) or person.login.casefold() == self.login.casefold()


def is_named(person: Approver, teams: AbstractSet[str], rules: ApprovalRules) -> bool:
    """Say whether the configuration lets the person approve: by login, by team, or because it names nobody."""
    names = {name.casefold() for name in rules.by}
    theirs = {person.login.casefold(), *(team.casefold() for team in teams)}
    return not names or not names.isdisjoint(theirs)
