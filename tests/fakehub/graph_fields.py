"""The fields of GraphQL objects: each object is a dict of values and of functions of the field's arguments."""

from collections.abc import Callable, Sequence
from typing import Any

from fakehub.access import READ_CONTENTS, READ_ISSUES, READ_LABELS, READ_PULLS
from fakehub.clock import stamp
from fakehub.graph_access import GraphError, Viewer
from fakehub.graph_git import object_fields, ref_fields
from fakehub.rendering_threads import association, thread_html_url
from fakehub.state import GHOST, Comment, Edit, Issue, Label, Repository

Fields = dict[str, Any]
_TOO_LARGE = 2**31


def query_fields(viewer: Viewer) -> Fields:
    """What a query can begin with."""
    return {
        "viewer": {"login": viewer.token.login, "databaseId": viewer.hub.account(viewer.token.login).id,
                   "id": viewer.hub.account(viewer.token.login).node_id, "__typename": "User"},
        "repository": lambda given: repository_fields(viewer, viewer.repository(given["owner"], given["name"])),
    }  # fmt: skip


def connection(items: Sequence[Any], render: Callable[[Any], Fields], given: Fields) -> Fields:
    """A page of a list. Cursors are positions, written as text."""
    start, end = int(given.get("after") or 0), int(given.get("before") or len(items) + 1) - 1
    if given.get("first") is not None:
        end = min(end, start + given["first"])
    elif given.get("last") is not None:
        start = max(start, end - given["last"])
    page = [render(item) for item in items[start:end]]
    return {
        "totalCount": len(items),
        "nodes": page,
        "edges": [{"cursor": str(start + at + 1), "node": node} for at, node in enumerate(page)],
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": str(start + 1) if page else None,
            "endCursor": str(start + len(page)) if page else None,
        },
    }


def actor_fields(viewer: Viewer, login: str | None) -> Fields | None:
    """An account as author or editor; the login of a bot goes without `[bot]` here, one deleted is nobody."""
    if login is None or viewer.hub.account(login).login == GHOST:
        return None
    account = viewer.hub.account(login)
    return {
        "__typename": account.kind,
        "login": login.removesuffix("[bot]"),
        "id": account.node_id,
        "databaseId": account.id,
        "url": f"{viewer.hub.url}/{login}",
    }


def repository_fields(viewer: Viewer, repository: Repository) -> Fields:
    """A repository."""
    git = repository.git

    def ref(name: str) -> Fields | None:
        viewer.demand(READ_CONTENTS, repository)
        full = name if name.startswith("refs/") else f"refs/heads/{name}"
        oid = git.resolve(full)
        return branch_fields(viewer, repository, full, oid) if oid else None

    return {
        "__typename": "Repository",
        "id": repository.node_id,
        "databaseId": repository.id,
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": actor_fields(viewer, repository.owner.login),
        "url": f"{viewer.hub.url}/{repository.full_name}",
        "isPrivate": repository.private,
        "isArchived": repository.archived,
        "visibility": "PRIVATE" if repository.private else "PUBLIC",
        "viewerPermission": None if viewer.token.is_app else repository.role(viewer.token.login).base.upper(),
        "defaultBranchRef": lambda _: ref(repository.default_branch),
        "ref": lambda given: ref(given["qualifiedName"]),
        "object": lambda given: object_fields(viewer, repository, given),
        "issue": lambda given: _thread(viewer, repository, given["number"], "Issue"),
        "pullRequest": lambda given: _thread(viewer, repository, given["number"], "PullRequest"),
        "issueOrPullRequest": lambda given: _thread(viewer, repository, given["number"], ""),
        "pullRequests": lambda given: _pulls(viewer, repository, given),
        "labels": lambda given: _labels(viewer, repository, given),
    }


def _thread(viewer: Viewer, repository: Repository, number: int, kind: str) -> Fields:
    issue = repository.issues.get(number)
    if issue is None or kind not in {"", "PullRequest" if issue.pull else "Issue"}:
        what = kind or "issue or pull request"
        raise GraphError("NOT_FOUND", f"Could not resolve to {'an' if what[0] in 'Ii' else 'a'} {what} "
                         f"with the number of {number}.")  # fmt: skip
    viewer.demand(READ_PULLS if issue.pull else READ_ISSUES, repository)
    return thread_fields(viewer, repository, issue)


def _pulls(viewer: Viewer, repository: Repository, given: Fields) -> Fields:
    viewer.demand(READ_PULLS, repository)
    found = [
        issue for issue in repository.issues.values()
        if issue.pull
        and given.get("headRefName") in {None, issue.pull.head}
        and given.get("baseRefName") in {None, issue.pull.base}
        and _state(issue) in (given.get("states") or [_state(issue)])
    ]  # fmt: skip
    order = given.get("orderBy") or {"direction": "ASC"}
    found.sort(key=lambda issue: issue.number, reverse=order["direction"] == "DESC")
    return connection(found, lambda issue: thread_fields(viewer, repository, issue), given)


def branch_fields(viewer: Viewer, repository: Repository, name: str, oid: str) -> Fields:
    """A ref, with the pull requests that it is the head of."""
    branch = name.removeprefix("refs/heads/")
    return ref_fields(repository, name, oid) | {
        "associatedPullRequests": lambda given: _pulls(viewer, repository, {**given, "headRefName": branch})
    }


def _labels(viewer: Viewer, repository: Repository, given: Fields) -> Fields:
    viewer.demand(READ_LABELS, repository)
    return connection(list(repository.labels.values()), label_fields, given)


def label_fields(label: Label) -> Fields:
    """A label."""
    return {"id": label.node_id, "name": label.name, "color": label.color, "description": label.description}


def _state(issue: Issue) -> str:
    return "MERGED" if issue.pull and issue.pull.merged_at else issue.state.upper()


def thread_fields(viewer: Viewer, repository: Repository, issue: Issue) -> Fields:
    """An issue or a pull request."""
    return {
        **_written_fields(viewer, repository, issue),
        "__typename": "PullRequest" if issue.pull else "Issue",
        "id": issue.node_id,
        "databaseId": _small_id(issue.pull.id if issue.pull else issue.id),
        "fullDatabaseId": str(issue.pull.id if issue.pull else issue.id),
        "number": issue.number,
        "title": issue.title,
        "state": _state(issue),
        "stateReason": issue.state_reason and issue.state_reason.upper(),
        "closed": issue.state != "open",
        "closedAt": issue.closed_at and stamp(issue.closed_at),
        "locked": issue.locked,
        "url": thread_html_url(viewer.hub, repository, issue),
        "repository": lambda _: repository_fields(viewer, repository),
        "labels": lambda given: connection(issue.labels, label_fields, given),
        "comments": lambda given: connection(
            repository.thread(issue.number), lambda item: comment_fields(viewer, repository, item), given
        ),
        **(_pull_fields(viewer, repository, issue) if issue.pull else {}),
    }


def _pull_fields(viewer: Viewer, repository: Repository, issue: Issue) -> Fields:
    pull, git = issue.pull, repository.git
    assert pull, f"#{issue.number} is no pull request"

    def head_ref() -> Fields | None:
        oid = git.resolve(f"refs/heads/{pull.head}")
        return branch_fields(viewer, repository, f"refs/heads/{pull.head}", oid) if oid else None

    def base_oid() -> str:
        return (git.resolve(f"refs/heads/{pull.base}") if issue.state == "open" else None) or pull.base_sha

    return {
        "isDraft": pull.draft,
        "merged": pull.merged_at is not None,
        "mergedAt": pull.merged_at and stamp(pull.merged_at),
        "mergeable": "UNKNOWN",
        "isCrossRepository": False,
        "headRefName": pull.head,
        "headRefOid": lambda _: repository.head_sha(issue),
        "headRef": lambda _: head_ref(),
        "headRepository": lambda _: repository_fields(viewer, repository),
        "baseRefName": pull.base,
        "baseRefOid": lambda _: base_oid(),
    }


def _written_fields(viewer: Viewer, repository: Repository, written: Issue | Comment) -> Fields:
    edits = written.edits
    return {
        "author": actor_fields(viewer, written.author),
        "authorAssociation": association(viewer.hub, repository, written.author),
        "body": written.body,
        "createdAt": stamp(written.created_at),
        "updatedAt": stamp(written.updated_at),
        "publishedAt": stamp(written.created_at),
        "lastEditedAt": stamp(edits[-1].at) if edits else None,
        "editor": actor_fields(viewer, edits[-1].editor) if edits else None,
        "includesCreatedEdit": bool(edits),
        "viewerDidAuthor": written.author == viewer.token.login,
        "userContentEdits": lambda given: connection(
            edits[::-1], lambda edit: _edit_fields(viewer, written, edit), given
        ),
    }


def _edit_fields(viewer: Viewer, written: Issue | Comment, edit: Edit) -> Fields:
    """One edit; `diff` is the whole text after it, as GitHub gives it."""
    moment = stamp(edit.at)
    name = f"UCE_{written.id}_{written.edits.index(edit)}"
    return {"id": name, "editor": actor_fields(viewer, edit.editor), "diff": edit.body, "editedAt": moment,
            "createdAt": moment, "updatedAt": moment, "deletedAt": None, "deletedBy": None}  # fmt: skip


def _small_id(number: int) -> Callable[[Fields], int]:
    """An id as `databaseId` has it: GitHub's newer ids do not fit its type, so nobody may depend on it."""

    def give(_: Fields) -> int:
        if number >= _TOO_LARGE:
            raise ValueError(f"databaseId {number} is beyond 32 bits: ask fullDatabaseId")
        return number

    return give


def comment_fields(viewer: Viewer, repository: Repository, comment: Comment) -> Fields:
    """A comment on an issue or a pull request."""
    issue = repository.issues[comment.number]
    return {
        **_written_fields(viewer, repository, comment),
        "__typename": "IssueComment",
        "id": comment.node_id,
        "databaseId": _small_id(comment.id),
        "fullDatabaseId": str(comment.id),
        "url": f"{thread_html_url(viewer.hub, repository, issue)}#issuecomment-{comment.id}",
        "isMinimized": comment.minimized is not None,
        "minimizedReason": comment.minimized and comment.minimized.lower().replace("_", "-"),
        "viewerDidAuthor": comment.author == viewer.token.login,
    }
