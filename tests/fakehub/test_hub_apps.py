"""GitHub Apps, releases and what an organisation shares, at the fake server."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from github import Auth, Github, GithubException, GithubIntegration, UnknownObjectException

from fakehub import FakeHub


@pytest.fixture(scope="module")
def keys():
    """A private and a public key in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private.decode(), key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def live(tmp_path):
    """A server whose clock runs, as the one that signs the app's token does."""
    with FakeHub(tmp_path / "live") as hub:
        hub.open_issue("stranger", "t")
        yield hub


def _app_client(hub, app, private):
    return GithubIntegration(
        auth=Auth.AppAuth(app.id, private),
        base_url=hub.api_url,
        seconds_between_requests=None,
        seconds_between_writes=None,
        retry=None,
    )


def test_an_app_gets_a_token_for_what_it_was_granted_and_writes_as_itself(live, keys):
    private, public = keys
    app = live.add_app("our-app", public, {"issues": "write", "contents": "read"})
    with _app_client(live, app, private) as client:
        installation = client.get_repo_installation("octo", "widgets")
        token = client.get_access_token(installation.id, {"issues": "write"}).token
        with pytest.raises(GithubException, match="not granted"):
            client.get_access_token(installation.id, {"contents": "write"})
    with Github(auth=Auth.Token(token), base_url=live.api_url, seconds_between_writes=None, retry=None) as job:
        job.get_repo("octo/widgets").get_issue(1).create_comment("by the app")
    assert live.thread(1)[0].author == "our-app[bot]"
    assert [event.actor for event in live.take_events()][-1] == "our-app[bot]"


def test_an_app_that_is_not_installed_or_signs_with_another_key_gets_nothing(live, keys):
    private, public = keys
    app = live.add_app("absent", public, {"issues": "write"}, installed=False)
    with _app_client(live, app, private) as client, pytest.raises(UnknownObjectException):
        client.get_repo_installation("octo", "widgets")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    wrong = stranger.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with _app_client(live, app, wrong) as client, pytest.raises(GithubException) as caught:
        client.get_repo_installation("octo", "widgets")
    assert caught.value.status == 401


def test_a_signature_of_long_ago_is_none(live, keys):
    private, public = keys
    app = live.add_app("our-app", public, {"issues": "write"})
    live.advance(1200)
    with _app_client(live, app, private) as client, pytest.raises(GithubException) as caught:
        client.get_repo_installation("octo", "widgets")
    assert caught.value.status == 401


def test_the_newest_release_and_its_commit(hub, repo):
    with pytest.raises(UnknownObjectException):
        repo.get_latest_release()
    head = hub.main.git.resolve("refs/heads/main")
    repo.create_git_ref("refs/tags/v1.0.0", head)
    hub.main.latest_release = "v1.0.0"
    assert repo.get_latest_release().tag_name == "v1.0.0"
    commit = repo.get_commit("v1.0.0")
    assert (commit.sha, commit.commit.message, len(commit.parents)) == (head, "First commit", 0)
    with pytest.raises(GithubException, match="No commit found"):
        repo.get_commit("v2.0.0")


def test_what_an_organisation_shares_is_listed_apart(hub, connect):
    hub.main.organization_secrets.add("ANTHROPIC_API_KEY")
    hub.main.organization_variables["REGION"] = "eu"
    get = connect(hub.issue_token(None, "octo")).requester.requestJsonAndCheck
    place = "/repos/octo/widgets/actions"
    assert get("GET", f"{place}/organization-secrets")[1]["secrets"][0]["name"] == "ANTHROPIC_API_KEY"
    assert get("GET", f"{place}/organization-variables")[1]["variables"][0]["value"] == "eu"
    assert get("GET", f"{place}/secrets")[1]["total_count"] == 0
