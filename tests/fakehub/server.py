"""The HTTP side of the fake server: reads requests, sends answers, and ends without leaving a thread or a socket."""

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Lock
from typing import TYPE_CHECKING, Any

from fakehub.wire import Reply

if TYPE_CHECKING:
    from fakehub.hub import FakeHub


class HubServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, hub: "FakeHub") -> None:
        self.hub = hub
        self._open: set[socket] = set()
        self._open_lock = Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if not isinstance(error, ConnectionError):  # who hung up did so on purpose
            self.hub.published.violations.append(f"the fake server itself failed: {error!r}")
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End the connections that clients keep open, so that no thread waits for their next request."""
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "github.com", ""
    disable_nagle_algorithm = True
    server: HubServer

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.server.hub.now().timestamp() if timestamp is None else timestamp)

    def log_message(self, *_: object) -> None:
        """Print nothing: `hub.calls` has it all."""

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path, _, query = self.path.partition("?")
        reply = self.server.hub.answer(self.command, path, query, headers, self._read_body(headers))
        if reply is None:  # a broken connection was ordered
            self.close_connection = True
            return
        self._send(reply)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", "0")))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, reply: Reply) -> None:
        body = reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else _write(reply.body)
        self.send_response(reply.status)
        usual = {"Content-Type": "application/json; charset=utf-8", "X-GitHub-Request-Id": "FAKE:0"}
        for name, value in (usual | dict(reply.headers)).items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _write(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
