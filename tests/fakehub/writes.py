"""What can be written, by whomever and by whichever way: each change is made, dated, and told as an event."""

from typing import TYPE_CHECKING

from fakehub.bare_repository import ZERO
from fakehub.events import comment_event, issue_event
from fakehub.rendering_threads import REACTIONS
from fakehub.state import Comment, Issue, Label, Pull, Reaction, Repository, Written
from fakehub.wire import ApiError, forbidden, invalid

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

MAX_BODY = 65_536
MAX_LABEL = 50


def check_body(resource: str, body: str | None) -> str:
    """A text that GitHub takes. Raises 422 for one that is empty (of a comment) or too long."""
    if resource == "IssueComment" and not (body or "").strip():
        raise invalid(resource, "body", "missing_field")
    if len(body or "") > MAX_BODY:
        raise invalid(resource, "body", "unprocessable", f"Body is too long (maximum is {MAX_BODY} characters)")
    return body or ""


def open_issue(hub: "FakeHub", repository: Repository, login: str, title: str, body: str) -> Issue:
    """A new issue."""
    now = hub.now()
    issue = Issue(
        id=hub.next_id("issue"), author=login, body=check_body("Issue", body), created_at=now, updated_at=now,
        number=next(repository.numbers), title=title,
    )  # fmt: skip
    repository.issues[issue.number] = issue
    hub.emit(issue_event(hub, repository, "opened", issue, login))
    return issue


def add_comment(hub: "FakeHub", repository: Repository, issue: Issue, login: str, body: str) -> Comment:
    """A new comment; the issue is touched by it."""
    now = hub.now()
    comment = Comment(
        id=hub.next_id("comment"), author=login, body=check_body("IssueComment", body), created_at=now,
        updated_at=now, number=issue.number,
    )  # fmt: skip
    repository.comments[comment.id] = comment
    issue.updated_at = now
    hub.emit(comment_event(hub, repository, "created", comment, login))
    return comment


def edit_comment(hub: "FakeHub", repository: Repository, comment: Comment, login: str, body: str) -> None:
    """Another text for a comment, by its author or by somebody who may write."""
    before = comment.body
    comment.edit(login, hub.now(), check_body("IssueComment", body))
    hub.emit(comment_event(hub, repository, "edited", comment, login, before))


def delete_comment(hub: "FakeHub", repository: Repository, comment: Comment, login: str) -> None:
    """A comment less."""
    event = comment_event(hub, repository, "deleted", comment, login)
    del repository.comments[comment.id]
    hub.emit(event)


def may_edit(repository: Repository, written: Written, login: str) -> bool:
    """Who may change a text: its author, and everybody with write permission. Apps only their own, without a role."""
    return written.author == login or repository.role(login).base in {"write", "maintain", "admin"}


def define_label(hub: "FakeHub", repository: Repository, name: str, color: str, description: str | None) -> Label:
    """A new label of the repository. Raises 422 when there is one of that name, in whatever case."""
    if name.lower() in repository.labels:
        raise invalid("Label", "name", "already_exists")
    if len(name) > MAX_LABEL:
        raise invalid("Label", "name", "too_long", f"name is too long (maximum is {MAX_LABEL} characters)")
    label = Label(hub.next_id("label"), name, color, description)
    repository.labels[name.lower()] = label
    return label


def add_label(hub: "FakeHub", repository: Repository, issue: Issue, login: str, name: str) -> None:
    """Put a label on an issue; one that the repository does not know is made. Twice is once."""
    label = repository.labels.get(name.lower()) or define_label(hub, repository, name, "ededed", None)
    if label in issue.labels:
        return
    issue.labels.append(label)
    issue.updated_at = hub.now()
    hub.emit(issue_event(hub, repository, "labeled", issue, login, label))


def remove_label(hub: "FakeHub", repository: Repository, issue: Issue, login: str, name: str) -> None:
    """Take a label off an issue. Raises 404 when it is not on it."""
    label = next((label for label in issue.labels if label.name.lower() == name.lower()), None)
    if label is None:
        raise ApiError(404, "Label does not exist")
    issue.labels.remove(label)
    issue.updated_at = hub.now()
    hub.emit(issue_event(hub, repository, "unlabeled", issue, login, label))


def react(hub: "FakeHub", written: Written, login: str, content: str) -> tuple[Reaction, bool]:
    """A reaction, and whether it is new: one account has each only once."""
    if content not in REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    for reaction in written.reactions:
        if (reaction.login, reaction.content) == (login, content):
            return reaction, False
    reaction = Reaction(hub.next_id("reaction"), login, content, hub.now())
    written.reactions.append(reaction)
    return reaction, True


def open_pull(
    hub: "FakeHub", repository: Repository, login: str, *, head: str, base: str, title: str, body: str, draft: bool
) -> Issue:
    """A new pull request. Raises what GitHub says when it cannot be."""
    base_sha, head_sha = _check_pull(repository, head, base)
    if draft and not repository.drafts_supported:
        raise ApiError(422, "Draft pull requests are not supported in this repository.")
    now = hub.now()
    pull = Pull(hub.next_id("issue"), head, base, draft, base_sha, head_sha)
    issue = Issue(
        id=hub.next_id("issue"), author=login, body=check_body("PullRequest", body), created_at=now, updated_at=now,
        number=next(repository.numbers), title=title, pull=pull,
    )  # fmt: skip
    repository.issues[issue.number] = issue
    repository.git.update({f"refs/pull/{issue.number}/head": (head_sha, None)})
    hub.emit(issue_event(hub, repository, "opened", issue, login))
    return issue


def _check_pull(repository: Repository, head: str, base: str) -> tuple[str, str]:
    shas = {name: repository.git.resolve(f"refs/heads/{branch}") for name, branch in (("head", head), ("base", base))}
    for name, sha in shas.items():
        if sha is None:
            raise invalid("PullRequest", name, "invalid")
    if repository.open_pull(head, base):
        text = f"A pull request already exists for {repository.owner.login}:{head}."
        raise ApiError(422, "Validation Failed", errors=[_custom(text)])
    if not repository.git.has_common_history(str(shas["base"]), str(shas["head"])):
        raise ApiError(
            422, "Validation Failed", errors=[_custom(f"The {head} branch has no history in common with {base}")]
        )
    if not repository.git.count_commits(str(shas["base"]), str(shas["head"])):
        raise ApiError(422, "Validation Failed", errors=[_custom(f"No commits between {base} and {head}")])
    return str(shas["base"]), str(shas["head"])


def _custom(message: str) -> dict[str, str]:
    return {"resource": "PullRequest", "code": "custom", "message": message}


def set_state(hub: "FakeHub", repository: Repository, issue: Issue, login: str, state: str) -> None:
    """Close or reopen an issue or a pull request."""
    if state == issue.state:
        return
    if issue.pull:
        if issue.pull.merged_at:
            raise invalid("PullRequest", "state", "invalid")
        repository.head_sha(issue)  # kept, in case the branch goes
    issue.state, issue.updated_at = state, hub.now()
    issue.closed_at, issue.closed_by = (hub.now(), login) if state == "closed" else (None, None)
    issue.state_reason = None if issue.pull else "completed" if state == "closed" else "reopened"
    hub.emit(issue_event(hub, repository, "closed" if state == "closed" else "reopened", issue, login))


def merge(hub: "FakeHub", repository: Repository, issue: Issue, login: str) -> None:
    """Merge a pull request into its base. Raises 405 for a draft, and for one that conflicts."""
    pull, git = issue.pull, repository.git
    assert pull, f"#{issue.number} is no pull request"
    base, head = git.resolve(f"refs/heads/{pull.base}"), repository.head_sha(issue)
    tree = git.merge_tree(str(base), head)
    if pull.draft or tree is None:
        raise ApiError(405, "Pull Request is still a draft" if pull.draft else "Pull Request is not mergeable")
    commit = git.commit_tree(tree, [str(base), head], f"Merge pull request #{issue.number}", login)
    git.update({f"refs/heads/{pull.base}": (commit, base)})
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = hub.now(), login, commit
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "closed", hub.now(), login, hub.now()
    hub.emit(issue_event(hub, repository, "closed", issue, login))


def set_draft(hub: "FakeHub", repository: Repository, issue: Issue, login: str, *, draft: bool) -> None:
    """Mark a pull request ready for review, or make it a draft again."""
    assert issue.pull, f"#{issue.number} is no pull request"
    if issue.state != "open":
        raise forbidden("Pull request is closed")
    if issue.pull.draft == draft:
        return
    issue.pull.draft, issue.updated_at = draft, hub.now()
    hub.emit(issue_event(hub, repository, "converted_to_draft" if draft else "ready_for_review", issue, login))


def follow_heads(hub: "FakeHub", repository: Repository, branch: str) -> None:
    """After a branch moved: its open pull request follows, and the server's own ref with it."""
    sha = repository.git.resolve(f"refs/heads/{branch}")
    for issue in repository.issues.values():
        if sha and issue.pull and issue.state == "open" and issue.pull.head == branch:
            issue.updated_at = hub.now()
            repository.head_sha(issue)
            repository.git.update({f"refs/pull/{issue.number}/head": (sha, None)})


def moved(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str, str]]:
    """The refs that differ: name, id before, id after; zeros where there was or is none."""
    return [
        (name, before.get(name, ZERO), after.get(name, ZERO))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
