"""Issues, comments, reactions and pull requests as GitHub's REST API shows them."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from fakehub.clock import stamp
from fakehub.rendering import render_label, render_repository, render_user
from fakehub.state import ACTIONS_BOT, ACTIONS_BOT_ID, Comment, Issue, Reaction, Repository, Written

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


def association(hub: "FakeHub", repository: Repository, login: str) -> str:
    """How an author stands to the repository; says nothing about permission."""
    if login == repository.owner.login:
        return "OWNER"
    if repository.owner.kind == "Organization" and login in hub.members(repository.owner.login):
        return "MEMBER"
    return "COLLABORATOR" if login in repository.collaborators else "NONE"


def render_app(hub: "FakeHub", login: str) -> dict[str, Any] | None:
    """The app through which something was written, or None for a person."""
    if not login.endswith("[bot]"):
        return None
    slug = login.removesuffix("[bot]")
    return {
        "id": 15368 if login == ACTIONS_BOT else hub.account(login).id,
        "slug": slug,
        "node_id": f"A_{ACTIONS_BOT_ID}",
        "owner": render_user(hub, "github"),
        "name": "GitHub Actions" if login == ACTIONS_BOT else slug,
        "description": "",
        "external_url": f"{hub.url}/features/actions",
        "html_url": f"{hub.url}/apps/{slug}",
        "created_at": stamp(hub.birth),
        "updated_at": stamp(hub.birth),
        "permissions": {"contents": "write", "issues": "write", "metadata": "read"},
        "events": [],
    }


def render_reaction(hub: "FakeHub", reaction: Reaction) -> dict[str, Any]:
    """One reaction."""
    return {
        "id": reaction.id,
        "node_id": f"REA_{reaction.id}",
        "user": render_user(hub, reaction.login),
        "content": reaction.content,
        "created_at": stamp(reaction.at),
    }


def _rollup(url: str, written: Written) -> dict[str, Any]:
    counted = Counter(reaction.content for reaction in written.reactions)
    return {"url": f"{url}/reactions", "total_count": counted.total()} | {name: counted[name] for name in REACTIONS}


def render_comment(hub: "FakeHub", repository: Repository, comment: Comment) -> dict[str, Any]:
    """A comment on an issue or a pull request."""
    issues = f"{hub.api_url}/repos/{repository.full_name}/issues"
    issue = repository.issues[comment.number]
    url = f"{issues}/comments/{comment.id}"
    return {
        "url": url,
        "html_url": f"{thread_html_url(hub, repository, issue)}#issuecomment-{comment.id}",
        "issue_url": f"{issues}/{comment.number}",
        "id": comment.id,
        "node_id": comment.node_id,
        "user": render_user(hub, comment.author),
        "created_at": stamp(comment.created_at),
        "updated_at": stamp(comment.updated_at),
        "author_association": association(hub, repository, comment.author),
        "body": comment.body,
        "reactions": _rollup(url, comment),
        "performed_via_github_app": render_app(hub, comment.author),
    }


def thread_html_url(hub: "FakeHub", repository: Repository, issue: Issue) -> str:
    """The page of an issue or a pull request."""
    return f"{hub.url}/{repository.full_name}/{'pull' if issue.pull else 'issues'}/{issue.number}"


def render_issue(hub: "FakeHub", repository: Repository, issue: Issue) -> dict[str, Any]:
    """An issue, or a pull request seen as one."""
    base = f"{hub.api_url}/repos/{repository.full_name}"
    url = f"{base}/issues/{issue.number}"
    more = {"pull_request": _pull_links(hub, repository, issue), "draft": issue.pull.draft} if issue.pull else {}
    return {
        **_common(hub, repository, issue, url),
        "url": url,
        "repository_url": base,
        "labels_url": f"{url}/labels{{/name}}",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "id": issue.id,
        "comments": len(repository.thread(issue.number)),
        "state_reason": issue.state_reason,
        "reactions": _rollup(url, issue),
        "performed_via_github_app": render_app(hub, issue.author),
        **more,
    }


def _common(hub: "FakeHub", repository: Repository, issue: Issue, issue_url: str) -> dict[str, Any]:
    return {
        "node_id": issue.node_id,
        "number": issue.number,
        "title": issue.title,
        "body": issue.body,
        "user": render_user(hub, issue.author),
        "state": issue.state,
        "locked": issue.locked,
        "active_lock_reason": None,
        "labels": [render_label(hub, repository, label) for label in issue.labels],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "author_association": association(hub, repository, issue.author),
        "created_at": stamp(issue.created_at),
        "updated_at": stamp(issue.updated_at),
        "closed_at": stamp(issue.closed_at) if issue.closed_at else None,
        "html_url": thread_html_url(hub, repository, issue),
        "comments_url": f"{issue_url}/comments",
    }


def _pull_links(hub: "FakeHub", repository: Repository, issue: Issue) -> dict[str, Any]:
    html = thread_html_url(hub, repository, issue)
    merged = issue.pull.merged_at if issue.pull else None
    return {
        "url": f"{hub.api_url}/repos/{repository.full_name}/pulls/{issue.number}",
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "merged_at": stamp(merged) if merged else None,
    }


def render_pull(hub: "FakeHub", repository: Repository, issue: Issue) -> dict[str, Any]:
    """A pull request, as lists have it."""
    pull = issue.pull
    assert pull, f"#{issue.number} is no pull request"
    base = f"{hub.api_url}/repos/{repository.full_name}"
    issue_url, links = f"{base}/issues/{issue.number}", _pull_links(hub, repository, issue)
    url, head = links["url"], repository.head_sha(issue)
    common = _common(hub, repository, issue, issue_url)
    # GitHub's description of a pull request in a list knows no label without a description.
    labels = [label | {"description": label["description"] or ""} for label in common["labels"]]
    addresses = {
        "issue_url": issue_url,
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{base}/pulls/comments{{/number}}",
        "statuses_url": f"{base}/statuses/{head}",
    }
    return {
        **common,
        **links,
        **addresses,
        "id": pull.id,
        "labels": labels,
        "draft": pull.draft,
        "merge_commit_sha": pull.merge_commit_sha,
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(hub, repository, pull.head, head),
        "base": _side(hub, repository, pull.base, pull.base_sha),
        "auto_merge": None,
        "_links": {name: {"href": href} for name, href in _pull_hrefs(links | addresses, issue_url).items()},
    }


def _pull_hrefs(addresses: dict[str, Any], issue_url: str) -> dict[str, str]:
    return {
        "self": addresses["url"],
        "html": addresses["html_url"],
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": addresses["review_comments_url"],
        "review_comment": addresses["review_comment_url"],
        "commits": addresses["commits_url"],
        "statuses": addresses["statuses_url"],
    }


def _side(hub: "FakeHub", repository: Repository, branch: str, sha: str) -> dict[str, Any]:
    owner = repository.owner.login
    return {
        "label": f"{owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": render_user(hub, owner),
        "repo": render_repository(hub, repository),
    }


def render_full_pull(hub: "FakeHub", repository: Repository, issue: Issue) -> dict[str, Any]:
    """A pull request's own page."""
    pull = issue.pull
    assert pull, f"#{issue.number} is no pull request"
    head = repository.head_sha(issue)
    added, removed, files = repository.git.diff_size(pull.base_sha, head)
    return render_pull(hub, repository, issue) | {
        "merged": pull.merged_at is not None,
        "mergeable": None,  # GitHub computes it later; a client must live with null
        "rebaseable": None,
        "mergeable_state": "draft" if pull.draft else "unknown",
        "merged_by": render_user(hub, pull.merged_by) if pull.merged_by else None,
        "comments": len(repository.thread(issue.number)),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": repository.git.count_commits(pull.base_sha, head),
        "additions": added,
        "deletions": removed,
        "changed_files": files,
    }
