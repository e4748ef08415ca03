"""The endpoints, without a socket: one HTTP request in, one answer out."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from phasegate.rehearsal.errors import ApiError, error_body
from phasegate.rehearsal.models import Model, known_models, model_record
from phasegate.rehearsal.protocol import cut_events, make_reply, message_json, stream_events
from phasegate.rehearsal.request import MessagesRequest, Prompt, parse_body
from phasegate.rehearsal.rules import check_limits, check_prompt
from phasegate.rehearsal.script import Cut, Failure, Script
from phasegate.rehearsal.stage import Play, Stage
from phasegate.rehearsal.thinking import check_thinking_blocks
from phasegate.rehearsal.usage import PromptCache, Usage, count_input

MAX_BODY_BYTES = 32 * 1024 * 1024
_MAX_PAGE = 1000
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent: `body` at once, or `events` one after the other; broken off where `cut` says.

    `scene` and `turn` (from 1) are None where the request did not get that far; `error` is the message of a refusal.
    """

    status: int
    request_id: str
    body: bytes = b""
    events: tuple[bytes, ...] = ()
    content_type: str = _JSON
    retry_after: float | None = None
    cut: Cut | None = None
    delay: float = 0
    scene: str | None = None
    turn: int | None = None
    usage: Usage | None = None
    error: str | None = None


@dataclass(slots=True)
class Api:
    """The API that plays a script. Safe to use from several threads."""

    script: Script
    clock: Callable[[], float] = time.monotonic
    _models: dict[str, Model] = field(init=False)
    _stage: Stage = field(init=False)
    _cache: PromptCache = field(init=False)
    _requests: "count[int]" = field(init=False)

    def __post_init__(self) -> None:
        """Start with an empty cache and with no turn played."""
        self._models = known_models(self.script.models)
        self._stage = Stage(self.script)
        self._cache = PromptCache(self.clock)
        self._requests = count(1)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        """Return the answer to a request. Header names are in lower case; a body of None was over the limit."""
        request_id = f"req_rehearsal_{next(self._requests):06d}"
        try:
            return self._route(method, target, check_envelope(headers, body), request_id)
        except ApiError as error:
            return _refusal(error, request_id)

    def _route(self, method: str, target: str, body: bytes, request_id: str) -> Answer:
        parts = urlsplit(target)
        match (method, parts.path.strip("/").split("/")):
            case ("POST", ["v1", "messages"]):
                return self._messages(body, request_id)
            case ("POST", ["v1", "messages", "count_tokens"]):
                prompt = parse_body(body, Prompt)
                self._check(prompt)
                return _json(request_id, {"input_tokens": count_input(prompt)})
            case ("GET", ["v1", "models"]):
                return _json(request_id, _page(self._models, parse_qs(parts.query)))
            case ("GET", ["v1", "models", name]):
                return _json(request_id, model_record(name, self._model(name)))
        raise ApiError("Not Found", status=404)

    def _model(self, name: str) -> Model:
        if name not in self._models:
            raise ApiError(f"model: {name}", status=404)
        return self._models[name]

    def _check(self, prompt: Prompt) -> Model:
        """Return the model of a prompt that the API would take."""
        model = self._model(prompt.model)
        if model.lifecycle == "retired":
            raise ApiError(f"model: {prompt.model}", status=404)
        check_prompt(prompt, model)
        check_thinking_blocks(prompt, model)
        return model

    def _messages(self, body: bytes, request_id: str) -> Answer:
        request = parse_body(body, MessagesRequest)
        model = self._check(request)
        check_limits(request, request.model, model)
        tokens = count_input(request)
        if tokens > model.max_input_tokens:
            raise ApiError(f"prompt is too long: {tokens} tokens > {model.max_input_tokens} maximum")
        play = self._stage.play(request)
        failure = play.failure or (Failure(status=529) if play.cut == "event" and not request.stream else None)
        if failure:
            return _failure(play, failure, request_id)
        return self._played(play, request, model, request_id)

    def _played(self, play: Play, request: MessagesRequest, model: Model, request_id: str) -> Answer:
        reply = make_reply(play, request, self._cache.account(request, model))
        events = stream_events(reply) if request.stream else ()
        return Answer(
            status=200,
            request_id=request_id,
            body=b"" if request.stream else message_json(reply),
            events=cut_events(events, play.cut, request_id=request_id) if play.cut else events,
            content_type="text/event-stream; charset=utf-8" if request.stream else _JSON,
            cut=play.cut,
            delay=play.delay,
            scene=play.scene,
            turn=play.number,
            usage=reply.usage,
        )


def check_envelope(headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Return the body. Raises `ApiError` for a request without a key (401) or version (400), or over the size (413)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if not headers.get("x-api-key", "").strip() and not (scheme.lower() == "bearer" and token.strip()):
        raise ApiError("x-api-key header is required", status=401)
    if not headers.get("anthropic-version", "").strip():
        raise ApiError("anthropic-version: header is required")
    if body is None:
        raise ApiError("Request exceeds the maximum allowed number of bytes.", status=413)
    return body


def _refusal(error: ApiError, request_id: str) -> Answer:
    body = error_body(error.message, status=error.status, request_id=request_id)
    return Answer(error.status, request_id, body, retry_after=error.retry_after, error=error.message)


def _failure(play: Play, failure: Failure, request_id: str) -> Answer:
    """Return the failure that the script asks for here."""
    message = failure.message or f"rehearsal: scene {play.scene}, turn {play.number} fails with {failure.status}"
    body = error_body(message, status=failure.status, request_id=request_id)
    return Answer(
        failure.status,
        request_id,
        body,
        retry_after=failure.retry_after,
        delay=play.delay,
        scene=play.scene,
        turn=play.number,
        error=message,
    )


def _json(request_id: str, value: object) -> Answer:
    return Answer(200, request_id, json.dumps(value).encode())


def _page(models: Mapping[str, Model], query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return one page of the models' records, retired ones only where they are asked for."""
    lives = query.get("lifecycle[]") or query.get("lifecycle") or ["active", "deprecated"]
    names = [name for name, model in models.items() if model.lifecycle in lives]
    after = query.get("after_id", [""])[0]
    if after in names:
        names = names[names.index(after) + 1 :]
    asked = query.get("limit", ["20"])[0]
    if not asked.isdecimal() or not 1 <= int(asked) <= _MAX_PAGE:
        raise ApiError(f"limit: Input should be a number from 1 to {_MAX_PAGE}")
    page = names[: int(asked)]
    return {
        "data": [model_record(name, models[name]) for name in page],
        "has_more": len(names) > len(page),
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
