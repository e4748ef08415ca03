import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx2
import pytest

from phasegate.errors import UserError
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer

PLAIN = "rehearsal: 1\nscenes: [{name: s, turns: [{say: fine}], repeat: true}]\n"
HEADERS = {"authorization": "Bearer key", "anthropic-version": "2026-10-21"}
BODY = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}


def turn(text):
    return f"rehearsal: 1\nscenes:\n  - name: s\n    turns: [{{{text}, say: a sentence of some length}}]\n"


def stream(client):
    with client.messages.stream(**BODY) as running:
        return running.get_final_message()


def test_it_ends_cleanly_whatever_clients_still_hold():
    """No thread is left, although one connection idles, one is in the middle of a request and one waits for a delay."""
    before = threading.active_count()
    with RehearsalServer(load_script(turn("delay: 60"), source="x")) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        idle, halfway, waiting = (socket.create_connection(address) for _ in range(3))
        halfway.sendall(b"POST /v1/messages HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
        body = json.dumps(BODY).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        waiting.sendall(f"POST /v1/messages HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        while not server.log:
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert threading.active_count() == before
    assert len(server.log) == 1, "the half request was answered"
    for connection in (idle, halfway, waiting):
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_a_client_that_goes_away_disturbs_nobody(serve, send, capfd):
    server = serve(turn("delay: 0.1"))
    connection = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    body = json.dumps(BODY).encode()
    connection.sendall(f"POST /v1/messages HTTP/1.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert send(server, BODY)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_it_listens_on_this_machine_only(serve):
    assert serve(PLAIN).url.startswith("http://127.0.0.1:")


def test_parallel_conversations_do_not_mix(serve, client):
    script = """
rehearsal: 1
scenes:
  - name: even
    when: {first: even}
    turns: [{say: even 1}, {expect: even, say: even 2}, {expect: even, say: even 3}]
  - name: odd
    when: {first: odd}
    turns: [{say: odd 1}, {expect: odd, say: odd 2}, {expect: odd, say: odd 3}]
"""
    server = serve(script)
    connected = client(server)

    def talk(number):
        kind = ("even", "odd")[number % 2]
        messages, said = [{"role": "user", "content": f"{kind} {number}"}], []
        for _ in range(3):
            with connected.messages.stream(**BODY | {"messages": messages}) as running:
                said.append(running.get_final_message().content[0].text)
            messages += [{"role": "assistant", "content": said[-1]}, {"role": "user", "content": kind}]
        return said == [f"{kind} {turn}" for turn in (1, 2, 3)]

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(talk, range(24)))
    assert len(server.log) == 72
    assert len({record.error for record in server.log}) == 1


def test_a_request_is_kept_with_its_exact_bytes_and_without_its_key(serve, client, tmp_path):
    path = tmp_path / "log.jsonl"
    server = serve(PLAIN, log_file=path)
    stream(client(server))
    (record,) = server.log
    assert json.loads(record.body) == BODY | {"stream": True}
    assert (record.method, record.path, record.status) == ("POST", "/v1/messages", 200)
    assert (record.scene, record.turn, record.error, record.cut) == ("s", 1, None, None)
    assert record.usage.input_tokens == 6
    assert dict(record.headers)["authorization"] == "(left out)"
    (line,) = path.read_text().splitlines()
    kept = json.loads(line)
    assert kept["body"] == record.body.decode()
    assert kept["usage"]["input_tokens"] == 6
    assert "sk-secret" not in line + repr(record)


def test_the_log_file_grows_and_is_never_cut(serve, send, tmp_path):
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        send(serve(PLAIN, log_file=path), b"\xff{", headers=HEADERS | {"x-api-key": "sk-secret"})
    assert [json.loads(line)["status"] for line in path.read_text().splitlines()] == [400, 400]
    assert "sk-secret" not in path.read_text()


def test_a_log_that_cannot_be_written_is_told(tmp_path):
    before = threading.active_count()
    server = RehearsalServer(load_script(PLAIN, source="x"), tmp_path / "no" / "log.jsonl")
    with pytest.raises(UserError, match="cannot be written"), server:
        pass
    assert threading.active_count() == before


def test_a_refused_request_is_kept_with_what_it_was_told(serve, send):
    server = serve(PLAIN)
    send(server, BODY | {"max_tokens": 0})
    assert (server.log[0].status, server.log[0].scene) == (400, None)
    assert server.log[0].error.startswith("max_tokens: must be")


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"anthropic-version": "2026-10-21"}, 401, "authentication_error"),
        ({"anthropic-version": "2026-10-21", "authorization": "Bearer "}, 401, "authentication_error"),
        ({"anthropic-version": "2026-10-21", "authorization": "Basic abc"}, 401, "authentication_error"),
        ({"anthropic-version": "2026-10-21", "x-api-key": "k"}, 200, None),
        ({"anthropic-version": "2026-10-21", "Authorization": "bearer k"}, 200, None),
        ({"x-api-key": "k"}, 400, "invalid_request_error"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_names_a_key_and_a_version(headers, status, kind, method, serve, send):
    path, body = ("/v1/models", None) if method == "GET" else ("/v1/messages", BODY)
    answered, sent, answer = send(serve(PLAIN), body, method=method, path=path, headers=headers)
    assert (answered, answer.get("error", {}).get("type")) == (status, kind)
    assert sent["request-id"].startswith("req_")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/messages"), ("POST", "/v1/models"), ("POST", "/v1/complete")]
)
def test_a_place_that_does_not_exist_is_not_found(method, path, serve, send):
    status, _, answer = send(serve(PLAIN), BODY, method=method, path=path)
    assert (status, answer["error"]["type"]) == (404, "not_found_error")


def test_a_query_on_the_path_is_no_matter(serve, send):
    assert send(serve(PLAIN), BODY, path="/v1/messages?beta=true")[0] == 200


def test_a_body_beyond_the_limit_is_too_large(serve, send):
    server = serve(PLAIN)
    status, _, answer = send(server, b" " * (32 * 1024 * 1024 + 1))
    assert (status, answer["error"]["type"]) == (413, "request_too_large")
    assert server.log[0].body == b""
    assert send(server, json.dumps(BODY).encode().ljust(1024 * 1024))[0] == 200


ERRORS = {
    400: (anthropic.BadRequestError, "invalid_request_error"),
    401: (anthropic.AuthenticationError, "authentication_error"),
    402: (anthropic.APIStatusError, "billing_error"),
    403: (anthropic.PermissionDeniedError, "permission_error"),
    404: (anthropic.NotFoundError, "not_found_error"),
    413: (anthropic.APIStatusError, "request_too_large"),
    429: (anthropic.RateLimitError, "rate_limit_error"),
    500: (anthropic.InternalServerError, "api_error"),
    503: (anthropic.InternalServerError, "api_error"),
    504: (anthropic.InternalServerError, "timeout_error"),
    529: (anthropic.InternalServerError, "overloaded_error"),
}


@pytest.mark.parametrize("status", ERRORS)
def test_a_scripted_failure_is_the_sdks_error(status, serve, client):
    server = serve(turn(f"fail: [{{status: {status}, retry_after: 7, message: no luck}}]"))
    raised, kind = ERRORS[status]
    with pytest.raises(raised, match="no luck") as error:
        stream(client(server))
    assert (error.value.status_code, error.value.type) == (status, kind)
    assert error.value.response.headers["retry-after"] == "7"
    assert error.value.request_id == "req_rehearsal_000001"
    assert stream(client(server)).stop_reason == "end_turn"
    assert [record.status for record in server.log] == [status, 200]


def test_the_sdks_own_retries_get_through(serve, client):
    server = serve(turn("fail: [{status: 529, retry_after: 0.01}, {status: 429, retry_after: 0.01}]"))
    assert stream(client(server, max_retries=2)).stop_reason == "end_turn"


def test_a_connection_that_breaks_before_the_answer_is_a_connection_error(serve, client):
    server = serve(turn("break: before"))
    with pytest.raises(anthropic.APIConnectionError):
        stream(client(server))
    assert stream(client(server)).stop_reason == "end_turn"


def test_a_stream_that_ends_early_is_a_message_without_stop_reason(serve, client):
    server = serve(turn("break: eof, breaks: 2"))
    connected = client(server)
    for _ in range(2):
        reply = stream(connected)
        assert reply.stop_reason is None
        assert "a sentence of some length".startswith(reply.content[0].text)
    assert stream(connected).content[0].text == "a sentence of some length"
    assert [record.cut for record in server.log] == ["eof", "eof", None]


def test_a_socket_that_breaks_in_mid_stream_is_a_transport_error(serve, client):
    server = serve(turn("break: socket"))
    with pytest.raises(httpx2.RemoteProtocolError):
        stream(client(server))
    assert stream(client(server)).stop_reason == "end_turn"


def test_an_error_event_in_mid_stream_is_a_status_error_with_status_200(serve, client):
    server = serve(turn("break: event"))
    with pytest.raises(anthropic.APIStatusError) as error:
        stream(client(server))
    assert (error.value.status_code, error.value.type) == (200, "overloaded_error")
    assert stream(client(server)).stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("cut", "raised"),
    [
        ("before", anthropic.APIConnectionError),
        ("eof", anthropic.APIConnectionError),
        ("socket", anthropic.APIConnectionError),
        ("event", anthropic.InternalServerError),
    ],
)
def test_an_answer_that_is_not_streamed_breaks_too(cut, raised, serve, client):
    connected = client(serve(turn(f"break: {cut}")))
    with pytest.raises(raised):
        connected.messages.create(**BODY)
    assert connected.messages.create(**BODY).stop_reason == "end_turn"


def test_failures_come_before_breaks(serve, client):
    connected = client(serve(turn("fail: [{status: 500}], break: eof")))
    with pytest.raises(anthropic.InternalServerError):
        stream(connected)
    assert stream(connected).stop_reason is None
    assert stream(connected).stop_reason == "end_turn"


def test_a_delay_is_slept_before_the_answer_and_after_the_record(serve, send):
    slept = []
    script = "rehearsal: 1\ndelay: 2\nscenes: [{name: s, turns: [{say: a}, {say: b, delay: 0.5}, {say: c, delay: 0}]}]"
    server = serve(script, sleep=lambda seconds: slept.append((seconds, len(server.log))))
    messages = BODY["messages"]
    for words in ("a", "b", "c"):
        send(server, BODY | {"messages": messages})
        messages = [*messages, {"role": "assistant", "content": words}, {"role": "user", "content": "go on"}]
    assert slept == [(2, 1), (0.5, 2)]


def test_a_failure_keeps_the_pace_too(serve, send):
    slept = []
    assert send(serve(turn("fail: [{status: 500}], delay: 3"), sleep=slept.append), BODY)[0] == 500
    assert slept == [3]
