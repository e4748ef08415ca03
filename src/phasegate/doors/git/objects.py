"""Reads and writes a repository's objects through a git directory of our own, so that its configuration never counts.

That directory borrows the objects and nothing else: hooks, filters, attributes, replacements, grafts, includes and
promised remotes of the repository do not exist for a command that runs there. This holds for settings nobody thought
of, where overriding the known ones with `-c` would not.
"""

import hashlib
import io
import os
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from phasegate.documents.paths import check_repo_path
from phasegate.doors.git.program import Answer, GitProgram
from phasegate.errors import UserError

Sha = str
"""The full id of a git object: 40 hexadecimal digits, or 64 in a SHA-256 repository."""

EXECUTABLE, FILE, GITLINK, SYMLINK = "100755", "100644", "160000", "120000"
"""The modes that a tree's files can have; a gitlink is a submodule."""

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LISTED = re.compile(
    r"(?P<mode>\d{6}) (?P<kind>blob|commit|tree) (?P<oid>[0-9a-f]+) +(?P<size>\S+)\t(?P<path>.+)", re.DOTALL
)
_INCOMPLETE = {
    "cause": "The clone is a partial one (made with --filter), or the repository is damaged.",
    "mend": "Clone it again without --filter, or see what `git fsck` says.",
}


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a commit's tree. `size` is in bytes, 0 for a submodule; `path` is as git has it, unchecked."""

    path: str
    mode: str
    oid: Sha
    size: int


def check_sha(sha: str) -> Sha:
    """Return the id unchanged; raises `UserError` for anything but a full lower-case object id."""
    if _SHA.fullmatch(sha) is None:
        raise UserError(f"{sha!r} is not a full git object id.")
    return sha


@dataclass(frozen=True, slots=True)
class CommitNote:
    """What a commit says of itself: its parents, its author's time, its message."""

    parents: tuple[Sha, ...]
    when: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Pristine:
    """A git directory of our own that borrows a repository's objects."""

    program: GitProgram
    directory: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str, stdin: bytes = b"", environ: Mapping[str, str] | None = None) -> Answer:
        """Run one git command here and give its answer; raises `UserError` when it fails."""
        borrowed = {**self.environ, **(environ or {})}
        return self.program.run(*arguments, cwd=self.directory, environ=borrowed, stdin=stdin)


@dataclass(frozen=True, slots=True)
class GitObjects:
    """The objects of one repository: its common git directory, its object format, its `core.sharedRepository`."""

    program: GitProgram
    directory: Path
    object_format: str
    shared: str

    @contextmanager
    def pristine(
        self, *, head: str = "ref: refs/heads/none", core: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Pristine]:
        """Make a git directory of our own for the length of a block, with these `core` settings.

        Raises `UserError` when the disk refuses.
        """
        try:
            with tempfile.TemporaryDirectory(prefix="phasegate-git-", dir=self.program.temporary) as name:
                place = Path(name)
                (place / "refs").mkdir()
                (place / "HEAD").write_text(f"{head}\n")
                (place / "config").write_text(self._configuration(core))
                borrowed = {"GIT_DIR": name, "GIT_OBJECT_DIRECTORY": str(self.directory / "objects")}
                yield Pristine(self.program, place, borrowed)
        except OSError as error:
            what = f"The temporary directory cannot be used: {error}."
            raise UserError(what, mend="Make room there, or point TMPDIR elsewhere.") from error

    def _configuration(self, core: Mapping[str, str]) -> str:
        settings = {"bare": "true", "repositoryformatversion": "1", "sharedRepository": self.shared, **core}
        lines = "".join(f"\t{name} = {value}\n" for name, value in settings.items())
        return f"[core]\n{lines}[extensions]\n\tobjectformat = {self.object_format}\n"

    def blob_id(self, content: bytes) -> Sha:
        """The id that git gives a file with these bytes."""
        digest = hashlib.new(self.object_format, b"blob %d\0" % len(content), usedforsecurity=False)
        digest.update(content)
        return digest.hexdigest()

    def tree(self, commit: Sha) -> tuple[TreeEntry, ...]:
        """All files, symbolic links and submodules of a commit, in git's order.

        Raises `UserError` when the commit, or the size of one of its files, is not to be had.
        """
        with self.pristine() as bench:
            listing = bench.run("ls-tree", "-r", "-z", "-l", "--full-tree", check_sha(commit)).output
        return tuple(_entry(line) for line in listing.split(b"\0")[:-1])

    def read(self, commit: Sha, path: str) -> bytes | None:
        """A file's bytes at a commit (a symbolic link's target); None when there is none or it is no file."""
        try:
            check_repo_path(path)
        except ValueError:
            return None
        with self.pristine() as bench:
            listed = bench.run("ls-tree", "-z", "--full-tree", check_sha(commit), "--", path).output
            kind, oid = listed.split(b"\t")[0].split()[1:] if listed else (b"", b"")
            return bench.run("cat-file", "blob", oid.decode()).output if kind == b"blob" else None

    def note(self, commit: Sha) -> CommitNote:
        """What a commit says of itself; raises `UserError` without it."""
        with self.pristine() as bench:
            head, _, message = (
                bench.run("cat-file", "commit", check_sha(commit)).output.decode(errors="replace").partition("\n\n")
            )
        lines = [line.partition(" ") for line in head.split("\n")]
        author = next(value for name, _, value in lines if name == "author")
        seconds = int(author.rpartition(">")[2].split()[0])
        parents = tuple(value for name, _, value in lines if name == "parent")
        return CommitNote(parents, datetime.fromtimestamp(seconds, UTC), message)

    def blobs(self, oids: Iterable[Sha]) -> Generator[tuple[Sha, bytes], None, None]:
        """The bytes of these blobs, in their order, from one process; raises `UserError` for a missing one."""
        wanted = [check_sha(oid) for oid in oids]
        with self.pristine() as bench, (bench.directory / "wanted").open("w+b") as stdin:
            stdin.writelines(f"{oid}\n".encode() for oid in wanted)
            stdin.seek(0)
            command = ("cat-file", "--batch", "--buffer")
            with self.program.stream(*command, cwd=bench.directory, environ=bench.environ, stdin=stdin) as output:
                for oid in wanted:
                    yield oid, _next_blob(output, oid)

    def diff(self, base: Sha, head: Sha, paths: Sequence[str] = ()) -> str:
        """The unified difference of two commits, renames as removal and creation; binary files are named in a line.

        Attributes do not count: a repository cannot mark its source as binary to hide it from a reviewer.
        """
        form = ("--patch", "--full-index", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color")
        with self.pristine() as bench:
            answer = bench.run("diff-tree", "-r", *form, check_sha(base), check_sha(head), "--", *paths)
        return answer.output.decode(errors="replace")


def _entry(line: bytes) -> TreeEntry:
    found = _LISTED.fullmatch(os.fsdecode(line))
    if found is None:
        raise UserError(f"git ls-tree gave a line that is none of its own: {line!r}.")
    size = "0" if found["mode"] == GITLINK else found["size"]
    if not size.isdecimal():
        raise UserError(f"The content of {found['path']!r} is not in this clone.", **_INCOMPLETE)
    return TreeEntry(found["path"], found["mode"], found["oid"], int(size))


def _next_blob(output: io.BufferedReader, oid: Sha) -> bytes:
    header = output.readline()
    match header.split():
        case [found, b"blob", size] if found == oid.encode():
            content = output.read(int(size) + 1)
        case [_, b"missing"]:
            raise UserError(f"The blob {oid} is not in this clone.", **_INCOMPLETE)
        case [_, kind, _]:
            raise UserError(f"The object {oid} is no file but a {kind.decode()}.")
        case _:
            raise EOFError
    if len(content) != int(size) + 1:
        raise EOFError
    return content[:-1]
