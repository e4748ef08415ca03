"""REST: pull requests."""

from fakehub import writes
from fakehub.access import READ_PULLS, WRITE_PULLS
from fakehub.rendering_threads import render_full_pull, render_pull
from fakehub.state import Issue
from fakehub.wire import Asked, Reply, forbidden, not_found, route

_PULLS = "/repos/{owner}/{repo}/pulls"


@route("GET", _PULLS, READ_PULLS)
def list_pulls(asked: Asked) -> Reply:
    repository = asked.repository
    found = [issue for issue in repository.issues.values() if issue.pull and _wanted(asked, issue)]
    newest_first = asked.query.get("direction", "desc" if asked.query.get("sort", "created") == "created" else "asc")
    found.sort(key=lambda issue: issue.number, reverse=newest_first == "desc")
    return asked.page([render_pull(asked.hub, repository, issue) for issue in found])


def _wanted(asked: Asked, issue: Issue) -> bool:
    pull, query = issue.pull, asked.query
    assert pull, "only pull requests are asked about"
    return (
        query.get("state", "open") in {"all", issue.state}
        and query.get("base", pull.base) == pull.base
        and query.get("head", f"{asked.repository.owner.login}:{pull.head}")
        == f"{asked.repository.owner.login}:{pull.head}"
    )


@route("POST", _PULLS, WRITE_PULLS)
def open_pull(asked: Asked) -> Reply:
    if asked.token.is_actions and not asked.repository.actions_may_create_pulls:
        raise forbidden("GitHub Actions is not permitted to create or approve pull requests.")
    body = asked.body
    head = body["head"].removeprefix(f"{asked.repository.owner.login}:")
    issue = writes.open_pull(
        asked.hub, asked.repository, asked.login, head=head, base=body["base"], title=body.get("title", ""),
        body=body.get("body") or "", draft=bool(body.get("draft", False)),
    )  # fmt: skip
    shown = render_full_pull(asked.hub, asked.repository, issue)
    return Reply(201, shown, {"Location": shown["url"]})


def _pull(asked: Asked) -> Issue:
    issue = asked.issue("pull_number")
    if issue.pull is None:
        raise not_found()
    return issue


@route("GET", _PULLS + "/{pull_number}", READ_PULLS)
def get_pull(asked: Asked) -> Reply:
    return Reply(200, render_full_pull(asked.hub, asked.repository, _pull(asked)))


@route("PATCH", _PULLS + "/{pull_number}", WRITE_PULLS)
def change_pull(asked: Asked) -> Reply:
    issue, body = _pull(asked), asked.body
    issue.title = body.get("title", issue.title)
    if body.get("body") is not None:
        issue.edit(asked.login, asked.hub.now(), writes.check_body("PullRequest", body["body"]))
    if "state" in body:
        writes.set_state(asked.hub, asked.repository, issue, asked.login, body["state"])
    return Reply(200, render_full_pull(asked.hub, asked.repository, issue))
