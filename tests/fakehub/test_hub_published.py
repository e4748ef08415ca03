"""The fake server is held to what GitHub publishes: what does not fit is found."""

import json
from dataclasses import replace

import pytest

from fakehub import FakeHub, ViolationError, routes, wire
from fakehub.published import EVENTS, PUBLISHED, Published
from fakehub.wire import Reply


def _spoil(monkeypatch, spoil):
    """Let the server answer `GET issue` with a body that `spoil` has changed."""
    true, _ = routes.find_route("GET", "/repos/octo/widgets/issues/1")

    def wrong(asked):
        body = true.handle(asked).body
        spoil(body)
        return Reply(200, body)

    table = [replace(true, handle=wrong) if route is true else route for route in routes.ROUTES]
    monkeypatch.setattr(wire, "ROUTES", table)


def _ask(tmp_path, method, path, data=b""):
    """One request of the owner at a server with one issue; gives the server, closed, and the answer."""
    path, _, query = path.partition("?")
    with FakeHub(tmp_path, check=False) as hub:
        hub.open_issue("octo", "t")
        headers = {"authorization": f"token {hub.issue_token(None, 'octo')}"}
        return hub, hub.answer(method, f"/api/v3/repos/octo/widgets{path}", query, headers, data)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda body: body.pop("title"), "'title' is a required property"),
        (lambda body: body.update(number="1"), "number: '1' is not of type 'integer'"),
        (lambda body: body["user"].update(login=None), "user.*login: None is not of type 'string'"),
        (lambda body: body.update(created_at="2026-01-05 10:00"), "is not a 'date-time'"),
        (lambda body: body.update(author_asociation="NONE"), "'author_asociation' was unexpected"),
    ],
)
def test_a_wrong_answer_of_the_server_is_found(monkeypatch, tmp_path, spoil, said):
    _spoil(monkeypatch, spoil)
    hub, _ = _ask(tmp_path, "GET", "/issues/1")
    with pytest.raises(ViolationError, match=said):
        hub.check()


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/issues/1/comments", {"text": "x"}, "request: .*'(text|body)'"),
        ("POST", "/issues/1/comments", {"body": 1}, "body: 1 is not of type 'string'"),
        ("POST", "/dispatches", {"event_type": "x" * 101}, "is too long"),
        (
            "POST",
            "/dispatches",
            {"event_type": "x", "client_payload": {str(number): 1 for number in range(11)}},
            "too many properties",
        ),
        ("GET", "/issues/1?colour=red", None, "no such query parameter 'colour'"),
        ("GET", "/nothing", None, "no such operation"),
        ("PATCH", "/git/ref/heads/main", {"sha": "0" * 40}, "no such operation"),
    ],
)
def test_a_wrong_request_is_refused_and_found(tmp_path, method, path, body, said):
    hub, reply = _ask(tmp_path, method, path, json.dumps(body).encode() if body else b"")
    assert reply.status in {422, 501}
    with pytest.raises(ViolationError, match=said):
        hub.check()


def test_a_payload_that_github_would_not_send_is_found():
    published = Published()
    published.check_event("issues", "labeled", {"action": "labeled"})
    assert any("'issue' is a required property" in violation for violation in published.violations)


def test_a_mistake_in_the_server_itself_is_found_too(monkeypatch, tmp_path):
    _spoil(monkeypatch, lambda body: body["no such key"])
    hub, reply = _ask(tmp_path, "GET", "/issues/1")
    assert reply.status == 500
    with pytest.raises(ViolationError, match="the fake server failed"):
        hub.check()


def test_a_server_with_violations_ends_in_an_error_unless_one_is_on_its_way(tmp_path):
    def use(name, error):
        with FakeHub(tmp_path / name) as hub:
            hub.violations.append("something does not fit")
            if error:
                raise error

    with pytest.raises(ViolationError, match="something does not fit"):
        use("one", None)
    with pytest.raises(KeyError):
        use("two", KeyError("the true cause"))


def test_the_description_has_every_operation_and_event_of_the_server():
    cut = json.loads(PUBLISHED.read_text())
    assert sorted(cut["operations"]) == sorted(route.name for route in routes.ROUTES)
    assert set(cut["events"]) == set(EVENTS.values())


def test_a_body_that_is_no_json_is_answered_as_github_does(tmp_path):
    _, reply = _ask(tmp_path, "POST", "/issues/1/comments", b"{")
    assert (reply.status, reply.body["message"]) == (400, "Problems parsing JSON")
