"""The runner's variables and its event file are believed when they are of their form."""

import pytest

from phasegate.doors.runner.context import EVENT_LIMIT, RunnerContext
from phasegate.errors import UserError


@pytest.fixture
def environ(tmp_path):
    event = tmp_path / "event.json"
    event.write_bytes(b'{"action": "labeled"}')
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "octo-org/hello.world",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_EVENT_NAME": "issues",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_RUN_ID": "12345678901",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_WORKFLOW_REF": "octo-org/hello.world/.github/workflows/phasegate.yml@refs/heads/main",
        "RUNNER_TEMP": str(tmp_path),
        "RUNNER_ENVIRONMENT": "github-hosted",
    }


def test_everything_is_read(environ, tmp_path):
    context = RunnerContext.read(environ)

    assert (context.repository, context.event_name, context.actor) == ("octo-org/hello.world", "issues", "octocat")
    assert (context.event, context.temp) == (b'{"action": "labeled"}', tmp_path)
    assert (context.run_id, context.run_attempt, context.debug) == (12345678901, 1, False)
    assert context.run_url == "https://github.com/octo-org/hello.world/actions/runs/12345678901"
    assert context.runner_environment == "github-hosted"


def test_a_second_attempt_has_an_address_of_its_own(environ):
    context = RunnerContext.read(environ | {"GITHUB_RUN_ATTEMPT": "2", "RUNNER_DEBUG": "1"})

    assert context.run_url.endswith("/actions/runs/12345678901/attempts/2")
    assert context.debug


def test_the_addresses_of_an_enterprise_server_are_its_own(environ):
    context = RunnerContext.read(
        environ
        | {
            "GITHUB_API_URL": "https://git.corp.example:8443/api/v3/",
            "GITHUB_GRAPHQL_URL": "https://git.corp.example:8443/api/graphql",
            "GITHUB_SERVER_URL": "https://git.corp.example:8443",
        }
    )

    assert context.api_url == "https://git.corp.example:8443/api/v3"
    assert context.graphql_url == "https://git.corp.example:8443/api/graphql"
    assert context.run_url.startswith("https://git.corp.example:8443/octo-org/")


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080", "http://localhost:1/api", "http://[::1]:9", "http://127.9.9.9"]
)
def test_plain_http_is_for_this_machine(environ, address):
    assert RunnerContext.read(environ | {"GITHUB_API_URL": address}).api_url == address


@pytest.mark.parametrize("name", ["GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_SERVER_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "http://api.github.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://user:pw@api.github.com",
        "https://@api.github.com",
        "https://api.github.com?x",
        "https://api.github.com/#",
        "https://",
        "https:///path",
        "https://host:0",
        "https://host:99999",
        "https://host:x",
        "https://[::1",
        "https://a b",
        "https://exämple",
        "https://a\n",
        "ftp://api.github.com",
        "ftp://localhost",
        "file:///etc/passwd",
        "api.github.com",
        "//api.github.com",
    ],
)
def test_an_address_that_is_none_is_refused(environ, name, address):
    with pytest.raises(UserError, match=f"{name} is ") as caught:
        RunnerContext.read(environ | {name: address})
    assert caught.value.cause
    assert "https" in caught.value.mend


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REPOSITORY", "name"),
        ("GITHUB_REPOSITORY", "owner/name/more"),
        ("GITHUB_REPOSITORY", "owner/.."),
        ("GITHUB_REPOSITORY", "owner/."),
        ("GITHUB_REPOSITORY", "owner/na me"),
        ("GITHUB_REPOSITORY", "../name"),
        ("GITHUB_REPOSITORY", "owner/name\n"),
        ("GITHUB_EVENT_NAME", "Issues"),
        ("GITHUB_EVENT_NAME", "issues; rm"),
        ("GITHUB_RUN_ID", "0"),
        ("GITHUB_RUN_ID", "-1"),
        ("GITHUB_RUN_ID", "1e3"),
        ("GITHUB_RUN_ID", "\u0661"),
        ("GITHUB_RUN_ATTEMPT", "x"),
        ("GITHUB_ACTOR", "a/b"),
        ("GITHUB_ACTOR", "[bot]"),
        ("GITHUB_WORKFLOW_REF", "phasegate.yml"),
        ("GITHUB_WORKFLOW_REF", "o/n/.github/workflows/a b.yml@refs/heads/x"),
        ("RUNNER_ENVIRONMENT", "mine"),
        ("RUNNER_TEMP", "."),
        ("RUNNER_TEMP", "/dev/null"),
        ("GITHUB_EVENT_PATH", "/nowhere/event.json"),
        ("GITHUB_EVENT_PATH", "/dev/zero"),
    ],
)
def test_what_is_not_of_its_form_is_refused_by_name(environ, name, value):
    with pytest.raises(UserError, match=f"^{name} is ") as caught:
        RunnerContext.read(environ | {name: value})
    assert caught.value.mend
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REPOSITORY", "corp_user/.github"),
        ("GITHUB_REPOSITORY", "o/...x"),
        ("GITHUB_ACTOR", "github-actions[bot]"),
        ("GITHUB_ACTOR", "mona_corp"),
        ("GITHUB_EVENT_NAME", "repository_dispatch"),
    ],
)
def test_unusual_names_are_names(environ, name, value):
    assert RunnerContext.read(environ | {name: value})


def test_an_older_runner_that_says_nothing_of_its_home_is_self_hosted(environ):
    del environ["RUNNER_ENVIRONMENT"]

    assert RunnerContext.read(environ).runner_environment == "self-hosted"


def test_outside_of_actions_it_says_what_is_missing():
    with pytest.raises(UserError, match="no job of GitHub Actions") as caught:
        RunnerContext.read({"GITHUB_EVENT_NAME": "issues"})
    assert "GITHUB_ACTIONS, GITHUB_REPOSITORY" in caught.value.cause
    assert "GITHUB_EVENT_NAME" not in caught.value.cause
    assert "phasegate run" in caught.value.mend


def test_an_event_is_read_up_to_its_limit_and_not_beyond(environ, tmp_path):
    (tmp_path / "event.json").write_bytes(b"x" * EVENT_LIMIT)
    assert len(RunnerContext.read(environ).event) == EVENT_LIMIT

    (tmp_path / "event.json").write_bytes(b"x" * (EVENT_LIMIT + 1))
    with pytest.raises(UserError, match="GITHUB_EVENT_PATH"):
        RunnerContext.read(environ)


def test_an_event_that_cannot_be_read_says_why(environ, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        RunnerContext.read(environ)
