"""One connection to GitHub's API: requests go through PyGithub; pace, retries and counting are ours.

PyGithub's own retries are off: they repeat a POST that may have been carried out, and obey any `retry-after`
(PyGithub 2.10, measured). `import github` costs 150 ms, so it happens in the functions that need it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from phasegate.doors.github.calls import Call, Reply, accepted, asked_to_wait, settled
from phasegate.doors.github.failures import UnclearError, exhausted, strange, unclear
from phasegate.errors import UserError

if TYPE_CHECKING:
    from github.Auth import Auth
    from github.Requester import Requester

API_URL = "https://api.github.com"
API_VERSION = "2022-11-28"
ATTEMPTS = 4
LONGEST_WAIT = 120.0
TIMEOUT = 30
_HEADERS = {"Accept": "application/vnd.github+json"}
_ALLOWED_URL = re.compile(
    r"(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]+)?(/[A-Za-z0-9._~%/-]*)?"
)


@dataclass(frozen=True, slots=True)
class Calls:
    """How many requests were sent, those that were repeated included."""

    rest: int = 0
    graphql: int = 0

    @property
    def total(self) -> int:
        """Both kinds together."""
        return self.rest + self.graphql


@dataclass(frozen=True, slots=True)
class Pace:
    """The least seconds between two requests, and between two writes (GitHub asks for one second between those)."""

    requests: float = 0.0
    writes: float = 1.0


POLITE = Pace()


def check_url(url: str) -> str:
    """Return the address of a server without a slash at its end.

    Raises `UserError` for one that a token must not be sent to: only https, and http on this machine.
    """
    if _ALLOWED_URL.fullmatch(url) is None:
        raise UserError(f"{url!r} is no address for a token.", mend="Give an https address, such as that of GitHub.")
    return url.rstrip("/")


@dataclass(slots=True)
class GitHubWire:
    """Sends requests as whoever `auth` makes us. `clock` gives seconds since the epoch; `sleep` waits."""

    api_url: str
    auth: "Callable[[], Auth]" = field(repr=False)
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    pace: Pace = POLITE
    calls: Calls = field(default=Calls(), init=False)
    _last_request: float | None = field(default=None, init=False, repr=False)
    _last_write: float | None = field(default=None, init=False, repr=False)
    _requester: "Requester | None" = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.api_url = check_url(self.api_url)

    def send(self, call: Call) -> Reply:
        """Return the answer, after several attempts where that is harmless.

        Raises `UnclearError` when nobody can tell whether it was done, and `ForgeError` when it was not.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = self._once(call)
            except UnclearError:
                if call.once or attempt == ATTEMPTS:
                    raise
                wait = float(2 ** (attempt - 1))
            else:
                asked = asked_to_wait(reply, self.clock())
                if asked is None:
                    return accepted(reply)
                if asked > LONGEST_WAIT or attempt == ATTEMPTS:
                    raise exhausted(call.doing, asked)
                wait = asked
            self.sleep(wait)

    def close(self) -> None:
        """Close the connection."""
        if self._requester is not None:
            self._requester.close()

    def _once(self, call: Call) -> Reply:
        import requests  # noqa: PLC0415 -- comes with PyGithub, see above
        import urllib3  # noqa: PLC0415 -- as above

        self._keep_pace(write=call.writes)
        self.calls = Calls(self.calls.rest + (not call.is_graphql), self.calls.graphql + call.is_graphql)
        requester = self._connected()
        verb, path = ("POST", requester.graphql_url) if call.is_graphql else (call.verb, call.path)
        try:
            answer = requester.requestJson(verb, path, dict(call.parameters), dict(_HEADERS), call.body)
        except requests.exceptions.SSLError as error:
            raise strange(call.doing, f"The server's certificate is not accepted ({type(error).__name__}).") from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
            raise unclear(call.doing, type(error).__name__) from None
        except RuntimeError as error:  # a redirect to another server, which PyGithub does not follow
            raise strange(call.doing, str(error)) from None
        return settled(Reply(call, *answer))

    def _keep_pace(self, *, write: bool) -> None:
        now = self.clock()
        due = [now if last is None else last + gap for last, gap in self._gaps(write=write)]
        if (wait := max(due) - now) > 0:
            self.sleep(wait)
        self._last_request = self.clock()
        if write:
            self._last_write = self._last_request

    def _gaps(self, *, write: bool) -> list[tuple[float | None, float]]:
        request = (self._last_request, self.pace.requests)
        return [request, (self._last_write, self.pace.writes)] if write else [request]

    def _connected(self) -> "Requester":
        if self._requester is None:
            from github import Github  # noqa: PLC0415 -- see above

            github = Github(
                auth=self.auth(),
                base_url=self.api_url,
                timeout=TIMEOUT,
                user_agent="phasegate",
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
                api_version=API_VERSION,
            )
            self._requester = github.requester
        return self._requester


def token_auth(token: str) -> "Callable[[], Auth]":
    """Return what makes a token the login of a connection."""

    def made() -> "Auth":
        from github.Auth import Token  # noqa: PLC0415 -- see above

        return Token(token)

    return made
