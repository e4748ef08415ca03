"""Which new files git would ignore, by git's own reading of given `.gitignore` files: no checkout is looked at."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from phasegate.doors.git.objects import GitObjects, Pristine
from phasegate.doors.git.program import failure

NEVER_SOURCE = (
    "*.egg-info/",
    "*.py[cod]",
    ".DS_Store",
    ".coverage",
    ".coverage.*",
    ".eggs/",
    ".gradle/",
    ".hypothesis/",
    ".mypy_cache/",
    ".nox/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".tox/",
    ".venv/",
    "__pycache__/",
    "node_modules/",
)
"""What tools leave behind. Counts below every `.gitignore`, so a repository can take a line back with `!`."""

_HERE = b"./"  # this command refuses literal pathspecs; so begun, a path cannot be read as a magic one
_SOME, _NONE = 0, 1  # how `git check-ignore` ends when it has an answer


def ignored_paths(objects: GitObjects, paths: Collection[str], rules: Mapping[str, bytes]) -> frozenset[str]:
    """Those of `paths` that git would not track, were they new: by `NEVER_SOURCE` and by `rules`.

    `rules` has the content of every `.gitignore`, by the directory it lies in ("" for the top). All paths and
    directories are repository paths. Raises `UserError` when git fails.
    """
    if not paths:
        return frozenset()
    with objects.pristine() as bench:
        top = _lay_out(bench, rules)
        asked = b"".join(_HERE + os.fsencode(path) + b"\0" for path in paths)
        command = ("check-ignore", "-z", "--stdin")
        environ = {**bench.environ, "GIT_WORK_TREE": str(top), "GIT_LITERAL_PATHSPECS": "0"}
        answer = bench.program.attempt(*command, cwd=top, environ=environ, stdin=asked)
    if answer.code not in {_SOME, _NONE}:
        raise failure("check-ignore", answer.complaint)
    return frozenset(os.fsdecode(path.removeprefix(_HERE)) for path in answer.output.split(b"\0")[:-1])


def _lay_out(bench: Pristine, rules: Mapping[str, bytes]) -> Path:
    """Make a work tree of nothing but the rules, beside our own git directory's `info/exclude`."""
    (bench.directory / "info").mkdir()
    (bench.directory / "info" / "exclude").write_text("".join(f"{line}\n" for line in NEVER_SOURCE))
    top = bench.directory / "rules"
    top.mkdir()
    for directory, content in rules.items():
        (top / directory).mkdir(parents=True, exist_ok=True)
        (top / directory / ".gitignore").write_bytes(content)
    return top
