"""Builds commits out of file contents with git's plumbing: no checkout, no filter, no hook, and no reference moved."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from phasegate.documents.paths import RepoPath, check_repo_path
from phasegate.doors.git.objects import EXECUTABLE, FILE, GitObjects, Pristine, Sha, check_sha
from phasegate.errors import RefusedError


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's new content, or its removal when `content` is None."""

    path: RepoPath
    content: bytes | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """Who a commit says made it."""

    name: str
    email: str


def build_commit(
    objects: GitObjects,
    *,
    parent: Sha,
    changes: Sequence[FileChange],
    message: str,
    author: Person,
    when: datetime,
) -> Sha:
    """Write a commit of `parent` with `changes` and give its id; the same input gives the same id.

    The changed paths are compared with the changes afterwards. Raises `RefusedError` for a path that is no path inside
    a repository, is named twice, is to be removed and absent, or would displace another (a file where a directory is).
    """
    _check_paths(changes)
    with objects.pristine() as bench:
        bench.run("read-tree", check_sha(parent))
        bench.run("update-index", "-z", "--index-info", stdin=_index_info(bench, changes, "0" * len(parent)))
        tree = bench.run("write-tree").line
        _check_result(bench, parent, tree, changes)
        stdin = message.encode(errors="replace")
        answer = bench.run("commit-tree", tree, "-p", parent, "-F", "-", stdin=stdin, environ=_people(author, when))
        return check_sha(answer.line)


def _check_paths(changes: Sequence[FileChange]) -> None:
    seen = set()
    for change in changes:
        try:
            check_repo_path(change.path)
        except ValueError as error:
            raise RefusedError(f"A commit cannot change this: {error}.") from error
        if change.path in seen:
            raise RefusedError(f"A commit cannot change {change.path!r} twice.")
        seen.add(change.path)


def _index_info(bench: Pristine, changes: Sequence[FileChange], nothing: Sha) -> bytes:
    """The input of `update-index`, with the contents stored."""
    written = [change for change in changes if change.content is not None]
    removals = [f"0 {nothing}\t{change.path}\0" for change in changes if change.content is None]
    additions = [
        f"{EXECUTABLE if change.executable else FILE} {oid}\t{change.path}\0"
        for change, oid in zip(written, _write_blobs(bench, written), strict=True)
    ]
    return "".join(removals + additions).encode()


def _write_blobs(bench: Pristine, changes: Sequence[FileChange]) -> list[Sha]:
    """Store the contents in one process, as they are; git reads them from files in our own directory."""
    names = [f"content-{number}" for number in range(len(changes))]
    for name, change in zip(names, changes, strict=True):
        (bench.directory / name).write_bytes(change.content or b"")
    listed = "".join(f"{name}\n" for name in names).encode()
    return bench.run("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=listed).line.split()


def _check_result(bench: Pristine, parent: Sha, tree: Sha, changes: Sequence[FileChange]) -> None:
    listing = bench.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", parent, tree).output
    changed = {os.fsdecode(name) for name in listing.split(b"\0")[:-1]}
    if displaced := sorted(changed - {change.path for change in changes}):
        raise RefusedError(
            f"The change would displace {displaced[0]!r}, which it does not name.",
            cause="A file is to be made where a directory is, or below a path that is a file.",
        )
    if absent := [change.path for change in changes if change.content is None and change.path not in changed]:
        raise RefusedError(f"{absent[0]!r} is to be removed, but {parent} does not have it.")


def _people(author: Person, when: datetime) -> dict[str, str]:
    if when.tzinfo is None:
        raise ValueError("a commit's time needs its time zone")
    date = f"@{int(when.timestamp())} {f'{when:%z}'[:5]}"  # git knows no seconds in a time zone
    return {
        f"GIT_{role}_{field}": value
        for role in ("AUTHOR", "COMMITTER")
        for field, value in (("NAME", author.name), ("EMAIL", author.email), ("DATE", date))
    }
