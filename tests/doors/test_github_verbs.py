"""Each verb does what it says on a server that is held to what GitHub publishes, and takes one request."""

import subprocess
import sys

import pytest
from github_desks import door

from fakehub.hub import FakeHub
from phasegate.doors.github.client import Calls, GitHub
from phasegate.errors import UserError
from phasegate.publishing.safe_markdown import SafeMarkdown

BRANCH = "phasegate/issue-1"


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub") as hub:
        hub.add_user("alice", "write")
        hub.open_issue("alice", "Add --json", "Please.")
        yield hub


@pytest.fixture
def github(hub):
    github = door(hub)
    yield github
    github.close()


@pytest.fixture
def pull(hub, github):
    """The draft of the branch."""
    hub.push("alice", BRANCH, {"a.txt": "a\n"})
    pull = github.open_draft(head=BRANCH, base="main", title="Plan", body=SafeMarkdown("The plan."))
    github.wire.calls = Calls()
    return pull


def one(github: GitHub) -> bool:
    return github.calls.total == 1


@pytest.mark.parametrize(
    ("role", "permission"),
    [("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read"), ("read", "read")],
)
def test_the_permission_is_the_base_one_whatever_the_role_is_called(hub, github, role, permission):
    hub.add_user("bob", role, role_name="maintainers of everything")

    assert github.permission("bob") == permission
    assert one(github)


@pytest.mark.parametrize("login", ["", ".", "..", "a/b", "a b", "-x", "bob?x=1", "[bot]"])
def test_what_cannot_be_an_account_has_no_permission_and_is_not_asked_about(github, login):
    assert github.permission(login) == "none"
    assert github.calls == Calls()


def test_who_is_unknown_has_no_permission(hub):
    private = hub.add_repository("octo", "secret", private=True)
    hub.main = private

    github = door(hub)

    assert github.permission("mallory") == "none"


def test_the_number_of_an_account_is_one_request(hub, github):
    assert github.account_id("alice") == str(hub.account("alice").id)
    assert one(github)


def test_a_member_of_a_team_is_one_and_who_may_not_be_seen_is_none(hub, github):
    hub.add_repository("acme", "x", owner_kind="Organization")
    hub.add_team("acme", "reviewers", "alice")
    reader = door(hub, token=hub.issue_token({"members": "read"}, "alice"))

    assert reader.in_team("@acme/reviewers", "alice")
    assert not github.in_team("@acme/reviewers", "alice"), "the token of GitHub Actions cannot see it"
    assert not github.in_team("no team", "alice")


def test_a_comment_is_written_edited_reacted_to_and_folded_away(hub, github):
    number = github.comment(1, SafeMarkdown("first"))
    assert one(github)
    github.edit_comment(number, SafeMarkdown("second"))
    github.react(number, "eyes")
    github.minimise(github.thread(1).comments[0].node_id)

    (comment,) = github.thread(1).comments
    assert (comment.id, comment.body, comment.is_ours, comment.is_minimised) == (number, "second", True, True)
    assert [call.name for call in hub.calls if "reactions" in call.route]
    assert github.calls == Calls(rest=3, graphql=3)


def test_a_draft_is_opened_once_and_found_by_its_branch(hub, github):
    hub.push("alice", BRANCH, {"a.txt": "a\n"})

    opened = github.open_draft(head=BRANCH, base="main", title="A\nplan", body=SafeMarkdown("The plan."))
    assert one(github)
    again = github.open_draft(head=BRANCH, base="main", title="Other", body=SafeMarkdown("Other."))

    assert opened == again == github.pull_of(BRANCH)
    assert (opened.is_draft, opened.is_open, opened.is_from_fork) == (True, True, False)
    assert (opened.head_branch, opened.base_branch) == (BRANCH, "main")
    assert hub.issue(opened.number).title == "A plan"


def test_a_branch_without_a_pull_request_has_none(github):
    assert github.pull_of("main") is None


def test_a_pull_request_goes_from_draft_to_ready_and_is_closed(hub, github, pull):
    github.mark_ready(pull)
    assert one(github)
    assert not github.thread(pull.number).pull.is_draft
    github.close_pull(pull.number)
    assert github.pull_of(BRANCH) is None


def test_title_and_text_of_a_pull_request_change_apart(hub, github, pull):
    github.edit_pull(pull.number, title="New")
    assert one(github)
    assert (hub.issue(pull.number).title, hub.issue(pull.number).body) == ("New", "The plan.")
    github.edit_pull(pull.number, body=SafeMarkdown("Text."))
    assert (hub.issue(pull.number).title, hub.issue(pull.number).body) == ("New", "Text.")


def test_labels_come_and_go_and_one_that_is_not_there_is_no_trouble(github):
    assert github.create_label("phasegate", color="0e8a16", description="Start a run")
    assert not github.create_label("phasegate", color="0e8a16", description="Start a run")
    github.add_labels(1, ["phasegate", "phasegate: waiting/now"])
    assert github.thread(1).labels == ("phasegate", "phasegate: waiting/now")
    github.remove_label(1, "phasegate: waiting/now")
    github.remove_label(1, "phasegate: waiting/now")

    assert github.thread(1).labels == ("phasegate",)
    assert github.calls == Calls(rest=5, graphql=2)


def test_a_dispatch_starts_workflows(hub, github):
    github.dispatch("phasegate", {"command": "continue", "issue": 1})

    (event,) = [event for event in hub.take_events() if event.name == "repository_dispatch"]
    assert event.payload["client_payload"] == {"command": "continue", "issue": 1}


@pytest.mark.parametrize("text", ["x" * 65_537, "ä" * 32_769])
def test_a_text_that_github_would_not_take_is_refused_before_it_is_sent(github, text):
    with pytest.raises(UserError, match="65536"):
        github.comment(1, SafeMarkdown(text))

    assert github.calls == Calls()


@pytest.mark.parametrize(
    ("name", "token", "url"),
    [
        ("widgets", "t", "https://api.example.com"),
        ("octo/..", "t", "https://api.example.com"),
        ("octo/widgets/x", "t", "https://api.example.com"),
        ("octo/widgets", " ", "https://api.example.com"),
        ("octo/widgets", "two words", "https://api.example.com"),
        ("octo/widgets", "t", "http://api.example.com"),
        ("octo/widgets", "t", "https://user@api.example.com"),
        ("octo/widgets", "t", "ftp://127.0.0.1"),
    ],
)
def test_what_cannot_be_a_repository_a_token_or_an_address_is_refused(name, token, url):
    with pytest.raises(UserError):
        GitHub(name, token, api_url=url, clock=float, sleep=float)


def test_the_token_is_not_shown(github):
    assert github.token not in repr(github)
    assert github.token not in repr(github.wire)


def test_nothing_of_pygithub_is_loaded_before_the_first_request():
    code = "import sys, phasegate.doors.github.client as door; door.GitHub('a/b', 't', clock=float, sleep=float)"
    check = "assert not {'github', 'requests', 'anthropic'} & set(sys.modules), sys.modules.keys()"

    subprocess.run([sys.executable, "-c", f"{code}; {check}"], check=True)
