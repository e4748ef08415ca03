"""REST: refs and contents, read from and written to the real git repository."""

from base64 import encodebytes
from typing import Any

from fakehub.access import READ_CONTENTS, WRITE_CONTENTS
from fakehub.bare_repository import ZERO
from fakehub.state import Push, Repository
from fakehub.wire import ApiError, Asked, Reply, not_found, route
from fakehub.writes import follow_heads

_GIT = "/repos/{owner}/{repo}/git"


def _render_ref(asked: Asked, name: str, oid: str) -> dict[str, Any]:
    base = f"{asked.hub.api_url}/repos/{asked.repository.full_name}/git"
    kind = asked.repository.git.kind(oid)
    return {
        "ref": name,
        "node_id": f"REF_{name}",
        "url": f"{base}/{name}",
        "object": {"type": kind, "sha": oid, "url": f"{base}/{kind}s/{oid}"},
    }


@route("GET", _GIT + "/ref/{ref}", READ_CONTENTS)
def get_ref(asked: Asked) -> Reply:
    name = f"refs/{asked.parameters['ref']}"
    oid = asked.repository.git.refs().get(name)
    if oid is None:
        raise not_found()
    return Reply(200, _render_ref(asked, name, oid))


@route("GET", _GIT + "/matching-refs/{ref}", READ_CONTENTS)
def list_refs(asked: Asked) -> Reply:
    refs = asked.repository.git.refs(f"refs/{asked.parameters['ref']}")
    return asked.page([_render_ref(asked, name, oid) for name, oid in refs.items()])


def move_refs(asked_by: str, hub: Any, repository: Repository, changes: dict[str, tuple[str, str | None]]) -> None:
    """Set refs (new id, expected id), remember it like a push, and let pull requests follow."""
    before = {name: repository.git.resolve(name) or ZERO for name in changes}
    repository.git.update(changes)
    for name, (new, _) in changes.items():
        repository.pushes.append(Push(asked_by, name, before[name], new))
        follow_heads(hub, repository, name.removeprefix("refs/heads/"))


def _known_object(asked: Asked) -> str:
    sha = asked.body["sha"]
    if asked.repository.git.kind(sha) is None:
        raise ApiError(422, "Object does not exist")
    return sha


@route("POST", _GIT + "/refs", WRITE_CONTENTS)
def make_ref(asked: Asked) -> Reply:
    name, sha = asked.body["ref"], _known_object(asked)
    if not name.startswith("refs/") or name.count("/") < 2:
        raise ApiError(422, "Reference name is invalid")
    if asked.repository.git.resolve(name):
        raise ApiError(422, "Reference already exists")
    move_refs(asked.login, asked.hub, asked.repository, {name: (sha, ZERO)})
    shown = _render_ref(asked, name, sha)
    return Reply(201, shown, {"Location": shown["url"]})


@route("PATCH", _GIT + "/refs/{ref}", WRITE_CONTENTS)
def move_ref(asked: Asked) -> Reply:
    name, sha, git = f"refs/{asked.parameters['ref']}", _known_object(asked), asked.repository.git
    old = git.resolve(name)
    if old is None:
        raise ApiError(422, "Reference does not exist")
    if not asked.body.get("force", False) and not git.is_ancestor(old, sha):
        raise ApiError(422, "Update is not a fast forward")
    move_refs(asked.login, asked.hub, asked.repository, {name: (sha, None)})
    return Reply(200, _render_ref(asked, name, sha))


@route("DELETE", _GIT + "/refs/{ref}", WRITE_CONTENTS)
def remove_ref(asked: Asked) -> Reply:
    name = f"refs/{asked.parameters['ref']}"
    if asked.repository.git.resolve(name) is None:
        raise ApiError(422, "Reference does not exist")
    move_refs(asked.login, asked.hub, asked.repository, {name: (ZERO, None)})
    return Reply(204)


@route("GET", "/repos/{owner}/{repo}/contents/{path}", READ_CONTENTS)
def get_contents(asked: Asked) -> Reply:
    repository, path = asked.repository, asked.parameters["path"].strip("/")
    wanted = asked.query.get("ref", repository.default_branch)
    commit = repository.git.resolve(f"{wanted}^{{commit}}")
    if commit is None:
        raise ApiError(404, f"No commit found for the ref {wanted}")
    folder, _, name = path.rpartition("/")
    entry = (repository.git.entries(commit, folder) or {}).get(name)
    if entry is None:
        raise not_found()
    if entry[1] != "tree":
        return Reply(200, _render_entry(asked, path, entry, content=True))
    inside = repository.git.entries(commit, path) or {}
    return Reply(200, [_render_entry(asked, f"{path}/{name}", entry) for name, entry in inside.items()])


def _render_entry(asked: Asked, path: str, entry: tuple[str, str, str], *, content: bool = False) -> dict[str, Any]:
    _, kind, oid = entry
    base = f"{asked.hub.api_url}/repos/{asked.repository.full_name}"
    data = asked.repository.git.blob(oid) if kind == "blob" else b""
    links = {
        "self": f"{base}/contents/{path}?ref={asked.query.get('ref', asked.repository.default_branch)}",
        "git": f"{base}/git/{kind}s/{oid}",
        "html": f"{asked.hub.url}/{asked.repository.full_name}/{kind}/{asked.repository.default_branch}/{path}",
    }
    text = {"content": encodebytes(data).decode(), "encoding": "base64"} if content else {}
    return text | {
        "type": "file" if kind == "blob" else "dir",
        "size": len(data),
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": oid,
        "url": links["self"],
        "git_url": links["git"],
        "html_url": links["html"],
        "download_url": links["html"].replace("/blob/", "/raw/") if kind == "blob" else None,
        "_links": links,
    }
