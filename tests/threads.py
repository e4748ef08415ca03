"""What GitHub says, for tests: people, comments, pull requests, and events as it sends them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from phasegate.policy.thread import Person, Pull, Thread, ThreadComment

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TIP = "d" * 40
OWN = "github-actions[bot]"

ANN = Person("ann", 1, is_bot=False)
BOB = Person("bob", 2, is_bot=False)
BOT = Person("evil[bot]", 66, is_bot=True)
OURSELVES = Person(OWN, 41898282, is_bot=True)


def ago(seconds: float) -> datetime:
    """Return the moment so many seconds before NOW."""
    return NOW - timedelta(seconds=seconds)


def comment(id_: int = 1, body: str = "I agree.", **changes: Any) -> ThreadComment:
    """Return a comment of ann, who may be worth asking about, written an hour before NOW."""
    fields: dict[str, Any] = {
        "id": id_,
        "node_id": f"IC_{id_}",
        "author": "ann",
        "is_bot": False,
        "association": "MEMBER",
        "body": body,
        "created": ago(3600),
        "edited": None,
        "is_ours": False,
        "edited_by_other": False,
        "is_minimised": False,
    }
    return ThreadComment(**(fields | changes))


def our_comment(id_: int, body: object, **changes: Any) -> ThreadComment:
    """Return a comment that we wrote, with this marker or text."""
    ours = {"author": OWN, "is_bot": True, "is_ours": True, "association": "NONE"}
    return comment(id_, f"{body}\nText.", **(ours | changes))


def pull(**changes: Any) -> Pull:
    """Return the draft pull request 9 of the run of issue 7."""
    fields: dict[str, Any] = {
        "number": 9,
        "node_id": "PR_9",
        "head_branch": "phasegate/issue-7",
        "head_sha": TIP,
        "base_branch": "main",
        "is_draft": True,
        "is_open": True,
        "is_from_fork": False,
    }
    return Pull(**(fields | changes))


def thread(**changes: Any) -> Thread:
    """Return issue 7 as the forge describes it."""
    fields: dict[str, Any] = {
        "number": 7,
        "node_id": "I_7",
        "title": "Add a --json flag",
        "body": "Please.",
        "author": "bob",
        "labels": ("phasegate",),
        "is_open": True,
        "comments": (),
        "pull": None,
        "default_branch": "main",
        "default_sha": "a" * 40,
    }
    return Thread(**(fields | changes))


def account(login: str = "ann", id_: int = 1, type_: str = "User") -> dict[str, Any]:
    """Return an account as an event carries it, with a key that nobody reads."""
    return {"login": login, "id": id_, "type": type_, "site_admin": False}


def issue_json(**changes: Any) -> dict[str, Any]:
    """Return an issue as an event carries it."""
    return {
        "number": 7,
        "title": "Add a --json flag",
        "body": "Please.",
        "user": account("bob", 2),
        "state": "open",
        "locked": False,
        "labels": [{"name": "phasegate", "color": "0e8a16"}],
        "author_association": "NONE",
        "created_at": "2026-03-01T08:00:00Z",
        "updated_at": "2026-03-01T11:59:00Z",
    } | changes


def labelled(label: str = "phasegate", **changes: Any) -> bytes:
    """Return an `issues` event."""
    return encoded(
        {"action": "labeled", "label": {"name": label}, "issue": issue_json(), "sender": account()} | changes
    )


def commented(body: str = "/approve", *, issue: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """Return an `issue_comment` event, on pull request 9 unless another issue is given."""
    written = {"id": 501, "body": body, "user": account(), "created_at": "2026-03-01T11:58:00Z"}
    where = issue if issue is not None else issue_json(number=9, pull_request={"url": "x"})
    return encoded({"action": "created", "issue": where, "comment": written, "sender": account()} | changes)


def workflow_dispatched(**inputs: Any) -> bytes:
    """Return a `workflow_dispatch` event with these inputs; `dry_run` stands for `dry-run`."""
    named = {name.replace("_", "-"): value for name, value in inputs.items()}
    return encoded({"inputs": {"issue": "7"} | named, "ref": "refs/heads/main", "sender": account()})


def repository_dispatched(type_: str = "phasegate", **payload: Any) -> bytes:
    """Return a `repository_dispatch` event with this payload."""
    content = {"issue": 7, "command": "start"} | payload
    return encoded({"action": type_, "branch": "main", "client_payload": content, "sender": account()})


def encoded(event: dict[str, Any]) -> bytes:
    """Return the event as the bytes of its file."""
    return json.dumps(event).encode()
