"""An issue or pull request with its comments comes as facts: who wrote, who edited, what is ours."""

import json
from datetime import UTC, datetime

import pytest
from github_desks import door

from fakehub.hub import FakeHub
from phasegate.doors.github.client import Calls
from phasegate.doors.github.failures import ForgeError
from phasegate.doors.github.threads import ThreadAnswer
from phasegate.publishing.safe_markdown import SafeMarkdown

BRANCH = "phasegate/issue-1"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub", start=START) as hub:
        hub.add_user("alice", "write")
        hub.add_user("bob")
        hub.open_issue("bob", "Add --json", "Please.")
        yield hub


def test_an_issue_comes_with_its_comments_the_oldest_first(hub):
    hub.label("alice", 1, "phasegate")
    hub.comment("bob", 1, "one")
    hub.advance(60)
    hub.comment("alice", 1, "two")

    thread = door(hub).thread(1)

    assert (thread.number, thread.title, thread.body, thread.author) == (1, "Add --json", "Please.", "bob")
    assert (thread.labels, thread.is_open, thread.pull) == (("phasegate",), True, None)
    assert (thread.default_branch, thread.default_sha) == ("main", hub.main.git.resolve("refs/heads/main"))
    assert [(one.author, one.body) for one in thread.comments] == [("bob", "one"), ("alice", "two")]
    assert (thread.comments[1].created - thread.comments[0].created).total_seconds() == 60
    assert not thread.comments[0].is_bot
    assert thread.comments[0].edited is None


@pytest.mark.parametrize(("comments", "requests"), [(0, 1), (100, 1), (101, 2), (250, 3)])
def test_every_comment_is_read_a_hundred_with_each_request(hub, comments, requests):
    for number in range(comments):
        hub.comment("bob", 1, str(number))
    github = door(hub)

    assert [one.body for one in github.thread(1).comments] == [str(number) for number in range(comments)]
    assert github.calls == Calls(graphql=requests)


def test_who_edited_a_comment_last_is_known(hub):
    github = door(hub)
    ours = [github.comment(1, SafeMarkdown(f"ours {number}")) for number in range(3)]
    theirs = hub.comment("bob", 1, "theirs").id
    hub.advance(5)
    github.edit_comment(ours[1], SafeMarkdown("ours, edited"))
    hub.edit_comment("alice", ours[2], "ours, forged")
    hub.edit_comment("bob", theirs, "theirs, edited")

    facts = {one.id: (one.is_ours, one.edited is not None, one.edited_by_other) for one in github.thread(1).comments}

    assert facts == {
        ours[0]: (True, False, False),
        ours[1]: (True, True, False),
        ours[2]: (True, True, True),
        theirs: (False, True, False),
    }


def test_our_account_is_spelt_as_rest_spells_it_and_known_as_a_bot(hub):
    github = door(hub)
    github.comment(1, SafeMarkdown("ours"))

    (comment,) = github.thread(1).comments

    assert (comment.author, comment.is_bot) == ("github-actions[bot]", True)


def test_an_account_that_is_gone_has_no_name(hub):
    hub.comment("bob", 1, "bye")
    hub.delete_account("bob")

    thread = door(hub).thread(1)

    assert thread.author is None
    assert [one.author for one in thread.comments] == [None]


def test_an_issue_comes_with_the_open_pull_request_of_its_branch(hub):
    github = door(hub)
    hub.push("alice", BRANCH, {"a.txt": "a\n"})
    assert github.thread(1, BRANCH).pull is None
    pull = github.open_draft(head=BRANCH, base="main", title="Plan", body=SafeMarkdown("The plan."))
    hub.push("alice", "other", {"a.txt": "a\n"})
    hub.open_pull("alice", "other")

    assert github.thread(1, BRANCH).pull == pull
    assert github.thread(1).pull is None
    assert github.thread(1, "gone").pull is None
    github.close_pull(pull.number)
    assert github.thread(1, BRANCH).pull is None


def test_a_pull_request_is_its_own(hub):
    github = door(hub)
    hub.push("alice", BRANCH, {"a.txt": "a\n"})
    pull = github.open_draft(head=BRANCH, base="main", title="Plan", body=SafeMarkdown("The plan."))
    github.comment(pull.number, SafeMarkdown("here"))

    thread = github.thread(pull.number, BRANCH)

    assert (thread.pull, thread.title, thread.body) == (pull, "Plan", "The plan.")
    assert [one.body for one in thread.comments] == ["here"]
    github.close_pull(pull.number)
    thread = github.thread(pull.number)
    assert not thread.is_open
    assert not thread.pull.is_open


def test_a_number_that_is_none_s_is_told_as_such(hub):
    with pytest.raises(ForgeError, match="read #99") as caught:
        door(hub).thread(99)

    assert caught.value.status == 404


@pytest.mark.parametrize("missing", ["contents", "issues"])
def test_a_token_that_may_not_read_is_told_what_it_needs(hub, missing):
    rights = {"contents": "read", "issues": "read", "pull-requests": "read"}
    del rights[missing]

    with pytest.raises(ForgeError, match=f"{missing}: read"):
        door(hub, rights).thread(1, BRANCH)


def answer(**changes) -> dict:
    """A comment as GraphQL gives it."""
    comment = {
        "fullDatabaseId": "3500000001",
        "id": "IC_1",
        "author": {"__typename": "User", "login": "bob"},
        "authorAssociation": "NONE",
        "body": "text",
        "createdAt": "2026-11-21T12:00:00Z",
        "lastEditedAt": None,
        "editor": None,
        "viewerDidAuthor": False,
        "isMinimized": False,
    }
    page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": [comment | changes]}
    thing = {"__typename": "Issue", "number": 1, "id": "I_1", "title": "t", "body": "", "closed": False}
    thing |= {"author": None, "labels": {"nodes": []}, "comments": page}
    default = {"name": "main", "target": {"oid": "a" * 40}}
    return {"data": {"repository": {"defaultBranchRef": default, "ref": None, "issueOrPullRequest": thing}}}


def read(body: dict) -> ThreadAnswer:
    return ThreadAnswer.model_validate_json(json.dumps(body))


def comment_of(body: dict):
    (comment,) = read(body).page.facts()
    return comment


@pytest.mark.parametrize(
    ("kind", "login", "expected"),
    [
        ("User", "bob", "bob"),
        ("Bot", "github-actions", "github-actions[bot]"),
        ("Bot", "app[bot]", "app[bot]"),
        ("Mannequin", "alice", None),
        ("Organization", "octo", None),
        ("EnterpriseUserAccount", "alice", None),
    ],
)
def test_only_users_and_bots_have_names(kind, login, expected):
    """A mannequin of an import may be called like a person who may write."""
    assert comment_of(answer(author={"__typename": kind, "login": login})).author == expected


@pytest.mark.parametrize(
    ("author", "editor", "by_other"),
    [
        ("bob", "bob", False),
        ("bob", "alice", True),
        ("bob", None, True),
        (None, "bob", True),
        (None, None, True),
    ],
)
def test_an_edit_of_nobody_known_counts_as_one_of_somebody_else(author, editor, by_other):
    author, editor = (name and {"__typename": "User", "login": name} for name in (author, editor))

    comment = comment_of(answer(author=author, editor=editor, lastEditedAt="2026-11-21T12:01:00Z"))

    assert comment.edited_by_other is by_other


@pytest.mark.parametrize(
    ("editor", "by_other"),
    [
        (None, False),
        ({"__typename": "Bot", "login": "github-actions"}, False),
        ({"__typename": "User", "login": "github-actions"}, True),
        ({"__typename": "User", "login": "alice"}, True),
    ],
)
def test_an_edit_of_our_own_comment_by_nobody_known_is_ours(editor, by_other):
    """Whether GitHub names the editor where a job's token edited is written nowhere."""
    ours = {"viewerDidAuthor": True, "author": {"__typename": "Bot", "login": "github-actions"}}

    comment = comment_of(answer(**ours, editor=editor, lastEditedAt="2026-11-21T12:01:00Z"))

    assert (comment.is_ours, comment.edited_by_other) == (True, by_other)
    assert comment_of(answer(**ours)).edited_by_other is False


def test_a_repository_without_commits_has_no_thread():
    body = answer()
    body["data"]["repository"]["defaultBranchRef"] = None

    assert read(body).fact((), None) is None


@pytest.mark.parametrize("changes", [{"headRefName": "other"}, {"isCrossRepository": True}])
def test_the_pull_request_of_another_branch_or_of_a_fork_is_not_ours(changes):
    pull = {"number": 2, "id": "PR_2", "headRefName": BRANCH, "headRefOid": "b" * 40, "baseRefName": "main"}
    pull |= {"isDraft": True, "state": "OPEN", "isCrossRepository": False}
    body = answer()
    for expected, node in ((2, pull), (None, pull | changes)):
        body["data"]["repository"]["ref"] = {"associatedPullRequests": {"nodes": [node]}}
        found = read(body).fact((), BRANCH).pull
        assert (found and found.number) == expected


def test_the_comments_alone_are_read_without_the_right_to_read_contents(hub):
    for number in range(101):
        hub.comment("bob", 1, str(number))
    github = door(hub, {"issues": "write", "pull-requests": "write"})

    assert [one.body for one in github.comments(1)] == [str(number) for number in range(101)]
    assert github.calls == Calls(graphql=2)
