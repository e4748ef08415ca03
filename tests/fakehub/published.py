"""Holds what is asked and answered against what GitHub has published about its API."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

PUBLISHED = Path(__file__).with_name("published.json")
EVENTS = {
    "issues opened": "issues-opened",
    "issues closed": "issues-closed",
    "issues reopened": "issues-reopened",
    "issues labeled": "issues-labeled",
    "issues unlabeled": "issues-unlabeled",
    "issue_comment created": "issue-comment-created",
    "issue_comment edited": "issue-comment-edited",
    "issue_comment deleted": "issue-comment-deleted",
    "repository_dispatch": "repository-dispatch-sample.collected",
    "workflow_dispatch": "workflow-dispatch",
}
# Refusals that any operation may answer with, whatever its own list says.
_EVERYWHERE = {400, 401, 403, 404, 422, 429, 500, 502, 503, 504}
_ERROR = 400
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(_MOMENT.fullmatch(value))


@_FORMATS.checks("uri")
def _is_address(value: object) -> bool:
    return not isinstance(value, str) or value.startswith(("http://", "https://", "git:"))


@cache
def _cut() -> dict[str, Any]:
    return json.loads(PUBLISHED.read_text())


@cache
def _validator(group: str, *way: str) -> Draft202012Validator | None:
    """The validator of one place in the cut, or None when it says nothing about a body there."""
    schema = _cut()[group]
    for step in way:
        schema = schema[step]
    if schema is None:
        return None
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in (group, *way))
    document = _cut() | {"$ref": f"#/{pointer}"}
    return Draft202012Validator(document, format_checker=_FORMATS)


class Published:
    """Collects what does not fit GitHub's description; a test ends with none."""

    def __init__(self) -> None:
        self.violations: list[str] = []

    def check_request(self, operation: str, query: dict[str, str], body: Any) -> bool:
        """Whether a request fits; what does not is remembered."""
        known = _cut()["operations"][operation]["query"]
        strange = [f"{operation}: no such query parameter {name!r}" for name in query if name not in known]
        self.violations += strange
        return self._fits(f"{operation} request", body, "operations", operation, "request") and not strange

    def check_response(self, operation: str, status: int, body: Any) -> None:
        """Remember what does not fit about an answer."""
        told = _cut()["operations"][operation]["responses"]
        if told.get(str(status)) or (str(status) in told and status < _ERROR):
            self._fits(f"{operation} {status}", body, "operations", operation, "responses", str(status))
        elif status in _EVERYWHERE:
            self._fits(f"{operation} {status}", body, "schemas", "basic-error")
        else:
            self.violations.append(f"{operation}: {status} is not among its answers {sorted(told)}")

    def check_event(self, name: str, action: str, payload: dict[str, Any]) -> None:
        """Remember what does not fit about an event's payload; events that are not listed are not checked."""
        event = EVENTS.get(f"{name} {action}", EVENTS.get(name))
        if event:
            self._fits(f"{name} {action}", payload, "events", event)

    def _fits(self, what: str, body: Any, *place: str) -> bool:
        validator = _validator(*place)
        if validator is None:
            if body is not None:
                self.violations.append(f"{what}: a body where none is published")
            return body is None
        found = [f"{what}: {_tell(error)}" for error in validator.iter_errors(body)]
        self.violations += found
        return not found


def _tell(error: Any) -> str:
    while error.context:  # of several alternatives, the one that came closest
        error = max(error.context, key=lambda inner: len(inner.absolute_path))
    where = ".".join(str(part) for part in error.absolute_path) or "(all of it)"
    return f"{where}: {error.message[:300]}"
