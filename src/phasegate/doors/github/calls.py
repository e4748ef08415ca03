"""One request to GitHub and what its answer means: done, refused, unclear, or to be asked again later."""

import json
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from phasegate.documents.parsing import field_errors
from phasegate.doors.github.answers import Answer
from phasegate.doors.github.failures import ForgeError, complaint_of, refusal, strange, unclear

SECONDARY_WAIT = 60.0
"""Seconds to wait after a limit that does not say for how long, as GitHub's documentation asks."""
_MOVED = range(300, 400)
_LIMIT_TYPES = frozenset({"RATE_LIMIT", "RATE_LIMITED"})
_GRAPHQL_STATUS = {"NOT_FOUND": 404, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "UNPROCESSABLE": 422}
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `doing` and `needs` are for messages: "comment on #7", "issues: write".

    The verb is one of HTTP's, or QUERY and MUTATION for GraphQL, which has no path.
    `once` is for what would be there twice if it were done twice: it is not repeated when the answer is unclear.
    `expected` are statuses that are answers, though they say no.
    """

    verb: str
    path: str
    _: KW_ONLY
    doing: str
    needs: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    once: bool = False
    expected: frozenset[int] = frozenset()

    @property
    def is_graphql(self) -> bool:
        """Whether it goes to the GraphQL API."""
        return self.verb in {"QUERY", "MUTATION"}

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.verb not in {"GET", "QUERY"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    call: Call
    status: int
    headers: Mapping[str, str]
    body: str

    def parsed(self, model: type[_Model]) -> _Model:
        """Return the body as a model. Raises `ForgeError` for a body that is none."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError as error:
            raise strange(self.call.doing, "; ".join(field_errors(error))) from None

    def refusal(self) -> ForgeError:
        """Return the error for an answer that says no."""
        return refusal(self.call.doing, status=self.status, body=self.body, needs=self.call.needs)


class _GraphqlError(Answer):
    message: str = ""
    type: str = ""


class _GraphqlAnswer(Answer):
    errors: tuple[_GraphqlError, ...] = ()


def settled(reply: Reply) -> Reply:
    """Raise `UnclearError` for an answer that leaves open what happened; give errors in GraphQL a status."""
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise unclear(reply.call.doing, f"status {reply.status}")
    if not reply.call.is_graphql or reply.status != HTTPStatus.OK:
        return reply
    errors = reply.parsed(_GraphqlAnswer).errors
    if not errors:
        return reply
    body = json.dumps({"message": "; ".join(error.message for error in errors)})
    if any(error.type in _LIMIT_TYPES for error in errors):
        return replace(reply, status=HTTPStatus.TOO_MANY_REQUESTS, body=body)
    if any(error.message.startswith("Something went wrong") for error in errors):
        raise unclear(reply.call.doing, "it says that something went wrong")
    return replace(reply, status=_GRAPHQL_STATUS.get(errors[0].type, 400), body=body)


def asked_to_wait(reply: Reply, now: float) -> float | None:
    """How many seconds GitHub asks to wait before the request is sent again; None when it does not."""
    if reply.status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    after = reply.headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    if reply.headers.get("x-ratelimit-remaining") == "0":
        reset = reply.headers.get("x-ratelimit-reset", "")
        return max(0.0, float(reset) - now) + 1 if reset.isdecimal() else SECONDARY_WAIT
    limited = reply.status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in complaint_of(reply.body).words.lower()
    return SECONDARY_WAIT if limited else None


def accepted(reply: Reply) -> Reply:
    call = reply.call
    if reply.status in _MOVED:
        raise ForgeError(
            f"Could not {call.doing}. GitHub says that it is elsewhere now.",
            cause="The repository was renamed or moved.",
            mend="Use its new name.",
            status=reply.status,
        )
    if reply.status >= HTTPStatus.BAD_REQUEST and reply.status not in call.expected:
        raise reply.refusal()
    return reply
