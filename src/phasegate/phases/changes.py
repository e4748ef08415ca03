"""What was changed: from a work tree, or between two commits, into entries that can be checked and carried."""

import base64
from collections.abc import Sequence
from typing import Literal

from phasegate.documents.base import Sha, digest_of
from phasegate.documents.change_set import ChangeEntry
from phasegate.documents.parsing import DocumentError
from phasegate.documents.paths import check_repo_path
from phasegate.documents.plan import Operation
from phasegate.doors.git.repository import FileChange, Git, TreeEntry
from phasegate.doors.work_tree import WorkChange

_PLAIN_MODES = frozenset({"100644", "100755"})


def entry_of(change: WorkChange) -> ChangeEntry:
    """Return a changed file as an entry. Raises `DocumentError` for links, odd modes and odd paths."""
    try:
        check_repo_path(change.path)
    except ValueError as error:
        raise DocumentError(f"{change.path!r} cannot be changed: {error}") from None
    if change.op != "delete" and change.mode not in _PLAIN_MODES:
        raise DocumentError(f"{change.path} became something other than a plain file (mode {change.mode})")
    return ChangeEntry.model_validate(
        {
            "path": change.path,
            "op": Operation(change.op),
            "mode": change.mode or None,
            "old_blob": change.old_oid,
            "sha256": digest_of(change.content) if change.content is not None else None,
            "content": base64.b64encode(change.content).decode() if change.content is not None else None,
        }
    )


def file_changes(entries: Sequence[ChangeEntry]) -> list[FileChange]:
    """Return entries as the git door takes them."""
    return [
        FileChange(entry.path, None if entry.content is None else entry.data(), executable=entry.mode == "100755")
        for entry in entries
    ]


def entries_between(git: Git, base: Sha, head: Sha, *, leave_out: frozenset[str]) -> list[ChangeEntry]:
    """Return what differs between two commits, but for our own files. Raises `DocumentError` as `entry_of` does."""
    old = {entry.path: entry for entry in git.tree(base)}
    new = {entry.path: entry for entry in git.tree(head)}
    paths = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path) and path not in leave_out)
    wanted = [new[path].oid for path in paths if path in new]
    contents = dict(git.blobs(dict.fromkeys(wanted)))
    return [entry_of(_change(path, old.get(path), new.get(path), contents)) for path in paths]


def _change(path: str, old: TreeEntry | None, new: TreeEntry | None, contents: dict[Sha, bytes]) -> WorkChange:
    op: Literal["create", "modify", "delete"] = "create" if old is None else "delete" if new is None else "modify"
    return WorkChange(
        path=path,
        op=op,
        mode=new.mode if new else "",
        content=contents[new.oid] if new else None,
        old_oid=old.oid if old else None,
        old_mode=old.mode if old else "",
    )
