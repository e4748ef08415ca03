"""The door to the API, with the real SDK over real HTTP: attempts, waits, threads, and where the key goes."""

import gc
import json
import logging
import socket
import threading
import traceback
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
import pytest

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic.api import ATTEMPTS, LONGEST_WAIT, AnthropicModel
from phasegate.doors.model import Message, ModelError, ModelLimits, Request, StopReason, Text, ToolCall
from phasegate.errors import UserError
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer

KEY = "sk-ant-secret-0123456789"
MODEL = "claude-sonnet-5-5"


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def rehearse(stack):
    """Start a server that plays these turns in one scene; `script` is the rest of the script."""

    def start(*turns, **script):
        scenes = script.pop("scenes", [{"name": "all", "turns": list(turns)}])
        text = json.dumps({"rehearsal": 1, "scenes": scenes} | script)
        return stack.enter_context(RehearsalServer(load_script(text, source="script.yml")))

    return start


@pytest.fixture
def connect(stack):
    """A model at a server, and the list of how long it waited."""

    def make(url, key=KEY):
        waits = []
        model = AnthropicModel(key, waits.append, url)
        stack.callback(model.close)
        return model, waits

    return make


def request(text="hello", **changes):
    fields = {"model": MODEL, "max_tokens": 100, "effort": None, "system": "s", "tools": ()} | changes
    return Request(messages=(Message("user", (Text(text),)),), **fields)


def messages(server):
    return [record for record in server.log if record.path == "/v1/messages"]


def sent(record):
    return record.usage.input_tokens + record.usage.cache_read + record.usage.cache_write_5m


def nothing(_retry):
    """Let every attempt be made."""


def test_a_reply_has_the_blocks_the_stop_reason_and_the_usage(rehearse, connect):
    server = rehearse({"say": "Hi."})
    model, waits = connect(server.url)
    reply = model.ask(request(), nothing)

    [record] = messages(server)
    assert (reply.blocks, reply.stop) == ((Text("Hi."),), StopReason.END_TURN)
    assert reply.usage == Usage(input_tokens=record.usage.input_tokens, output_tokens=record.usage.output_tokens)
    assert reply.sent == reply.usage.sent
    assert json.loads(record.body)["stream"] is True
    assert not waits


def test_limits_come_from_the_models_record_which_is_asked_for_once(rehearse, connect):
    server = rehearse({"say": "a"}, models={MODEL: {"max_input_tokens": 5000, "max_tokens": 700}})
    model, _ = connect(server.url)
    model.ask(request(max_tokens=5000), nothing)
    model.ask(request(max_tokens=5000), nothing)

    assert model.limits(MODEL) == ModelLimits(window=5000, max_tokens=700, lifecycle="active", thinks=True)
    assert [record.path for record in server.log] == [f"/v1/models/{MODEL}", "/v1/messages", "/v1/messages"]
    assert json.loads(messages(server)[0].body)["max_tokens"] == 700


@pytest.mark.parametrize(
    ("name", "told"), [("claude-old", "The model claude-old is retired"), ("claude-nowhere", "not known")]
)
def test_a_model_that_is_gone_is_told(rehearse, connect, name, told):
    server = rehearse({"say": "a"}, models={"claude-old": {"lifecycle": "retired"}})
    model, waits = connect(server.url)

    with pytest.raises(ModelError, match=told):
        model.ask(request(model=name), nothing)
    assert not waits
    assert not messages(server)


BROKEN = "the connection failed ("


@pytest.mark.parametrize(
    ("turn", "reason", "billed"),
    [
        ({"fail": [{"status": 409}]}, "(409)", False),
        ({"fail": [{"status": 429}]}, "rate_limit_error (429)", False),
        ({"fail": [{"status": 500}]}, "api_error (500)", False),
        ({"fail": [{"status": 529}]}, "overloaded_error (529)", False),
        ({"break": "before"}, BROKEN, False),
        ({"break": "socket"}, BROKEN, True),
        ({"break": "event"}, "overloaded_error (200)", True),
        ({"break": "eof"}, "the reply broke off", True),
    ],
)
def test_an_attempt_that_fails_in_passing_is_repeated_and_its_usage_counted(rehearse, connect, turn, reason, billed):
    server = rehearse({"say": "At last, after all this time.", **turn})
    model, waits = connect(server.url)
    retries = []
    reply = model.ask(request(), retries.append)

    first, last = messages(server)
    assert reply.blocks == (Text("At last, after all this time."),)
    assert waits == [1.0]
    [retry] = retries
    assert reason in retry.reason
    assert (retry.attempt, retry.seconds) == (1, 1.0)
    assert retry.usage.sent == (sent(first) if billed else 0)
    assert reply.usage.sent == sent(last) + retry.usage.sent
    assert reply.sent == sent(last)


@pytest.mark.parametrize("turn", [{"fail": [{"status": 529}] * 99}, {"break": "socket", "breaks": 99}])
def test_six_attempts_are_made_with_growing_waits(rehearse, connect, turn):
    server = rehearse({"say": "never", **turn})
    model, waits = connect(server.url)

    with pytest.raises(ModelError, match="6 attempts were made") as caught:
        model.ask(request(), nothing)
    assert len(messages(server)) == ATTEMPTS == 6
    assert waits == [1, 2, 4, 8, 16]
    billed = [record for record in messages(server) if record.usage]
    assert caught.value.usage.sent == sum(map(sent, billed))


@pytest.mark.parametrize(("asked", "waited"), [(0, [0.0]), (0.25, [0.25]), (7, [7.0]), (LONGEST_WAIT, [LONGEST_WAIT])])
def test_the_wait_is_what_the_provider_asks_for(rehearse, connect, asked, waited):
    server = rehearse({"say": "a", "fail": [{"status": 429, "retry_after": asked}]})
    model, waits = connect(server.url)
    model.ask(request(), nothing)

    assert waits == waited


@pytest.mark.parametrize("asked", [LONGEST_WAIT + 1, 3600, 1e9])
def test_nobody_waits_longer_than_two_minutes(rehearse, connect, asked):
    server = rehearse({"say": "a", "fail": [{"status": 429, "retry_after": asked}]})
    model, waits = connect(server.url)

    with pytest.raises(ModelError, match=f"it asked to wait {asked:.0f} seconds"):
        model.ask(request(), nothing)
    assert not waits
    assert len(messages(server)) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_no_repetition_mends_is_not_repeated(rehearse, connect, status):
    server = rehearse({"say": "a", "fail": [{"status": status, "message": "because"}]})
    model, waits = connect(server.url)

    with pytest.raises(ModelError, match="It said: because"):
        model.ask(request(), nothing)
    assert len(messages(server)) == 1
    assert not waits


def test_what_attempts_have_used_before_a_final_no_is_told(raw, connect):
    """The first attempt breaks off and is billed; by the second the key is revoked."""
    server = raw(RECORD, (200, events(START)), (401, b'{"error": {"type": "authentication_error", "message": "no"}}'))
    model, waits = connect(server.url)

    with pytest.raises(ModelError, match="key is not accepted") as caught:
        model.ask(request(), nothing)
    assert caught.value.usage == Usage(input_tokens=25, output_tokens=1)
    assert waits == [1.0]


def test_whoever_is_told_of_a_repetition_may_end_it(rehearse, connect):
    server = rehearse({"say": "a", "fail": [{"status": 529}]})
    model, waits = connect(server.url)

    def stop(_retry):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.ask(request(), stop)
    assert not waits


def test_a_record_that_cannot_be_had_at_first_is_asked_for_again(connect, raw):
    record = b'{"id": "m", "type": "model", "lifecycle": "active", "max_input_tokens": 9, "max_tokens": 8}'
    server = raw((529, b"{}"), (200, record))
    model, waits = connect(server.url)

    assert (model.limits("m").window, waits) == (9, [1.0])


def test_several_threads_share_one_client_and_get_their_own_replies(rehearse, connect):
    names = [f"worker {number}" for number in range(8)]
    scenes = [{"name": name, "when": {"first": name}, "turns": [{"say": f"to {name}"}]} for name in names]
    server = rehearse(scenes=scenes)
    model, _ = connect(server.url)
    start, replies = threading.Barrier(len(names)), {}

    def ask(name):
        start.wait()
        replies[name] = model.ask(request(name), nothing)

    threads = [threading.Thread(target=ask, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name: reply.blocks for name, reply in replies.items()} == {name: (Text(f"to {name}"),) for name in names}
    clients = [thing for thing in gc.get_objects() if isinstance(thing, anthropic.Anthropic)]
    assert sum(str(client.base_url).rstrip("/") == server.url for client in clients) == 1


class _Raw(BaseHTTPRequestHandler):
    """Answers with what it is told, in order, and keeps the headers that came."""

    protocol_version = "HTTP/1.1"

    def _answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.seen.append((self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
        status, body = self.server.answers.pop(0)
        self.send_response(status)
        kind = "text/event-stream" if body.startswith(b"event:") else "application/json"
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if status == 307:
            self.send_header("location", self.server.elsewhere)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_CONNECT = _answer  # noqa: N815 -- as the base class calls them

    def log_message(self, *_):
        pass


class RawServer(ThreadingHTTPServer):
    """A server that is no API."""

    daemon_threads = True
    elsewhere = ""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def raw(stack):
    """Start a server that gives these answers: (status, body)."""

    def start(*answers):
        server = stack.enter_context(RawServer(("127.0.0.1", 0), _Raw))
        server.answers, server.seen = list(answers), []
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        return server

    return start


def events(*parts):
    return b"".join(b"event: %s\ndata: %s\n\n" % (name.encode(), data) for name, data in parts)


RECORD = (200, b'{"id": "m", "type": "model", "lifecycle": "active", "max_input_tokens": 200000, "max_tokens": 8000}')
START = (
    "message_start",
    json.dumps(
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": MODEL,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": {"input_tokens": 25, "output_tokens": 1},
            },
        }
    ).encode(),
)


def block(index, kind, **fields):
    return ("content_block_start", json.dumps(
        {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}
    ).encode())  # fmt: skip


def arguments(index, text):
    return ("content_block_delta", json.dumps(
        {"type": "content_block_delta", "index": index, "delta": {"type": "input_json_delta", "partial_json": text}}
    ).encode())  # fmt: skip


def end(stop, output=9):
    delta = {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None, "stop_details": None}}
    return (
        ("message_delta", json.dumps(delta | {"usage": {"output_tokens": output}}).encode()),
        ("message_stop", b'{"type": "message_stop"}'),
    )


TOOL = block(0, "tool_use", id="t1", name="read", input={})


@pytest.mark.parametrize(
    ("stop", "known", "note"),
    [
        ("brand_new_reason", StopReason.OTHER, "brand_new_reason"),
        ("max_tokens", StopReason.MAX_TOKENS, ""),
        ("model_context_window_exceeded", StopReason.WINDOW_EXCEEDED, ""),
    ],
)
def test_a_call_that_is_cut_in_its_middle_is_still_a_reply(raw, connect, stop, known, note):
    server = raw(RECORD, (200, events(START, TOOL, arguments(0, '{"path": "a.py", "text": "hal'), *end(stop))))
    reply = connect(server.url)[0].ask(request(), nothing)

    assert (reply.stop, reply.note) == (known, note)
    [call] = reply.blocks
    assert isinstance(call, ToolCall)
    assert json.loads(call.input_json)["path"] == "a.py"
    assert reply.usage == Usage(input_tokens=25, output_tokens=9)


@pytest.mark.parametrize(
    "stream",
    [
        events(START, TOOL, arguments(0, '{"path": }'), *end("tool_use")),
        events(START, TOOL, arguments(0, '{"path": "\\ud800"}'), *end("tool_use")),
        events(START, TOOL, arguments(0, "[" * 300), *end("tool_use")),
        events(START, ("content_block_delta", b"no json"), *end("end_turn")),
        events(START, arguments(5, "{}"), *end("end_turn")),
        events(START),
        events(START, TOOL),
        events(("error", b'{"type": "error", "error": {"type": "api_error", "message": "x"}}')),
        events(START, ("error", b'{"type": "error", "error": {"type": "overloaded_error", "message": "x"}}')),
        events(),
        b"garbage",
        b"{}",
    ],
)
def test_a_stream_that_makes_no_sense_is_a_failed_attempt(raw, connect, stream):
    good = events(START, block(0, "text", text=""), *end("end_turn"))
    server = raw(RECORD, (200, stream), (200, good))
    model, waits = connect(server.url)
    reply = model.ask(request(), nothing)

    assert waits == [1.0]
    assert reply.sent == 25
    assert reply.usage.input_tokens == 25 * (2 if b"message_start" in stream else 1)


def test_input_that_is_no_json_number_is_left_to_the_tool_to_refuse(raw, connect):
    server = raw(RECORD, (200, events(START, TOOL, arguments(0, '{"lines": NaN, "to": 1e999}'), *end("tool_use"))))
    reply = connect(server.url)[0].ask(request(), nothing)

    assert reply.blocks == (ToolCall("t1", "read", '{"lines": NaN, "to": Infinity}'),)


def test_the_key_goes_to_the_provider_in_one_header_and_nowhere_else(raw, connect):
    server = raw(RECORD, (200, events(START, *end("end_turn"))))
    connect(server.url, f" {KEY}\n")[0].ask(request(), nothing)

    for method, path, headers in server.seen:
        assert headers.pop("authorization") == f"Bearer {KEY}"
        assert KEY not in f"{method} {path} {headers}"


@pytest.mark.parametrize("key", ["", " ", "sk ant", "sk\nant", "schlüssel", "sk\x00", "“sk-ant”", "\ud800"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(key):
    with pytest.raises(UserError) as caught:
        AnthropicModel(key, nothing)

    assert key.strip() in ("", "sk") or key not in f"{caught.value} {caught.value.mend}"


def test_the_environment_changes_neither_where_nor_what_is_sent(rehearse, raw, connect, monkeypatch, home):
    """Address, credentials, headers and proxies of the environment are for others."""
    trap = raw(*[(200, b"{}")] * 9)
    server = rehearse({"say": "here"})
    plain, _ = connect(server.url)
    plain.ask(request(), nothing)
    usual = [record.headers for record in server.log]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", trap.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-other")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-other")
    monkeypatch.setenv("ANTHROPIC_PROFILE", "other")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(home))
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "anthropic-version: 2000-01-01\nAuthorization: Bearer x\nx-leak: 1")
    (home / ".netrc").write_text("machine 127.0.0.1 login other password other\n")
    model, _ = connect(server.url)

    assert model.ask(request(), nothing).blocks == (Text("here"),)
    assert [record.headers for record in server.log] == [*usual, *usual]
    assert not trap.seen


def test_the_default_address_is_the_providers_own(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    model = AnthropicModel(KEY, nothing)
    try:
        assert str(model._connected().base_url) == "https://api.anthropic.com"
    finally:
        model.close()


def test_a_redirect_is_not_followed(raw, connect):
    """It would carry the conversation to wherever it says."""
    trap, server = raw(RECORD), raw((307, b"{}"))
    server.elsewhere = trap.url
    model, _ = connect(server.url)

    with pytest.raises(ModelError, match="refused the request"):
        model.limits("m")
    assert not trap.seen


@pytest.mark.parametrize(
    "turn",
    [
        {"fail": [{"status": 401, "message": f"invalid key {KEY}"}]},
        {"fail": [{"status": 529, "message": f"busy, {KEY}"}] * 9},
        {"break": "before", "breaks": 9},
        {"break": "socket", "breaks": 9},
    ],
)
def test_no_error_log_or_representation_tells_the_key(rehearse, connect, turn, caplog):
    """With everything logged that the libraries can log."""
    server = rehearse({"say": "a", **turn})
    model, _ = connect(server.url)
    with caplog.at_level(logging.DEBUG):
        retries = []
        with pytest.raises(ModelError) as caught:
            model.ask(request(), retries.append)

    error = caught.value
    told = [str(error), repr(error), repr(vars(error)), repr(model), repr(retries), caplog.text]
    told += traceback.format_exception(error)
    assert KEY not in "".join(told)
    assert "/v1/messages" in caplog.text


def test_nobody_listening_is_told_in_words(connect):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    model, waits = connect(url)

    with pytest.raises(ModelError, match="The model cannot be reached: the connection failed"):
        model.ask(request(), nothing)
    assert len(waits) == ATTEMPTS - 1


def test_closing_what_was_never_opened_is_fine():
    AnthropicModel(KEY, nothing).close()
