"""What was asked of the server, in order, and the faults a test has ordered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any


@dataclass
class Call:
    """One request. `operation` is a GraphQL request's top-level field, such as `mutation updateRefs`."""

    kind: str
    method: str
    route: str
    path: str
    identity: str | None
    body: Any
    query: Mapping[str, str] = field(default_factory=dict)
    operation: str = ""
    status: int = 0

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"


@dataclass
class Fault:
    """An answer that a test wants instead of the true one.

    `after`: the work is done before the answer goes wrong. `drop`: the connection breaks without any answer.
    """

    route: str
    status: int
    times: int
    headers: Mapping[str, str]
    message: str
    after: bool
    drop: bool
    operation: str | None

    def fits(self, call: Call) -> bool:
        return self.times > 0 and self.route in {call.name, "*"} and self.operation in {None, call.operation}


MESSAGES = {
    401: "Bad credentials",
    403: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    404: "Not Found",
    429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
    500: "Server Error",
    502: "Server Error",
    503: "Service unavailable",
    504: "We couldn't respond to your request in time.",
}


class CallLog:
    """Keeps every call, gives out the ordered faults, and does what a test wants done just before a call."""

    def __init__(self) -> None:
        self.all: list[Call] = []
        self._faults: list[Fault] = []
        self._ahead: list[tuple[str, Callable[[], object]]] = []
        self._lock = Lock()

    def begin(self, call: Call) -> Fault | None:
        """Keep a call; gives the fault that is due for it, and does what was to happen before it."""
        with self._lock:
            self.all.append(call)
            fault = next((fault for fault in self._faults if fault.fits(call)), None)
            if fault:
                fault.times -= 1
            due = next((item for item in self._ahead if item[0] == call.name), None)
            if due:
                self._ahead.remove(due)
        if due:
            due[1]()
        return fault

    def order(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def order_before(self, route: str, action: Callable[[], object]) -> None:
        with self._lock:
            self._ahead.append((route, action))

    def of_kind(self, *kinds: str) -> list[Call]:
        with self._lock:
            return [call for call in self.all if call.kind in kinds]
