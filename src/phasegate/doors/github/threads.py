"""Answers of GitHub's GraphQL API: issues and pull requests with their comments, as facts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from phasegate.documents.base import Sha
from phasegate.doors.github.answers import Answer
from phasegate.policy.thread import Pull, Thread, ThreadComment


class Actor(Answer):
    """Somebody; None in its place is an account that is gone."""

    kind: str = Field(alias="__typename")
    login: str

    @property
    def rest_login(self) -> str | None:
        """The login as the REST API spells it; None for what is neither a user nor a bot.

        A mannequin, the stand-in for the author of an imported comment, may bear the name of a real user.
        """
        if self.kind == "Bot":
            return self.login if self.login.endswith("[bot]") else f"{self.login}[bot]"
        return self.login if self.kind == "User" else None


class PullAnswer(Answer):
    """A pull request."""

    number: int
    id: str
    head_branch: str = Field(alias="headRefName")
    head_sha: Sha = Field(alias="headRefOid")
    base_branch: str = Field(alias="baseRefName")
    is_draft: bool = Field(alias="isDraft")
    state: Literal["OPEN", "CLOSED", "MERGED"]
    is_from_fork: bool = Field(alias="isCrossRepository")

    def fact(self) -> Pull:
        """Return it as the policy knows it."""
        return Pull(
            number=self.number,
            node_id=self.id,
            head_branch=self.head_branch,
            head_sha=self.head_sha,
            base_branch=self.base_branch,
            is_draft=self.is_draft,
            is_open=self.state == "OPEN",
            is_from_fork=self.is_from_fork,
        )


class _Comment(Answer):
    database_id: int | str = Field(alias="fullDatabaseId")
    id: str
    author: Actor | None
    association: str = Field(alias="authorAssociation")
    body: str
    created: datetime = Field(alias="createdAt")
    edited: datetime | None = Field(alias="lastEditedAt")
    editor: Actor | None
    is_ours: bool = Field(alias="viewerDidAuthor")
    is_minimised: bool = Field(alias="isMinimized")

    def fact(self) -> ThreadComment:
        return ThreadComment(
            id=int(self.database_id),
            node_id=self.id,
            author=self.author.rest_login if self.author else None,
            is_bot=self.author is not None and self.author.kind == "Bot",
            association=self.association,
            body=self.body,
            created=self.created,
            edited=self.edited,
            is_ours=self.is_ours,
            edited_by_other=self.edited is not None and self._is_by_other,
            is_minimised=self.is_minimised,
        )

    @property
    def _is_by_other(self) -> bool:
        """Whether the last edit is not the author's. GitHub may not tell the editor where a token of ours edited."""
        if self.is_ours and self.editor is None:
            return False
        return self.author is None or self.editor != self.author


class _PageInfo(Answer):
    more: bool = Field(alias="hasNextPage")
    cursor: str | None = Field(alias="endCursor")


class CommentPage(Answer):
    """Up to 100 comments, the oldest first."""

    info: _PageInfo = Field(alias="pageInfo")
    nodes: list[_Comment]

    @property
    def next(self) -> str | None:
        """Where the next page begins; None after the last."""
        return self.info.cursor if self.info.more else None

    def facts(self) -> tuple[ThreadComment, ...]:
        """Return them as the policy knows them."""
        return tuple(comment.fact() for comment in self.nodes)


class _Label(Answer):
    name: str


class _Labels(Answer):
    nodes: list[_Label]


class _Thing(Answer):
    kind: Literal["Issue", "PullRequest"] = Field(alias="__typename")
    number: int
    id: str
    title: str
    body: str
    closed: bool
    author: Actor | None
    labels: _Labels | None
    comments: CommentPage


class _PullThing(_Thing, PullAnswer):
    kind: Literal["PullRequest"] = Field(alias="__typename")


class _IssueThing(_Thing):
    kind: Literal["Issue"] = Field(alias="__typename")


class _Target(Answer):
    oid: Sha


class _DefaultBranch(Answer):
    name: str
    target: _Target


class _Pulls(Answer):
    nodes: list[PullAnswer]


class _Ref(Answer):
    pulls: _Pulls = Field(alias="associatedPullRequests")


class _ThreadRepository(Answer):
    default: _DefaultBranch | None = Field(alias="defaultBranchRef")
    ref: _Ref | None = None
    thing: Annotated[_PullThing | _IssueThing, Field(discriminator="kind")] | None = Field(alias="issueOrPullRequest")


class _ThreadData(Answer):
    repository: _ThreadRepository


class ThreadAnswer(Answer):
    """What comes back for `THREAD`."""

    data: _ThreadData

    @property
    def page(self) -> CommentPage | None:
        """The first page of comments; None when there is no such issue."""
        thing = self.data.repository.thing
        return thing.comments if thing else None

    def fact(self, comments: tuple[ThreadComment, ...], branch: str | None) -> Thread | None:
        """Return the thread with these comments; None for a number that is none's, or a repository without commits."""
        thing, default = self.data.repository.thing, self.data.repository.default
        if thing is None or default is None:
            return None
        return Thread(
            number=thing.number,
            node_id=thing.id,
            title=thing.title,
            body=thing.body,
            author=thing.author.rest_login if thing.author else None,
            labels=tuple(label.name for label in thing.labels.nodes) if thing.labels else (),
            is_open=not thing.closed,
            comments=comments,
            pull=thing.fact() if isinstance(thing, _PullThing) else self._pull_of(branch),
            default_branch=default.name,
            default_sha=default.target.oid,
        )

    def _pull_of(self, branch: str | None) -> Pull | None:
        nodes = self.data.repository.ref.pulls.nodes if self.data.repository.ref else []
        ours = [pull.fact() for pull in nodes if pull.head_branch == branch and not pull.is_from_fork]
        return ours[0] if ours else None


class _WithComments(Answer):
    comments: CommentPage


class _MoreRepository(Answer):
    thing: _WithComments = Field(alias="issueOrPullRequest")


class _MoreData(Answer):
    repository: _MoreRepository


class MoreAnswer(Answer):
    """What comes back for `MORE_COMMENTS`."""

    data: _MoreData

    @property
    def page(self) -> CommentPage:
        """The page."""
        return self.data.repository.thing.comments


class _Trace(Answer):
    database_id: int | str = Field(alias="fullDatabaseId")
    body: str
    is_ours: bool = Field(alias="viewerDidAuthor")


class _Traces(Answer):
    nodes: list[_Trace]


class _WithTraces(Answer):
    comments: _Traces


class _LastRepository(Answer):
    thing: _WithTraces = Field(alias="issueOrPullRequest")


class _LastData(Answer):
    repository: _LastRepository


class LastAnswer(Answer):
    """What comes back for `LAST_COMMENTS`."""

    data: _LastData

    def ours(self, marker: str) -> int | None:
        """Return the id of the newest comment of ours whose first line is this; None without one."""
        for comment in reversed(self.data.repository.thing.comments.nodes):
            if comment.is_ours and comment.body.partition("\n")[0].rstrip("\r") == marker:
                return int(comment.database_id)
        return None
