"""A GitHub of one's own, for tests: in memory, on loopback, with real git behind it, and held to what GitHub publishes.

with FakeHub(tmp_path) as hub:
    token = hub.issue_token({"contents": "read", "issues": "write"})
    event = hub.open_issue("alice", "Add --json", "Please.")
    ...                     # anything that speaks GitHub's REST, GraphQL or git over HTTP, with hub.environment
"""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import RLock, Thread
from traceback import format_exc
from typing import Self

from fakehub import rest, routes
from fakehub.accounts import Accounts
from fakehub.bare_repository import BareRepository
from fakehub.calls import MESSAGES, Call, CallLog, Fault
from fakehub.clock import Clock
from fakehub.events import Event
from fakehub.people import People
from fakehub.published import Published
from fakehub.server import HubServer
from fakehub.smart_http import serve_git
from fakehub.state import Repository
from fakehub.wire import ApiError, Reply

_POLL_SECONDS = 0.02
_GIT_PATH = re.compile(r"/[^/]+/[^/]+\.git/")
# Real ones are beyond 32 bits since 2024; a client that keeps them in less must fail here too.
_FIRST_IDS = {"comment": 3_500_000_001, "issue": 3_100_000_001, "reaction": 310_000_001, "label": 8_000_000_001,
              "account": 200_000_001, "repository": 900_000_001, "run": 19_000_000_001}  # fmt: skip


class ViolationError(AssertionError):
    """Something asked or answered is not as GitHub publishes it."""


class FakeHub(Accounts, People):
    """The server. Its first repository is `owner/name`; `files` are the first commit of its default branch."""

    def __init__(
        self,
        directory: Path,
        *,
        owner: str = "octo",
        name: str = "widgets",
        files: Mapping[str, str | bytes] | None = None,
        private: bool = False,
        start: datetime | None = None,
        api_path: str = "/api/v3",
        owner_kind: str = "User",
        check: bool = True,
    ) -> None:
        """Prepare it; nothing is opened before the context begins. `start`: the clock stands there (None: it runs).

        With `check` the context ends in a ViolationError when something did not fit GitHub's published schemas.
        """
        super().__init__()
        self._directory, self._api_path, self._check = directory, api_path, check
        self._ids = {kind: count(first) for kind, first in _FIRST_IDS.items()}
        self._ending = ExitStack()
        self._http: HubServer | None = None
        self.lock = RLock()
        self.clock = Clock(start)
        self.birth = datetime(2020, 1, 1, tzinfo=UTC)
        self.published = Published()
        self.log = CallLog()
        self.events: list[Event] = []
        self.repositories: dict[str, Repository] = {}
        self.main = self.add_repository(owner, name, files=files, private=private, owner_kind=owner_kind)

    def __enter__(self) -> Self:
        """Open the port."""
        self._http = HubServer(self)
        thread = Thread(target=self._http.serve_forever, args=(_POLL_SECONDS,), name="fakehub")
        thread.start()
        self._ending.callback(self._stop, self._http, thread)
        return self

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        """End every conversation; raises ViolationError unless an error is on its way already."""
        self._ending.close()
        if self._check and error is None:
            self.check()

    @staticmethod
    def _stop(http: HubServer, thread: Thread) -> None:
        http.shutdown()
        thread.join()
        http.hang_up()
        http.server_close()

    # Addresses

    @property
    def url(self) -> str:
        """Where the server is (GITHUB_SERVER_URL)."""
        assert self._http, "the server runs only inside its context"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def api_url(self) -> str:
        """Where its REST API is (GITHUB_API_URL); PyGithub's base_url."""
        return self.url + self._api_path

    @property
    def graphql_url(self) -> str:
        """Where its GraphQL API is (GITHUB_GRAPHQL_URL)."""
        return self.url + ("/api/graphql" if self._api_path.startswith("/api") else f"{self._api_path}/graphql")

    @property
    def environment(self) -> dict[str, str]:
        """What a runner tells a job about where it is."""
        return {
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_API_URL": self.api_url,
            "GITHUB_GRAPHQL_URL": self.graphql_url,
            "GITHUB_REPOSITORY": self.main.full_name,
            "GITHUB_REPOSITORY_OWNER": self.main.owner.login,
        }

    def git_url(self, repository: Repository | None = None) -> str:
        """The address for `git clone`; the token goes as password, with any user name."""
        return f"{self.url}/{(repository or self.main).full_name}.git"

    # Time, ids, repositories

    def now(self) -> datetime:
        """The server's time."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Let time pass on the server."""
        self.clock.advance(seconds)

    def next_id(self, kind: str) -> int:
        return next(self._ids[kind])

    def add_repository(
        self,
        owner: str,
        name: str,
        *,
        files: Mapping[str, str | bytes] | None = None,
        private: bool = False,
        owner_kind: str = "User",
    ) -> Repository:
        """A repository with one commit."""
        account = self.account(owner)
        account.kind = owner_kind
        git = BareRepository(self._directory / owner / f"{name}.git", "main")
        git.commit_files("main", files or {"README.md": f"# {name}\n"}, "First commit", owner)
        repository = Repository(account, name, self.next_id("repository"), git, self.birth, private)
        self.repositories[repository.full_name.lower()] = repository
        return repository

    # What happened

    def emit(self, event: Event) -> None:
        """Remember an event; the runner of workflows takes them with `take_events`."""
        self.events.append(event)

    def take_events(self) -> list[Event]:
        """The events since the last time, oldest first, that would start workflows."""
        with self.lock:
            taken, self.events = self.events, []
        return [event for event in taken if event.starts_workflows]

    @property
    def calls(self) -> list[Call]:
        """The API requests so far, in order; git's own traffic is in `git_calls`."""
        return self.log.of_kind("rest", "graphql")

    @property
    def git_calls(self) -> list[Call]:
        return self.log.of_kind("git")

    @property
    def violations(self) -> list[str]:
        """What did not fit GitHub's published schemas, in words."""
        return self.published.violations

    def check(self) -> None:
        """Raise ViolationError unless all that was asked and answered fits."""
        if self.violations:
            raise ViolationError("\n".join(self.violations))

    def fail_next(
        self,
        route: str,
        status: int = 0,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        message: str | None = None,
        after: bool = False,
        operation: str | None = None,
    ) -> None:
        """Order a fault for the next calls of a route ("POST /repos/{owner}/{repo}/pulls", "POST /graphql", "*").

        Status 0 breaks the connection. `after`: the request is carried out first. `operation`: for GraphQL, only
        requests of this kind ("mutation updateRefs").
        """
        _check_route(route)
        text = message or MESSAGES.get(status, "")
        self.log.order(Fault(route, status, times, headers or {}, text, after, not status, operation))

    def before_next(self, route: str, action: Callable[[], object]) -> None:
        """Do something just before the next call of a route is carried out: how two writers meet."""
        _check_route(route)
        self.log.order_before(route, action)

    # Answers

    def answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The answer to one HTTP request; None: break the connection. No secret of a request is kept."""
        if _GIT_PATH.match(path):
            return self._with_faults(*rest.git_call(self, method, path, query, headers), lambda: serve_git(
                self, method, path, query, headers, body))  # fmt: skip
        with self.lock:
            try:
                return self._with_faults(*rest.read_call(self, method, path, query, headers, body))
            except ApiError as error:
                return error.reply
            except Exception as error:  # noqa: BLE001 -- whatever it is, the test must fail with it
                self.violations.append(f"the fake server failed at {method} {path}: {format_exc()}")
                return ApiError(500, repr(error)).reply

    def _with_faults(self, call: Call, work: Callable[[], Reply]) -> Reply | None:
        fault = self.log.begin(call)
        reply = work() if fault is None or fault.after else Reply(0)
        call.status = reply.status
        if fault is None:
            return reply
        call.status = fault.status
        if fault.drop:
            return None
        return Reply(fault.status, ApiError(fault.status, fault.message).reply.body, fault.headers)


def _check_route(route: str) -> None:
    """An order for a route that does not exist would never be carried out, and the test would show nothing."""
    known = {"*", "POST /graphql", *(place.name for place in routes.ROUTES)}
    assert route in known or ".git/" in route, f"no such route: {route}"
