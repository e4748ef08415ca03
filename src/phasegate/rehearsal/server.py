"""The rehearsal server: the API that plays a script, on a free port of 127.0.0.1, with every request kept.

It ends cleanly: when its context ends, no thread, no socket and no open file is left, whatever clients still hold.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socket import SHUT_RDWR, socket
from socketserver import ThreadingTCPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import IO, Any, Self

from phasegate.errors import UserError
from phasegate.rehearsal.api import MAX_BODY_BYTES, Answer, Api
from phasegate.rehearsal.record import Record, make_record
from phasegate.rehearsal.script import Script

_CHUNK = 64 * 1024
_POLL_SECONDS = 0.02


class RehearsalServer:
    """Plays a script as long as its context lasts.

    `log_file` gets each record as a line of JSON. `clock` gives the seconds by which cached prefixes end; `sleep`
    waits for a turn's `delay` (by default until then or until the server ends).
    """

    def __init__(
        self,
        script: Script,
        log_file: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """Prepare the server; nothing is opened before the context begins."""
        self._api = Api(script, clock)
        self._log_file = log_file
        self._lines: IO[str] | None = None
        self._closing = Event()
        self._sleep = sleep or self._closing.wait
        self._records: list[Record] = []
        self._lock = Lock()
        self._http: _Http | None = None
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        """Open the log and the port. Raises `UserError` when the log cannot be written."""
        with ExitStack() as opened:
            if self._log_file:
                self._lines = opened.enter_context(_open_log(self._log_file))
            self._http = opened.enter_context(_Http(self))
            thread = Thread(target=self._http.serve_forever, args=(_POLL_SECONDS,), name="rehearsal")
            thread.start()
            opened.callback(self._stop, self._http, thread)
            self._ending = opened.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End every conversation, wait for the threads, and close all that was opened."""
        self._ending.close()

    def _stop(self, http: "_Http", thread: Thread) -> None:
        self._closing.set()
        http.shutdown()
        thread.join()
        http.hang_up()

    @property
    def url(self) -> str:
        """Return the base URL for a client."""
        assert self._http is not None, "the server runs only inside its context"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def log(self) -> tuple[Record, ...]:
        """Return what was asked so far, in order. A request is in it before its answer begins."""
        with self._lock:
            return tuple(self._records)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Return the answer to one request, after it was recorded and its delay is over."""
        answer = self._api.answer(method, path, headers, body)
        record = make_record(method, path, headers, body, answer)
        with self._lock:
            self._records.append(record)
            if self._lines:
                self._lines.write(record.as_json() + "\n")
                self._lines.flush()
        if answer.delay:
            self._sleep(answer.delay)
        return answer


def _open_log(path: Path) -> IO[str]:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written.", cause=error.strerror or str(error)) from error


class _Http(ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = False
    block_on_close = True

    def __init__(self, rehearsal: RehearsalServer) -> None:
        self.rehearsal = rehearsal
        self._open: set[socket] = set()
        self._open_lock = Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- as the base class has it
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 -- as the base class has it
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- as the base class has it
        if not isinstance(sys.exception(), ConnectionError):  # who hung up, client or server, did so on purpose
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End the connections that clients keep open, so that no thread waits for their next request."""
        with self._open_lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "phasegate-rehearsal"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        """Print nothing: the log is made of `Record`s."""

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._read_body(headers.get("content-length", ""))
        self._send(self.server.rehearsal.handle(self.command, self.path, headers, body))

    def _read_body(self, length: str) -> bytes | None:
        """Return the body, or None for one over the limit, which is read to its end so that the client hears of it."""
        left = int(length) if length.isdecimal() else 0
        if left <= MAX_BODY_BYTES:
            body = self.rfile.read(left)
            if len(body) < left:
                raise ConnectionError("the request ends in its middle")
            return body
        while left > 0 and (chunk := self.rfile.read(min(left, _CHUNK))):
            left -= len(chunk)
        return None

    def _send(self, answer: Answer) -> None:
        if answer.cut == "before":
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        self.send_header("request-id", answer.request_id)
        if answer.retry_after is not None:
            self.send_header("retry-after", f"{answer.retry_after:g}")
        if answer.events:
            self._send_events(answer)
        else:
            self._send_body(answer)

    def _send_body(self, answer: Answer) -> None:
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.cut else answer.body)
        self.close_connection = self.close_connection or answer.cut is not None

    def _send_events(self, answer: Answer) -> None:
        self.send_header("cache-control", "no-cache")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in answer.events:
            self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
        if answer.cut == "socket":
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")
