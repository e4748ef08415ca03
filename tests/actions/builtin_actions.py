"""The foreign actions that workflows here may use, done in Python: artifacts, checkout, Python."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from actions.artifact_store import ArtifactError, ArtifactStore, download
from actions.step_log import StepLog
from actions.upload_paths import found_files
from actions.workflow_language import UnsupportedError

Inputs = Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """Where a built-in action works."""

    workspace: Path
    tool_cache: Path
    job: str
    artifacts: ArtifactStore
    clone: Path
    server_url: str
    sha: str
    token: str
    log: StepLog
    add_path: Callable[[str], None]


class BuiltinError(Exception):
    """The action fails: its step does too."""


def _upload(inputs: Inputs, place: Place) -> dict[str, str]:
    files = found_files(inputs["path"], place.workspace, hidden=inputs["include-hidden-files"] == "true")
    if not files:
        return _nothing_found(inputs, place)
    artifact = place.artifacts.upload(
        inputs["name"],
        files,
        job=place.job,
        retention_days=int(inputs["retention-days"]) or None,
        overwrite=inputs["overwrite"] == "true",
    )
    place.log.write(f"Artifact {artifact.name} has been successfully uploaded: {len(files)} file(s)")
    return {"artifact-id": str(artifact.id), "artifact-digest": artifact.digest, "artifact-url": ""}


def _nothing_found(inputs: Inputs, place: Place) -> dict[str, str]:
    said = f"No files were found with the provided path: {inputs['path']}. No artifacts will be uploaded."
    if inputs["if-no-files-found"] == "error":
        raise BuiltinError(said)
    if inputs["if-no-files-found"] == "warn":
        place.log.annotate("warning", said)
    return {}


def _download(inputs: Inputs, place: Place) -> dict[str, str]:
    target = place.workspace / inputs["path"]
    target.mkdir(parents=True, exist_ok=True)
    if inputs["name"]:
        if inputs["name"] not in place.artifacts:
            raise BuiltinError(f"Unable to download artifact(s): Artifact not found for name: {inputs['name']}")
        download(place.artifacts[inputs["name"]], target)
    else:
        found = place.artifacts.matching(inputs["pattern"])
        flat = inputs["merge-multiple"] == "true" or len(found) == 1  # since v5 a single one gets no directory either
        for artifact in found:
            download(artifact, target if flat else target / artifact.name)
    return {"download-path": str(target)}


def _checkout(inputs: Inputs, place: Place) -> dict[str, str]:
    target = place.workspace / inputs["path"]
    target.mkdir(parents=True, exist_ok=True)
    depth = [f"--depth={inputs['fetch-depth']}"] if inputs["fetch-depth"] != "0" else []
    _git(target, "init", "--quiet")
    _git(target, "fetch", "--quiet", "--no-tags", *depth, f"file://{place.clone}", inputs["ref"] or place.sha)
    _git(target, "checkout", "--quiet", "--force", "--detach", "FETCH_HEAD")
    _git(target, "remote", "add", "origin", f"file://{place.clone}")
    if inputs["persist-credentials"] == "true":
        secret = base64.b64encode(f"x-access-token:{inputs['token'] or place.token}".encode()).decode()
        place.log.masks.add(secret)
        _git(target, "config", f"http.{place.server_url}/.extraheader", f"AUTHORIZATION: basic {secret}")
    commit = _git(target, "rev-parse", "HEAD")
    return {"ref": inputs["ref"], "commit": commit}


def _git(directory: Path, *arguments: str) -> str:
    environ = {"PATH": os.defpath, "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(directory), *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuiltinError(done.stderr.strip())
    return done.stdout.strip()


def _setup_python(inputs: Inputs, place: Place) -> dict[str, str]:
    """Gives the interpreter that runs the tests, without its packages, whatever version was asked for."""
    directory = place.tool_cache / "Python" / "bin"
    directory.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).resolve()
    for name in ("python", "python3"):
        if not (directory / name).exists():
            (directory / name).symlink_to(program)
    place.add_path(str(directory))
    version = ".".join(map(str, sys.version_info[:3]))
    return {"python-version": version, "python-path": str(directory / "python")}


Builtin = Callable[[Inputs, Place], dict[str, str]]

# What each does, and its inputs with their defaults. An input that is not here is one that nobody has built yet.
BUILTINS: dict[str, tuple[Builtin, dict[str, str]]] = {
    "actions/upload-artifact": (
        _upload,
        {
            "name": "artifact",
            "path": "",
            "if-no-files-found": "warn",
            "retention-days": "0",
            "compression-level": "6",
            "overwrite": "false",
            "include-hidden-files": "false",
        },
    ),
    "actions/download-artifact": (
        _download,
        {"name": "", "path": ".", "pattern": "", "merge-multiple": "false", "digest-mismatch": "error"},
    ),
    "actions/checkout": (
        _checkout,
        {"ref": "", "path": ".", "fetch-depth": "1", "persist-credentials": "true", "token": ""},
    ),
    "actions/setup-python": (_setup_python, {"python-version": "", "check-latest": "false", "cache": ""}),
}


def run_builtin(name: str, given: Inputs, place: Place) -> dict[str, str]:
    """Runs one and gives its outputs. BuiltinError when it fails, UnsupportedError for what is not built."""
    act, defaults = BUILTINS[name]
    unknown = set(given) - set(defaults)
    if unknown:
        raise UnsupportedError(f"{name}: these inputs are not built here: {', '.join(sorted(unknown))}")
    try:
        return act({**defaults, **given}, place)
    except ArtifactError as error:
        raise BuiltinError(str(error)) from error
