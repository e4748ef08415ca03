"""What is shown inside: tool chains, never credentials or homes. Decided from facts, so tables are enough."""

from pathlib import Path

import pytest

from phasegate.doors.sandbox.layout import (
    DirectoryFacts,
    child_environment,
    exposed_directories,
    hidden_directories,
    look,
    path_inside,
    read_layout,
)
from phasegate.errors import UserError

HOME = Path("/home/ada")
HOMES = (HOME, Path("/data/ada"), Path("/root"))


def exposed(*, path=(), prefixes=(), expose=(), hidden=(), facts=()):
    """Decide with facts in which every path is a plain directory, unless it is told otherwise."""
    known = dict(facts)

    def look_up(place: Path) -> DirectoryFacts:
        return known.get(str(place), DirectoryFacts(real=place))

    shown = exposed_directories(
        path_entries=map(Path, path),
        prefixes=map(Path, prefixes),
        expose=map(Path, expose),
        homes=HOMES,
        hidden=tuple(map(Path, hidden)),
        look=look_up,
    )
    return [str(place) for place in shown]


def holding(place: str, *names: str, base: str | None = None) -> tuple[str, DirectoryFacts]:
    return place, DirectoryFacts(real=Path(place), holds=frozenset(names), base=Path(base) if base else None)


@pytest.mark.parametrize(
    ("path", "facts", "shown"),
    [
        pytest.param(["/usr/bin", "/bin", "/usr/local/sbin", "/opt/go/bin"], [], [], id="what the system has already"),
        pytest.param(["/srv/tools/bin"], [], ["/srv/tools/bin"], id="a directory of programs"),
        pytest.param(["/srv/absent"], [("/srv/absent", DirectoryFacts())], [], id="what is not there"),
        pytest.param(
            ["/home/ada/p/.venv/bin"],
            [holding("/home/ada/p/.venv", "pyvenv.cfg", base="/home/ada/.pyenv/versions/3.11.7")],
            ["/home/ada/.pyenv/versions/3.11.7", "/home/ada/p/.venv"],
            id="a virtual environment whole, and the interpreter behind it",
        ),
        pytest.param(
            ["/srv/v/bin"], [holding("/srv/v", "pyvenv.cfg", base="/usr")], ["/srv/v"], id="the system's interpreter"
        ),
        pytest.param(["/home/ada/.pyenv/shims"], [], ["/home/ada/.pyenv"], id="shims need what they lead to"),
        pytest.param(
            ["/home/ada/.nvm/versions/node/v24/bin"],
            [holding("/home/ada/.nvm/versions/node/v24", "lib/node_modules")],
            ["/home/ada/.nvm/versions/node/v24"],
            id="node with its packages",
        ),
        pytest.param(["/home/ada/.cargo/bin"], [], ["/home/ada/.cargo/bin"], id="programs beside credentials"),
        pytest.param(["/home/ada/.local/bin"], [], ["/home/ada/.local/bin"], id="programs of the user"),
        pytest.param(["/home/ada/bin"], [holding("/home/ada", "pyvenv.cfg")], ["/home/ada/bin"], id="not the home"),
        pytest.param(["/home/ada/shims"], [], ["/home/ada/shims"], id="not the home for shims"),
        pytest.param(["/srv/a", "/srv/a/b", "/srv/ab"], [], ["/srv/a", "/srv/ab"], id="none inside another"),
        pytest.param(
            ["/srv/current/bin"],
            [("/srv/current/bin", DirectoryFacts(real=Path("/srv/v2/bin")))],
            ["/srv/current/bin", "/srv/v2/bin"],
            id="both names of a linked directory",
        ),
        pytest.param(
            ["/usr/local/tool/bin"],
            [("/usr/local/tool/bin", DirectoryFacts(real=Path("/srv/tool/bin")))],
            ["/srv/tool/bin"],
            id="where a link of the system leads to",
        ),
        pytest.param(["/run/current-system/sw/bin"], [], ["/run/current-system/sw/bin"], id="NixOS"),
        *(
            pytest.param([entry], [], [], id=f"never {entry}")
            for entry in (
                *("/", "/home", "/home/ada", "/home/bob", "/root", "/data/ada", "/data", "/etc", "/run", "/run/user/0"),
                *("/proc/1/root/bin", "/sys", "/dev", "/var", "/workspace", "/workspace/bin", "/tmp", "/tmp/home/bin"),
                *(
                    "/home/ada/.ssh",
                    "/home/ada/.aws/bin",
                    "/home/bob/.gnupg",
                    "/srv/x/.kube/bin",
                    "/home/ada/.config/x",
                ),
                *(
                    "/home/ada/.cargo",
                    "/home/ada/.local",
                    "/home/ada/.local/share",
                    "/home/ada/.m2",
                    "/root/.docker/bin",
                ),
            )
        ),
        pytest.param(["/srv/ci"], [holding("/srv/ci", ".netrc")], [], id="never what holds credentials"),
        pytest.param(
            ["/srv/link"],
            [("/srv/link", DirectoryFacts(real=Path("/home/ada/.ssh")))],
            [],
            id="never what leads to credentials",
        ),
    ],
)
def test_entries_of_the_path_lead_to_tool_chains(path, facts, shown):
    assert exposed(path=path, facts=facts) == shown


def test_prefixes_of_python_are_shown_with_the_interpreter_behind_them():
    facts = [holding("/home/ada/venv", "pyvenv.cfg", base="/home/ada/.local/share/uv/python/3.12")]

    shown = exposed(prefixes=["/home/ada/venv", "/usr"], facts=facts)
    assert shown == ["/home/ada/.local/share/uv/python/3.12", "/home/ada/venv"]


@pytest.mark.parametrize("base", ["/home/ada", "/home/ada/.config", "/", "/home/ada/venv"])
def test_a_virtual_environment_cannot_lead_to_what_must_not_be_shown(base):
    """Its configuration file may be anybody's."""
    facts = [holding("/home/ada/venv", "pyvenv.cfg", base=base)]

    assert exposed(prefixes=["/home/ada/venv"], facts=facts) == ["/home/ada/venv"]


def test_what_is_asked_for_by_name_is_shown():
    assert exposed(expose=["/srv/data", "/usr/share"]) == ["/srv/data"]


@pytest.mark.parametrize(
    ("path", "facts", "told"),
    [
        ("/home/ada", [], "/home/ada must not be shown in the sandbox: it is, or holds, a home directory. Name"),
        ("/", [], "it is, or holds, a home directory"),
        ("/home/ada/.ssh", [], "credentials are kept in .ssh"),
        ("/home/ada/.cargo", [], "credentials are kept in .cargo/credentials"),
        ("/srv/x/.aws/cli", [], "credentials are kept in .aws"),
        ("/srv/x", [holding("/srv/x", ".git-credentials")], "it holds .git-credentials"),
        ("/srv/x", [("/srv/x", DirectoryFacts(real=Path("/home/ada")))], "it is, or holds, a home directory"),
        ("/run/user/1000", [], "/run is closed"),
        ("/srv/x", [("/srv/x", DirectoryFacts())], "there is no such directory"),
        ("tools", [], "there is no such directory"),
    ],
)
def test_what_is_asked_for_and_must_not_be_shown_is_told(path, facts, told):
    with pytest.raises(UserError, match=told):
        exposed(expose=[path], facts=facts)


def test_a_service_with_credentials_and_a_home_among_the_systems_directories_are_hidden():
    facts = dict([holding("/opt/runner", ".credentials"), holding("/opt/go", "pyvenv.cfg")])
    homes = (Path("/opt/service"), Path("/root"))

    hidden = hidden_directories(map(Path, facts), homes, lambda path: facts[str(path)])
    assert hidden == (Path("/opt/runner"), Path("/opt/service"))


def test_tool_chains_in_what_is_hidden_are_shown_nevertheless():
    shown = exposed(path=["/opt/runner/node/bin", "/opt/go/bin"], hidden=["/opt/runner"])

    assert shown == ["/opt/runner/node/bin"]


def test_the_path_inside_has_what_can_be_seen_there_in_the_same_order():
    entries = ["/srv/venv/bin", "/opt/runner/bin", "/home/ada/x", "/usr/games", "/bin", "/srv/other", "/usr/bin"]

    path = path_inside(map(Path, entries), hidden=(Path("/opt/runner"),), exposed=(Path("/srv/venv"),))
    assert path == "/srv/venv/bin:/usr/games:/bin:/usr/bin:/usr/local/bin"


def test_the_environment_is_fixed():
    assert child_environment("/bin", home=Path("/h"), temporary=Path("/t")) == {
        "PATH": "/bin",
        "HOME": "/h",
        "TMPDIR": "/t",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "CI": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_facts_are_read_from_the_disk(tmp_path):
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("include-system-site-packages = false\nhome = /usr/lib/python/bin\n")
    (venv / ".npmrc").symlink_to("/nowhere")
    (tmp_path / "link").symlink_to(venv)

    assert look(tmp_path / "link") == DirectoryFacts(
        real=venv, holds=frozenset({"pyvenv.cfg", ".npmrc"}), base=Path("/usr/lib/python")
    )
    assert look(venv / "bin") == DirectoryFacts(real=venv / "bin")
    assert look(venv / "pyvenv.cfg") == look(tmp_path / "absent") == DirectoryFacts()


@pytest.mark.parametrize("configuration", ["", "home\n", "home = relative/bin\n", "home =\n"])
def test_a_configuration_without_an_absolute_home_leads_nowhere(tmp_path, configuration):
    (tmp_path / "pyvenv.cfg").write_text(configuration)

    assert look(tmp_path).base is None


def test_the_layout_of_this_machine_has_programs_but_no_secrets(tmp_path):
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / "tools").mkdir()
    environ = {"PATH": f"relative:{home}/x/../tools:{home}/.ssh:/usr/bin:"}

    layout = read_layout(environ=environ, home=home, prefixes=(), expose=())

    assert layout.exposed == (home / "tools",)
    assert layout.path == f"{home}/tools:/usr/bin:/usr/local/bin:/bin"
    assert Path("/usr") in layout.system
    assert Path("/etc/passwd") in layout.files
    shown = {*layout.system, *layout.files, *(path for path, _ in layout.links)}
    assert not {"/etc", "/etc/shadow", "/etc/ssl", "/etc/ssl/private", "/home", "/root", "/run", "/sys", "/"} & {
        *map(str, shown)
    }
