import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.documents.parsing import DocumentError
from phasegate.documents.snapshot import Overrides, TierModel
from phasegate.policy.codes import CODES
from phasegate.policy.commands import Command, Malformed
from phasegate.policy.events import (
    GHOST,
    LARGEST_EVENT,
    START_LABELS,
    CommentWritten,
    Dispatched,
    EventIssue,
    Foreign,
    LabelAdded,
    parse_event,
)
from phasegate.policy.requests import DispatchRequest
from phasegate.policy.thread import Person
from threads import (
    ANN,
    BOB,
    NOW,
    account,
    commented,
    encoded,
    issue_json,
    labelled,
    pull,
    repository_dispatched,
    thread,
    workflow_dispatched,
)

ISSUE = EventIssue(
    number=7,
    title="Add a --json flag",
    body="Please.",
    author=BOB,
    is_open=True,
    is_pull=False,
    is_locked=False,
    labels=("phasegate",),
    created=datetime(2026, 3, 1, 8, tzinfo=UTC),
    updated=datetime(2026, 3, 1, 11, 59, tzinfo=UTC),
)
OPUS = TierModel(tier="plan", model="claude-opus-5-5")
SONNET = TierModel(tier="implement", model="claude-sonnet-5-5")


@pytest.mark.parametrize("label", START_LABELS)
def test_a_label_that_starts_a_run(label):
    event = parse_event("issues", labelled(label))
    assert event == LabelAdded(ISSUE, label, ANN, ISSUE.updated)
    assert event.number == 7


def test_a_command_on_a_pull_request():
    event = parse_event("issue_comment", commented("/revise smaller\nsteps"))
    assert isinstance(event, CommentWritten)
    assert (event.number, event.issue.is_pull, event.comment) == (9, True, 501)
    assert (event.author, event.sender) == (ANN, ANN)
    assert event.at == datetime(2026, 3, 1, 11, 58, tzinfo=UTC)
    assert (event.body, event.said) == ("/revise smaller\nsteps", Command("revise", "smaller\nsteps"))


def test_a_command_on_an_issue_that_cannot_be_understood():
    event = parse_event("issue_comment", commented("/status now", issue=issue_json(pull_request=None)))
    assert not event.issue.is_pull
    assert isinstance(event.said, Malformed)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"body": None}, "body", ""),
        ({"user": None}, "author", GHOST),
        ({"user": account("Copilot", 3, "Bot")}, "author", Person("Copilot", 3, is_bot=True)),
        ({"state": "closed"}, "is_open", False),
        ({"locked": True}, "is_locked", True),
        ({"pull_request": {}}, "is_pull", True),
        ({"pull_request": {"url": "https://x", "merged_at": None}}, "is_pull", True),
        ({"labels": []}, "labels", ()),
    ],
)
def test_what_is_taken_of_an_issue(changes, field, value):
    event = parse_event("issues", labelled(issue=issue_json(**changes)))
    assert getattr(event.issue, field) == value


@pytest.mark.parametrize(
    ("login", "type_", "is_bot"),
    [
        ("ann", "User", False),
        ("ann", "Organization", False),
        ("ann", "Mannequin", False),
        ("evil[bot]", "User", True),
        ("evil[bot]", "Bot", True),
        ("Copilot", "Bot", True),
        ("bot", "User", False),
        ("[bot]ann", "User", False),
    ],
)
def test_a_bot_is_one_by_its_type_or_by_its_name(login, type_, is_bot):
    event = parse_event("issues", labelled(sender=account(login, 5, type_)))
    assert (event.sender.login, event.sender.id, event.sender.is_bot) == (login, 5, is_bot)


def test_who_wrote_a_comment_and_who_caused_the_event_are_two_things():
    written = {"id": 1, "body": "/approve", "user": account("bob", 2), "created_at": "2026-03-01T11:58:00Z"}
    event = parse_event("issue_comment", commented(comment=written))
    assert (event.author, event.sender) == (BOB, ANN)
    gone = parse_event("issue_comment", commented(comment=written | {"user": None}))
    assert gone.author == GHOST


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("push", b"{}", "other-event"),
        ("pull_request", b"not JSON, and never read", "other-event"),
        ("", b"", "other-event"),
        *(
            ("issues", labelled(action=action), "other-action")
            for action in ("opened", "edited", "unlabeled", "reopened", "transferred", "closed", "LABELED", None)
        ),
        ("issues", encoded({}), "other-action"),
        *(
            ("issues", labelled(label), "other-label")
            for label in ("bug", "Phasegate", "phasegate:waiting", "phasegate:approve", "phasegate ", "phasegate:")
        ),
        ("issues", encoded({"action": "labeled", "issue": issue_json(), "sender": account()}), "other-label"),
        *(("issue_comment", commented(action=action), "other-action") for action in ("edited", "deleted", "pinned")),
        ("issue_comment", commented("> /approve"), "no-command"),
        ("issue_comment", commented("nice"), "no-command"),
        ("repository_dispatch", repository_dispatched("deploy"), "other-dispatch"),
        ("repository_dispatch", encoded({"action": "Phasegate"}), "other-dispatch"),
    ],
)
def test_what_does_not_concern_us_is_foreign_and_says_why(name, content, code):
    event = parse_event(name, content)
    assert isinstance(event, Foreign)
    assert (event.code, bool(event.why)) == (code, True)
    assert code in CODES


def without(content: bytes, *path: str) -> bytes:
    event = json.loads(content)
    part = event
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return encoded(event)


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("issues", b"", "not valid JSON"),
        ("issues", b"[]", "Input should be an object"),
        ("issues", b"\xff", "not valid JSON"),
        ("issues", b'{"action": "labeled", "action": "labeled"}', "given twice"),
        ("issues", b'{"action": NaN}', "NaN"),
        ("issues", b"[" * 100_000, "nested"),
        ("issues", b"{" + b" " * LARGEST_EVENT, "bytes"),
        ("issues", encoded({"action": 1}), "action"),
        ("issues", without(labelled(), "sender"), "sender"),
        ("issues", without(labelled(), "issue", "number"), "issue.number"),
        ("issues", without(labelled(), "issue", "body"), "issue.body"),
        ("issues", labelled(sender=None), "sender"),
        ("issues", labelled(sender=account(id_="1")), "sender.id"),
        ("issues", labelled(issue=issue_json(number=0)), "issue.number"),
        ("issues", labelled(issue=issue_json(number="7")), "issue.number"),
        ("issues", labelled(issue=issue_json(state="half")), "issue.state"),
        ("issues", labelled(issue=issue_json(updated_at="yesterday")), "issue.updated_at"),
        ("issues", labelled(issue=issue_json(labels=[{}])), "issue.labels.0.name"),
        ("issues", labelled(issue=issue_json(pull_request=True)), "issue.pull_request"),
        ("issue_comment", without(commented(), "comment"), "comment"),
        ("issue_comment", without(commented(), "comment", "body"), "comment.body"),
        ("issue_comment", without(commented(), "comment", "created_at"), "comment.created_at"),
        ("workflow_dispatch", encoded({"sender": account()}), "inputs"),
        ("workflow_dispatch", encoded({"sender": account(), "inputs": None}), "inputs"),
        ("repository_dispatch", encoded({"action": "phasegate", "sender": account()}), "client_payload"),
        ("repository_dispatch", without(repository_dispatched(), "sender"), "sender"),
    ],
)
def test_an_event_of_ours_that_is_malformed_is_refused_and_names_the_field(name, content, where):
    with pytest.raises(DocumentError, match=where):
        parse_event(name, content)


@pytest.mark.parametrize(
    ("inputs", "request_"),
    [
        ({}, DispatchRequest(7, "start")),
        ({"issue": " #7 "}, DispatchRequest(7, "start")),
        ({"issue": 7}, DispatchRequest(7, "start")),
        ({"phase": "full"}, DispatchRequest(7, "start")),
        ({"phase": "research"}, DispatchRequest(7, "research")),
        ({"phase": "plan"}, DispatchRequest(7, "plan")),
        ({"phase": "continue"}, DispatchRequest(7, "continue")),
        ({"models": "", "budget": "", "dry_run": ""}, DispatchRequest(7, "start")),
        ({"models": " , "}, DispatchRequest(7, "start")),
        ({"models": "plan=claude-opus-5-5"}, DispatchRequest(7, "start", overrides=Overrides(models=(OPUS,)))),
        *(
            ({"models": models}, DispatchRequest(7, "start", overrides=Overrides(models=(OPUS, SONNET))))
            for models in (
                "plan=claude-opus-5-5 implement=claude-sonnet-5-5",
                "plan=claude-opus-5-5,implement=claude-sonnet-5-5",
                "  plan=claude-opus-5-5 ,\n implement=claude-sonnet-5-5, ",
            )
        ),
        ({"budget": "12.50"}, DispatchRequest(7, "start", overrides=Overrides(usd=Decimal("12.50")))),
        ({"budget": " 3 "}, DispatchRequest(7, "start", overrides=Overrides(usd=Decimal(3)))),
        ({"budget": 12.5}, DispatchRequest(7, "start", overrides=Overrides(usd=Decimal("12.5")))),
        ({"budget": None}, DispatchRequest(7, "start")),
        ({"dry_run": "true"}, DispatchRequest(7, "start", dry_run=True)),
        ({"dry_run": True}, DispatchRequest(7, "start", dry_run=True)),
        ({"dry_run": "false"}, DispatchRequest(7, "start")),
        ({"dry_run": False}, DispatchRequest(7, "start")),
    ],
)
def test_what_a_person_asks_for_on_the_page_of_the_workflow(inputs, request_):
    event = parse_event("workflow_dispatch", workflow_dispatched(**inputs))
    assert event == Dispatched("workflow_dispatch", ANN, request_)
    assert event.number == 7


@pytest.mark.parametrize(
    ("inputs", "where"),
    [
        ({"issue": ""}, "inputs.issue"),
        ({"issue": "seven"}, "inputs.issue"),
        ({"issue": "0"}, "inputs.issue"),
        ({"issue": "-7"}, "inputs.issue"),
        ({"issue": "7 8"}, "inputs.issue"),
        ({"issue": True}, "inputs.issue"),
        ({"issue": "9" * 17}, "inputs.issue"),
        ({"phase": "approve"}, "inputs.phase"),
        ({"phase": ""}, "inputs.phase"),
        ({"models": "plan"}, r"inputs\.models: write `phase=model`"),
        ({"models": "plan=a plan=b"}, r"inputs\.models: a phase is there twice"),
        ({"models": "sing=a"}, r"inputs\.models"),
        ({"models": "plan="}, r"inputs\.models\.plan"),
        ({"models": "plan=a;b"}, r"inputs\.models\.plan"),
        ({"models": 1}, r"inputs\.models"),
        *(
            ({"budget": budget}, r"inputs\.budget")
            for budget in ("0", "10000.01", "-1", "NaN", "1e3", "$3", "12,50", "inf", True, [], 1e-9, 10**30)
        ),
        ({"dry_run": "yes"}, "inputs.dry-run"),
        ({"dry_run": 1}, "inputs.dry-run"),
        ({"secret": "x"}, "inputs.secret"),
        ({"phase": "continue", "models": "plan=a"}, "chosen when a run starts, not with `continue`"),
        ({"phase": "continue", "budget": "3"}, "chosen when a run starts, not with `continue`"),
    ],
)
def test_inputs_that_cannot_be_used_are_refused_by_name(inputs, where):
    with pytest.raises(DocumentError, match=where):
        parse_event("workflow_dispatch", workflow_dispatched(**inputs))


@pytest.mark.parametrize(
    ("payload", "request_"),
    [
        ({}, DispatchRequest(7, "start")),
        ({"command": "research", "dry_run": True}, DispatchRequest(7, "research", dry_run=True)),
        (
            {"command": "plan", "models": {"plan": OPUS.model}, "budget": "2"},
            DispatchRequest(7, "plan", overrides=Overrides(models=(OPUS,), usd=Decimal(2))),
        ),
        ({"budget": 2.5}, DispatchRequest(7, "start", overrides=Overrides(usd=Decimal("2.5")))),
        ({"command": "continue"}, DispatchRequest(7, "continue")),
        ({"command": "approve", "digest": "0" * 12}, DispatchRequest(7, "approve", digest="0" * 12)),
        ({"command": "revise", "text": " a\r\nb "}, DispatchRequest(7, "revise", text="a\nb")),
        ({"command": "reject"}, DispatchRequest(7, "reject")),
        ({"command": "status"}, DispatchRequest(7, "status")),
    ],
)
def test_what_a_program_asks_for(payload, request_):
    event = parse_event("repository_dispatch", repository_dispatched(**payload))
    assert event == Dispatched("repository_dispatch", ANN, request_)


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({"sudo": True}, "client_payload.sudo"),
        ({"permission": "admin"}, "client_payload.permission"),
        ({"issue": None}, "client_payload.issue"),
        ({"command": "full"}, "client_payload.command"),
        ({"command": "/approve"}, "client_payload.command"),
        ({"command": None}, "client_payload.command"),
        ({"dry_run": "true"}, "client_payload.dry_run"),
        ({"models": "plan=a"}, "client_payload.models"),
        ({"models": {"sing": "a"}}, "client_payload.models"),
        ({"command": "approve", "digest": "yes"}, "8 to 64"),
        ({"command": "approve", "digest": 12345678}, "client_payload.digest"),
        ({"command": "approve", "text": "yes"}, "nothing may follow"),
        ({"command": "revise"}, "needs a text"),
        ({"command": "status", "digest": "0" * 8}, "takes no digest"),
        ({"command": "start", "text": "x"}, "`start` takes no text and no digest"),
        ({"command": "continue", "digest": "0" * 8}, "`continue` takes no text and no digest"),
        ({"command": "revise", "text": "x", "budget": 3}, "not with `revise`"),
        ({"command": "continue", "models": {"plan": "a"}}, "not with `continue`"),
    ],
)
def test_a_payload_that_cannot_be_used_is_refused_by_name(payload, where):
    with pytest.raises(DocumentError, match=where):
        parse_event("repository_dispatch", repository_dispatched(**payload))


def test_an_issue_as_the_forge_describes_it_stands_in_for_a_dispatch():
    found = EventIssue.of(thread(), NOW)
    assert (found.number, found.body, found.author.login, found.labels) == (7, "Please.", "bob", ("phasegate",))
    assert (found.is_open, found.is_pull, found.created, found.updated) == (True, False, NOW, NOW)
    assert EventIssue.of(thread(author=None), NOW).author == GHOST
    assert EventIssue.of(thread(author="evil[bot]"), NOW).author.is_bot
    assert not EventIssue.of(thread(pull=pull()), NOW).is_pull
    assert EventIssue.of(thread(number=9, pull=pull()), NOW).is_pull


NAMES = st.sampled_from(("issues", "issue_comment", "workflow_dispatch", "repository_dispatch"))


def is_nothing_to_us(name: str, content: bytes) -> bool:
    try:
        return isinstance(parse_event(name, content), Foreign)
    except DocumentError:
        return True


@given(NAMES, st.binary())
def test_any_bytes_are_foreign_or_refused(name, content):
    assert is_nothing_to_us(name, content)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_KEYS = ("issue", "label", "comment", "sender", "inputs", "client_payload")


@given(NAMES, st.sampled_from(("labeled", "created", "phasegate")), st.dictionaries(st.sampled_from(_KEYS), _JSON))
def test_any_json_is_foreign_or_refused(name, action, parts):
    assert is_nothing_to_us(name, encoded({"action": action} | parts))
