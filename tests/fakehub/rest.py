"""From an HTTP request to a REST or GraphQL operation: token, route, permission, schema, handler, schema again."""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fakehub import graph, routes
from fakehub.access import AS_APP, OPEN, Token, sees
from fakehub.calls import Call
from fakehub.rest_apps import App, identify_app
from fakehub.smart_http import git_token
from fakehub.wire import ApiError, Asked, Reply, Route, forbidden, not_found

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

_LIMITS = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4999", "X-RateLimit-Used": "1",
           "X-RateLimit-Resource": "core"}  # fmt: skip
Work = tuple[Call, Callable[[], Reply]]


def read_call(hub: "FakeHub", method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Work:
    """What a request asks for, and how to do it. Raises ApiError for one that the log has no place for."""
    api_path = hub.api_url.removeprefix(hub.url)
    token, refusal = _identify(hub, headers.get("authorization", ""))
    app = _identify_app(hub, headers.get("authorization", ""))
    if hub.url + path == hub.graphql_url:
        return graph.read_call(hub, token, refusal, _parse(body))
    inner = path.removeprefix(api_path)
    found = routes.find_route(method, inner) if path.startswith(api_path) else None
    if found is None:
        hub.published.violations.append(f"{method} {path}: the fake server has no such operation")
        raise ApiError(501, f"The fake server has no {method} {path}")
    place, parameters = found
    asked = Asked(hub, token, parameters, dict(parse_qsl(query)), _parse(body) if body else None, app)
    if place.need is AS_APP:
        refusal = None if app else ApiError(401, "A JSON web token could not be decoded")
    identity = (app or token) and (app or token).login
    call = Call("rest", method, place.template, path, identity, asked.body, asked.query)
    return call, lambda: _carry_out(place, asked, refusal)


def git_call(hub: "FakeHub", method: str, path: str, query: str, headers: Mapping[str, str]) -> tuple[Call]:
    """How a request of git is remembered."""
    try:
        token = git_token(hub, headers.get("authorization", ""))
    except LookupError:
        token = None
    template = "/{owner}/{repo}.git/" + path.partition(".git/")[2]
    return (Call("git", method, template, path, token and token.login, None, dict(parse_qsl(query))),)


def _identify(hub: "FakeHub", authorization: str) -> tuple[Token | None, ApiError | None]:
    _, _, value = authorization.partition(" ")
    token = hub.tokens.get(value)
    if authorization and token is None:
        return None, ApiError(401, "Bad credentials")
    return token, None if token else ApiError(401, "Requires authentication")


def _identify_app(hub: "FakeHub", authorization: str) -> App | None:
    _, _, value = authorization.partition(" ")
    return identify_app(hub.apps, value, hub.now().timestamp()) if hub.apps and value.count(".") > 1 else None


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ApiError(400, "Problems parsing JSON") from error


def _carry_out(place: Route, asked: Asked, refusal: ApiError | None) -> Reply:
    hub = asked.hub
    try:
        reply = refusal.reply if refusal else _handle(place, asked)
    except ApiError as error:
        reply = error.reply
    hub.published.check_response(place.name, reply.status, reply.body)
    return Reply(reply.status, reply.body, _limits(hub) | dict(reply.headers))


def _handle(place: Route, asked: Asked) -> Reply:
    _check_access(place, asked)
    if not asked.hub.published.check_request(place.name, dict(asked.query), _published_form(asked.body)):
        raise ApiError(422, "Invalid request.")
    return place.handle(asked)


def _check_access(place: Route, asked: Asked) -> None:
    need = place.need
    if need is AS_APP:
        return
    if "repo" not in asked.parameters:
        if need is not OPEN and not any(asked.token.has(name, need.level) for name in need.permissions):
            raise forbidden()
        return
    repository = asked.repository
    if not sees(asked.token, repository):
        raise not_found()
    if not need.met_by(asked.token, repository, on_pull=_is_on_pull(asked)):
        who = "integration" if asked.token.is_app else "personal access token"
        raise forbidden(f"Resource not accessible by {who}")


def _is_on_pull(asked: Asked) -> bool:
    number = asked.parameters.get("issue_number", "0")
    comment = asked.repository.comments.get(int(asked.parameters.get("comment_id", "0")))
    issue = asked.repository.issues.get(comment.number if comment else int(number) if number.isdecimal() else 0)
    return bool(issue and issue.pull)


def _published_form(body: Any) -> Any:
    """A plain list of labels is allowed by the description's prose, though its schema has only the object."""
    return {"labels": body} if isinstance(body, list) else body


def _limits(hub: "FakeHub") -> dict[str, str]:
    return _LIMITS | {"X-RateLimit-Reset": str(int(hub.now().timestamp()) + 3600)}
