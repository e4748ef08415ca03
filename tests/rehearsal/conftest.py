"""A running rehearsal server, the real SDK that talks to it, and plain HTTP for what the SDK would not send."""

import http.client
import json
from contextlib import ExitStack

import anthropic
import pytest

from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer

HEADERS = {"authorization": "Bearer key", "anthropic-version": "2026-10-21", "content-type": "application/json"}


@pytest.fixture
def open_until_end():
    with ExitStack() as stack:
        yield stack.enter_context


@pytest.fixture
def serve(open_until_end):
    """Start a server that plays a script."""

    def start(text, **settings):
        return open_until_end(RehearsalServer(load_script(text, source="script.yml"), **settings))

    return start


@pytest.fixture
def client(open_until_end):
    """The SDK, pointed at a server, without retries of its own."""

    def connect(server, **settings):
        settings = {"max_retries": 0} | settings
        return open_until_end(anthropic.Anthropic(api_key="sk-secret", base_url=server.url, **settings))

    return connect


@pytest.fixture
def send():
    """One HTTP request as it is; returns the status, the headers and the parsed body."""

    def request(server, body=None, *, method="POST", path="/v1/messages", headers=HEADERS):
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
        try:
            raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            connection.request(method, path, body=raw, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), json.loads(answer.read())
        finally:
            connection.close()

    return request
