"""The webhook payloads that GitHub gives to a workflow, made by the same renderers as the REST answers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fakehub.rendering import render_label, render_organization, render_repository, render_user
from fakehub.rendering_threads import render_comment, render_full_pull, render_issue
from fakehub.state import ACTIONS_BOT, Comment, Issue, Label, Repository

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

_DISPATCHES = {"repository_dispatch", "workflow_dispatch"}


@dataclass(frozen=True)
class Event:
    """One event: what a workflow gets as `github.event_name`, `.event`, `.actor`, `.ref` and `.sha`.

    `number` is the issue's or pull request's, `id` the comment's where there is one (0 otherwise).
    """

    name: str
    action: str
    payload: dict[str, Any]
    actor: str
    ref: str
    sha: str
    number: int = 0
    id: int = 0

    @property
    def starts_workflows(self) -> bool:
        """Events of the workflow's own token start nothing, but for the two dispatches."""
        return self.actor != ACTIONS_BOT or self.name in _DISPATCHES


def issue_event(
    hub: "FakeHub", repository: Repository, action: str, issue: Issue, sender: str, label: Label | None = None
) -> Event:
    """`issues` with an action, or `pull_request` when the issue is one."""
    more = {"label": render_label(hub, repository, label)} if label else {}
    if issue.pull:
        more |= {"number": issue.number, "pull_request": render_full_pull(hub, repository, issue)}
        return _event(hub, repository, "pull_request", action, sender, more, number=issue.number)
    more["issue"] = render_issue(hub, repository, issue)
    return _event(hub, repository, "issues", action, sender, more, number=issue.number)


def comment_event(
    hub: "FakeHub", repository: Repository, action: str, comment: Comment, sender: str, before: str | None = None
) -> Event:
    """`issue_comment`; on a pull request the issue in it has the key `pull_request`. `before` is the text edited."""
    parts = {
        "issue": render_issue(hub, repository, repository.issues[comment.number]),
        "comment": render_comment(hub, repository, comment),
    }
    if before is not None:
        parts["changes"] = {"body": {"from": before}}
    return _event(hub, repository, "issue_comment", action, sender, parts, number=comment.number, id=comment.id)


def repository_dispatch_event(
    hub: "FakeHub", repository: Repository, event_type: str, client_payload: dict[str, Any], sender: str
) -> Event:
    """`repository_dispatch`; its action is the type it was sent with."""
    installation = {"id": 1, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ=="}
    parts = {"branch": repository.default_branch, "client_payload": client_payload, "installation": installation}
    return _event(hub, repository, "repository_dispatch", event_type, sender, parts)


def workflow_dispatch_event(
    hub: "FakeHub", repository: Repository, workflow: str, inputs: dict[str, Any], sender: str, ref: str
) -> Event:
    """`workflow_dispatch`; every input arrives as text."""
    parts = {"inputs": inputs or None, "ref": ref, "workflow": workflow}
    return _event(hub, repository, "workflow_dispatch", "", sender, parts, ref=ref)


def _event(
    hub: "FakeHub",
    repository: Repository,
    name: str,
    action: str,
    sender: str,
    parts: dict[str, Any],
    *,
    ref: str = "",
    **ids: int,
) -> Event:
    payload = {"action": action} if action else {}
    payload |= parts | {"repository": render_repository(hub, repository), "sender": render_user(hub, sender)}
    if repository.owner.kind == "Organization":
        payload["organization"] = render_organization(hub, repository.owner)
    hub.published.check_event(name, action, payload)
    ref = ref or f"refs/heads/{repository.default_branch}"
    sha = repository.git.resolve(ref) or ""
    return Event(name, action, payload, sender, ref, sha, **ids)
