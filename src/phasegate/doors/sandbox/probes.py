"""What a sandbox promises, and the proof: a script run inside it, whose report is held against facts made outside.

Nothing is believed because an option was passed: a kernel, a container or a policy may have taken it away.
"""

import os
import re
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from phasegate.doors.processes import OUTPUT_LIMIT, Execution
from phasegate.doors.sandbox.layout import HOME, TEMPORARY, WORKSPACE, Layout, child_environment

_TIMEOUT = 20.0
_REPORT_LIMIT = 1024 * 1024
_EXIT_CODE = 42
_SCRIPT = r"""
say() { printf '%s=%s\n' "$1" "$2"; }
[ "$(pwd -P)" = /workspace ] || exit 41 # not inside at all: try nothing
{ IFS= read -r canary; IFS= read -r home; IFS= read -r port; } < facts
say given "$(cat given)"
printf inside > made
printf inside > "$HOME/made" && say home "$(cat "$HOME/made")"
[ ! -e "$canary" ] || say seen "$canary"
for name in "$home"/* "$home"/.*; do [ ! -e "$name" ] || say seen "$name"; done
while IFS= read -r place; do
    printf '' 2> /dev/null > "$place/.phasegate-probe" && rm "$place/.phasegate-probe" && say writable "$place"
done < places
while read -r _ _ _ _ place options _; do
    case $options in rw*) say writable "$place" ;; esac
done < /proc/self/mountinfo
for setting in kernel/core_pattern kernel/modprobe vm/overcommit_memory user/max_user_namespaces; do
    [ ! -w "/proc/sys/$setting" ] || say writable "/proc/sys/$setting"
done
env | while IFS= read -r line; do say variable "${line%%=*}"; done
say environments "$(cat /proc/[0-9]*/environ 2> /dev/null | tr '\0\n' '  ')"
say commands "$(cat /proc/[0-9]*/cmdline 2> /dev/null | tr '\0\n' '  ')"
while read -r key value; do
    case $key in Cap* | NoNewPrivs:) say status "$key$value" ;; esac
done < /proc/self/status
while read -r name rest; do case $name in *:*) say interface "${name%%:*}" ;; esac; done < /proc/net/dev
while read -r name rest; do [ "$name" = Iface ] || say route "$name $rest"; done < /proc/net/route
say sockets "$(cat /proc/net/tcp /proc/net/unix | tr '\n' ' ')"
[ -z "$BASH_VERSION" ] || { (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && say connected "$port"; }
mount -n -o remount,bind,rw /usr 2> /dev/null && say gained 'a writable /usr'
mount -n -t tmpfs tmpfs /usr 2> /dev/null && say gained 'a mount'
unshare --user true 2> /dev/null && say gained 'a user namespace'
(exec 3<> /dev/tty) 2> /dev/null && say gained 'a terminal'
exec 9<> alive
if command -v setsid > /dev/null; then setsid sleep 60 & else sleep 60 & fi
exit 42
"""
"""Says what it meets, in lines of `name=value`; what a shell can do by itself starts no program."""

_SHELL_VARIABLES = {"OLDPWD", "PWD", "SHLVL", "_"}
_DEAD_INTERFACES = re.compile(r"lo|(ip6?)?(tunl|tnl|gre|gretap|_vti|6_vti|6gre)0|sit0|erspan0")
"""Loopback, and the tunnels some kernels put, down, into every new network namespace."""


Report = Mapping[str, list[str]]


class Sandbox(Protocol):
    """A place where commands of a model or a repository run."""

    @property
    def name(self) -> str:
        """How it is called in reports."""

    def run(self, command: str, *, root: Path, timeout: float, output_limit: int = OUTPUT_LIMIT) -> Execution:
        """Run a command for the shell (bash if there is one) with `root` as its work tree, for `timeout` seconds."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One promise put to the test; `detail` says what was met instead."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What one kind of sandbox did with all the probes."""

    backend: str
    probes: tuple[Probe, ...]

    @property
    def passed(self) -> bool:
        """True when every promise was kept."""
        return all(probe.passed for probe in self.probes)


@dataclass(frozen=True, slots=True)
class Outside:
    """The facts made outside: a secret held by another process, a port that listens, and what came back."""

    secret: str
    port: int
    layout: Layout
    superuser: bool
    made: str
    left_behind: bool


def self_test(sandbox: Sandbox, *, layout: Layout, home: Path) -> SelfTest:
    """Run the probes, and let go of everything they needed."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="phasegate-")))
        secret = secrets.token_hex(16)
        port = stack.enter_context(_listeners(secret))
        stack.enter_context(_process_with(secret))
        work = _work_tree(directory, [str(directory / "canary"), str(home), str(port)], layout, secret)
        execution = sandbox.run(". ./probe.sh", root=work, timeout=_TIMEOUT, output_limit=_REPORT_LIMIT)
        outside = Outside(
            secret=secret,
            port=port,
            layout=layout,
            superuser=os.geteuid() == 0,
            made=(work / "made").read_text() if (work / "made").exists() else "",
            left_behind=_is_held(work / "alive"),
        )
    return SelfTest(sandbox.name, judge(execution, outside))


def _work_tree(directory: Path, facts: list[str], layout: Layout, secret: str) -> Path:
    (directory / "canary").write_text(secret)
    work = directory / "work"
    work.mkdir()
    (work / "probe.sh").write_text(_SCRIPT)
    (work / "facts").write_text("".join(f"{fact}\n" for fact in facts))
    places = map(str, (Path("/"), Path("/dev"), Path("/etc"), *layout.system, *layout.hidden, *layout.exposed))
    (work / "places").write_text("".join(f"{place}\n" for place in places))
    (work / "given").write_text(secret)
    os.mkfifo(work / "alive")
    return work


@contextmanager
def _listeners(name: str) -> Iterator[int]:
    """Listen on a port of this machine, which is given, and on an abstract socket of that name."""
    with socket.socket() as port, socket.socket(socket.AF_UNIX) as abstract:
        port.bind(("127.0.0.1", 0))
        port.listen()
        abstract.bind(f"\0{name}")
        abstract.listen()
        yield port.getsockname()[1]


@contextmanager
def _process_with(secret: str) -> Iterator[None]:
    """Have a process outside with the secret in its environment and on its command line."""
    argv = ["/bin/sh", "-c", "read -r _", secret]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, env={"SECRET": secret}):
        yield  # its end of input is its end


def _is_held(pipe: Path) -> bool:
    """Say whether a process still has the named pipe open for reading."""
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def judge(execution: Execution, outside: Outside) -> tuple[Probe, ...]:
    """Hold the script's report against the facts."""
    report: dict[str, list[str]] = {}
    for line in execution.output.splitlines():
        name, _, value = line.partition("=")
        report.setdefault(name, []).append(value)
    shared = outside.made == "inside" and report.get("given") == [outside.secret]
    wrong = {
        "command": "" if execution.exit_code == _EXIT_CODE else f"it did not run: {execution.output.strip()[-400:]}",
        "work tree": "" if shared else "it is not the one outside",
        "home": "" if report.get("home") == ["inside"] else "it cannot be written to",
        "read-only": _listed(place for place in report.get("writable", ()) if not _may_change(place, outside)),
        "outside": _listed(place for place in report.get("seen", ()) if not _is_shown(Path(place), outside.layout)),
        "environment": _wrong_environment(report, outside.secret),
        "processes": "" if _is_without(outside.secret, report.get("commands")) else "others are seen",
        "background": "a process outlived its command" if outside.left_behind else "",
        "network": _wrong_network(report, outside),
        "privileges": _wrong_privileges(report.get("status", [])),
        "gains": _listed(report.get("gained", ())),
    }
    return tuple(Probe(name, not detail, detail) for name, detail in wrong.items())


def _listed(found: Iterable[str]) -> str:
    return ", ".join(sorted(set(found)))


def _is_without(secret: str, reported: list[str] | None) -> bool:
    """Say whether something was reported, and the secret is not in it."""
    return bool(reported) and not any(secret in line for line in reported or ())


def _may_change(place: str, outside: Outside) -> bool:
    # Writing below /proc is for the superuser to do harm with (core_pattern); for others it is their own processes.
    changing = {str(WORKSPACE), str(TEMPORARY), *([] if outside.superuser else ["/proc"])}
    return place in changing or place.startswith("/dev/")


def _is_shown(place: Path, layout: Layout) -> bool:
    if place.name in {".", ".."}:
        return True
    shown = (HOME, WORKSPACE, Path("/dev"), Path("/proc"), *layout.exposed)
    system = (*layout.system, *layout.files, *(path for path, _ in layout.links))
    hidden = any(place.is_relative_to(path) for path in layout.hidden)
    return any(
        place.is_relative_to(path) or path.is_relative_to(place) for path in (*shown, *(() if hidden else system))
    )


def _wrong_environment(report: Report, secret: str) -> str:
    allowed = {*child_environment("", home=HOME, temporary=HOME), *_SHELL_VARIABLES}
    strange = _listed(name for name in report.get("variable", ["none"]) if name not in allowed)
    return strange or ("" if _is_without(secret, report.get("environments")) else "that of a process outside is seen")


def _wrong_network(report: Report, outside: Outside) -> str:
    interfaces = [name for name in report.get("interface", ["none"]) if not _DEAD_INTERFACES.fullmatch(name)]
    listener = f"0100007F:{outside.port:04X}"  # as /proc/net/tcp writes 127.0.0.1
    shared = [name for name in (listener, outside.secret) if not _is_without(name, report.get("sockets"))]
    return _listed([*interfaces, *report.get("route", ()), *report.get("connected", ()), *shared])


def _wrong_privileges(status: list[str]) -> str:
    kept = [line for line in status if line.startswith("Cap") and line.partition(":")[2].strip("0")]
    return _listed([*kept, *([] if "NoNewPrivs:1" in status else ["new privileges can be had"])])
