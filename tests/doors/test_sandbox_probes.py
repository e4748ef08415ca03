"""The verdict on a sandbox: a line in the script's report that should not be there fails the probe it belongs to."""

from dataclasses import replace
from pathlib import Path

import pytest

from phasegate.doors.processes import Execution
from phasegate.doors.sandbox.layout import Layout
from phasegate.doors.sandbox.probes import Outside, Probe, SelfTest, judge

LAYOUT = Layout(
    system=(Path("/usr"), Path("/opt"), Path("/etc/ssl/certs")),
    files=(Path("/etc/passwd"),),
    links=((Path("/bin"), "usr/bin"),),
    hidden=(Path("/opt/runner"),),
    exposed=(Path("/home/ada/.pyenv"), Path("/opt/runner/node")),
    path="/usr/bin",
)
OUTSIDE = Outside(secret="5ec7e7", port=8080, layout=LAYOUT, superuser=True, made="inside", left_behind=False)
REPORT = """
given=5ec7e7
home=inside
seen=/home/ada/.
seen=/home/ada/..
seen=/home/ada/.pyenv
writable=/dev/null
writable=/dev/shm
writable=/tmp
writable=/workspace
variable=PATH
variable=PWD
environments=PATH=/usr/bin HOME=/tmp/home
commands=bash -c . ./probe.sh
status=CapEff:0000000000000000
status=CapBnd:0000000000000000
status=NoNewPrivs:1
interface=lo
interface=tunl0
interface=ip6tnl0
sockets= sl local_address rem_address Num RefCount
""".strip()


def failing(report: str = REPORT, *, exit_code: int | None = 42, outside: Outside = OUTSIDE) -> dict[str, str]:
    probes = judge(Execution(exit_code, report, 0.1, timed_out=exit_code is None), outside)
    assert len(probes) == 11
    return {probe.name: probe.detail for probe in probes if not probe.passed}


def test_a_report_without_anything_strange_passes():
    assert failing() == {}


@pytest.mark.parametrize(
    ("line", "failure"),
    [
        ("seen=/home/ada/.ssh", {"outside": "/home/ada/.ssh"}),
        ("seen=/srv/canary", {"outside": "/srv/canary"}),
        ("seen=/opt/runner/.credentials", {"outside": "/opt/runner/.credentials"}),
        ("seen=/opt/runner/node", {}),
        ("seen=/etc", {}),
        ("seen=/usr/share", {}),
        ("writable=/usr", {"read-only": "/usr"}),
        ("writable=/", {"read-only": "/"}),
        ("writable=/dev", {"read-only": "/dev"}),
        ("writable=/proc", {"read-only": "/proc"}),
        ("writable=/proc/sys/kernel/core_pattern", {"read-only": "/proc/sys/kernel/core_pattern"}),
        ("writable=/workspace/sub", {"read-only": "/workspace/sub"}),
        ("variable=GITHUB_TOKEN", {"environment": "GITHUB_TOKEN"}),
        ("environments=KEY=5ec7e7", {"environment": "that of a process outside is seen"}),
        ("commands=sh -c read 5ec7e7", {"processes": "others are seen"}),
        ("status=CapEff:0000000000000400", {"privileges": "CapEff:0000000000000400"}),
        ("interface=eth0", {"network": "eth0"}),
        ("route=eth0 0 0", {"network": "eth0 0 0"}),
        ("connected=8080", {"network": "8080"}),
        ("sockets=0: 0100007F:1F90 00000000:0000", {"network": "0100007F:1F90"}),
        ("sockets=@5ec7e7", {"network": "5ec7e7"}),
        ("gained=a mount", {"gains": "a mount"}),
    ],
)
def test_what_should_not_be_there_fails_its_probe(line, failure):
    assert failing(f"{REPORT}\n{line}") == failure


@pytest.mark.parametrize(
    ("line", "failed"),
    [
        ("given=5ec7e7", "work tree"),
        ("home=inside", "home"),
        ("variable=PATH\nvariable=PWD", "environment"),
        ("environments=PATH=/usr/bin HOME=/tmp/home", "environment"),
        ("commands=bash -c . ./probe.sh", "processes"),
        ("status=NoNewPrivs:1", "privileges"),
        ("interface=lo\ninterface=tunl0\ninterface=ip6tnl0", "network"),
        ("sockets= sl local_address rem_address Num RefCount", "network"),
    ],
)
def test_what_could_not_be_seen_is_no_proof(line, failed):
    """A probe whose line is missing has not passed."""
    assert line in REPORT
    assert set(failing(REPORT.replace(line, "nothing"))) == {failed}


def test_a_command_that_did_not_run_proves_nothing():
    failed = failing("bwrap: setting up uid map: Permission denied\n", exit_code=1, outside=replace(OUTSIDE, made=""))

    assert failed["command"] == "it did not run: bwrap: setting up uid map: Permission denied"
    assert failed.keys() >= {"work tree", "home", "environment", "processes", "network", "privileges"}


def test_a_command_that_ran_out_of_time_fails():
    assert set(failing(exit_code=None)) == {"command"}


def test_what_happened_outside_counts():
    assert failing(outside=replace(OUTSIDE, left_behind=True)) == {"background": "a process outlived its command"}
    assert failing(outside=replace(OUTSIDE, made="")) == {"work tree": "it is not the one outside"}


def test_only_the_superuser_could_do_harm_below_proc():
    assert failing(f"{REPORT}\nwritable=/proc", outside=replace(OUTSIDE, superuser=False)) == {}


def test_one_failure_is_enough():
    good, bad = Probe("one", passed=True, detail=""), Probe("two", passed=False, detail="why")

    assert SelfTest("kind", (good, good)).passed
    assert not SelfTest("kind", (good, bad)).passed
