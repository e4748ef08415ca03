"""Which quality gates hold: the configured ones, else what the repository's own files say."""

import json
import re
from collections.abc import Callable, Mapping

from phasegate.policy.config import Config, Gate

_MAKE_TEST = re.compile(r"^test[ \t]*::?(?![:=])", re.MULTILINE)
_PYTHON_TEST = re.compile(r"tests?/(.*/)?test_[^/]*\.py")


def gates_of(config: Config, *, read: Callable[[str], str | None], files: Mapping[str, int]) -> dict[str, Gate]:
    """Return the gates by name.

    `read` gives the text of a file at the base commit, or None; `files` every path there. Configured gates are taken
    as they are, also when there are none; else at most one gate `test` is found.
    """
    if config.gates is not None:
        return dict(config.gates)
    command = _found(read, files)
    return {"test": Gate(run=command)} if command else {}


def _found(read: Callable[[str], str | None], files: Mapping[str, int]) -> str | None:
    signs = (
        ("make test", _MAKE_TEST.search(read("Makefile") or "")),
        ("python3 -m pytest -q", "[tool.pytest" in (read("pyproject.toml") or "")),
        ("python3 -m pytest -q", files.keys() & {"pytest.ini", "conftest.py"}),
        ("npm test", "test" in _scripts(read("package.json"))),
        ("cargo test --offline", "Cargo.toml" in files),
        ("go test ./...", "go.mod" in files),
        ("python3 -m pytest -q", any(_PYTHON_TEST.fullmatch(path) for path in files)),
    )
    return next((command for command, sign in signs if sign), None)


def _scripts(package: str | None) -> frozenset[str]:
    try:
        parsed = json.loads(package or "{}")
    except (ValueError, RecursionError):
        return frozenset()
    scripts = parsed.get("scripts") if isinstance(parsed, dict) else None
    return frozenset(scripts) if isinstance(scripts, dict) else frozenset()
