"""What the comments of a thread prove, and which of them count."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from phasegate.documents.base import KIB, Digest, RunId, Sha, canonical_json
from phasegate.documents.markers import Marker, NoticeMarker, PlanMarker, ReplyMarker, StatusMarker, marker_of
from phasegate.documents.snapshot import Comment, Permission
from phasegate.policy.approval import MAY_APPROVE, approvable_from
from phasegate.policy.commands import Command, parse_command
from phasegate.policy.config import ApprovalRules, Comments
from phasegate.policy.thread import ThreadComment

ROOM_FOR_COMMENTS = 48 * KIB
"""Of the snapshot's bound, as canonical JSON; the issue's own text has the rest."""
MOST_EARLIER_YES = 8
"""How many people's earlier approvals are looked at: each costs a call to the API."""

_WORTH_ASKING = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


@dataclass(frozen=True, slots=True)
class EarlierYes:
    """Somebody said yes to the plan before; whether they may is still to be asked."""

    login: str
    comment: int


def find_ours(comments: Iterable[ThreadComment], predicate: Callable[[Marker], bool]) -> ThreadComment | None:
    """Return the first comment of ours with such a marker. It proves nothing if somebody else edited it."""
    marked = ((comment, marker_of(comment.body)) for comment in comments if comment.is_ours)
    return next((comment for comment, marker in marked if marker is not None and predicate(marker)), None)


def plan_comment(comments: Sequence[ThreadComment], run: RunId, plan: Digest, tip: Sha) -> ThreadComment | None:
    """Return our comment that shows the plan on this tip of the branch; else the first one on another tip."""

    def shows(marker: Marker) -> bool:
        return isinstance(marker, PlanMarker) and marker.run == run and marker.plan == plan

    here = find_ours(comments, lambda marker: shows(marker) and isinstance(marker, PlanMarker) and marker.tip == tip)
    return here or find_ours(comments, shows)


def status_comment(comments: Iterable[ThreadComment], run: RunId) -> ThreadComment | None:
    """Return our status comment of the run."""
    return find_ours(comments, lambda marker: isinstance(marker, StatusMarker) and marker.run == run)


def notice_comment(comments: Iterable[ThreadComment], run: RunId) -> ThreadComment | None:
    """Return our notice of the run on its issue."""
    return find_ours(comments, lambda marker: isinstance(marker, NoticeMarker) and marker.run == run)


def work_of(comments: Sequence[ThreadComment], run: RunId) -> int | None:
    """Return the id of the workflow run that our status, or without one our notice, says is at work."""
    said = status_comment(comments, run) or notice_comment(comments, run)
    marker = marker_of(said.body) if said is not None and not said.edited_by_other else None
    return marker.work if isinstance(marker, StatusMarker | NoticeMarker) else None


def status_is_edited(comments: Iterable[ThreadComment], run: RunId) -> bool:
    """Say whether our status comment proves nothing any more: somebody else edited it, or it is gone."""
    status = status_comment(comments, run)
    return status is None or status.edited_by_other


def tip_is_ours(comments: Sequence[ThreadComment], run: RunId, tip: Sha) -> bool:
    """Say whether we put the branch where it is: our status comment, as we wrote it, names this tip.

    Where there is no such comment, it is our newest plan comment that counts; beside one it does not, since somebody
    could have put the branch back to where an older plan was shown.
    """
    status = status_comment(comments, run)
    marker = marker_of(status.body) if status is not None and not status.edited_by_other else None
    if isinstance(marker, StatusMarker):
        return tip in {marker.tip, marker.was}
    plan = find_ours(reversed(comments), lambda marker: isinstance(marker, PlanMarker) and marker.run == run)
    shown = marker_of(plan.body) if plan is not None and not plan.edited_by_other else None
    return isinstance(shown, PlanMarker) and shown.tip == tip


def answered_before(comments: Sequence[ThreadComment], login: str, number: int | None = None) -> bool:
    """Say whether we replied to a command of this account before, so that a flood of them gets one reply.

    `number`: where a label was put on. What we reply to a label names nobody, so one such reply is for all of them.
    """
    theirs = {number} | {
        comment.id
        for comment in comments
        if comment.author is not None and comment.author.casefold() == login.casefold()
    }
    markers = (marker_of(comment.body) for comment in comments if comment.is_ours)
    return any(isinstance(marker, ReplyMarker) and marker.to in theirs for marker in markers)


def people_to_ask(comments: Sequence[ThreadComment], at: datetime, rules: Comments, most: int = 3) -> tuple[str, ...]:
    """Return whose permission is to be asked for before comments are chosen, the newest authors first.

    At most `most`: each costs a call. An association proves nothing, but those without one are only worth a call where
    everybody's comments count, so that it can be said what they may do.
    """
    visible = [comment for comment in comments if _said_before(comment, at)]
    asked = [comment for comment in visible if rules.of == "everybody" or comment.association in _WORTH_ASKING]
    asked.reverse()
    asked.sort(key=lambda comment: comment.association not in _WORTH_ASKING)
    distinct = dict.fromkeys(comment.author for comment in asked if comment.author is not None)
    return tuple(islice(distinct, most))


def comments_that_count(
    comments: Sequence[ThreadComment],
    at: datetime,
    permissions: Mapping[str, Permission],
    rules: Comments,
    *,
    room: int = ROOM_FOR_COMMENTS,
) -> tuple[tuple[Comment, ...], int]:
    """Return the comments that a run that starts at `at` sees, the oldest first, and how many of people do not count.

    Left out are those of people who may not write (unless everybody counts), hidden ones, and what was written or
    edited at the trigger or later; where there are more than fit into `room` bytes, the oldest. Comments of bots, our
    own, and commands are not counted at all.
    """
    said = [comment for comment in comments if _is_human(comment) and parse_command(comment.body) is None]
    counting = [
        _kept(comment, permissions)
        for comment in said
        if _said_before(comment, at) and (rules.of == "everybody" or _permission(comment, permissions) in MAY_APPROVE)
    ]
    fitting = _newest_that_fit(counting, room)
    return fitting, len(said) - len(fitting)


def earlier_yes(
    comments: Sequence[ThreadComment], plan: ThreadComment, digest: Digest, rules: ApprovalRules, before: int
) -> tuple[EarlierYes, ...]:
    """Return who approved the plan in `plan` before the comment `before`, each once, at most `MOST_EARLIER_YES`.

    A comment that was edited, hidden, or written before the plan had stood long enough counts for nothing. Whether
    these people may approve is for the caller to ask and for `decide` to judge.
    """
    yes = [
        comment
        for comment in comments
        if comment.id < before
        and comment.edited is None
        and _is_visible_human(comment)
        and approvable_from(plan, rules) <= comment.created
        and _approves(comment, digest, rules)
    ]
    # Strangers, who can write comments by the hundred, must not push out those who are worth asking about.
    named = {name.casefold() for name in rules.by}
    yes.sort(key=lambda comment: comment.association not in _WORTH_ASKING)
    yes.sort(key=lambda comment: (comment.author or "").casefold() not in named)
    people: dict[str, EarlierYes] = {}
    for comment in yes:
        author = comment.author or ""
        people.setdefault(author.casefold(), EarlierYes(author, comment.id))
    return tuple(people.values())[:MOST_EARLIER_YES]


def _approves(comment: ThreadComment, digest: Digest, rules: ApprovalRules) -> bool:
    said = parse_command(comment.body)
    if not isinstance(said, Command) or said.verb != "approve":
        return False
    return not rules.require_digest if said.digest is None else digest.startswith(said.digest)


def _said_before(comment: ThreadComment, at: datetime) -> bool:
    """Say whether a comment was written, and edited for the last time, before this moment, and can be seen."""
    return _is_visible_human(comment) and comment.created < at and (comment.edited is None or comment.edited < at)


def _is_visible_human(comment: ThreadComment) -> bool:
    return _is_human(comment) and comment.author is not None and not comment.is_minimised


def _is_human(comment: ThreadComment) -> bool:
    return not comment.is_bot and not comment.is_ours


def _permission(comment: ThreadComment, permissions: Mapping[str, Permission]) -> Permission:
    return permissions.get(comment.author or "", "none")


def _kept(comment: ThreadComment, permissions: Mapping[str, Permission]) -> Comment:
    body = comment.body.encode("utf-8", "replace").decode()
    permission = _permission(comment, permissions)
    return Comment(author=comment.author or "", permission=permission, at=comment.created, body=body)


def _newest_that_fit(comments: Sequence[Comment], room: int) -> tuple[Comment, ...]:
    fitting: list[Comment] = []
    for comment in reversed(comments):
        size = len(canonical_json(comment.model_dump(mode="json"))) + 1
        if size <= room:
            fitting.append(comment)
            room -= size
    return tuple(reversed(fitting))
