"""REST: issues, comments, reactions and labels."""

from fakehub import writes
from fakehub.access import COMMENT, READ_LABELS, READ_THREAD, TRIAGE_THREAD, WRITE_LABELS, Need
from fakehub.rendering import render_label
from fakehub.rendering_threads import render_comment, render_issue, render_reaction
from fakehub.state import Comment, Written
from fakehub.wire import Asked, Reply, forbidden, not_found, route

_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"
_COMMENT = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
_LABELS = "/repos/{owner}/{repo}/labels"
_MOMENT = len("2026-01-05T10:00:00Z")


@route("POST", "/repos/{owner}/{repo}/issues", Need(("issues",), "write"))
def open_issue(asked: Asked) -> Reply:
    issue = writes.open_issue(asked.hub, asked.repository, asked.login, asked.body["title"], asked.body.get("body"))
    for name in asked.body.get("labels", []):
        writes.add_label(asked.hub, asked.repository, issue, asked.login, name)
    return Reply(201, render_issue(asked.hub, asked.repository, issue))


@route("GET", _ISSUE, READ_THREAD)
def get_issue(asked: Asked) -> Reply:
    return Reply(200, render_issue(asked.hub, asked.repository, asked.issue()))


@route("PATCH", _ISSUE, TRIAGE_THREAD)
def change_issue(asked: Asked) -> Reply:
    issue, body = asked.issue(), asked.body
    issue.title = body.get("title", issue.title)
    if body.get("body") is not None:
        issue.edit(asked.login, asked.hub.now(), writes.check_body("Issue", body["body"]))
    if "state" in body:
        writes.set_state(asked.hub, asked.repository, issue, asked.login, body["state"])
    return Reply(200, render_issue(asked.hub, asked.repository, issue))


@route("GET", _ISSUE + "/comments", READ_THREAD)
def list_comments(asked: Asked) -> Reply:
    since = asked.query.get("since", "")[:_MOMENT]
    thread = asked.repository.thread(asked.issue().number)
    shown = [render_comment(asked.hub, asked.repository, comment) for comment in thread]
    return asked.page([comment for comment in shown if comment["updated_at"] >= since])


@route("POST", _ISSUE + "/comments", COMMENT)
def add_comment(asked: Asked) -> Reply:
    issue = asked.issue()
    if issue.locked and asked.repository.role(asked.login).rank < 3 and not asked.token.is_app:
        raise forbidden("Unable to create comment because issue is locked.")
    comment = writes.add_comment(asked.hub, asked.repository, issue, asked.login, asked.body["body"])
    shown = render_comment(asked.hub, asked.repository, comment)
    return Reply(201, shown, {"Location": shown["url"]})


def _comment(asked: Asked) -> Comment:
    found = asked.repository.comments.get(int(asked.parameters["comment_id"]))
    if found is None:
        raise not_found()
    return found


def _own_comment(asked: Asked) -> Comment:
    comment = _comment(asked)
    if not asked.token.is_app and not writes.may_edit(asked.repository, comment, asked.login):
        raise forbidden("Must have admin rights to Repository.")
    return comment


@route("GET", _COMMENT, READ_THREAD)
def get_comment(asked: Asked) -> Reply:
    return Reply(200, render_comment(asked.hub, asked.repository, _comment(asked)))


@route("PATCH", _COMMENT, COMMENT)
def edit_comment(asked: Asked) -> Reply:
    comment = _own_comment(asked)
    writes.edit_comment(asked.hub, asked.repository, comment, asked.login, asked.body["body"])
    return Reply(200, render_comment(asked.hub, asked.repository, comment))


@route("DELETE", _COMMENT, COMMENT)
def delete_comment(asked: Asked) -> Reply:
    writes.delete_comment(asked.hub, asked.repository, _own_comment(asked), asked.login)
    return Reply(204)


def _react(asked: Asked, written: Written) -> Reply:
    reaction, new = writes.react(asked.hub, written, asked.login, asked.body["content"])
    return Reply(201 if new else 200, render_reaction(asked.hub, reaction))


def _reactions(asked: Asked, written: Written) -> Reply:
    wanted = asked.query.get("content")
    return asked.page([
        render_reaction(asked.hub, item) for item in written.reactions if wanted in {None, item.content}
    ])  # fmt: skip


@route("POST", _COMMENT + "/reactions", COMMENT)
def react_to_comment(asked: Asked) -> Reply:
    return _react(asked, _comment(asked))


@route("GET", _COMMENT + "/reactions", READ_THREAD)
def list_comment_reactions(asked: Asked) -> Reply:
    return _reactions(asked, _comment(asked))


@route("POST", _ISSUE + "/reactions", COMMENT)
def react_to_issue(asked: Asked) -> Reply:
    return _react(asked, asked.issue())


@route("GET", _ISSUE + "/reactions", READ_THREAD)
def list_issue_reactions(asked: Asked) -> Reply:
    return _reactions(asked, asked.issue())


@route("GET", _LABELS, READ_LABELS)
def list_labels(asked: Asked) -> Reply:
    labels = asked.repository.labels.values()
    return asked.page([render_label(asked.hub, asked.repository, label) for label in labels])


@route("POST", _LABELS, WRITE_LABELS)
def define_label(asked: Asked) -> Reply:
    color, description = asked.body.get("color", "ededed"), asked.body.get("description")
    label = writes.define_label(asked.hub, asked.repository, asked.body["name"], color, description)
    return Reply(201, render_label(asked.hub, asked.repository, label))


@route("GET", _LABELS + "/{name}", READ_LABELS)
def get_label(asked: Asked) -> Reply:
    label = asked.repository.labels.get(asked.parameters["name"].lower())
    if label is None:
        raise not_found()
    return Reply(200, render_label(asked.hub, asked.repository, label))


def _issue_labels(asked: Asked) -> Reply:
    return Reply(200, [render_label(asked.hub, asked.repository, label) for label in asked.issue().labels])


@route("GET", _ISSUE + "/labels", READ_THREAD)
def list_issue_labels(asked: Asked) -> Reply:
    return asked.page(_issue_labels(asked).body)


def _wanted_labels(asked: Asked) -> list[str]:
    given = asked.body.get("labels", []) if isinstance(asked.body, dict) else asked.body or []
    return [item["name"] if isinstance(item, dict) else item for item in given]


@route("POST", _ISSUE + "/labels", TRIAGE_THREAD)
def add_labels(asked: Asked) -> Reply:
    for name in _wanted_labels(asked):
        writes.add_label(asked.hub, asked.repository, asked.issue(), asked.login, name)
    return _issue_labels(asked)


@route("PUT", _ISSUE + "/labels", TRIAGE_THREAD)
def set_labels(asked: Asked) -> Reply:
    issue, wanted = asked.issue(), _wanted_labels(asked)
    for label in list(issue.labels):
        if label.name.lower() not in {name.lower() for name in wanted}:
            writes.remove_label(asked.hub, asked.repository, issue, asked.login, label.name)
    return add_labels(asked)


@route("DELETE", _ISSUE + "/labels/{name}", TRIAGE_THREAD)
def remove_label(asked: Asked) -> Reply:
    writes.remove_label(asked.hub, asked.repository, asked.issue(), asked.login, asked.parameters["name"])
    return _issue_labels(asked)
