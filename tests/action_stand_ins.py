"""Programs that stand in for those which the action would fetch packages with or change the machine with.

Put the directory first in PATH: then the action's set-up runs as it is, without a package index, and its environment is
the one that runs the tests.
"""

import shlex
import sys
from pathlib import Path

_PYTHON = """#!/bin/bash
{{ printf '%q ' python3 "$@"; echo; compgen -e | grep ^PYTHON; }} >>{log}
case "$*" in
  "-I -c "*) {python} "$@" >/dev/null && echo "$0" ;;
  "-I -m pip install "*)
    while [ "$1" != --target ]; do shift; done
    mkdir -p "$2/bin" && cp {uv} "$2/bin/uv" ;;
  *) exec {python} "$@" ;;
esac
"""
_UV = """#!/bin/bash
{{ printf '%q ' uv "$@"; echo; compgen -e | grep ^PYTHON; }} >>{log}
if [ "$1" = venv ]; then ln -s {prefix} "${{@: -1}}"; fi
"""
_REFUSE = """#!/bin/bash
{{ printf '%q ' {name} "$@"; echo; }} >>{log}
exit 1
"""


def stand_in_tools(directory: Path) -> Path:
    """Write stand-ins for python3 (and by it pip and uv) and sudo. Their calls are in the file `calls` beside them."""
    tools = directory / "tools"
    tools.mkdir(parents=True)
    names = {"log": tools / "calls", "uv": tools / "uv-stand-in", "python": sys.executable, "prefix": sys.prefix}
    quoted = {key: shlex.quote(str(value)) for key, value in names.items()}
    (tools / "calls").touch()
    write_program(tools / "python3", _PYTHON.format(**quoted))
    write_program(tools / "uv-stand-in", _UV.format(**quoted))
    write_program(tools / "sudo", _REFUSE.format(**quoted, name="sudo"))
    return tools


def write_program(path: Path, text: str) -> None:
    """Write a script that can be run."""
    path.write_text(text)
    path.chmod(0o755)
