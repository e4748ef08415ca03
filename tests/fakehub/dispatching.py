"""Dispatches, and the workflows of a repository as far as a dispatch asks about them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import yaml

from fakehub.events import repository_dispatch_event, workflow_dispatch_event
from fakehub.state import Dispatch, Repository
from fakehub.wire import ApiError, not_found

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

_FOLDER = ".github/workflows"


@dataclass(frozen=True)
class Workflow:
    """A workflow file of the default branch; `inputs` is None when it cannot be dispatched."""

    id: int
    name: str
    path: str
    inputs: dict[str, Any] | None


def find_workflow(repository: Repository, wanted: str) -> Workflow:
    """The workflow of a file name or id. Raises 404 when the default branch has none."""
    commit = repository.git.resolve(f"refs/heads/{repository.default_branch}") or ""
    for name, (_, kind, oid) in (repository.git.entries(commit, _FOLDER) or {}).items():
        number = crc32(name.encode())
        if kind == "blob" and wanted in {name, str(number)}:
            return _read_workflow(number, name, yaml.safe_load(repository.git.blob(oid)))
    raise not_found()


def _read_workflow(number: int, name: str, content: dict[Any, Any]) -> Workflow:
    triggers = content.get("on", content.get(True))  # YAML 1.1 reads a bare `on` as true
    if not isinstance(triggers, dict):
        triggers = dict.fromkeys([triggers] if isinstance(triggers, str) else triggers or [])
    dispatch = triggers.get("workflow_dispatch", "none")
    inputs = None if dispatch == "none" else (dispatch or {}).get("inputs") or {}
    path = f"{_FOLDER}/{name}"
    return Workflow(number, content.get("name", path), path, inputs)


def dispatch_repository(
    hub: "FakeHub", repository: Repository, login: str, event_type: str, payload: dict[str, Any]
) -> None:
    """Send a repository_dispatch."""
    ref = f"refs/heads/{repository.default_branch}"
    repository.dispatches.append(Dispatch("repository_dispatch", login, event_type, payload, ref))
    hub.emit(repository_dispatch_event(hub, repository, event_type, payload, login))


def dispatch_workflow(
    hub: "FakeHub", repository: Repository, login: str, workflow: Workflow, inputs: dict[str, Any], ref: str
) -> None:
    """Send a workflow_dispatch. Raises 422 when the workflow has no such trigger, inputs or ref."""
    if workflow.inputs is None:
        raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
    full = ref if ref.startswith("refs/") else f"refs/heads/{ref}"
    if repository.git.resolve(full) is None:
        raise ApiError(422, f"No ref found for: {ref}")
    given = _complete_inputs(workflow.inputs, inputs)
    repository.dispatches.append(Dispatch("workflow_dispatch", login, workflow.path, given, full))
    hub.emit(workflow_dispatch_event(hub, repository, workflow.path, given, login, full))


def _complete_inputs(declared: dict[str, Any], given: dict[str, Any]) -> dict[str, str]:
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise ApiError(422, f"Unexpected inputs provided: {unknown}")
    complete = {}
    for name, about in declared.items():
        value = given.get(name, (about or {}).get("default"))
        if value is None and (about or {}).get("required"):
            raise ApiError(422, f"Required input '{name}' not provided")
        complete[name] = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return complete
