"""Accounts and repositories as GitHub's REST API shows them."""

from typing import TYPE_CHECKING, Any

from fakehub.clock import stamp
from fakehub.state import Account, Label, Repository, Role

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

_USER_LINKS = ("followers", "subscriptions", "orgs", "repos", "received_events")
_REPOSITORY_LINKS = {  # field -> what follows the repository's own address
    "archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}", "contributors_url": "/contributors", "deployments_url": "/deployments",
    "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}", "languages_url": "/languages", "merges_url": "/merges",
    "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}", "subscribers_url": "/subscribers", "subscription_url": "/subscription",
    "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}",
}  # fmt: skip
_REPOSITORY_PLAIN = {
    "description": None, "fork": False, "homepage": None, "language": None, "mirror_url": None, "disabled": False,
    "license": None, "forks": 0, "forks_count": 0, "size": 1, "stargazers_count": 0, "watchers": 0,
    "watchers_count": 0, "has_issues": True, "has_projects": True, "has_wiki": True, "has_pages": False,
    "has_downloads": True, "has_discussions": False, "is_template": False, "topics": [], "allow_forking": True,
    "web_commit_signoff_required": False,
}  # fmt: skip


def render_user(hub: "FakeHub", login: str) -> dict[str, Any]:
    """An account in short, as it appears within other things."""
    account = hub.account(login)
    url = f"{hub.api_url}/users/{login.replace('[', '%5B').replace(']', '%5D')}"
    return {
        "login": login,
        "id": account.id,
        "node_id": account.node_id,
        "avatar_url": f"{hub.url}/avatars/u/{account.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.url}/{'apps/' + login.removesuffix('[bot]') if account.kind == 'Bot' else login}",
        **{f"{'organizations' if link == 'orgs' else link}_url": f"{url}/{link}" for link in _USER_LINKS},
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "events_url": f"{url}/events{{/privacy}}",
        "type": account.kind,
        "site_admin": False,
    }


def render_public_user(hub: "FakeHub", login: str) -> dict[str, Any]:
    """An account's own page."""
    nothing = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio", "twitter_username"))
    numbers = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    dates = {"created_at": stamp(hub.birth), "updated_at": stamp(hub.birth)}
    return render_user(hub, login) | nothing | {"blog": ""} | numbers | dates


def render_private_user(hub: "FakeHub", login: str) -> dict[str, Any]:
    """An account's page as its owner sees it."""
    numbers = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators")
    return render_public_user(hub, login) | dict.fromkeys(numbers, 0) | {"two_factor_authentication": True}


def render_permissions(role: Role) -> dict[str, bool]:
    """What a person may do, in the five words of the API."""
    words = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return {word: role.rank >= Role(base, base).rank for word, base in words.items()}


def render_repository(hub: "FakeHub", repository: Repository, viewer: str | None = None) -> dict[str, Any]:
    """A repository as it appears in pull requests and events."""
    url = f"{hub.api_url}/repos/{repository.full_name}"
    html = f"{hub.url}/{repository.full_name}"
    open_issues = sum(issue.state == "open" for issue in repository.issues.values())
    created = stamp(repository.created_at)
    return {
        **{name: url + tail for name, tail in _REPOSITORY_LINKS.items()},
        **_REPOSITORY_PLAIN,
        "id": repository.id,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.private,
        "visibility": "private" if repository.private else "public",
        "owner": render_user(hub, repository.owner.login),
        "html_url": html,
        "url": url,
        "clone_url": f"{html}.git",
        "git_url": f"{html}.git",
        "ssh_url": f"git@127.0.0.1:{repository.full_name}.git",
        "svn_url": html,
        "default_branch": repository.default_branch,
        "archived": repository.archived,
        "open_issues": open_issues,
        "open_issues_count": open_issues,
        "pushed_at": created,
        "created_at": created,
        "updated_at": created,
    } | ({"permissions": render_permissions(repository.role(viewer))} if viewer else {})


def render_full_repository(hub: "FakeHub", repository: Repository, viewer: str | None) -> dict[str, Any]:
    """A repository's own page."""
    full = {"network_count": 0, "subscribers_count": 0}
    if repository.owner.kind == "Organization":
        full["organization"] = render_user(hub, repository.owner.login)
    return render_repository(hub, repository, viewer) | full


def render_label(hub: "FakeHub", repository: Repository, label: Label) -> dict[str, Any]:
    """A label."""
    return {
        "id": label.id,
        "node_id": label.node_id,
        "url": f"{hub.api_url}/repos/{repository.full_name}/labels/{label.name.replace(' ', '%20')}",
        "name": label.name,
        "description": label.description,
        "color": label.color,
        "default": False,
    }


def render_organization(hub: "FakeHub", account: Account) -> dict[str, Any]:
    """An organisation as events carry it."""
    url = f"{hub.api_url}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": account.node_id,
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{hub.url}/avatars/u/{account.id}?v=4",
        "description": "",
    }
