"""The settings that decide whether phasegate can work in a repository: read, or known to be hidden."""

import base64

import pytest
import responses
from github_desks import Time, door

from fakehub.hub import FakeHub
from phasegate.doors.github.client import GitHub
from phasegate.doors.github.failures import ForgeError
from phasegate.doors.github.settings import (
    GitHubSettings,
    RepositoryFacts,
    TokenFacts,
    Unreadable,
    WorkflowPermissions,
)

SERVER = "https://api.github.com:443"  # PyGithub names the port
API = f"{SERVER}/repos/octo/widgets"
HIDDEN = {"message": "Resource not accessible by integration"}


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub", files={"a/b c.txt": "text\n"}) as hub:
        hub.add_user("alice", "admin")
        yield hub


@pytest.fixture
def settings(hub):
    """As the owner sees them."""
    return GitHubSettings(door(hub, token=hub.issue_token(None, "alice")))


@pytest.fixture
def job(hub):
    """As a job of a workflow sees them."""
    return GitHubSettings(door(hub, {"contents": "read", "issues": "read"}))


@pytest.fixture
def stubs():
    with responses.RequestsMock() as stubs:
        yield stubs


def stubbed(token: str = "ghp_secret") -> GitHubSettings:
    time = Time()
    return GitHubSettings(GitHub("octo/widgets", token, clock=time.clock, sleep=time.sleep))


def test_the_owner_sees_what_workflows_may_do(hub, settings):
    assert settings.workflow_permissions() == WorkflowPermissions(default="read", may_open_pulls=True)
    hub.main.actions_may_create_pulls = False
    assert settings.workflow_permissions() == WorkflowPermissions(default="read", may_open_pulls=False)


def test_a_job_does_not_see_what_only_the_owner_may(job):
    hidden = Unreadable(403, "Resource not accessible by integration")

    assert job.workflow_permissions() == hidden
    assert job.secret_names() == hidden
    assert job.variable_names() == hidden


def test_the_repository_is_told(hub, settings):
    facts = settings.repository()

    assert isinstance(facts, RepositoryFacts)
    assert facts.default_branch == "main"
    assert not facts.is_private
    assert not facts.is_archived
    assert not facts.is_fork
    assert facts.has_issues
    assert facts.rights == {"admin", "maintain", "push", "triage", "pull"}


def test_a_repository_that_is_not_there_is_unreadable(hub):
    github = GitHub("octo/other", hub.issue_token(None, "alice"), api_url=hub.api_url, clock=float, sleep=float)

    assert GitHubSettings(github).repository() == Unreadable(404, "Not Found")


def test_all_labels_are_listed_whatever_their_number(hub, settings):
    names = [f"label {number:03}" for number in range(100)]
    before = set(settings.labels())
    for name in names:
        settings.github.create_label(name, color="0e8a16", description="")

    assert set(settings.labels()) - before == set(names)


def test_the_rules_of_a_branch_are_told_once_each(hub, settings):
    hub.main.rules["phasegate/issue-1"] = [{"type": "creation"}, {"type": "update"}, {"type": "update"}]

    assert settings.branch_rules("phasegate/issue-1") == ("creation", "update")
    assert settings.branch_rules("main") == ()


def test_a_file_is_read_as_it_is_at_the_default_branch(hub, settings):
    before = hub.main.git.resolve("refs/heads/main")
    hub.push("alice", "main", {"a/b c.txt": b"\x00\xff"})

    assert settings.file("a/b c.txt") == b"\x00\xff"
    assert settings.file("a/b c.txt", before) == b"text\n"
    assert settings.file("nothing") is None


def test_a_person_s_token_tells_whose_it_is_and_a_job_s_does_not(hub, settings, job):
    assert settings.token().login == "alice"
    assert settings.token().kind == "classic"
    assert job.token() == TokenFacts(kind="app", login=None, scopes=None)


@pytest.mark.parametrize(
    ("token", "header", "kind", "scopes"),
    [
        ("ghp_x", "repo, workflow", "classic", ("repo", "workflow")),
        ("ghp_x", "", "classic", ()),
        ("gho_x", "repo", "oauth", ("repo",)),
        ("github_pat_x", None, "fine-grained", None),
        ("0123456789", None, "unknown", None),
    ],
)
def test_the_scopes_of_a_token_come_with_any_answer(stubs, token, header, kind, scopes):
    headers = {} if header is None else {"X-OAuth-Scopes": header}
    stubs.get(f"{SERVER}/user", json={"login": "alice"}, headers=headers)

    assert stubbed(token).token() == TokenFacts(kind=kind, login="alice", scopes=scopes)


@pytest.mark.parametrize("kind", ["secrets", "variables"])
def test_names_of_the_organisation_count_too(stubs, kind):
    stubs.get(f"{API}/actions/{kind}", json={"total_count": 1, kind: [{"name": "OWN"}]})
    stubs.get(f"{API}/actions/organization-{kind}", json={"total_count": 1, kind: [{"name": "SHARED"}]})
    settings = stubbed()

    assert (settings.secret_names() if kind == "secrets" else settings.variable_names()) == ("OWN", "SHARED")


def test_a_repository_without_an_organisation_has_its_own_secrets(stubs):
    stubs.get(f"{API}/actions/secrets", json={"total_count": 1, "secrets": [{"name": "OWN"}]})
    stubs.get(f"{API}/actions/organization-secrets", json={"message": "Not Found"}, status=404)

    assert stubbed().secret_names() == ("OWN",)


def test_a_list_that_has_no_end_is_given_up(stubs):
    stubs.get(f"{API}/labels", json=[{"name": "x"}] * 100)

    with pytest.raises(ForgeError, match="more than 2000"):
        stubbed().labels()


@pytest.mark.parametrize(
    "body",
    [
        {"type": "dir"},
        {"type": "file", "encoding": "none", "content": ""},
        {"type": "file", "encoding": "base64", "content": "!"},
        [{"type": "file"}],
    ],
)
def test_what_is_no_file_or_too_large_is_told(stubs, body):
    stubs.get(f"{API}/contents/x", json=body)

    with pytest.raises(ForgeError, match="cannot be understood"):
        stubbed().file("x")


def test_a_file_that_may_not_be_read_is_unreadable(stubs):
    stubs.get(f"{API}/contents/x", json=HIDDEN, status=403)

    assert stubbed().file("x") == Unreadable(403, HIDDEN["message"])


def test_content_comes_in_lines_as_github_sends_it(stubs):
    content = base64.encodebytes(b"x" * 100).decode()
    stubs.get(f"{API}/contents/x", json={"type": "file", "encoding": "base64", "content": content})

    assert stubbed().file("x") == b"x" * 100
