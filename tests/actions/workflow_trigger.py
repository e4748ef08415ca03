"""Whether an event starts a workflow, and with which inputs.

Source: GitHub's reference of events that trigger workflows, and of `on.workflow_dispatch.inputs`.
"""

from collections.abc import Mapping

from actions.workflow_language import Json, UnsupportedError, as_text

USUAL_TYPES = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "pull_request_target": ("opened", "synchronize", "reopened"),
}
WITHOUT_TYPES = {"workflow_dispatch", "push", "schedule", "workflow_call"}
INPUT_LIMIT = 25


class DispatchError(Exception):
    """A dispatch that GitHub's API answers with 422."""


def is_triggered(on: Json, event_name: str, payload: Mapping[str, Json]) -> bool:
    """Whether `on:` (any of its three forms) names this event and this activity type."""
    events = _events(on)
    if event_name not in events:
        return False
    settings = events[event_name] or {}
    if event_name in WITHOUT_TYPES:
        _refuse_filters(event_name, settings, {"inputs", "cron"})
        return True
    _refuse_filters(event_name, settings, {"types"})
    types = settings.get("types") or USUAL_TYPES.get(event_name)
    types = [types] if isinstance(types, str) else types
    return types is None or payload.get("action") in types


def _events(on: Json) -> dict[str, Json]:
    if isinstance(on, str):
        return {on: None}
    return dict.fromkeys(on) if isinstance(on, list) else on


def _refuse_filters(event_name: str, settings: Json, known: set[str]) -> None:
    if isinstance(settings, dict) and set(settings) - known:
        raise UnsupportedError(f"on.{event_name}: filters are not built here: {sorted(set(settings) - known)}")


def dispatch_inputs(on: Json, given: Mapping[str, Json]) -> dict[str, Json]:
    """The `inputs` context of a manual start: defaults filled in, values of their types. DispatchError if refused."""
    events = _events(on)
    defined = (events.get("workflow_dispatch") or {}).get("inputs") or {}
    unknown = set(given) - set(defined)
    if unknown:
        raise DispatchError(f"Unexpected inputs provided: {sorted(unknown)}")
    if len(defined) > INPUT_LIMIT:
        raise DispatchError(f"a workflow may define at most {INPUT_LIMIT} inputs")
    return {name: _input(name, settings or {}, given.get(name)) for name, settings in defined.items()}


def _input(name: str, settings: Mapping[str, Json], given: Json) -> Json:
    value = as_text(settings.get("default") if given is None else given)
    if settings.get("required") and not value:
        raise DispatchError(f"Required input '{name}' not provided")
    match settings.get("type", "string"):
        case "boolean":
            return _boolean(name, value)
        case "number":
            return _number(name, value) if value else ""
        case "choice" if value and value not in map(as_text, settings["options"]):
            raise DispatchError(f"Provided value '{value}' for input '{name}' not in the list of allowed values")
        case _:
            return value


def _boolean(name: str, value: str) -> bool:
    if value not in {"true", "false", ""}:
        raise DispatchError(f"Provided value '{value}' for input '{name}' is not a boolean")
    return value == "true"


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise DispatchError(f"Provided value '{value}' for input '{name}' is not a number") from None
