"""The sandbox of util-linux: its mount table, and that each of its measures is one the self-test would miss."""

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from phasegate.doors.sandbox.choice import _inner
from phasegate.doors.sandbox.layout import Layout, read_layout
from phasegate.doors.sandbox.probes import self_test
from phasegate.doors.sandbox.unshare import Unshare, mount_table


@pytest.fixture(scope="module")
def user_home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("user")
    (home / "tools").mkdir()
    (home / "kept").touch()
    return home


@pytest.fixture(scope="module")
def sandbox(user_home) -> Unshare:
    environ = {"PATH": f"{user_home}/tools:{os.environ['PATH']}"}
    layout = read_layout(environ=environ, home=user_home, prefixes=(Path(sys.prefix),), expose=())
    return Unshare(layout, _inner(layout.path))


def failures(sandbox: Unshare, user_home: Path) -> set[str]:
    return {
        probe.name for probe in self_test(sandbox, layout=sandbox.layout, home=user_home).probes if not probe.passed
    }


def test_the_mount_table_puts_parents_first_and_the_work_tree_last():
    layout = Layout(
        system=(Path("/usr"), Path("/opt")),
        files=(),
        links=(),
        hidden=(Path("/opt/runner"),),
        exposed=(Path("/opt/runner/node"), Path("/tmp/tools")),
        path="",
    )
    lines = [line.split() for line in mount_table(layout, Path("/srv/work")).splitlines()]
    places = [place for _, place, *_ in lines]

    assert places.index("/sys/opt") < places.index("/sys/opt/runner") < places.index("/sys/opt/runner/node")
    assert places.index("/sys/tmp") < places.index("/sys/tmp/tools")
    assert lines[-1] == ["/srv/work", "/sys/workspace", "none", "rbind,X-mount.mkdir", "0", "0"]
    assert all(place.startswith("/sys/") for place in places)


def test_paths_in_the_mount_table_cannot_become_fields_or_lines():
    layout = Layout((), (), (), (), (Path("/srv/a b"),), "")
    lines = mount_table(layout, Path("/srv/\tone\ntwo\\three # / none bind")).splitlines()

    assert lines[-2] == r"/srv/a\040b /sys/srv/a\040b none rbind,X-mount.mkdir 0 0"
    assert lines[-1].startswith(r"/srv/\011one\012two\134three\040#\040/\040none\040bind /sys/workspace none rbind")


def test_a_directory_with_any_name_can_be_the_work_tree_and_be_shown(sandbox, tmp_path):
    strange = tmp_path / "a 'b' \"c\" $(d) \\040 \n#e"
    strange.mkdir()
    (strange / "file").write_text("here")
    shown = dataclasses.replace(sandbox, layout=dataclasses.replace(sandbox.layout, exposed=(strange,)))

    assert shown.run("cat file; find /tmp -name file -exec cat {} +", root=strange, timeout=20).output == "herehere"


def test_a_service_of_the_system_can_be_hidden(sandbox, tmp_path):
    layout = dataclasses.replace(sandbox.layout, hidden=(Path("/usr/share"),), exposed=(Path("/usr/share/doc"),))
    done = dataclasses.replace(sandbox, layout=layout).run(
        "ls /usr/share; touch /usr/share/x /usr/share/doc/x", root=tmp_path, timeout=20
    )

    assert done.output.startswith("doc\n")
    assert done.output.count("Read-only file system") == 2


def test_without_weakening_no_probe_fails(sandbox, user_home):
    assert failures(sandbox, user_home) == set()


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("--net", "network"),
        ("--pid", "command"),  # without it there is no /proc for it either
        ("--mount", "command"),
    ],
)
def test_a_namespace_that_is_missing_is_noticed(sandbox, user_home, left_out, told):
    namespaces = tuple(option for option in sandbox.namespaces if option != left_out)
    assert len(namespaces) == len(sandbox.namespaces) - 1

    assert told in failures(dataclasses.replace(sandbox, namespaces=namespaces), user_home)


@pytest.mark.parametrize(
    ("measure", "instead", "told"),
    [
        ("mount -n -o remount,bind,ro,nosuid,nodev /\n", "", {"read-only"}),
        ('echo "$namespaces" > /proc/sys/user', ": > /proc/sys/user", {"gains"}),
        ("umount -n -l old\n", "", {"command"}),
        ("mkdir tmp/home\n", "", {"home"}),
        ("cd /workspace\n", "cd /tmp\n", {"command"}),
        ("links=$5", "links=$5; export SECRET=1", {"environment"}),
        ("*:/ |", "*:/tmp/* | *:/ |", {"read-only"}),
        ('"$@"; exit "$?"', '"$@"; exit 0', {"command"}),
    ],
)
def test_a_measure_that_is_missing_is_noticed(sandbox, user_home, measure, instead, told):
    assert sandbox.script.count(measure) == 1

    weaker = dataclasses.replace(sandbox, script=sandbox.script.replace(measure, instead))
    assert told <= failures(weaker, user_home)


def test_capabilities_that_are_kept_are_noticed(sandbox, user_home):
    script = sandbox.script.replace(
        "drop='--no-new-privs --inh-caps=-all --ambient-caps=-all --bounding-set=-all'", "drop="
    )

    assert {"privileges", "gains"} <= failures(dataclasses.replace(sandbox, script=script), user_home)


def test_a_home_that_can_be_seen_is_noticed(sandbox, user_home):
    """The tools in it are known to be shown; the other file is not."""
    layout = dataclasses.replace(sandbox.layout, exposed=(user_home,))

    probes = self_test(dataclasses.replace(sandbox, layout=layout), layout=sandbox.layout, home=user_home).probes
    assert [(probe.name, probe.detail) for probe in probes if not probe.passed] == [("outside", f"{user_home}/kept")]
