"""The run files under `.git/phasegate/`: documents, progress, details, transcripts, the lock. One run, one folder."""

import fcntl
import json
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from phasegate.documents.base import Digest, Document
from phasegate.documents.chain import StoredDocument
from phasegate.documents.parsing import parse_document, parse_model
from phasegate.documents.progress import Progress
from phasegate.documents.progress_events import Event
from phasegate.documents.transitions import advance
from phasegate.doors.removal import remove_directory
from phasegate.errors import RefusedError, UserError

PROGRESS_FILE = "PROGRESS.json"
MAX_PROGRESS_BYTES = 4 * 1024 * 1024
SCRATCH_PREFIX = "phasegate-"
_Doc = TypeVar("_Doc", bound=Document)


class RunStore:
    """One run's files. Several threads may share one; two processes may not work on one run (`locked`)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._guard = threading.RLock()
        self._progress: Progress | None = None

    @property
    def progress(self) -> Progress:
        """Return where the run is. Raises `UserError` when there is no such run, `DocumentError` for a broken file."""
        with self._guard:
            if self._progress is None:
                self._progress = self._read_progress()
            return self._progress

    def _read_progress(self) -> Progress:
        try:
            content = (self.directory / PROGRESS_FILE).read_bytes()
        except FileNotFoundError:
            raise UserError(
                f"There is no run {self.directory.name} here.",
                mend="`phasegate list` shows the runs of this repository.",
            ) from None
        return parse_model(content, Progress, max_bytes=MAX_PROGRESS_BYTES)

    def begin(self, progress: Progress) -> None:
        """Write the first progress of a run."""
        with self._guard:
            self._save(progress)

    def advance(self, *events: Event) -> Progress:
        """Apply events and write the progress, all or none. Raises `IllegalTransitionError`."""
        with self._guard:
            progress = self.progress
            for event in events:
                progress = advance(progress, event)
            self._save(progress)
            return progress

    def _save(self, progress: Progress) -> None:
        self._write(self.directory / PROGRESS_FILE, progress.model_dump_json(indent=1).encode())
        self._progress = progress

    def put(self, document: Document) -> Digest:
        """Keep a document; return its digest."""
        digest = document.digest
        self._write(self.directory / "documents" / f"{document.kind}-{digest}.json", document.to_bytes())
        return digest

    def get(self, digest: Digest, kind: type[_Doc]) -> _Doc:
        """Return a document. Raises `DocumentError` if it is missing or not what its digest says."""
        name = kind.model_fields["kind"].default
        path = self.directory / "documents" / f"{name}-{digest}.json"
        try:
            document = parse_document(path.read_bytes(), kind)
        except FileNotFoundError:
            raise RefusedError(f"The document {name} {digest[:12]} of run {self.directory.name} is missing.") from None
        if document.digest != digest:
            raise RefusedError(
                f"The document {path.name} was changed after it was made.",
                mend=f"`phasegate audit {self.directory.name}` shows where the chain breaks.",
            )
        return document

    def all(self, kind: type[_Doc]) -> tuple[_Doc, ...]:
        """Return every document of a kind."""
        name = kind.model_fields["kind"].default
        return tuple(self.get(stored.digest, kind) for stored in self.stored() if stored.kind == name)

    def stored(self) -> tuple[StoredDocument, ...]:
        """Return every document as it lies on the disk, for an audit."""
        files = sorted((self.directory / "documents").glob("*.json"))
        return tuple(
            StoredDocument(file.name, *_kind_and_digest(file.stem), file.read_bytes())
            for file in files
            if file.is_file()
        )

    def keep_details(self, name: str, text: str) -> None:
        """Keep a scout's details."""
        self._write(self.directory / "details" / name, text.encode())

    def details(self, name: str) -> str:
        """Return a scout's details; empty if there are none."""
        with suppress(FileNotFoundError):
            return (self.directory / "details" / name).read_text("utf-8")
        return ""

    def note(self, transcript: str, entry: Sequence[tuple[str, str]]) -> None:
        """Append one line to a transcript."""
        path = self.directory / "transcripts" / f"{transcript}.jsonl"
        with self._guard, _disk_trouble():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(json.dumps(dict(entry), ensure_ascii=False) + "\n")

    @contextmanager
    def locked(self) -> Iterator[Path]:
        """Work on the run: nobody else can meanwhile. Gives a directory for work trees, which is gone afterwards.

        The lock is the kernel's and ends with the process; what a killed process left is removed by the next one.
        Raises `RefusedError` if another process works on the run.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._progress = None
            self._remove_scratch()
            scratch = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX))
            try:
                self._write(self.directory / "scratch", os.fsencode(scratch))
                yield scratch
            finally:
                self._remove_scratch()
        except BlockingIOError:
            raise RefusedError(f"Another process works on run {self.directory.name} right now.") from None
        finally:
            os.close(lock)

    def _remove_scratch(self) -> None:
        note = self.directory / "scratch"
        with suppress(FileNotFoundError):
            scratch = Path(os.fsdecode(note.read_bytes()))
            if scratch.name.startswith(SCRATCH_PREFIX) and not scratch.is_symlink() and scratch.is_dir():
                remove_directory(scratch)
            note.unlink()

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all."""
        with _disk_trouble():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                    os.replace(file.name, path)  # noqa: PTH105 -- the pair of NamedTemporaryFile
                except BaseException:
                    os.unlink(file.name)  # noqa: PTH108 -- as above
                    raise


def _kind_and_digest(stem: str) -> tuple[str, str]:
    kind, _, digest = stem.rpartition("-")
    return kind, digest


@contextmanager
def _disk_trouble() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"A run file cannot be written: {error.strerror or error}.",
            cause="The disk is full, or the repository's .git directory is not writable.",
            mend="Make room, then `phasegate resume`: what was done is kept.",
        ) from error
