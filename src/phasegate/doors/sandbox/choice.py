"""Where commands of a model or a repository run: bubblewrap, else user namespaces, each proven before it is used.

A sandbox sees no network, no key, no process and no file but its work tree and the programs of the machine; when none
can be had, there is none, and `Unconfined` is only for those who ask for it by name.
"""

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phasegate.doors.processes import OUTPUT_LIMIT, Execution, execute
from phasegate.doors.removal import remove_directory
from phasegate.doors.sandbox.layout import (
    HOME,
    SHARED_MEMORY,
    SYSTEM_PATH,
    TEMPORARY,
    WORKSPACE,
    Layout,
    child_environment,
    read_layout,
)
from phasegate.doors.sandbox.probes import Probe, Sandbox, SelfTest, self_test
from phasegate.doors.sandbox.unshare import TMPFS_SIZE, TOOL_PATH, TOOLS, Unshare
from phasegate.errors import UserError

__all__ = ["Bubblewrap", "Probe", "Sandbox", "SandboxChoice", "SelfTest", "Unconfined", "Unshare", "choose_sandbox"]

_LIMITS = {"core": 0, "fsize": 2 * 1024**3, "nofile": 4096, "nproc": 4096}
"""Bytes of a core dump, bytes of a file, open files of a process, processes and threads in the sandbox."""


def bubblewrap_options(layout: Layout, root: Path) -> tuple[str, ...]:
    """Return the options that put the new root together, in order; `root` becomes the work tree."""
    limited = ("--size", str(TMPFS_SIZE), "--perms", "1777", "--tmpfs")
    return (
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--cap-drop", "ALL"),
        # Process settings could stay changeable, but bubblewrap leaves /proc/sys to the superuser (core_pattern).
        *("--proc", "/proc", "--remount-ro", "/proc"),
        *("--dev", "/dev", *limited, str(SHARED_MEMORY), "--remount-ro", "/dev"),
        *(*limited, str(TEMPORARY), "--dir", str(HOME)),
        *(part for path, target in layout.links for part in ("--symlink", target, str(path))),
        *_binds((*layout.system, *layout.files)),
        *(part for path in layout.hidden for part in ("--tmpfs", str(path))),
        *_binds(layout.exposed),
        *(part for path in layout.hidden for part in ("--remount-ro", str(path))),
        *("--bind", str(root), str(WORKSPACE), "--remount-ro", "/", "--chdir", str(WORKSPACE)),
    )


def _binds(paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(part for path in paths for part in ("--ro-bind", str(path), str(path)))


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Runs commands with bwrap(1). `inner` is what the command is handed to: limits and a shell."""

    layout: Layout
    inner: tuple[str, ...]
    program: str = "bwrap"
    options: Callable[[Layout, Path], tuple[str, ...]] = bubblewrap_options
    name: str = "bubblewrap"

    def run(self, command: str, *, root: Path, timeout: float, output_limit: int = OUTPUT_LIMIT) -> Execution:
        """Run a command with `root` as its work tree."""
        # By descriptor, because the command line of process 1 can be read inside, and names places outside.
        options = b"\0".join(map(os.fsencode, self.options(self.layout, root.resolve())))
        argv = (self.program, "--args", "0", "--", *self.inner, command)
        environ = child_environment(self.layout.path, home=HOME, temporary=TEMPORARY)
        return execute(argv, cwd=root, environ=environ, timeout=timeout, stdin=options, output_limit=output_limit)


@dataclass(frozen=True, slots=True)
class Unconfined:
    """No sandbox: runs commands in the work tree itself, with the user's rights, network and files.

    Only the environment is the allow-list, and HOME and TMPDIR are thrown away afterwards. `environ` is the user's.
    """

    environ: Mapping[str, str]
    name: str = "none"

    def run(self, command: str, *, root: Path, timeout: float, output_limit: int = OUTPUT_LIMIT) -> Execution:
        """Run a command in `root`."""
        path = ":".join(dict.fromkeys([*_absolute_entries(self.environ), *SYSTEM_PATH]))
        directory = Path(tempfile.mkdtemp(prefix="phasegate-", dir=self.environ.get("TMPDIR")))
        try:
            home, temporary = directory / "home", directory / "tmp"
            home.mkdir()
            temporary.mkdir()
            environ = child_environment(path, home=home, temporary=temporary)
            argv = (*_shell(path), command)
            return execute(argv, cwd=root, environ=environ, timeout=timeout, output_limit=output_limit)
        finally:
            with suppress(UserError):  # a process that left its group may still be at work in there
                remove_directory(directory)


@dataclass(frozen=True, slots=True)
class SandboxChoice:
    """The first sandbox that passed its self-test, if any, and all the tests made on the way to it."""

    sandbox: Sandbox | None
    tests: tuple[SelfTest, ...]


def choose_sandbox(
    *,
    environ: Mapping[str, str],
    home: Path,
    expose: Sequence[Path] = (),
    prefixes: Sequence[Path] | None = None,
) -> SandboxChoice:
    """Try the kinds of sandbox in order; one takes some tens of milliseconds.

    `environ` is the user's: tool chains on its PATH are shown inside, read-only, as are `expose` and `prefixes` (of
    Python; by default the running interpreter's). Raises `UserError` for an `expose` that must not be shown.
    """
    own = (Path(sys.prefix), Path(sys.base_prefix))
    layout = read_layout(environ=environ, home=home, prefixes=own if prefixes is None else prefixes, expose=expose)
    tests: list[SelfTest] = []
    for name, make in _KINDS.items():
        made = make(layout, environ)
        if isinstance(made, str):
            tests.append(SelfTest(name, (Probe("installed", passed=False, detail=made),)))
            continue
        tests.append(self_test(made, layout=layout, home=home))
        if tests[-1].passed:
            return SandboxChoice(made, tuple(tests))
    return SandboxChoice(None, tuple(tests))


def _bubblewrap(layout: Layout, environ: Mapping[str, str]) -> Bubblewrap | str:
    program = shutil.which("bwrap", path=":".join([*_absolute_entries(environ), TOOL_PATH]))
    return Bubblewrap(layout, _inner(layout.path), program) if program else "bwrap is not on the PATH"


def _unshare(layout: Layout, _environ: Mapping[str, str]) -> Unshare | str:
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=TOOL_PATH)]
    return f"missing: {', '.join(missing)}" if missing else Unshare(layout, _inner(layout.path))


def _absolute_entries(environ: Mapping[str, str]) -> list[str]:
    return [entry for entry in environ.get("PATH", "").split(":") if entry.startswith("/")]


def _inner(path: str) -> tuple[str, ...]:
    """Return what a command is handed to: its limits, as far as the machine can set them, and a shell."""
    prlimit = shutil.which("prlimit", path=TOOL_PATH)
    hard = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1] for name in _LIMITS}
    return (*((prlimit, *limit_options(_LIMITS, hard)) if prlimit else ()), *_shell(path))


def limit_options(wanted: Mapping[str, int], hard: Mapping[str, int]) -> tuple[str, ...]:
    """Return the options of prlimit(1): what is wanted, as far as the limits we are under allow it."""
    lowest = {
        name: limit if hard[name] == resource.RLIM_INFINITY else min(limit, hard[name])
        for name, limit in wanted.items()
    }
    return tuple(f"--{name}={limit}" for name, limit in lowest.items())


def _shell(path: str) -> tuple[str, ...]:
    found = shutil.which("bash", path=path) or shutil.which("sh", path=path)
    if not found:
        raise UserError("There is no shell to run commands with.", mend="Put the directory of bash on PATH.")
    return (found, "-c", "--")


_KINDS: Mapping[str, Callable[[Layout, Mapping[str, str]], Sandbox | str]] = {
    "bubblewrap": _bubblewrap,
    "unshare": _unshare,
}
"""How each kind is made, in the order they are tried; the text says why it cannot be."""
