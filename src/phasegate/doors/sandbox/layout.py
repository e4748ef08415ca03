"""What a sandboxed command can see: an allow-list of directories and files, decided from facts.

All is pure but for the last section, which gathers the facts.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from phasegate.errors import UserError

WORKSPACE = Path("/workspace")
"""Where the work tree is seen, and where commands start."""
TEMPORARY = Path("/tmp")  # noqa: S108 - inside the sandbox: new, and nobody else's
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - likewise
HOME = TEMPORARY / "home"
SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix/store")))
"""Programs and libraries of the system, seen read-only where they exist."""
SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin")

_SETTINGS = (
    *("alternatives", "crypto-policies", "fonts", "group", "host.conf", "hosts", "java-*"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "networks", "nsswitch.conf"),
    *("os-release", "passwd", "pki/ca-trust/extracted", "pki/tls/certs", "pki/tls/cert.pem", "protocols", "rpc"),
    *("services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone"),
)
"""What of /etc programs need to run at all: names, time zones, public certificates; nothing that is a secret."""
_CREDENTIALS = (
    *(".aws", ".azure", ".boto", ".cargo/credentials", ".cargo/credentials.toml", ".claude", ".config"),
    *(".credentials", ".docker", ".gem/credentials", ".git-credentials", ".gitconfig", ".gnupg"),
    *(".gradle/gradle.properties", ".kube", ".local/share/keyrings", ".m2/settings.xml", ".mozilla", ".netrc"),
    *(".npmrc", ".oci", ".password-store", ".pki", ".pypirc", ".ssh", ".terraform.d", ".vault-token"),
)
"""Where keys and tokens are kept, below a home directory or a service's own directory."""
_CLOSED = (*map(Path, ("/boot", "/dev", "/etc", "/proc", "/run", "/sys", "/var/run")), WORKSPACE, HOME)
"""Never shown, nor anything in them or above them: the kernel's and the services' doors, and the sandbox's own."""
_OPEN = Path("/run/current-system")  # NixOS keeps its programs there
_VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
_NODE_PACKAGES = "lib/node_modules"


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What is known of a path: where the directory really is (None: there is none), which telling names it holds, and
    the prefix of the interpreter behind it, if it is a virtual environment.
    """

    real: Path | None = None
    holds: frozenset[str] = frozenset()
    base: Path | None = None


Look = Callable[[Path], DirectoryFacts]


@dataclass(frozen=True, slots=True)
class Layout:
    """What is seen inside, all of it read-only: directories and files at the path they have outside.

    `system` and `files` come with the machine, `exposed` are tool chains, `hidden` are empty in spite of the former,
    `links` are top-level symbolic links with their targets; `path` is the PATH.
    """

    system: tuple[Path, ...]
    files: tuple[Path, ...]
    links: tuple[tuple[Path, str], ...]
    hidden: tuple[Path, ...]
    exposed: tuple[Path, ...]
    path: str


def exposed_directories(
    *,
    path_entries: Iterable[Path],
    prefixes: Iterable[Path],
    expose: Iterable[Path],
    homes: Sequence[Path],
    hidden: Sequence[Path],
    look: Look,
) -> tuple[Path, ...]:
    """Return the tool chains to show beyond the system's own directories, none inside another.

    `path_entries` and `prefixes` (Python's) lead to them; what must not be shown is skipped there. `expose` is what
    the user asks for by name: raises `UserError` if that is not absolute, not there, or must not be shown.
    """
    found = [place for path in expose for place in _asked_for(path, homes, look)]
    for choices in [*(_choices(entry, look) for entry in path_entries), *((prefix,) for prefix in prefixes)]:
        found += _tool_chain(choices, homes, look)
    shown = {path for path in found if not _is_system(path, hidden)}
    return tuple(sorted(path for path in shown if shown.isdisjoint(path.parents)))


def hidden_directories(candidates: Iterable[Path], homes: Sequence[Path], look: Look) -> tuple[Path, ...]:
    """Return what must be empty although it is in a directory of the system: homes, and services with credentials."""
    services = (look(path) for path in candidates)
    found = {facts.real for facts in services if facts.real and facts.holds.intersection(_CREDENTIALS)}
    return tuple(sorted(path for path in found.union(homes) if _is_system(path, ())))


def path_inside(path_entries: Iterable[Path], *, hidden: Sequence[Path], exposed: Sequence[Path]) -> str:
    """Return the PATH: the entries that can be seen inside, in their order, and the system's own."""
    seen = [
        str(entry)
        for entry in path_entries
        if _is_system(entry, hidden) or any(entry.is_relative_to(shown) for shown in exposed)
    ]
    return ":".join(dict.fromkeys([*seen, *SYSTEM_PATH]))


def child_environment(path: str, *, home: Path, temporary: Path) -> dict[str, str]:
    """Return the whole environment of a command that a model or a repository wrote: an allow-list with fixed values."""
    return {
        "PATH": path,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
        "CI": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _is_system(path: Path, hidden: Sequence[Path]) -> bool:
    return any(path.is_relative_to(shown) for shown in SYSTEM) and not any(path.is_relative_to(not_) for not_ in hidden)


def _choices(entry: Path, look: Look) -> tuple[Path, ...]:
    """Return what to show for an entry of PATH: programs in a `bin` often need what lies beside it."""
    beside = entry.name == "shims" or (
        entry.name == "bin" and look(entry.parent).holds.intersection((_VIRTUAL_ENVIRONMENT, _NODE_PACKAGES))
    )
    return (entry.parent, entry) if beside else (entry,)


def _tool_chain(choices: Iterable[Path], homes: Sequence[Path], look: Look) -> list[Path]:
    """Return the first choice that may be shown, where it really is, and the interpreter behind it."""
    for choice in choices:
        facts = look(choice)
        if facts.real and _refusal(choice, homes, facts) is None:
            base = look(facts.base) if facts.base else DirectoryFacts()
            behind = [facts.base, base.real] if facts.base and _refusal(facts.base, homes, base) is None else []
            return [path for path in (choice, facts.real, *behind) if path]
    return []


def _asked_for(path: Path, homes: Sequence[Path], look: Look) -> list[Path]:
    facts = look(path)
    if not path.is_absolute() or not facts.real:
        raise UserError(
            f"{path} cannot be shown in the sandbox: there is no such directory.",
            mend="Correct `sandbox: {expose: […]}` in .github/phasegate.yml, or make the directory.",
        )
    if reason := _refusal(path, homes, facts):
        raise UserError(
            f"{path} must not be shown in the sandbox: {reason}.",
            mend="Name a directory below it that holds programs only.",
        )
    return [path, facts.real]


def _refusal(path: Path, homes: Sequence[Path], facts: DirectoryFacts) -> str | None:
    """Say why a directory must not be seen inside, None when it may."""
    reasons = [f"it holds {name}" for name in sorted(facts.holds.intersection(_CREDENTIALS))]
    for place in (path, facts.real or path):
        if place.parent == Path("/home") or any(home.is_relative_to(place) for home in homes):
            reasons.append("it is, or holds, a home directory")
        reasons += [f"credentials are kept in {name}" for name in _CREDENTIALS if _meets(place, name, homes)]
        reasons += [f"{closed} is closed" for closed in _CLOSED if _opens(place, closed)]
    return reasons[0] if reasons else None


def _meets(place: Path, credentials: str, homes: Sequence[Path]) -> bool:
    """Say whether a place is, holds, or lies in a place of credentials."""
    return f"/{credentials}/" in f"{place}/" or any((home / credentials).is_relative_to(place) for home in homes)


def _opens(place: Path, closed: Path) -> bool:
    return closed.is_relative_to(place) or (place.is_relative_to(closed) and not place.is_relative_to(_OPEN))


def read_layout(*, environ: Mapping[str, str], home: Path, prefixes: Iterable[Path], expose: Iterable[Path]) -> Layout:
    """Return the layout for this machine. Raises `UserError` for an `expose` that must not be shown."""
    entries = [Path(os.path.normpath(entry)) for entry in environ.get("PATH", "").split(":") if entry.startswith("/")]
    homes = (home, home.resolve(), Path("/root"))
    hidden = hidden_directories(Path("/opt").glob("*"), homes, look)
    exposed = exposed_directories(
        path_entries=entries, prefixes=prefixes, expose=expose, homes=homes, hidden=hidden, look=look
    )
    links = {path: str(path.readlink()) for path in SYSTEM if path.is_symlink() and _is_system(path.resolve(), ())}
    found = [*SYSTEM, *(path for name in _SETTINGS for path in sorted(Path("/etc").glob(name)))]
    return Layout(
        system=tuple(path for path in found if path.is_dir() and path not in links),
        files=tuple(path for path in found if path.is_file() and os.access(path, os.R_OK)),
        links=tuple(links.items()),
        hidden=tuple(path for path in hidden if path.is_dir()),
        exposed=exposed,
        path=path_inside(entries, hidden=hidden, exposed=exposed),
    )


def look(path: Path) -> DirectoryFacts:
    """Return the facts about a path of this machine."""
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for what an ordinary user must not see
        return DirectoryFacts()
    telling = (*_CREDENTIALS, _VIRTUAL_ENVIRONMENT, _NODE_PACKAGES)
    return DirectoryFacts(
        real=path.resolve(),
        holds=frozenset(name for name in telling if os.path.lexists(path / name)),
        base=_base_prefix(path / _VIRTUAL_ENVIRONMENT),
    )


def _base_prefix(configuration: Path) -> Path | None:
    """Return the prefix a virtual environment was made from: the parent of its `home`, where the interpreter is."""
    try:
        lines = configuration.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    pairs = (line.partition("=") for line in lines)
    found = next((Path(value.strip()) for name, _, value in pairs if name.strip() == "home"), None)
    return found.parent if found and found.is_absolute() else None
