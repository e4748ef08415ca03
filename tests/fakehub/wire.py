"""Requests, answers, errors and the table of REST routes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fakehub.access import Need, Token
from fakehub.state import Issue, Repository

if TYPE_CHECKING:
    from fakehub.hub import FakeHub
    from fakehub.rest_apps import App

DOCUMENTATION = "https://docs.github.com/rest"
# Parameters that may hold slashes; each is the last of its template.
_GREEDY = {"ref", "path", "branch"}


@dataclass(frozen=True)
class Reply:
    """One answer: a status, a JSON body (None: none at all) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """An answer that says no, as GitHub words it."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.message = message
        body = {"message": message, **more, "documentation_url": DOCUMENTATION, "status": str(status)}
        self.reply = Reply(status, body)


def not_found() -> ApiError:
    """What is not there, or must not be known to be there."""
    return ApiError(404, "Not Found")


def forbidden(message: str = "Resource not accessible by integration") -> ApiError:
    """What the token may not do."""
    return ApiError(403, message)


def invalid(resource: str, field_name: str, code: str, message: str | None = None) -> ApiError:
    """A request of the right form that cannot be carried out."""
    error = {"resource": resource, "field": field_name, "code": code} | ({"message": message} if message else {})
    return ApiError(422, "Validation Failed", errors=[error])


@dataclass(frozen=True)
class Asked:
    """One REST request, matched to its route."""

    hub: "FakeHub"
    token: Token | None
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    app: "App | None" = None

    @property
    def login(self) -> str:
        assert self.token, "only routes open to everybody have no token"
        return self.token.login

    @property
    def repository(self) -> Repository:
        """The repository of the path. Raises 404 when there is none."""
        found = self.hub.repositories.get(f"{self.parameters['owner']}/{self.parameters['repo']}".lower())
        if found is None:
            raise not_found()
        return found

    def issue(self, parameter: str = "issue_number") -> Issue:
        """The issue or pull request of the path. Raises 404 when there is none."""
        number = self.parameters[parameter]
        found = self.repository.issues.get(int(number)) if number.isdecimal() else None
        if found is None:
            raise not_found()
        return found

    def page(self, items: list[Any]) -> Reply:
        """One page of a list, with the Link header that leads to the others."""
        size = min(int(self.query.get("per_page", "30")), 100)
        number = max(int(self.query.get("page", "1")), 1)
        last = max(-(-len(items) // size), 1)
        links = {"next": number + 1, "last": last} if number < last else {}
        if number > 1:
            links = {"prev": number - 1, **links, "first": 1}
        written = ", ".join(f'<{self._page_url(page, size)}>; rel="{name}"' for name, page in links.items())
        return Reply(200, items[(number - 1) * size : number * size], {"Link": written} if written else {})

    def _page_url(self, page: int, size: int) -> str:
        others = [f"{name}={value}" for name, value in self.query.items() if name not in {"page", "per_page"}]
        return f"{self.hub.api_url}{self.parameters['']}?{'&'.join([*others, f'per_page={size}', f'page={page}'])}"


@dataclass(frozen=True)
class Route:
    """One REST operation, named as GitHub's description names it."""

    method: str
    template: str
    need: Need
    handle: Callable[[Asked], Reply]
    pattern: re.Pattern[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The parameters of a path, or None when it is not this route's. The whole path is under the empty name."""
        found = self.pattern.fullmatch(path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} | {"": path} if found else None


ROUTES: list[Route] = []


def route(method: str, template: str, need: Need) -> Callable[[Callable[[Asked], Reply]], Callable[[Asked], Reply]]:
    """Register the handler of one operation."""

    def register(handle: Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
        parts = re.sub(r"\{(\w+)\}", lambda m: f"(?P<{m[1]}>{'.+' if m[1] in _GREEDY else '[^/]+'})", template)
        ROUTES.append(Route(method, template, need, handle, re.compile(parts)))
        return handle

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a request and its path's parameters, or None when the fake server has no such operation."""
    for candidate in ROUTES:
        parameters = candidate.match(method, path)
        if parameters is not None:
            return candidate, parameters
    return None
