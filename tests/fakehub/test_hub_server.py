"""The fake server as a server: it ends by itself, and leaves nothing."""

import threading
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from fakehub import FakeHub


def test_a_server_ends_while_a_client_keeps_its_connection_open(tmp_path):
    before = set(threading.enumerate())
    with FakeHub(tmp_path / "one") as hub:
        idle = HTTPConnection(urlsplit(hub.url).netloc)
        idle.request("GET", "/api/v3/user", headers={"Authorization": f"token {hub.issue_token(None, 'octo')}"})
        assert idle.getresponse().read()
    assert set(threading.enumerate()) == before
    with pytest.raises(OSError, match="refused"):
        idle.connect()
    idle.close()


def test_two_servers_know_nothing_of_each_other(tmp_path):
    with FakeHub(tmp_path / "one") as one, FakeHub(tmp_path / "two", name="gadgets") as two:
        one.open_issue("stranger", "t")
        assert one.url != two.url
        assert (len(one.main.issues), len(two.main.issues)) == (1, 0)
        assert two.environment["GITHUB_REPOSITORY"] == "octo/gadgets"


def test_the_date_of_an_answer_is_the_servers_time(hub):
    connection = HTTPConnection(urlsplit(hub.url).netloc)
    hub.advance(60)
    connection.request("GET", "/api/v3/rate_limit", headers={"Authorization": f"token {hub.issue_token({})}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.getheader("Date") == "Mon, 05 Jan 2026 10:01:00 GMT"


def test_an_order_for_a_route_that_does_not_exist_is_a_mistake(hub):
    with pytest.raises(AssertionError, match="no such route"):
        hub.fail_next("POST /repos/{owner}/{repo}/comments", 500)
    with pytest.raises(AssertionError, match="no such route"):
        hub.before_next("PATCH /repos", lambda: None)
