"""GraphQL mutations."""

from base64 import b64decode
from typing import Any

from fakehub import writes
from fakehub.access import COMMENT, WRITE_CONTENTS, WRITE_PULLS
from fakehub.bare_repository import ZERO, GitRefusedError
from fakehub.graph_access import GraphError, Viewer
from fakehub.graph_fields import branch_fields, comment_fields, thread_fields
from fakehub.graph_git import object_fields
from fakehub.rest_refs import move_refs
from fakehub.state import Comment, Repository

Fields = dict[str, Any]
_CONTENTS = {
    "THUMBS_UP": "+1", "THUMBS_DOWN": "-1", "LAUGH": "laugh", "CONFUSED": "confused", "HEART": "heart",
    "HOORAY": "hooray", "EYES": "eyes", "ROCKET": "rocket",
}  # fmt: skip


def mutation_fields(viewer: Viewer) -> Fields:
    """What a mutation can begin with."""
    table = {
        "markPullRequestReadyForReview": lambda viewer, given: _set_draft(viewer, given, draft=False),
        "convertPullRequestToDraft": lambda viewer, given: _set_draft(viewer, given, draft=True),
        "minimizeComment": _minimize,
        "unminimizeComment": _unminimize,
        "addComment": _add_comment,
        "updateIssueComment": _update_comment,
        "addReaction": _add_reaction,
        "updateRefs": _update_refs,
        "createCommitOnBranch": _create_commit,
    }

    def bind(work: Any) -> Any:
        def carry_out(given: Fields) -> Fields:
            wanted = given["input"]
            return {"clientMutationId": wanted.get("clientMutationId"), **work(viewer, wanted)}

        return carry_out

    return {name: bind(work) for name, work in table.items()}


def _set_draft(viewer: Viewer, given: Fields, *, draft: bool) -> Fields:
    repository, issue = viewer.thread_by_id(given["pullRequestId"])
    viewer.demand(WRITE_PULLS, repository, on_pull=True)
    writes.set_draft(viewer.hub, repository, issue, viewer.token.login, draft=draft)
    return {"pullRequest": thread_fields(viewer, repository, issue)}


def _comment(viewer: Viewer, node_id: str) -> tuple[Repository, Comment]:
    repository, comment = viewer.comment_by_id(node_id)
    viewer.demand(COMMENT, repository, on_pull=bool(repository.issues[comment.number].pull))
    return repository, comment


def _minimize(viewer: Viewer, given: Fields) -> Fields:
    repository, comment = _comment(viewer, given["subjectId"])
    comment.minimized = given["classifier"]
    return {"minimizedComment": comment_fields(viewer, repository, comment)}


def _unminimize(viewer: Viewer, given: Fields) -> Fields:
    repository, comment = _comment(viewer, given["subjectId"])
    comment.minimized = None
    return {"unminimizedComment": comment_fields(viewer, repository, comment)}


def _add_comment(viewer: Viewer, given: Fields) -> Fields:
    repository, issue = viewer.thread_by_id(given["subjectId"])
    viewer.demand(COMMENT, repository, on_pull=bool(issue.pull))
    comment = writes.add_comment(viewer.hub, repository, issue, viewer.token.login, given["body"])
    position = str(len(repository.thread(issue.number)))
    return {
        "commentEdge": {"cursor": position, "node": comment_fields(viewer, repository, comment)},
        "subject": thread_fields(viewer, repository, issue),
    }


def _update_comment(viewer: Viewer, given: Fields) -> Fields:
    repository, comment = _comment(viewer, given["id"])
    if not viewer.token.is_app and not writes.may_edit(repository, comment, viewer.token.login):
        raise GraphError("FORBIDDEN", f"{viewer.token.login} does not have the correct permissions")
    writes.edit_comment(viewer.hub, repository, comment, viewer.token.login, given["body"])
    return {"issueComment": comment_fields(viewer, repository, comment)}


def _add_reaction(viewer: Viewer, given: Fields) -> Fields:
    if given["subjectId"].startswith("IC_"):
        _, written = _comment(viewer, given["subjectId"])
    else:
        repository, written = viewer.thread_by_id(given["subjectId"])
        viewer.demand(COMMENT, repository, on_pull=bool(written.pull))
    reaction, _ = writes.react(viewer.hub, written, viewer.token.login, _CONTENTS[given["content"]])
    return {"reaction": {"id": f"REA_{reaction.id}", "databaseId": reaction.id, "content": given["content"]}}


def _update_refs(viewer: Viewer, given: Fields) -> Fields:
    """All refs or none, each only from the id it is said to have; `force` allows to lose commits."""
    repository = viewer.repository_by_id(given["repositoryId"])
    viewer.demand(WRITE_CONTENTS, repository)
    changes = {}
    for wanted in given["refUpdates"]:
        name, new, old = wanted["name"], wanted["afterOid"], repository.git.resolve(wanted["name"])
        if new != ZERO and repository.git.kind(new) is None:
            raise GraphError("NOT_FOUND", f"Could not resolve to a commit with the oid '{new}'.")
        if old and new != ZERO and not wanted.get("force") and not repository.git.is_ancestor(old, new):
            raise GraphError("UNPROCESSABLE", f"{name}: the update is not a fast-forward.")
        changes[name] = (new, wanted.get("beforeOid"))
    try:
        move_refs(viewer.token.login, viewer.hub, repository, changes)
    except GitRefusedError as error:
        raise GraphError("UNPROCESSABLE", f"A ref is not what it was expected to be: {error}") from error
    return {}


def _create_commit(viewer: Viewer, given: Fields) -> Fields:
    """One commit on a branch that is where it is said to be."""
    branch = given["branch"]
    repository = viewer.repository(*branch["repositoryNameWithOwner"].split("/"))
    viewer.demand(WRITE_CONTENTS, repository)
    name = branch["branchName"].removeprefix("refs/heads/")
    tip = repository.git.resolve(f"refs/heads/{name}")
    if tip != given["expectedHeadOid"]:
        text = f'Expected branch to point to "{given["expectedHeadOid"]}" but it did not. Pull and try again.'
        raise GraphError("STALE_DATA", text)
    changes = given.get("fileChanges") or {}
    added = {item["path"]: b64decode(item["contents"]) for item in changes.get("additions", [])}
    files = added | {item["path"]: None for item in changes.get("deletions", [])}
    message = "\n\n".join(filter(None, (given["message"]["headline"], given["message"].get("body"))))
    commit = repository.git.commit_files(name, files, message, viewer.token.login)
    writes.follow_heads(viewer.hub, repository, name)
    return {
        "commit": object_fields(viewer, repository, {"oid": commit}),
        "ref": branch_fields(viewer, repository, f"refs/heads/{name}", commit),
    }
