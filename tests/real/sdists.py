"""Source distributions by name and exact version: fetched with pip as it is set up here, and held to their hashes.

Nothing is skipped when that fails: `DownloadError` says what pip said.
"""

import fcntl
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES, TOOLS = HERE / "packages.txt", HERE / "tools.txt"
SECONDS = 300

_PIN = re.compile(r"^([a-z0-9-]+)==(\S+) \\\n    --hash=sha256:([0-9a-f]{64})$", re.MULTILINE)
_PIP_READS = ("PIP_", "SSL_", "LC_", "XDG_C")
_PIP_READS_TOO = frozenset({"HOME", "LANG", "PATH", "REQUESTS_CA_BUNDLE", "TMPDIR"})


class DownloadError(AssertionError):
    """What the tests need could not be had."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What was fetched: the archives, and a directory of tools for PYTHONPATH."""

    archives: Path
    tools: Path
    packages: Path = PACKAGES

    def files(self, name: str) -> dict[str, bytes]:
        """Return a package's files by their path below its top directory."""
        pinned = {pin: sha for pin, _, sha in _PIN.findall(self.packages.read_text("utf-8"))}
        found = {sha256(path.read_bytes()).hexdigest(): path for path in self.archives.iterdir()}
        with tarfile.open(found[pinned[name]]) as archive:
            return {member.name.partition("/")[2]: _content(archive, member) for member in archive if member.isfile()}


def pip_environ(caller: Mapping[str, str]) -> dict[str, str]:
    """Return what pip may see of the caller's environment: its index, proxy and cache, and no keys of others."""
    return {
        name: value
        for name, value in caller.items()
        if name.startswith(_PIP_READS) or name in _PIP_READS_TOO or name.lower().endswith("_proxy")
    }


def fetch(directory: Path, environ: Mapping[str, str], packages: Path = PACKAGES) -> Shelf:
    """Return the shelf in a directory that several processes may share; what is missing is fetched.

    `environ` is pip's. Raises `DownloadError`.
    """
    shelf = Shelf(directory / "archives", directory / "tools", packages)
    with _alone(directory):
        # Wheels alone: nothing is built to build with. Reading an sdist's metadata runs its build backend, so these
        # are pinned too, and pip does not look for other ones (no build isolation).
        _put(shelf.tools, TOOLS, ("install", "--only-binary", ":all:", "--target"), environ)
        reading = {**environ, "PYTHONPATH": str(shelf.tools)}
        _put(shelf.archives, packages, ("download", "--no-binary", ":all:", "--no-build-isolation", "--dest"), reading)
    return shelf


def _put(target: Path, requirements: Path, command: tuple[str, ...], environ: Mapping[str, str]) -> None:
    """Fill a directory, whole or not at all."""
    if target.exists():
        return
    parts = target.with_suffix(".part")
    shutil.rmtree(parts, ignore_errors=True)
    common = ("--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--require-hashes")
    argv = (sys.executable, "-m", "pip", *command, str(parts), *common, "--requirement", str(requirements))
    try:
        subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=SECONDS, check=True)
    except subprocess.SubprocessError as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else ""
        raise DownloadError(
            f"pip could not fetch {requirements.name} for the tests on real packages: {error}\n{said[-3000:]}\n"
            "They need the package index that pip is set up with. `make test` runs all the others without it."
        ) from None
    parts.rename(target)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None, member.name
    with file:
        return file.read()


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Let one process at a time work on a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
