"""REST: the newest release, and commits."""

from typing import Any

from fakehub.access import READ_CONTENTS
from fakehub.clock import stamp
from fakehub.rendering import render_user
from fakehub.wire import ApiError, Asked, Reply, not_found, route


@route("GET", "/repos/{owner}/{repo}/releases/latest", READ_CONTENTS)
def get_latest_release(asked: Asked) -> Reply:
    tag = asked.repository.latest_release
    if tag is None:
        raise not_found()
    return Reply(200, _render_release(asked, tag))


def _render_release(asked: Asked, tag: str) -> dict[str, Any]:
    base = f"{asked.hub.api_url}/repos/{asked.repository.full_name}"
    moment = stamp(asked.repository.created_at)
    return {
        "id": 1,
        "node_id": "RE_1",
        "url": f"{base}/releases/1",
        "assets_url": f"{base}/releases/1/assets",
        "upload_url": f"{base}/releases/1/assets{{?name,label}}",
        "tarball_url": f"{base}/tarball/{tag}",
        "zipball_url": f"{base}/zipball/{tag}",
        "html_url": f"{asked.hub.url}/{asked.repository.full_name}/releases/tag/{tag}",
        "author": render_user(asked.hub, asked.repository.owner.login),
        "name": tag,
        "tag_name": tag,
        "target_commitish": asked.repository.default_branch,
        "draft": False,
        "prerelease": False,
        "assets": [],
        "created_at": moment,
        "published_at": moment,
    }


@route("GET", "/repos/{owner}/{repo}/commits/{ref}", READ_CONTENTS)
def get_commit(asked: Asked) -> Reply:
    name, git = asked.parameters["ref"], asked.repository.git
    oid = git.resolve(f"{name}^{{commit}}")
    if oid is None:
        raise ApiError(422, f"No commit found for SHA: {name}")
    return Reply(200, _render_commit(asked, oid))


def _render_commit(asked: Asked, oid: str) -> dict[str, Any]:
    base = f"{asked.hub.api_url}/repos/{asked.repository.full_name}"
    html = f"{asked.hub.url}/{asked.repository.full_name}/commit"
    tree, parents, message = asked.repository.git.commit(oid)
    return {
        "sha": oid,
        "node_id": f"C_{oid}",
        "url": f"{base}/commits/{oid}",
        "html_url": f"{html}/{oid}",
        "comments_url": f"{base}/commits/{oid}/comments",
        "author": None,  # no account has this address
        "committer": None,
        "parents": [{"sha": sha, "url": f"{base}/commits/{sha}", "html_url": f"{html}/{sha}"} for sha in parents],
        "commit": {
            "url": f"{base}/git/commits/{oid}",
            "author": None,
            "committer": None,
            "message": message,
            "comment_count": 0,
            "tree": {"sha": tree, "url": f"{base}/git/trees/{tree}"},
        },
    }
