"""`/approve`: whose yes counts, for which plan, and whether it is enough."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from phasegate.documents.approval import Approver
from phasegate.documents.base import Digest
from phasegate.documents.markers import PlanMarker, marker_of
from phasegate.policy.approval import MAY_APPROVE, Requester, approvable_from, expires_at, is_named
from phasegate.policy.asking import Ask
from phasegate.policy.config import ApprovalRules
from phasegate.policy.decisions import Counted, Decision, Refuse, RunFacts, Speak, Yes
from phasegate.policy.thread import ThreadComment

SHOWN_DIGEST = 12
"""How much of a digest people see."""
_ANEW = "Write `/replan` to have the plan made and shown anew."


@dataclass(frozen=True, slots=True)
class Approving:
    """A yes, to be judged: what was said, to which plan of which run, by which rules, and when that is."""

    ask: Ask
    plan: Digest
    run: RunFacts
    rules: ApprovalRules
    now: datetime


def approve(it: Approving, by: Approver, teams: AbstractSet[str]) -> Decision:
    """Return whether this yes sets the run going, counts towards it, or why not. The run has to wait for one."""
    refusal = _why_not_they(it, Yes(by, teams)) or _why_other_plan(it)
    if refusal is not None:
        return refusal
    shown = _where_shown(it)
    refusal = shown if isinstance(shown, Refuse) else _why_not_now(it, shown)
    if refusal is not None:
        return refusal
    others = _others(it, by)
    if 1 + len(others) < it.rules.required:
        return Counted(1 + len(others), it.rules.required)
    return Speak("approve", by, digest=it.plan, others=others[: it.rules.required - 1], dry_run=it.ask.dry_run)


def _why_not_they(it: Approving, yes: Yes) -> Refuse | None:
    login = yes.approver.login
    if not is_named(yes.approver, yes.teams, it.rules):
        who = ", ".join(f"`{name}`" for name in it.rules.by)
        what = f"{login} is not among those who approve plans in this repository (`approval.by`)."
        return Refuse("not-an-approver", what, f"Ask one of {who}.")
    requester = Requester(it.run.requester, it.run.requester_id)
    if it.rules.not_requester and requester.is_same(yes.approver):
        what = f"{login} started this run, and somebody else has to approve it (`approval.not_requester`)."
        return Refuse("requester", what, "Ask somebody else who may write to this repository.")
    return None


def _why_other_plan(it: Approving) -> Refuse | None:
    line, said = f"`/approve {it.plan[:SHOWN_DIGEST]}`", it.ask.digest
    if said is not None and not it.plan.startswith(said):
        what = f"The plan in force is {it.plan[:SHOWN_DIGEST]}, not {said[:SHOWN_DIGEST]}."
        return Refuse("other-plan", what, f"Read the plan that is in force, then write {line}.")
    if said is None and (it.rules.require_digest or it.ask.is_dispatch):
        what = "The approval has to name the digest of the plan that was read."
        return Refuse("digest-needed", what, f"Read the plan, then say {line}.")
    return None


def _where_shown(it: Approving) -> ThreadComment | Refuse:
    """Return the comment that shows the plan; a refusal when nobody can know what people have read."""
    comment = it.run.plan_comment
    marker = marker_of(comment.body) if comment is not None and comment.is_ours else None
    if comment is None or not isinstance(marker, PlanMarker) or (marker.run, marker.plan) != (it.run.run, it.plan):
        what = "The comment that shows the plan in force is gone, or no longer begins as phasegate wrote it."
        return Refuse("plan-comment-missing", what, _ANEW)
    if comment.edited_by_other:
        what = "Somebody else edited the comment that shows the plan: it may not say what would be carried out."
        return Refuse("plan-comment-edited", what, _ANEW)
    if marker.tip != it.run.tip:
        return Refuse("head-moved", "The branch has moved since the plan was shown.", _ANEW)
    return comment


def _why_not_now(it: Approving, shown: ThreadComment) -> Refuse | None:
    earliest, latest = approvable_from(shown, it.rules), expires_at(shown, it.rules)
    if it.ask.at < earliest:
        what = f"The plan was shown only just now: it can be approved from `{earliest:%Y-%m-%d %H:%M:%S} UTC` on."
        return Refuse("too-early", what, "Read it, then write the command again.")
    if it.now > latest:
        what = f"The plan could be approved until `{latest:%Y-%m-%d %H:%M} UTC`; it is too old now."
        return Refuse("plan-expired", what, "Write `/replan` to have it made anew.")
    return None


def _others(it: Approving, by: Approver) -> tuple[Approver, ...]:
    """Return who said yes before, counted once each, and not the one who speaks now."""
    distinct = {
        yes.approver.id: yes.approver
        for yes in it.run.yes
        if yes.approver.permission in MAY_APPROVE and _why_not_they(it, yes) is None
    }
    distinct.pop(by.id, None)
    return tuple(distinct.values())
