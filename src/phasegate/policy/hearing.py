"""Who is heard: a person with write permission, as the forge says now, who speaks for themselves.

Labels, associations and names of roles prove nothing: a person who may only read can have any of them.
"""

from datetime import datetime, timedelta

from phasegate.policy.approval import MAY_APPROVE
from phasegate.policy.asking import Wanting
from phasegate.policy.decisions import Facts, Ignore, No, Refuse
from phasegate.policy.events import CommentWritten, Dispatched
from phasegate.policy.standing import ASKING

FRESH = timedelta(days=1)
"""How old an event may be. A run of the workflow can be started again for a month."""


def why_not_heard(event: Wanting, facts: Facts, now: datetime) -> No | None:
    """Return why whoever caused the event is not heard; None when they are."""
    if isinstance(event, CommentWritten) and event.issue.is_pull and facts.run is None:
        return Ignore("not-ours", "The pull request is not one of phasegate's.")
    if _is_own(event, facts):
        return None if _continues(event) else _not_obeyed(event)
    refusal = _why_nobody(event) or _why_not_permitted(event, facts)
    if refusal is not None and facts.answered_before:
        return Ignore("said-before", f"{event.sender.login} was told before: {refusal.what}")
    return refusal or _why_stale(event, now) or _why_sent_before(event, facts.attempt)


def _is_own(event: Wanting, facts: Facts) -> bool:
    return event.sender.login.casefold() == facts.own_login.casefold()


def _continues(event: Wanting) -> bool:
    return isinstance(event, Dispatched) and event.request.command == "continue"


def _not_obeyed(event: Wanting) -> No:
    if isinstance(event, Dispatched):
        return _no_bot(event.sender.login)
    return Ignore("own-comment", "phasegate does not obey itself.")


def _why_nobody(event: Wanting) -> Refuse | None:
    if event.sender.is_bot:
        return _no_bot(event.sender.login)
    if isinstance(event, CommentWritten) and event.author != event.sender:
        return Refuse(
            "not-the-author",
            f"The comment is by {event.author.login}, and {event.sender.login} caused the event.",
            "Write the command yourself, as a comment of your own.",
        )
    return None


def _no_bot(login: str) -> Refuse:
    return Refuse("bot", f"{login} is a bot, and bots do not command here.", "A person has to say it.")


def _why_not_permitted(event: Wanting, facts: Facts) -> Refuse | None:
    login = event.sender.login
    if facts.permission is None:
        what = f"GitHub did not say what {login} may do in this repository, so nothing was done."
        return Refuse("permission-unknown", what, "Say it again in a few minutes.")
    if facts.permission not in MAY_APPROVE:
        return Refuse(
            "not-permitted",
            f"{login} has the permission `{facts.permission}` in this repository; `write` is needed.",
            "Ask somebody who may write to this repository.",
        )
    return None


def _why_stale(event: Wanting, now: datetime) -> Refuse | None:
    if isinstance(event, Dispatched) or now - event.at <= FRESH:
        return None
    what = f"This was said on {event.at:%Y-%m-%d %H:%M} UTC, more than a day ago; much may have changed since."
    return Refuse("stale-event", what, "Say it again: write the comment anew, or take the label off and add it again.")


def _why_sent_before(event: Wanting, attempt: int) -> Refuse | None:
    """Return why a dispatch cannot be played again: it has no time of its own that would tell how old it is."""
    if not isinstance(event, Dispatched) or attempt == 1 or event.request.command in ASKING | {"continue"}:
        return None
    what = "This workflow run was started again, and what it was sent for may have been said long ago."
    return Refuse("sent-before", what, "Send it anew if you still mean it.")
