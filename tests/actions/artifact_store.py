"""The artifacts of one workflow run: immutable, found by name; tests may look into them and tamper with them."""

import fnmatch
import hashlib
import io
import itertools
import re
import shutil
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_ids = itertools.count(4001)  # GitHub's artifact ids are unique over all runs


class ArtifactError(Exception):
    """An upload or download that GitHub's actions would refuse."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One uploaded artifact. `directory` holds its files; whoever changes them there has tampered with it."""

    name: str
    id: int
    digest: str
    directory: Path
    job: str
    retention_days: int | None = None

    def files(self) -> dict[str, bytes]:
        """The files by their path within the artifact."""
        return {name: path.read_bytes() for name, path in _files_below(self.directory)}


class ArtifactStore(Mapping[str, Artifact]):
    """All artifacts of a run, over all its attempts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._artifacts: dict[str, Artifact] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Artifact:
        return self._artifacts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._artifacts))

    def __len__(self) -> int:
        return len(self._artifacts)

    def upload(
        self,
        name: str,
        files: Mapping[str, Path],
        *,
        job: str,
        retention_days: int | None = None,
        overwrite: bool = False,
    ) -> Artifact:
        """Keeps copies of the files, without their permissions, under a name that is free (or given up)."""
        if not name or re.search(r'[":<>|*?\r\n\\/]', name):
            raise ArtifactError(f"The artifact name is not valid: {name!r}")
        with self._lock:
            if name in self._artifacts and not overwrite:
                raise ArtifactError("(409) Conflict: an artifact with this name already exists on the workflow run")
            artifact = self._kept(name, files, job, retention_days)
            self._artifacts[name] = artifact
        return artifact

    def remove(self, name: str) -> None:
        """As if it had expired."""
        del self._artifacts[name]

    def matching(self, pattern: str) -> list[Artifact]:
        return [artifact for name, artifact in self._artifacts.items() if fnmatch.fnmatchcase(name, pattern or "*")]

    def _kept(self, name: str, files: Mapping[str, Path], job: str, retention_days: int | None) -> Artifact:
        number = next(_ids)
        directory = self._directory / str(number)
        directory.mkdir(parents=True)
        for inner, source in files.items():
            target = directory / inner
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        return Artifact(name, number, _digest(directory), directory, job, retention_days)


def download(artifact: Artifact, target: Path) -> None:
    """Puts an artifact's files there, over whatever is there."""
    for name, source in _files_below(artifact.directory):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / name)


def _files_below(directory: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield path.relative_to(directory).as_posix(), path


def _digest(directory: Path) -> str:
    """The SHA-256 of the archive that would have been sent."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for name, path in _files_below(directory):
            opened.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return hashlib.sha256(archive.getvalue()).hexdigest()
