"""The door to GitHub: the dozen verbs that the pipeline needs on one repository, each one request where that can be.

What PyGithub returns never leaves it. Reads and writes that may be repeated are; what would be there twice is looked
for first. Every verb raises `ForgeError`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from phasegate.documents.parsing import shown
from phasegate.documents.snapshot import Permission
from phasegate.doors.github import queries
from phasegate.doors.github.answers import Access, Created, Membership, RestPull, RestPulls
from phasegate.doors.github.calls import Call
from phasegate.doors.github.failures import ForgeError, UnclearError, complaint_of, strange
from phasegate.doors.github.inputs import check_repository, check_token, text_of, title_of
from phasegate.doors.github.threads import CommentPage, LastAnswer, MoreAnswer, ThreadAnswer
from phasegate.doors.github.wire import API_URL, POLITE, Calls, GitHubWire, Pace, token_auth
from phasegate.policy.thread import Pull, Thread, ThreadComment

if TYPE_CHECKING:
    from phasegate.publishing.safe_markdown import SafeMarkdown

__all__ = ["Calls", "GitHub", "Pace", "Reaction"]

Reaction = Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9-_]*(\[bot\])?")
_TEAM = re.compile(r"@?(?P<organisation>[A-Za-z0-9][A-Za-z0-9-_]*)/(?P<team>[A-Za-z0-9][A-Za-z0-9._-]*)")
_LOOKS = (1.0, 2.0, 4.0)
"""Seconds to wait before looking whether an unclear write was done."""
_NOT_FOUND = 404
_INVALID = 422
_NO_ACCESS = frozenset({403, _NOT_FOUND})


@dataclass(slots=True)
class GitHub:
    """One repository on GitHub, as the owner of `token` sees it.

    `clock` gives seconds since the epoch, `sleep` waits; `pace` is how fast requests may follow each other. Proxies
    and certificates are taken from the environment, as `requests` does. Raises `UserError` for what cannot be a
    repository, a token or an address.
    """

    repository: str
    token: str = field(repr=False)
    clock: Callable[[], float] = field(repr=False)
    sleep: Callable[[float], None] = field(repr=False)
    api_url: str = API_URL
    pace: Pace = POLITE
    wire: GitHubWire = field(init=False, repr=False)
    """The connection, for the other doors to GitHub."""

    def __post_init__(self) -> None:
        self.repository = check_repository(self.repository)
        self.token = check_token(self.token)
        self.wire = GitHubWire(self.api_url, token_auth(self.token), self.clock, self.sleep, self.pace)

    @property
    def calls(self) -> Calls:
        """How many requests were sent so far."""
        return self.wire.calls

    def close(self) -> None:
        """Close the connection."""
        self.wire.close()

    def permission(self, login: str) -> Permission:
        """Return what an account may do here; "none" for one that there is not.

        It is the field `permission`: a custom role may bear any name (GitHub's documentation of that request).
        """
        access = self._access(login)
        return access.permission if access else "none"

    def account_id(self, login: str) -> str:
        """Return the number of an account, which stays the same when it is renamed. Raises if there is none."""
        access = self._access(login)
        if access is None or access.user is None:
            raise ForgeError(f"There is no account {shown(login)} on GitHub.", status=_NOT_FOUND)
        return str(access.user.id)

    def _access(self, login: str) -> Access | None:
        if _LOGIN.fullmatch(login) is None:
            return None
        doing, path = f"ask what {login} may do", f"collaborators/{quote(login, safe='')}/permission"
        reply = self.wire.send(
            Call("GET", self._path(path), doing=doing, needs="metadata: read", expected=frozenset({_NOT_FOUND}))
        )
        if reply.status == _NOT_FOUND:
            return None
        access = reply.parsed(Access)
        if access.user is not None and access.user.login.lower() != login.lower():
            raise strange(doing, f"It told of {shown(access.user.login)}.")
        return access

    def in_team(self, team: str, login: str) -> bool:
        """Return whether an account is in a team such as "@org/team".

        No is also the answer when the token may not see the team, as that of GitHub Actions never may.
        """
        named = _TEAM.fullmatch(team)
        if named is None or _LOGIN.fullmatch(login) is None:
            return False
        path = f"/orgs/{named['organisation']}/teams/{named['team']}/memberships/{quote(login, safe='')}"
        call = Call("GET", path, doing=f"ask who is in {team}", needs="members: read", expected=_NO_ACCESS)
        reply = self.wire.send(call)
        return reply.status not in _NO_ACCESS and reply.parsed(Membership).state == "active"

    def thread(self, number: int, branch: str | None = None) -> Thread:
        """Return an issue or pull request with all its comments, the oldest first.

        For an issue, the open pull request of `branch` of this repository comes with it. One request, and one more
        for each further hundred of comments.
        """
        doing, needs = f"read #{number}", "contents: read, issues: read and pull-requests: read"
        ref: dict[str, str | int | bool] = {"ref": f"refs/heads/{branch or 'none'}", "withRef": branch is not None}
        asked = queries.query(queries.THREAD, self._numbered(number) | ref, doing=doing, needs=needs)
        answer = self.wire.send(asked).parsed(ThreadAnswer)
        comments: tuple[ThreadComment, ...] = ()
        page = answer.page
        while page is not None:
            comments += page.facts()
            page = self._further(number, page.next, doing) if page.next else None
        thread = answer.fact(comments, branch)
        if thread is None:
            cause = "There is no such issue, or the repository has no commits yet."
            raise ForgeError(f"Could not {doing}.", cause=cause, status=_NOT_FOUND)
        return thread

    def comments(self, number: int) -> tuple[ThreadComment, ...]:
        """Return the comments of an issue or pull request alone, which takes fewer rights than the whole thread."""
        doing = f"read the comments of #{number}"
        page = self._further(number, None, doing)
        comments = page.facts()
        while page.next:
            page = self._further(number, page.next, doing)
            comments += page.facts()
        return comments

    def _further(self, number: int, after: str | None, doing: str) -> CommentPage:
        variables = {**self._numbered(number), "after": after}
        asked = queries.query(queries.MORE_COMMENTS, variables, doing=doing, needs="issues: read")
        return self.wire.send(asked).parsed(MoreAnswer).page

    def comment(self, number: int, body: "SafeMarkdown", *, marker: str | None = None) -> int:
        """Write a comment and return its id.

        When the answer is unclear, a comment of ours whose first line is `marker` is looked for before it is written
        again. Without a marker it is written at most once.
        """
        call = Call("POST", self._path(f"issues/{number}/comments"), doing=f"comment on #{number}", once=True)
        call = replace(call, needs="issues: write", body={"body": text_of(body)})
        for wait in _LOOKS:
            try:
                return self.wire.send(call).parsed(Created).id
            except UnclearError as error:
                if marker is None:
                    raise
                failure = error
            self.sleep(wait)
            if (found := self._ours(number, marker)) is not None:
                return found
        raise failure

    def _ours(self, number: int, marker: str) -> int | None:
        doing = f"look for our comment on #{number}"
        asked = queries.query(queries.LAST_COMMENTS, self._numbered(number), doing=doing, needs="issues: read")
        return self.wire.send(asked).parsed(LastAnswer).ours(marker)

    def edit_comment(self, comment_id: int, body: "SafeMarkdown") -> None:
        """Replace the text of a comment."""
        path = self._path(f"issues/comments/{comment_id}")
        doing, needs = f"edit the comment {comment_id}", "issues: write"
        self.wire.send(Call("PATCH", path, doing=doing, needs=needs, body={"body": text_of(body)}))

    def react(self, comment_id: int, reaction: Reaction) -> None:
        """React to a comment; a reaction that is there already stays."""
        path = self._path(f"issues/comments/{comment_id}/reactions")
        doing, needs = f"react to the comment {comment_id}", "issues: write"
        self.wire.send(Call("POST", path, doing=doing, needs=needs, body={"content": reaction}))

    def minimise(self, node_id: str) -> None:
        """Fold a comment away as outdated."""
        self.wire.send(queries.mutation(queries.MINIMISE, node_id, doing="fold a comment away", needs="issues: write"))

    def pull_of(self, branch: str, *, state: Literal["open", "closed"] = "open") -> Pull | None:
        """Return the newest pull request of a branch of this repository that is open, or closed; None without one."""
        owner = self.repository.partition("/")[0]
        parameters = {"head": f"{owner}:{branch}", "state": state, "per_page": "100"}
        doing = f"look for the pull request of {branch}"
        call = Call("GET", self._path("pulls"), doing=doing, needs="pull-requests: read", parameters=parameters)
        found = (answer.fact() for answer in self.wire.send(call).parsed(RestPulls).root)
        return next((pull for pull in found if pull.head_branch == branch and not pull.is_from_fork), None)

    def open_draft(self, *, head: str, base: str, title: str, body: "SafeMarkdown") -> Pull:
        """Open a draft pull request and return it; one that is open already for this branch is returned as it is."""
        written = {"title": title_of(title), "body": text_of(body), "head": head, "base": base, "draft": True}
        call = Call("POST", self._path("pulls"), doing=f"open a pull request for {head}", needs="pull-requests: write")
        reply = self.wire.send(replace(call, body=written, expected=frozenset({_INVALID})))
        if reply.status != _INVALID:
            return reply.parsed(RestPull).fact()
        if "already exists" in complaint_of(reply.body).words and (there := self.pull_of(head)) is not None:
            return there
        raise reply.refusal()

    def edit_pull(self, number: int, *, title: str | None = None, body: "SafeMarkdown | None" = None) -> None:
        """Replace the title or the text of a pull request, or both."""
        changes = {"title": None if title is None else title_of(title), "body": None if body is None else text_of(body)}
        self._change_pull(number, {name: value for name, value in changes.items() if value is not None})

    def close_pull(self, number: int) -> None:
        """Close a pull request without merging it."""
        self._change_pull(number, {"state": "closed"})

    def _change_pull(self, number: int, changes: Mapping[str, str]) -> None:
        doing, needs = f"change the pull request #{number}", "pull-requests: write"
        self.wire.send(Call("PATCH", self._path(f"pulls/{number}"), doing=doing, needs=needs, body=dict(changes)))

    def mark_ready(self, pull: Pull) -> None:
        """Say that a draft is ready for review."""
        doing, needs = f"mark #{pull.number} ready for review", "pull-requests: write"
        self.wire.send(queries.mutation(queries.READY, pull.node_id, doing=doing, needs=needs))

    def add_labels(self, number: int, names: Sequence[str]) -> None:
        """Add labels; one that the repository does not have is made."""
        doing, needs = f"label #{number}", "issues: write"
        path = self._path(f"issues/{number}/labels")
        self.wire.send(Call("POST", path, doing=doing, needs=needs, body={"labels": list(names)}))

    def remove_label(self, number: int, name: str) -> None:
        """Take a label off, if it is there."""
        path = self._path(f"issues/{number}/labels/{quote(name, safe='')}")
        call = Call("DELETE", path, doing=f"take the label {shown(name)} off #{number}", needs="issues: write")
        self.wire.send(replace(call, expected=frozenset({_NOT_FOUND})))

    def create_label(self, name: str, *, color: str, description: str) -> bool:
        """Make a label of the repository, its colour as six hexadecimal digits; False if there is one already."""
        body = {"name": name, "color": color, "description": description}
        call = Call("POST", self._path("labels"), doing=f"make the label {shown(name)}", needs="issues: write")
        reply = self.wire.send(replace(call, body=body, expected=frozenset({_INVALID})))
        if reply.status != _INVALID:
            return True
        if complaint_of(reply.body).has("already_exists"):
            return False
        raise reply.refusal()

    def dispatch(self, event_type: str, payload: Mapping[str, str | int]) -> None:
        """Start workflows by `repository_dispatch`.

        It is sent again when the answer is unclear, so what it starts has to bear being started twice.
        """
        body = {"event_type": event_type, "client_payload": dict(payload)}
        call = Call("POST", self._path("dispatches"), doing="start the next workflow run", needs="contents: write")
        self.wire.send(replace(call, body=body))

    def _path(self, rest: str) -> str:
        return f"/repos/{self.repository}/{rest}"

    def _numbered(self, number: int) -> dict[str, str | int | bool]:
        owner, _, name = self.repository.partition("/")
        return {"owner": owner, "name": name, "number": number}
