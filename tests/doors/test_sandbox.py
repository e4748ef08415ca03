"""Commands of a model or a repository reach nothing but their work tree: attacks, run in every sandbox there is."""

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phasegate.doors.processes import Execution
from phasegate.doors.sandbox import choice as sandbox_module
from phasegate.doors.sandbox.choice import (
    _KINDS,
    Sandbox,
    Unconfined,
    bubblewrap_options,
    choose_sandbox,
    limit_options,
)
from phasegate.doors.sandbox.layout import read_layout
from phasegate.doors.sandbox.probes import self_test
from phasegate.errors import UserError

PROGRAMS = {"bubblewrap": "bwrap", "unshare": "unshare"}
INSTALLED = [kind for kind, program in PROGRAMS.items() if shutil.which(program)]
SECRET = "canary-6d1f0c"
ENVIRON = {
    "PATH": f"{Path(sys.prefix, 'bin')}:{os.environ['PATH']}",
    "ANTHROPIC_API_KEY": SECRET,
    "GITHUB_TOKEN": SECRET,
    "ACTIONS_RUNTIME_TOKEN": SECRET,
    "LD_PRELOAD": f"/{SECRET}.so",
    "BASH_ENV": f"/{SECRET}.sh",
    "PYTHONSTARTUP": f"/{SECRET}.py",
    "NODE_OPTIONS": f"--require=/{SECRET}.js",
    "GIT_SSH_COMMAND": SECRET,
    "PAGER": SECRET,
}


@pytest.fixture(scope="module")
def user_home(tmp_path_factory) -> Path:
    """The home of the user outside, with a key in it and tools on the PATH."""
    home = tmp_path_factory.mktemp("user")
    (home / ".ssh").mkdir()
    (home / ".ssh/id_ed25519").write_text(SECRET)
    (home / ".netrc").write_text(SECRET)
    (home / "tools").mkdir()
    (home / "tools/tool").write_text("#!/bin/sh\necho a tool of the user\n")
    (home / "tools/tool").chmod(0o755)
    return home


@pytest.fixture(params=INSTALLED, scope="module")
def sandbox(request, user_home) -> Sandbox:
    environ = {**ENVIRON, "PATH": f"{user_home}/tools:{ENVIRON['PATH']}"}
    prefixes = (Path(sys.prefix), Path(sys.base_prefix))
    layout = read_layout(environ=environ, home=user_home, prefixes=prefixes, expose=())
    made = _KINDS[request.param](layout, environ)
    assert not isinstance(made, str), made
    return made


@pytest.fixture
def work(tmp_path) -> Path:
    directory = tmp_path / "work tree, with a space"
    directory.mkdir()
    return directory


@pytest.fixture
def run(sandbox, work):
    def run_inside(command: str, *, timeout: float = 60, **options: object) -> Execution:
        return sandbox.run(command, root=work, timeout=timeout, **options)

    return run_inside


def wait_until(condition) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def is_held(pipe: Path) -> bool:
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def test_there_is_a_sandbox_on_this_machine():
    assert INSTALLED


# What a command can do


def test_every_promise_is_kept(sandbox, user_home):
    test = self_test(sandbox, layout=sandbox.layout, home=user_home)

    assert [probe for probe in test.probes if not probe.passed] == []
    assert test.passed
    assert len(test.probes) == 11


def test_a_command_works_on_the_work_tree_and_its_exit_code_comes_through(run, work):
    (work / "given").write_text("given\n")
    done = run("pwd; cat given; echo made > made; echo complaint >&2; exit 3")

    assert done.output == "/workspace\ngiven\ncomplaint\n"
    assert done.exit_code == 3
    assert (work / "made").read_text() == "made\n"
    assert (work / "made").stat().st_uid == os.geteuid()


def test_a_command_runs_as_the_user_it_is_outside(run):
    assert run("id -u; id -g").output.split() == [str(os.geteuid()), str(os.getegid())]


def test_bash_runs_the_command_as_it_is(run):
    assert run("-x").exit_code == 127
    assert run("[[ a == a ]] && printf '%s' \"$0 $#\"").output.endswith("bash 0")


def test_programs_of_the_project_work_through_links_to_their_interpreter(run):
    """The first python3 on the PATH is a link in a virtual environment."""
    done = run("command -v python3; python3 -c 'import pydantic, sys; print(sys.prefix)'")

    assert done.output.split() == [str(Path(sys.prefix, "bin/python3")), sys.prefix]


def test_tools_of_the_user_can_be_run_and_not_changed(run, user_home):
    assert run("tool").output == "a tool of the user\n"
    assert not run(f"echo >> {user_home}/tools/tool").ok
    assert not run(f"touch {user_home}/tools/new").ok
    assert [child.name for child in (user_home / "tools").iterdir()] == ["tool"]


def test_programs_can_talk_to_themselves(run):
    """Servers in tests listen on 127.0.0.1, and look up localhost."""
    done = run(
        "python3 -c 'import socket as s\n"
        'l = s.create_server(("localhost", 0)); c = s.create_connection(l.getsockname())\n'
        'l.accept()[0].sendall(b"heard"); print(c.recv(9).decode())\''
    )

    assert done.output == "heard\n"


def test_programs_have_a_home_temporary_files_shared_memory_and_terminals_of_their_own(run):
    done = run(
        "echo a > ~/file && echo b > $TMPDIR/file && echo c > /dev/shm/file && "
        "python3 -c 'import os; print(os.ttyname(os.openpty()[1]))' && cat ~/file && echo ok > /dev/stdout"
    )
    assert done.output == "/dev/pts/0\na\nok\n"

    assert run("find /tmp /dev/shm -name file").output == ""  # nothing of it is there for the next command


# What a command cannot do: the rows of the threat model's section on shells


def test_nothing_of_the_environment_outside_is_inside(run):
    """Row 69: what makes programs run code by an environment variable is not there either."""
    done = run("env")

    names = {line.partition("=")[0] for line in done.output.splitlines()}
    allowed = {"CI", "HOME", "LANG", "LC_ALL", "PATH", "PYTHONDONTWRITEBYTECODE", "TERM", "TMPDIR"}
    assert allowed <= names <= allowed | {"OLDPWD", "PWD", "SHLVL", "_"}
    assert SECRET not in done.output


@pytest.mark.parametrize(
    "command",
    [
        *(
            "env",
            "printenv",
            "set",
            "export -p",
            "cat /proc/*/environ",
            "cat /proc/1/environ",
            "strings /proc/1/environ",
        ),
        *("ps auxeww", "cat /proc/*/cmdline", "cat /proc/*/maps", "grep -a canary /proc/*/mem", "ls -lR /proc/*/fd"),
        *("cat /proc/1/root/etc/shadow", "ls /proc/*/cwd/", "cat /etc/shadow", "cat ~/.netrc ~/.ssh/*", "ls -Ra /root"),
        *("find / -xdev -name id_ed25519 -o -xdev -name .netrc", "cat {home}/.netrc", "cat {home}/.ssh/id_ed25519"),
        *("ls -a {home}/..", "cd {home} && cat .netrc", "git config --list", "cat /run/*/* /var/run/*", "dmesg"),
        *("python3 -c 'import os; print(os.environ)'", "python3 -c 'print(open(\"{home}/.netrc\").read())'"),
        *("ln -s {home}/.netrc here && cat here", "cat {outside}", "cat /workspace/../{outside}", "mount", "df"),
    ],
)
def test_no_secret_can_be_read(run, user_home, tmp_path, command):
    """Row 54. The secret is in our environment, in files of the user, and in another process."""
    outside = tmp_path / "outside"
    outside.write_text(SECRET)
    with subprocess.Popen(["/bin/sh", "-c", "read -r _", SECRET], stdin=subprocess.PIPE, env={"KEY": SECRET}) as holder:
        done = run(command.format(home=user_home, outside=outside))
        assert holder.poll() is None

    assert SECRET not in done.output


@pytest.mark.parametrize(
    "command",
    [
        *("sudo -n true", "su -c id", "docker ps", "ls /var/run/docker.sock", "ls /run/docker.sock"),
        *("mount -t tmpfs tmpfs /mnt", "mount -o remount,bind,rw /usr", "mount -t proc proc /mnt", "umount /workspace"),
        *(
            "unshare --user true",
            "unshare --user --map-root-user --mount true",
            "unshare --mount true",
            "chroot / true",
        ),
        *("nsenter --target 1 --mount true", "nsenter --target 1 --net true", "pivot_root . .", "mknod disk b 8 0"),
        *("chown 12345 /workspace/file", 'hostname "$(hostname)"'),
        *(
            "ip link add dummy0 type dummy",
            "ip link set lo mtu 65536",
            "echo h > /proc/sysrq-trigger",
        ),
        *(
            "f=/proc/sys/kernel/core_pattern; read -r v < $f; echo $v > $f",
            "echo 1 > /proc/sys/vm/drop_caches",
            "f=/proc/sys/kernel/panic; read -r v < $f; echo $v > $f",
        ),
        *(
            "f=/proc/sys/user/max_user_namespaces; read -r v < $f; echo $v > $f",
            "echo 1 > /proc/1/oom_score_adj",
            "ls /sys/kernel",
            "exec 3<> /dev/tty",
        ),
        *(
            "exec 3< /proc/kcore",
            "exec 3< /dev/mem",
            "exec 3< /dev/sda",
            "exec 3< /dev/vda",
            "capsh --has-p=cap_sys_admin",
        ),
        "cp /bin/sh shell && chmod 4755 shell && ./shell -p -c 'test -w /usr'",
    ],
)
def test_no_privilege_can_be_had(run, work, command):
    """Row 55. Each would do no harm outside, if a sandbox should be broken."""
    (work / "file").touch()

    assert not run(command).ok


def test_files_of_the_runner_cannot_be_written(run, tmp_path, user_home):
    """Rows 57 and 58: nothing outside is changed, not by its path and not through variables."""
    summary = tmp_path / "GITHUB_ENV"
    summary.write_text("before")
    places = [
        summary,
        user_home / ".gitconfig",
        user_home / ".bashrc",
        user_home / ".ssh/authorized_keys",
        Path("/etc/phasegate-test"),
    ]
    before = sorted(user_home.rglob("*"))

    for place in places:  # some are below /tmp, where the sandbox has files of its own
        assert run(f"echo after >> {place}; cat {place} || echo after").output.endswith("after\n")
    assert not run('echo after >> "$GITHUB_ENV"; echo after >> "$GITHUB_PATH"').ok
    assert run("git config --global user.name x || echo x > ~/.gitconfig; test -s ~/.gitconfig").ok

    assert summary.read_text() == "before"
    assert sorted(user_home.rglob("*")) == before
    assert not Path("/etc/phasegate-test").exists()


def test_only_the_work_tree_and_temporary_places_can_be_written(run):
    """Row 58, by the kernel's own table."""
    done = run("while read -r _ _ _ _ place options _; do echo $place $options; done < /proc/self/mountinfo")

    writable = {line.split()[0] for line in done.output.splitlines() if line.split()[1].startswith("rw")}
    assert {place for place in writable if not place.startswith("/dev/")} - {"/proc"} == {"/workspace", "/tmp"}
    assert os.geteuid() != 0 or "/proc" not in writable


CALLS_OUT = """
import socket as s, sys
port = int(sys.argv[1])
def attempt(name, call):
    try:
        print(name, "reached", call())
    except OSError as error:
        print(name, "failed:", error)
def connect(host, port, family=s.AF_INET):
    with s.socket(family) as c:
        c.settimeout(2)
        c.connect((host, port))
def send(host, port, family=s.AF_INET):
    with s.socket(family, s.SOCK_DGRAM) as c:
        c.settimeout(0.2)
        c.sendto(b"out", (host, port))
        return c.recv(9)
attempt("loopback", lambda: connect("127.0.0.1", port))
attempt("loopback by UDP", lambda: send("127.0.0.1", port))
attempt("loopback v6", lambda: connect("::1", port, s.AF_INET6))
attempt("any address", lambda: connect("0.0.0.0", port))
attempt("metadata", lambda: connect("169.254.169.254", 80))
attempt("elsewhere", lambda: connect("192.0.2.1", 443))
attempt("elsewhere v6", lambda: connect("2001:db8::1", 443, s.AF_INET6))
attempt("elsewhere by UDP", lambda: send("192.0.2.1", 53))
attempt("name", lambda: s.getaddrinfo("example.com", 443))
attempt("raw", lambda: s.socket(s.AF_INET, s.SOCK_RAW, s.IPPROTO_ICMP).close())
attempt("packets", lambda: s.socket(s.AF_PACKET, s.SOCK_RAW).close())
attempt("abstract", lambda: s.socket(s.AF_UNIX).connect("\\0" + sys.argv[2]))
attempt("socket file", lambda: s.socket(s.AF_UNIX).connect(sys.argv[3]))
"""


def test_every_namespace_is_its_own(run):
    kinds = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"]
    inside = run(f"cd /proc/self/ns && readlink {' '.join(kinds)}").output.split()

    assert len(inside) == len(kinds)
    assert set(inside).isdisjoint(str(Path("/proc/self/ns", kind).readlink()) for kind in kinds)


def test_nothing_can_be_reached(run, work, tmp_path):
    """Row 61: by topology, so neither proxies nor protocols matter; not even listeners on this machine."""
    (work / "calls_out.py").write_text(CALLS_OUT)
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        udp.setblocking(False)
        with socket.socket(socket.AF_UNIX) as abstract, socket.socket(socket.AF_UNIX) as file:
            abstract.bind(f"\0{tmp_path.name}")
            abstract.listen()
            file.bind(os.path.relpath(tmp_path / "socket"))
            file.listen()
            done = run(f"python3 calls_out.py {port} {tmp_path.name} {tmp_path}/socket")
        with pytest.raises(BlockingIOError):
            udp.recv(1)

    assert len(done.output.splitlines()) == 13, done.output
    assert [line for line in done.output.splitlines() if "failed:" not in line] == []


# What a command leaves, and how it ends


def test_a_process_left_behind_ends_with_its_command(run, work):
    """Row 65: it left the session, holds the output open and ignores signals."""
    os.mkfifo(work / "alive")
    done = run("exec 9<>alive; trap '' HUP TERM; (setsid sh -c 'trap \"\" TERM; sleep 60; :' &); echo done")

    assert done.output == "done\n"
    assert done.seconds < 20
    assert wait_until(lambda: not is_held(work / "alive"))


def test_a_command_that_takes_too_long_ends_with_all_it_started(run, work):
    """Row 65: an endless loop, and an army of children in sessions of their own."""
    os.mkfifo(work / "alive")
    done = run("exec 9<>alive; for i in $(seq 200); do setsid sleep 60 & done; while :; do :; done", timeout=2)

    assert (done.exit_code, done.timed_out) == (None, True)
    assert wait_until(lambda: not is_held(work / "alive"))


def test_endless_output_is_cut(run):
    """Row 65."""
    done = run("yes 0123456789", timeout=1, output_limit=10_000)

    assert done.timed_out
    assert len(done.output) < 10_100
    assert "bytes left out" in done.output


def test_the_disk_and_the_memory_cannot_be_filled_by_one_file(run):
    """Row 65."""
    assert not run("truncate --size=3G file").ok
    assert not run("truncate --size=3G ~/file").ok
    for place in ("/tmp", "/dev/shm"):
        assert int(run(f"df --output=size -B1 {place} | tail -n 1").output) <= 2 * 1024**3


def test_limits_are_set(run):
    assert run("ulimit -Hc").output == "0\n"
    assert int(run("ulimit -Hn").output) <= 4096
    assert int(run("ulimit -Hu").output) <= 4096


def test_a_command_can_be_ended_by_a_signal(run):
    """It is not process 1 itself, which would not even notice."""
    done = run("kill -TERM $$; echo still here")

    assert (done.exit_code, done.output.count("still here")) == (128 + signal.SIGTERM, 0)


def test_the_first_process_is_not_ended_by_its_children(run):
    assert run("kill -9 1; kill -TERM 1; echo here").output == "here\n"


def test_orphans_are_buried(run):
    done = run("for i in 1 2 3; do (true &); done; sleep 0.2; cat /proc/[0-9]*/stat | grep -c ' Z '")

    assert done.output == "0\n"


RUN_SANDBOX = """
import sys
from pathlib import Path
from phasegate.doors.sandbox.choice import _KINDS
from phasegate.doors.sandbox.layout import read_layout
environ = {"PATH": "/usr/bin:/bin"}
layout = read_layout(environ=environ, home=Path("/nonexistent"), prefixes=(), expose=())
sandbox = _KINDS[sys.argv[1]](layout, environ)
sandbox.run("exec 9<>alive; setsid sleep 60 & sleep 60", root=Path(sys.argv[2]), timeout=60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_lives_on_when_we_are_killed(sandbox, work, number):
    os.mkfifo(work / "alive")
    caller = subprocess.Popen(
        [sys.executable, "-c", RUN_SANDBOX, sandbox.name, work], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert wait_until(lambda: is_held(work / "alive"))
    caller.send_signal(number)
    caller.communicate(timeout=20)

    assert wait_until(lambda: not is_held(work / "alive"))


def test_a_work_tree_that_is_not_there_is_told(sandbox, tmp_path):
    with pytest.raises(UserError, match="cannot be run: the directory "):
        sandbox.run("true", root=tmp_path / "absent", timeout=10)


# What the self-test notices


def without(*left_out: str):
    """Leave a run of options out."""

    def options(layout, root):
        given = bubblewrap_options(layout, root)
        [at] = [at for at in range(len(given)) if given[at : at + len(left_out)] == left_out]
        return given[:at] + given[at + len(left_out) :]

    return {"options": options}


def with_more(*more: str):
    return {"options": lambda layout, root: (*bubblewrap_options(layout, root), *more)}


WEAKENED = {
    "bubblewrap": [
        (with_more("--share-net"), "network"),
        (without("--remount-ro", "/"), "read-only"),
        (with_more("--tmpfs", "/usr/share"), "read-only"),
        (with_more("--setenv", "SECRET", "1"), "environment"),
        (with_more("--cap-add", "ALL"), "privileges"),
        (without("--disable-userns"), "gains"),
        (without("--dir", "/tmp/home"), "home"),
        (with_more("--chdir", "/"), "command"),
    ],
    "unshare": [({"namespaces": ("--user", "--map-root-user", "--mount", "--pid")}, "network")],
}


@pytest.mark.parametrize(
    ("sandbox", "weaker", "told"),
    [(kind, weaker, told) for kind in INSTALLED for weaker, told in WEAKENED[kind]],
    indirect=["sandbox"],
)
def test_a_sandbox_that_is_weaker_does_not_pass(sandbox, user_home, weaker, told):
    test = self_test(dataclasses.replace(sandbox, **weaker), layout=sandbox.layout, home=user_home)

    assert told in [probe.name for probe in test.probes if not probe.passed]


# Which one is taken


def test_the_first_that_passes_is_taken(user_home):
    choice = choose_sandbox(environ=ENVIRON, home=user_home)

    assert choice.sandbox is not None
    assert choice.tests[-1].passed
    assert choice.tests[-1].backend == choice.sandbox.name


def test_a_sandbox_that_breaks_a_promise_is_passed_over_and_the_reason_is_kept(user_home, tmp_path):
    """A bubblewrap that does nothing of what it is told; the next kind is taken instead."""
    pretender = tmp_path / "bwrap"
    pretender.write_text("#!/bin/sh\nexec sh -c 'exit 42'\n")
    pretender.chmod(0o755)

    choice = choose_sandbox(environ={**ENVIRON, "PATH": f"{tmp_path}:{ENVIRON['PATH']}"}, home=user_home)

    assert [test.backend for test in choice.tests] == ["bubblewrap", "unshare"]
    assert not choice.tests[0].passed
    assert choice.sandbox.name == "unshare"


def test_without_any_there_is_none_and_each_says_why(user_home, monkeypatch):
    monkeypatch.setattr(sandbox_module, "TOOL_PATH", "/nonexistent")
    choice = choose_sandbox(environ={"PATH": "/nonexistent"}, home=user_home)

    assert choice.sandbox is None
    assert [(test.backend, test.passed, test.probes[0].name) for test in choice.tests] == [
        ("bubblewrap", False, "installed"),
        ("unshare", False, "installed"),
    ]
    assert choice.tests[0].probes[0].detail == "bwrap is not on the PATH"


def test_what_must_not_be_shown_is_told_before_anything_runs(user_home):
    with pytest.raises(UserError, match="must not be shown in the sandbox"):
        choose_sandbox(environ=ENVIRON, home=user_home, expose=[user_home])


def test_what_is_asked_for_is_shown(user_home, tmp_path, work):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_text("shown")
    choice = choose_sandbox(environ=ENVIRON, home=user_home, expose=[tmp_path / "data"])

    assert choice.sandbox.run(f"cat {tmp_path}/data/file", root=work, timeout=10).output == "shown"
    assert not choice.sandbox.run(f"echo >> {tmp_path}/data/file", root=work, timeout=10).ok


@pytest.mark.parametrize(
    ("hard", "options"),
    [
        ({"nofile": -1, "core": -1}, ("--nofile=4096", "--core=0")),
        ({"nofile": 1024, "core": 0}, ("--nofile=1024", "--core=0")),
        ({"nofile": 8192, "core": 7}, ("--nofile=4096", "--core=0")),
    ],
)
def test_limits_are_never_asked_to_be_above_our_own(hard, options):
    assert limit_options({"nofile": 4096, "core": 0}, hard) == options


# Without a sandbox, for those who ask for that


def test_unconfined_commands_run_in_the_work_tree_itself_with_nothing_of_the_environment(work):
    done = Unconfined(ENVIRON).run("pwd; env; exit 4", root=work, timeout=20)

    assert done.exit_code == 4
    assert done.output.startswith(f"{work}\n")
    assert SECRET not in done.output
    assert "CI=true" in done.output
    assert Unconfined(ENVIRON).name == "none"


def test_unconfined_commands_have_a_home_that_is_thrown_away(work):
    done = Unconfined(ENVIRON).run("touch ~/file $TMPDIR/file; echo $HOME; echo $TMPDIR", root=work, timeout=20)

    home, temporary = map(Path, done.output.split())
    assert home != Path.home()
    assert not home.exists()
    assert not temporary.exists()
    assert not home.parent.exists()


def test_unconfined_commands_end_in_time(work):
    assert Unconfined(ENVIRON).run("sleep 60", root=work, timeout=0.2).timed_out


def test_a_machine_without_a_shell_is_told(work, monkeypatch):
    monkeypatch.setattr(sandbox_module, "SYSTEM_PATH", ())

    with pytest.raises(UserError, match="There is no shell"):
        Unconfined({"PATH": "/nonexistent"}).run("true", root=work, timeout=1)
