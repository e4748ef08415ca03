"""Tokens at the fake server: what each may do, and how the others are refused."""

import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from github import BadCredentialsException, GithubException, UnknownObjectException

from fakehub import ACTIONS_BOT, FakeHub

REPO = "/repos/octo/widgets"


def _status(hub, token, method, path, body=None):
    """The status of one request, without any client library in between."""
    connection = HTTPConnection(urlsplit(hub.url).netloc)
    headers = {"Authorization": f"token {token}"} if token else {}
    connection.request(method, urlsplit(hub.api_url).path + path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.fixture
def with_pull(hub):
    """A server that also has pull request 2 with comment ids for the issue (first) and the pull request (second)."""
    hub.push("mona", "work", {"a": "1"})
    hub.open_pull("mona", "work", draft=True)
    hub.ids = [hub.comment("mona", 1, "on the issue").id, hub.comment("mona", 2, "on the pull request").id]
    return hub


READS_AND_WRITES = [
    ({}, "GET", "", None, 200),
    ({}, "GET", "/collaborators/mona/permission", None, 200),
    ({}, "GET", "/issues/1", None, 403),
    ({"issues": "read"}, "GET", "/issues/1", None, 200),
    ({"issues": "read"}, "POST", "/issues/1/comments", {"body": "x"}, 403),
    ({"issues": "write"}, "POST", "/issues/1/comments", {"body": "x"}, 201),
    ({"issues": "write"}, "POST", "/issues/2/comments", {"body": "x"}, 201),
    ({"pull-requests": "write"}, "POST", "/issues/1/comments", {"body": "x"}, 403),
    ({"pull-requests": "write"}, "POST", "/issues/2/comments", {"body": "x"}, 201),
    ({"pull-requests": "write"}, "PATCH", "/issues/comments/{0}", {"body": "x"}, 403),
    ({"pull-requests": "write"}, "PATCH", "/issues/comments/{1}", {"body": "x"}, 200),
    ({"contents": "write"}, "POST", "/issues/comments/{1}/reactions", {"content": "eyes"}, 403),
    ({"pull-requests": "write"}, "POST", "/issues/comments/{1}/reactions", {"content": "eyes"}, 201),
    ({"contents": "read"}, "POST", "/dispatches", {"event_type": "x"}, 403),
    ({"contents": "write"}, "POST", "/dispatches", {"event_type": "x"}, 204),
    ({"contents": "write"}, "POST", "/actions/workflows/phasegate.yml/dispatches", {"ref": "main"}, 403),
    ({"contents": "write"}, "POST", "/pulls", {"head": "work", "base": "main", "title": "t"}, 403),
    ({"pull-requests": "write"}, "PATCH", "/pulls/2", {"title": "t"}, 200),
    ({"issues": "write"}, "PATCH", "/pulls/2", {"title": "t"}, 403),
    ({"pull-requests": "write"}, "POST", "/git/refs", {"ref": "refs/heads/x", "sha": "0" * 40}, 403),
    ({"contents": "write"}, "GET", "/actions/permissions/workflow", None, 403),
    ({"contents": "write"}, "GET", "/actions/secrets", None, 403),
]


@pytest.mark.parametrize(("permissions", "method", "path", "body", "status"), READS_AND_WRITES)
def test_a_job_token_may_do_what_its_permissions_say_and_no_more(with_pull, permissions, method, path, body, status):
    token = with_pull.issue_token(permissions)
    assert _status(with_pull, token, method, REPO + path.format(*with_pull.ids), body) == status


@pytest.mark.parametrize(
    ("role", "method", "path", "body", "status"),
    [
        (None, "POST", "/issues/1/comments", {"body": "x"}, 201),
        (None, "POST", "/issues/1/labels", {"labels": ["x"]}, 403),
        ("triage", "POST", "/issues/1/labels", {"labels": ["x"]}, 200),
        ("triage", "POST", "/dispatches", {"event_type": "x"}, 403),
        ("triage", "PATCH", "/issues/comments/{0}", {"body": "x"}, 403),
        ("write", "PATCH", "/issues/comments/{0}", {"body": "x"}, 200),
        ("write", "POST", "/dispatches", {"event_type": "x"}, 204),
        ("maintain", "GET", "/actions/permissions/workflow", None, 403),
        ("admin", "GET", "/actions/permissions/workflow", None, 200),
    ],
)
def test_a_classic_token_may_do_what_its_person_may(with_pull, role, method, path, body, status):
    with_pull.add_user("someone", role)
    token = with_pull.issue_token(None, "someone")
    assert _status(with_pull, token, method, REPO + path.format(*with_pull.ids), body) == status


def test_a_fine_grained_token_may_do_no_more_than_its_person(hub):
    token = hub.issue_token({"contents": "write"}, "stranger")
    assert _status(hub, token, "POST", f"{REPO}/dispatches", {"event_type": "x"}) == 403


def test_no_token_a_wrong_one_and_a_revoked_one_are_no_credentials(hub, connect):
    token = hub.issue_token({"issues": "read"})
    assert _status(hub, token, "GET", f"{REPO}/issues/1") == 200
    hub.revoke_token(token)
    assert _status(hub, token, "GET", f"{REPO}/issues/1") == 401
    assert _status(hub, "", "GET", f"{REPO}/issues/1") == 401
    with pytest.raises(BadCredentialsException):
        connect("ghs_made_up").get_repo("octo/widgets")


def test_a_private_repository_does_not_exist_for_strangers_and_foreign_jobs(hub, connect):
    hub.main.private = True
    other = hub.add_repository("octo", "gadgets")
    for token in (hub.issue_token(None, "stranger"), hub.issue_token({"issues": "write"}, repository=other)):
        with pytest.raises(UnknownObjectException):
            connect(token).get_repo("octo/widgets")
    assert connect(hub.issue_token(None, "mona")).get_repo("octo/widgets").private


def test_a_job_writes_nowhere_but_in_its_own_repository(hub):
    other = hub.add_repository("octo", "gadgets")
    hub.open_issue("mona", "t", repository=other)
    token = hub.issue_token({"issues": "write"})
    assert _status(hub, token, "GET", "/repos/octo/gadgets/issues/1") == 200
    assert _status(hub, token, "GET", "/repos/octo/gadgets/actions/secrets") == 403
    assert _status(hub, token, "POST", "/repos/octo/gadgets/issues/1/comments", {"body": "x"}) == 403


def test_an_app_is_no_user(hub, connect):
    client = connect(hub.issue_token({"contents": "write"}))
    with pytest.raises(GithubException, match="Resource not accessible by integration") as caught:
        client.get_user().login  # noqa: B018 -- PyGithub asks when it is read
    assert caught.value.status == 403
    with pytest.raises(GithubException, match="is not a user"):
        client.get_repo("octo/widgets").get_collaborator_permission(ACTIONS_BOT)


def test_a_server_without_a_path_before_its_api_works_too(tmp_path):
    with FakeHub(tmp_path / "plain", api_path="") as plain:
        assert (plain.api_url, plain.graphql_url) == (plain.url, f"{plain.url}/graphql")
        assert _status(plain, plain.issue_token({}), "GET", REPO) == 200
