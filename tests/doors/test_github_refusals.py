"""What GitHub refuses is said in words, with the permission or the setting that is missing, and never the token."""

import json

import pytest
import responses
from github_desks import Time, door

from fakehub.hub import FakeHub
from phasegate.doors.github.client import GitHub
from phasegate.doors.github.failures import ForgeError, complaint_of, refusal
from phasegate.publishing.safe_markdown import SafeMarkdown

TEXT = SafeMarkdown("text")
API = "https://api.github.com:443/repos/octo/widgets"  # PyGithub names the port
"""Where the door asks when nobody gives another address."""


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub") as hub:
        hub.add_user("alice", "write")
        hub.open_issue("alice", "Add --json", "Please.")
        yield hub


@pytest.fixture
def stubs():
    with responses.RequestsMock() as stubs:
        yield stubs


@pytest.fixture
def github():
    time = Time()
    return GitHub("octo/widgets", "ghs_secret", clock=time.clock, sleep=time.sleep)


@pytest.mark.parametrize(
    ("verb", "needs"),
    [
        (lambda github, _: github.comment(1, TEXT), "issues: write"),
        (lambda github, comment: github.edit_comment(comment, TEXT), "issues: write"),
        (lambda github, comment: github.react(comment, "eyes"), "issues: write"),
        (lambda github, _: github.add_labels(1, ["a"]), "issues: write"),
        (lambda github, _: github.create_label("a", color="0e8a16", description="a"), "issues: write"),
        (lambda github, _: github.dispatch("phasegate", {}), "contents: write"),
        (lambda github, _: github.open_draft(head="x", base="main", title="t", body=TEXT), "pull-requests: write"),
    ],
)
def test_a_missing_permission_is_named_as_in_the_workflow(hub, verb, needs):
    comment = hub.comment("alice", 1, "x").id
    hub.push("alice", "x", {"a": "a"})

    with pytest.raises(ForgeError, match="The token may not do this") as caught:
        verb(door(hub, {"contents": "read", "issues": "read", "pull-requests": "read"}), comment)

    assert f"`{needs}`" in caught.value.cause
    assert "`permissions:`" in caught.value.mend
    assert caught.value.status == 403


def test_a_token_that_is_none_any_more_is_told(hub):
    github = door(hub)
    hub.revoke_token(github.token)

    with pytest.raises(ForgeError, match="does not accept the token") as caught:
        github.comment(1, TEXT)
    assert caught.value.status == 401
    assert github.token not in str(caught.value)


def test_a_comment_that_is_gone_is_told(hub):
    with pytest.raises(ForgeError, match=r"edit the comment 7.*knows nothing of it") as caught:
        door(hub).edit_comment(7, TEXT)
    assert caught.value.status == 404


def test_a_branch_that_is_not_there_has_no_pull_request(hub):
    with pytest.raises(ForgeError, match="head is invalid") as caught:
        door(hub).open_draft(head="nowhere", base="main", title="t", body=TEXT)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (
            403,
            "GitHub Actions is not permitted to create or approve pull requests.",
            "Allow GitHub Actions to create and approve pull requests",
        ),
        (422, "Draft pull requests are not supported in this repository.", "paid plan"),
        (422, "Validation Failed: No commits between main and x", "nothing to open a pull request for"),
        (403, "Repository was archived so is read-only.", "Unarchive"),
        (403, "Unable to create comment because issue is locked.", "Unlock"),
        (403, "Resource protected by organization SAML enforcement.", "single sign-on"),
        (403, "Must have admin rights to Repository.", "The token may not do this"),
        (410, "Issues are disabled for this repo", "Turn issues on"),
        (418, "I am a teapot", r"GitHub says \(418\): I am a teapot"),
    ],
)
def test_known_refusals_say_what_to_change(stubs, github, status, message, told):
    stubs.post(f"{API}/pulls", json={"message": message}, status=status)

    with pytest.raises(ForgeError, match=told) as caught:
        github.open_draft(head="x", base="main", title="t", body=TEXT)
    assert caught.value.status == status
    assert "ghs_secret" not in str(caught.value)


def test_a_pull_request_that_exists_but_cannot_be_found_is_told(stubs, github):
    errors = [{"resource": "PullRequest", "code": "custom", "message": "A pull request already exists for octo:x."}]
    stubs.post(f"{API}/pulls", json={"message": "Validation Failed", "errors": errors}, status=422)
    stubs.get(f"{API}/pulls", json=[])

    with pytest.raises(ForgeError, match="A pull request already exists for octo:x"):
        github.open_draft(head="x", base="main", title="t", body=TEXT)


def test_a_label_that_is_wrong_is_not_taken_for_one_that_exists(stubs, github):
    errors = [{"resource": "Label", "code": "invalid", "field": "color"}]
    stubs.post(f"{API}/labels", json={"message": "Validation Failed", "errors": errors}, status=422)

    with pytest.raises(ForgeError, match="color is invalid"):
        github.create_label("a", color="red", description="")


@pytest.mark.parametrize(
    "body", ["", "<html>", "[]", '{"permission": "maintain"}', '{"permission": 1}', '{"user": null}']
)
def test_an_answer_that_makes_no_sense_is_no_permission(stubs, github, body):
    stubs.get(f"{API}/collaborators/alice/permission", body=body)

    with pytest.raises(ForgeError, match="answer cannot be understood"):
        github.permission("alice")


def test_an_answer_about_somebody_else_is_no_permission(stubs, github):
    body = {"permission": "admin", "user": {"login": "bob", "id": 1}}
    stubs.get(f"{API}/collaborators/alice/permission", json=body)

    with pytest.raises(ForgeError, match="It told of bob"):
        github.permission("alice")


def test_who_is_in_no_team_is_in_none(stubs, github):
    stubs.get("https://api.github.com:443/orgs/acme/teams/x/memberships/bob", status=404)
    stubs.get("https://api.github.com:443/orgs/acme/teams/x/memberships/eve", json={"state": "pending"})

    assert not github.in_team("@acme/x", "bob")
    assert not github.in_team("@acme/x", "eve")


def test_an_account_without_a_number_is_told(stubs, github):
    stubs.get(f"{API}/collaborators/alice/permission", json={"permission": "none", "user": None})

    with pytest.raises(ForgeError, match="no account alice"):
        github.account_id("alice")


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_repository_that_moved_is_told_instead_of_taken_for_done(stubs, github, status):
    elsewhere = {"Location": "https://api.github.com/repositories/1/issues/1/comments"}
    stubs.post(f"{API}/issues/1/comments", json={"message": "Moved"}, status=status, headers=elsewhere)

    with pytest.raises(ForgeError, match="renamed or moved"):
        github.comment(1, TEXT)


def test_nobody_is_sent_to_another_server(stubs, github):
    stubs.get(f"{API}/collaborators/alice/permission", status=301, headers={"Location": "https://evil.example/x"})

    with pytest.raises(ForgeError, match="redirected"):
        github.permission("alice")


def graphql_error(kind: str, message: str) -> dict:
    return {"data": {"repository": None}, "errors": [{"type": kind, "message": message, "path": ["repository"]}]}


@pytest.mark.parametrize(
    ("kind", "message", "status", "told"),
    [
        ("NOT_FOUND", "Could not resolve to a Repository.", 404, "knows nothing of it"),
        ("FORBIDDEN", "Resource not accessible by integration", 403, "issues: read"),
        ("INSUFFICIENT_SCOPES", "Your token has not been granted the required scopes", 403, "issues: read"),
        ("OTHER", "A query attribute must be specified", 400, "must be specified"),
    ],
)
def test_an_error_of_graphql_is_told_like_one_of_rest(stubs, github, kind, message, status, told):
    stubs.post("https://api.github.com:443/graphql", json=graphql_error(kind, message))

    with pytest.raises(ForgeError, match=told) as caught:
        github.thread(1)
    assert caught.value.status == status


def test_a_repository_that_has_no_commits_yet_is_told(stubs, github):
    repository = {"defaultBranchRef": None, "issueOrPullRequest": None}
    stubs.post("https://api.github.com:443/graphql", json={"data": {"repository": repository}})

    with pytest.raises(ForgeError, match="no such issue, or the repository has no commits yet"):
        github.thread(1)


def test_a_server_whose_certificate_is_none_is_not_asked_again(hub):
    time = Time()
    url = hub.api_url.replace("http:", "https:")
    github = GitHub("octo/widgets", "ghs_secret", api_url=url, clock=time.clock, sleep=time.sleep)

    with pytest.raises(ForgeError, match="certificate is not accepted"):
        github.thread(1)
    assert time.naps == []


def test_trouble_and_limits_of_graphql_are_waited_out(stubs):
    time = Time()
    github = GitHub("octo/widgets", "ghs_secret", clock=time.clock, sleep=time.sleep)
    url = "https://api.github.com:443/graphql"
    stubs.post(url, json=graphql_error("", "Something went wrong while executing your query."))
    stubs.post(url, json=graphql_error("RATE_LIMITED", "API rate limit exceeded"), headers={"Retry-After": "9"})
    stubs.post(url, json=graphql_error("NOT_FOUND", "Could not resolve to an issue."))

    with pytest.raises(ForgeError, match="knows nothing"):
        github.thread(1)
    assert time.naps == [1, 9]


def test_what_github_says_cannot_steer_a_terminal_or_fill_a_page():
    error = refusal("comment on #1", status=400, body=json.dumps({"message": "\x1b[31m" + "x" * 999}), needs="")

    assert "\x1b" not in str(error)
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"message": "No", "errors": ["a\\nb"]}', "No; a b"),
        ('{"message": "No", "errors": [{"code": "missing"}]}', "No; something is missing"),
        ('{"message": "No", "errors": {"odd": 1}}', ""),
        ("oops", ""),
    ],
)
def test_a_complaint_is_read_as_far_as_it_is_one(body, words):
    assert complaint_of(body).words == words
