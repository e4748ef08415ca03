"""A fake GitHub and clients for it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from github import Auth, Github

from fakehub import FakeHub, graph

START = datetime(2026, 1, 5, 10, 0, 0, tzinfo=UTC)
WORKFLOW = """\
name: phasegate
on:
  workflow_dispatch:
    inputs:
      issue: {required: true}
      dry-run: {type: boolean, default: false}
jobs: {}
"""
ALL_WRITE = {"contents": "write", "issues": "write", "pull-requests": "write", "actions": "write"}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    """A server with a repository octo/widgets, a maintainer mona and one issue; its clock stands."""
    files = {"README.md": "# widgets\n", "src/app.py": "print(1)\n", ".github/workflows/phasegate.yml": WORKFLOW}
    with FakeHub(tmp_path / "hub", files=files, start=START) as made:
        made.add_user("mona", "maintain")
        made.open_issue("stranger", "Add --json", "Please.")
        made.take_events()
        yield made


@pytest.fixture
def connect(hub: FakeHub) -> Iterator[Callable[[str], Github]]:
    """PyGithub for a token, closed at the end."""
    with ExitStack() as opened:

        def client(token: str) -> Github:
            made = Github(
                auth=Auth.Token(token),
                base_url=hub.api_url,
                seconds_between_requests=None,
                seconds_between_writes=None,
                retry=None,
                per_page=100,
            )
            opened.callback(made.close)
            return made

        yield client


@pytest.fixture
def repo(hub: FakeHub, connect):
    """octo/widgets as a job with all write permissions sees it by PyGithub."""
    return connect(hub.issue_token(ALL_WRITE)).get_repo("octo/widgets")


@pytest.fixture
def ask(hub: FakeHub, connect):
    """Ask by GraphQL, as a job with all write permissions; gives data, or raises PyGithub's error."""
    graph.require_schema()
    client = connect(hub.issue_token(ALL_WRITE))
    return lambda query, **variables: client.requester.graphql_query(query, variables)[1]["data"]
