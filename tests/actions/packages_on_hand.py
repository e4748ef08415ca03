"""A Python that stands in for a machine with a package index: what setup would install is there already.

The setup script of our action asks `python3` for pip, pip for uv, and uv for an environment. Here that gives an
environment that exists, so that jobs need no network and no time. Everything else goes to the real interpreter.
"""

import shlex
import sys
from pathlib import Path

_PYTHON = """#!/bin/sh
case "$*" in
  *find_spec*pip*) echo "$0"; exit 0 ;;
  *"-m pip install"*) ;;
  *) exec {python} "$@" ;;
esac
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin" && cp {uv} "$2/bin/uv"
"""
_UV = """#!/bin/sh
[ "$1" = venv ] || exit 0
for last; do :; done
ln -s {environment} "$last"
"""


def path_of_python(directory: Path, environment: Path = Path(sys.prefix)) -> str:
    """Makes the stand-in below `directory` and gives what to put in front of PATH.

    `environment` is the virtual environment that jobs get, by default that of the tests.
    """
    (directory / "bin").mkdir(parents=True)
    uv = directory / "uv"
    python = Path(sys.executable).resolve()
    _write(uv, _UV.format(environment=shlex.quote(str(environment))))
    text = _PYTHON.format(python=shlex.quote(str(python)), uv=shlex.quote(str(uv)))
    for name in ("python3", "python"):
        _write(directory / "bin" / name, text)
    return str(directory / "bin")


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o755)
