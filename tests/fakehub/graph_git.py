"""GraphQL's view of refs, commits and files."""

from typing import Any

from fakehub.access import READ_CONTENTS
from fakehub.graph_access import Viewer
from fakehub.state import Repository

Fields = dict[str, Any]
_KINDS = {"commit": "Commit", "tree": "Tree", "blob": "Blob", "tag": "Tag"}


def ref_fields(repository: Repository, name: str, oid: str) -> Fields:
    """A ref; its `name` goes without the prefix, as GitHub has it."""
    prefix = next((part for part in ("refs/heads/", "refs/tags/") if name.startswith(part)), "refs/")
    return {
        "id": f"REF_{name}",
        "name": name.removeprefix(prefix),
        "prefix": prefix,
        "target": _git_object(repository, oid),
    }


def object_fields(viewer: Viewer, repository: Repository, given: Fields) -> Fields | None:
    """What an expression such as `main:README.md` stands for, or None."""
    viewer.demand(READ_CONTENTS, repository)
    expression = given.get("expression") or given.get("oid") or ""
    oid = repository.git.resolve(expression)
    return _git_object(repository, oid) if oid else None


def _git_object(repository: Repository, oid: str) -> Fields:
    kind = repository.git.kind(oid)
    assert kind, f"{oid} is not in the repository"
    fields = {"__typename": _KINDS[kind], "oid": oid, "id": f"O_{oid}", "abbreviatedOid": oid[:7]}
    return fields | (_blob_fields(repository.git.blob(oid)) if kind == "blob" else {})


def _blob_fields(data: bytes) -> Fields:
    binary = b"\0" in data
    return {
        "byteSize": len(data),
        "isBinary": binary,
        "isTruncated": False,
        "text": None if binary else data.decode(errors="replace"),
    }
