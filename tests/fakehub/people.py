"""What people do at the server: write issues and comments, label, edit, push. Nobody can do what GitHub forbids them.

Each gives the `Event` that workflows would get; `event.id` is the comment's id, `event.number` the issue's number.
Without `repository=` it is about the first repository.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fakehub import dispatching, writes
from fakehub.events import Event
from fakehub.state import ROLES, Comment, Issue, Push, Repository

if TYPE_CHECKING:
    from fakehub.hub import FakeHub


class NotAllowedError(AssertionError):
    """A test lets a person do what GitHub would not let them do."""


class People:
    """The deeds, as a part of the server."""

    main: Repository

    def issue(self: "FakeHub", number: int, repository: Repository | None = None) -> Issue:
        """An issue or pull request as it is now."""
        return (repository or self.main).issues[number]

    def pull(self: "FakeHub", head: str, repository: Repository | None = None) -> Issue | None:
        """The open pull request of a branch, or None."""
        return (repository or self.main).open_pull(head)

    def thread(self: "FakeHub", number: int, repository: Repository | None = None) -> list[Comment]:
        """The comments of an issue or pull request, oldest first."""
        return (repository or self.main).thread(number)

    def open_issue(
        self: "FakeHub", login: str, title: str, body: str = "", *, repository: Repository | None = None
    ) -> Event:
        where = _allowed(repository or self.main, login, "read")
        return self._told(lambda: writes.open_issue(self, where, login, title, body))

    def open_pull(
        self: "FakeHub", login: str, head: str, title: str = "", *, base: str = "main", body: str = "",
        draft: bool = False, repository: Repository | None = None,
    ) -> Event:  # fmt: skip
        where = _allowed(repository or self.main, login, "write")
        return self._told(lambda: writes.open_pull(
            self, where, login, head=head, base=base, title=title or head, body=body, draft=draft))  # fmt: skip

    def comment(self: "FakeHub", login: str, number: int, body: str, *, repository: Repository | None = None) -> Event:
        where = _allowed(repository or self.main, login, "write" if self.issue(number, repository).locked else "read")
        return self._told(lambda: writes.add_comment(self, where, where.issues[number], login, body))

    def edit_comment(
        self: "FakeHub", login: str, comment_id: int, body: str, *, repository: Repository | None = None
    ) -> Event:
        where, comment = self._own(login, comment_id, repository)
        return self._told(lambda: writes.edit_comment(self, where, comment, login, body))

    def delete_comment(self: "FakeHub", login: str, comment_id: int, *, repository: Repository | None = None) -> Event:
        where, comment = self._own(login, comment_id, repository)
        return self._told(lambda: writes.delete_comment(self, where, comment, login))

    def _own(self: "FakeHub", login: str, comment_id: int, repository: Repository | None) -> tuple[Repository, Comment]:
        where = repository or self.main
        comment = where.comments[comment_id]
        if not writes.may_edit(where, comment, login):
            raise NotAllowedError(f"{login} may not change the comment of {comment.author}")
        return where, comment

    def edit_issue(
        self: "FakeHub", login: str, number: int, *, title: str | None = None, body: str | None = None,
        repository: Repository | None = None,
    ) -> None:  # fmt: skip
        where = repository or self.main
        issue = where.issues[number]
        if not writes.may_edit(where, issue, login):
            raise NotAllowedError(f"{login} may not change the issue of {issue.author}")
        with self.lock:
            issue.title = issue.title if title is None else title
            issue.edit(login, self.now(), issue.body if body is None else body)

    def label(self: "FakeHub", login: str, number: int, name: str, *, repository: Repository | None = None) -> Event:
        where = _allowed(repository or self.main, login, "triage")
        return self._told(lambda: writes.add_label(self, where, where.issues[number], login, name))

    def unlabel(self: "FakeHub", login: str, number: int, name: str, *, repository: Repository | None = None) -> Event:
        where = _allowed(repository or self.main, login, "triage")
        return self._told(lambda: writes.remove_label(self, where, where.issues[number], login, name))

    def close(self: "FakeHub", login: str, number: int, *, repository: Repository | None = None) -> Event:
        where = repository or self.main
        if where.issues[number].author != login:
            _allowed(where, login, "triage")
        return self._told(lambda: writes.set_state(self, where, where.issues[number], login, "closed"))

    def merge(self: "FakeHub", login: str, number: int, *, repository: Repository | None = None) -> Event:
        """Merge a pull request that is ready for review; its base gets a merge commit."""
        where = _allowed(repository or self.main, login, "write")
        return self._told(lambda: writes.merge(self, where, where.issues[number], login))

    def push(
        self: "FakeHub", login: str, branch: str, files: Mapping[str, str | bytes | None], message: str = "Change",
        *, repository: Repository | None = None,
    ) -> str:  # fmt: skip
        """One commit on top of a branch (None removes a file); gives its id. Pull requests follow."""
        where = _allowed(repository or self.main, login, "write")
        with self.lock:
            before = where.git.refs()
            commit = where.git.commit_files(branch, files, message, login)
            where.pushes += [Push(login, *change) for change in writes.moved(before, where.git.refs())]
            writes.follow_heads(self, where, branch)
        return commit

    def dispatch(
        self: "FakeHub", login: str, event_type: str, payload: dict[str, Any] | None = None,
        *, repository: Repository | None = None,
    ) -> Event:  # fmt: skip
        """A repository_dispatch."""
        where = _allowed(repository or self.main, login, "write")
        return self._told(lambda: dispatching.dispatch_repository(self, where, login, event_type, payload or {}))

    def run_workflow(
        self: "FakeHub", login: str, workflow: str, inputs: dict[str, Any] | None = None, *, ref: str = "main",
        repository: Repository | None = None,
    ) -> Event:  # fmt: skip
        """A workflow_dispatch of a workflow file of the default branch."""
        where = _allowed(repository or self.main, login, "write")
        found = dispatching.find_workflow(where, workflow)
        return self._told(lambda: dispatching.dispatch_workflow(self, where, login, found, inputs or {}, ref))

    def protect(self: "FakeHub", branch: str, *rules: dict[str, Any], repository: Repository | None = None) -> None:
        """No push to the branch any more; the rules API tells `rules` (by default: a pull request is needed)."""
        where = repository or self.main
        where.protected.add(branch)
        source = {"ruleset_source_type": "Repository", "ruleset_source": where.full_name, "ruleset_id": 1}
        where.rules[branch] = list(rules) or [{"type": "non_fast_forward"} | source, {"type": "deletion"} | source]

    def _told(self: "FakeHub", deed: Any) -> Event:
        with self.lock:
            known = len(self.events)
            deed()
            assert len(self.events) > known, "nothing changed, so GitHub would send no event"
            return self.events[-1]


def _allowed(repository: Repository, login: str, role: str) -> Repository:
    if repository.role(login).rank < ROLES.index(role):
        raise NotAllowedError(f"{login} needs the role {role} in {repository.full_name}")
    return repository
