"""The run files under `.git/phasegate/`: documents, progress, details, transcripts, the lock. One run, one folder."""

import fcntl
import json
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from phasegate.documents.base import Digest, Document, digest_of
from phasegate.documents.chain import StoredDocument
from phasegate.documents.parsing import parse_document, parse_model
from phasegate.documents.progress import Progress
from phasegate.documents.progress_events import Event
from phasegate.documents.snapshot import Comment
from phasegate.documents.transitions import advance
from phasegate.doors.removal import remove_directory
from phasegate.errors import RefusedError, UserError

PROGRESS_FILE = "PROGRESS.json"
THREAD_FILE = "thread.jsonl"
MAX_PROGRESS_BYTES = 4 * 1024 * 1024
MAX_COMMENT_BYTES = 1024 * 1024
SCRATCH_PREFIX = "phasegate-"
SCRATCH_NOTE = "scratch"
_REMOVALS = 40
_BETWEEN_REMOVALS_SECONDS = 0.1
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
        content = _read(self.directory / PROGRESS_FILE)
        if content is None:
            raise UserError(
                f"There is no run {self.directory.name} here.",
                mend="`phasegate list` shows the runs of this repository.",
            )
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
        """Return a document. Raises `RefusedError` if it is missing or not, byte for byte, what its digest says."""
        name = _kind_name(kind)
        path = self.directory / "documents" / f"{name}-{digest}.json"
        content = _read(path)
        if content is None:
            raise RefusedError(f"The document {name} {digest[:12]} of run {self.directory.name} is missing.")
        if digest_of(content) != digest:
            raise RefusedError(
                f"The document {path.name} was changed after it was made.",
                mend=f"`phasegate audit {self.directory.name}` shows where the chain breaks.",
            )
        return parse_document(content, kind)

    def all(self, kind: type[_Doc]) -> tuple[_Doc, ...]:
        """Return every document of a kind, in the order of their digests."""
        named = (_kind_and_digest(file.stem) for file in self._files())
        return tuple(self.get(digest, kind) for name, digest in named if name == _kind_name(kind))

    def stored(self) -> tuple[StoredDocument, ...]:
        """Return every document as it lies on the disk, for an audit."""
        contents = ((file, _read(file)) for file in self._files())
        return tuple(
            StoredDocument(file.name, *_kind_and_digest(file.stem), content)
            for file, content in contents
            if content is not None
        )

    def _files(self) -> list[Path]:
        return sorted(file for file in (self.directory / "documents").glob("*.json") if file.is_file())

    def keep_details(self, name: str, text: str) -> None:
        """Keep a scout's details."""
        self._write(self.directory / "details" / name, text.encode())

    def details(self, name: str) -> str:
        """Return a scout's details; empty if there are none."""
        return (_read(self.directory / "details" / name) or b"").decode("utf-8", "replace")

    def all_details(self) -> tuple[tuple[str, str], ...]:
        """Return the name and the text of every details file."""
        files = sorted((self.directory / "details").glob("*.md"))
        return tuple((file.name, self.details(file.name)) for file in files)

    def note(self, transcript: str, entry: Sequence[tuple[str, str]]) -> None:
        """Append one line to a transcript."""
        path = self.directory / "transcripts" / f"{transcript}.jsonl"
        self._append(path, json.dumps(dict(entry), ensure_ascii=False))

    def add_comment(self, comment: Comment) -> None:
        """Append a comment to the run's thread."""
        self._append(self.directory / THREAD_FILE, comment.model_dump_json())

    def comments(self) -> tuple[Comment, ...]:
        """Return the run's thread, the oldest first. Raises `DocumentError` for a broken one."""
        lines = (_read(self.directory / THREAD_FILE) or b"").splitlines()
        return tuple(parse_model(line, Comment, max_bytes=MAX_COMMENT_BYTES) for line in lines)

    @contextmanager
    def locked(self) -> Iterator[Path]:
        """Work on the run: nobody else can meanwhile. Gives a directory for work trees, which is gone afterwards.

        The lock is the kernel's and ends with the process; what a killed process left is removed by the next one.
        Raises `RefusedError` if another process works on the run.
        """
        with self._lock():
            self._progress = None
            self._remove_scratch()
            scratch = self._make_scratch()
            try:
                yield scratch
            except BaseException:
                self._remove_scratch_from_under_threads()
                raise
            self._remove_scratch()

    def is_worked_on(self) -> bool:
        """Say whether some process works on the run right now."""
        with disk_trouble():
            lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with disk_trouble():
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RefusedError(f"Another process works on run {self.directory.name} right now.") from None
            yield
        finally:
            os.close(lock)

    def _make_scratch(self) -> Path:
        scratch = Path(tempfile.gettempdir()) / f"{SCRATCH_PREFIX}{secrets.token_hex(8)}"
        self._write(self.directory / SCRATCH_NOTE, os.fsencode(scratch))  # first, so that no kill makes us forget it
        with disk_trouble():
            scratch.mkdir(mode=0o700)
        return scratch

    def _remove_scratch(self) -> None:
        note = self.directory / SCRATCH_NOTE
        content = _read(note)
        if content is None:
            return
        scratch = Path(os.fsdecode(content))
        if scratch.name.startswith(SCRATCH_PREFIX):
            remove_directory(scratch)
        note.unlink(missing_ok=True)

    def _remove_scratch_from_under_threads(self) -> None:
        """Remove it though threads may still be at work in there: they end when they next look at what they do.

        What cannot be removed even so is left to the next process, which finds the note.
        """
        for _ in range(_REMOVALS):
            try:
                self._remove_scratch()
            except UserError:
                time.sleep(_BETWEEN_REMOVALS_SECONDS)
            else:
                return

    def _append(self, path: Path, line: str) -> None:
        with self._guard, disk_trouble():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{line}\n")

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all."""
        with disk_trouble():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).replace(path)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise


def _read(path: Path) -> bytes | None:
    """Return a file's content, None when there is none. Raises `UserError` when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"The run file {path} cannot be read: {error.strerror or error}.") from error


def _kind_name(kind: type[Document]) -> str:
    return str(kind.model_fields["kind"].default)


def _kind_and_digest(stem: str) -> tuple[str, str]:
    kind, _, digest = stem.rpartition("-")
    return kind, digest


@contextmanager
def disk_trouble() -> Iterator[None]:
    """Raise `UserError` for what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"A run file cannot be written: {error.strerror or error}.",
            cause="The disk is full, or the repository's .git directory is not writable.",
            mend="Make room, then `phasegate resume`: what was done is kept.",
        ) from error
