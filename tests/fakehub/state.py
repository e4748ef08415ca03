"""What the fake server remembers: accounts, repositories, issues, comments with their history, pull requests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from fakehub.bare_repository import BareRepository

ACTIONS_BOT = "github-actions[bot]"
GHOST = "ghost"
ACTIONS_BOT_ID = 41898282
ROLES = ("none", "read", "triage", "write", "maintain", "admin")  # what a person may do, weakest first
# `permission` of the collaborator API knows four values; the two newer roles are told as the older one beneath.
LEGACY_PERMISSION = {"triage": "read", "maintain": "write"}


@dataclass(eq=False)
class Account:
    """A person, an organisation or a bot."""

    login: str
    id: int
    kind: str = "User"

    @property
    def node_id(self) -> str:
        return f"{'BOT' if self.kind == 'Bot' else 'U'}_{self.id}"


@dataclass(frozen=True)
class Role:
    """What a person may do in one repository: `base` is one of ROLES, `name` is what an organisation calls it."""

    base: str
    name: str

    @property
    def rank(self) -> int:
        return ROLES.index(self.base)

    @property
    def permission(self) -> str:
        return LEGACY_PERMISSION.get(self.base, self.base)


@dataclass(eq=False)
class Label:
    """A label of a repository."""

    id: int
    name: str
    color: str = "ededed"
    description: str | None = None

    @property
    def node_id(self) -> str:
        return f"LA_{self.id}"


@dataclass(frozen=True)
class Edit:
    """One change of a text: who, when, and the text after it."""

    editor: str
    at: datetime
    body: str


@dataclass(frozen=True)
class Reaction:
    """One reaction of one account."""

    id: int
    login: str
    content: str
    at: datetime


@dataclass(eq=False)
class Written:
    """A text by somebody, with the history of its edits and what others think of it."""

    id: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime
    edits: list[Edit] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)

    def edit(self, editor: str, at: datetime, body: str) -> None:
        """Replace the text and remember who did it."""
        self.edits.append(Edit(editor, at, body))
        self.body, self.updated_at = body, at


@dataclass(eq=False, kw_only=True)
class Comment(Written):
    """A comment on an issue or a pull request."""

    number: int
    minimized: str | None = None

    @property
    def node_id(self) -> str:
        return f"IC_{self.id}"


@dataclass(eq=False)
class Pull:
    """What a pull request has beyond an issue. The head is read from the git repository as long as it is open."""

    id: int
    head: str
    base: str
    draft: bool
    base_sha: str
    last_head_sha: str
    merged_at: datetime | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None

    @property
    def node_id(self) -> str:
        return f"PR_{self.id}"


@dataclass(eq=False, kw_only=True)
class Issue(Written):
    """An issue; a pull request is one too."""

    number: int
    title: str
    labels: list[Label] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    locked: bool = False
    pull: Pull | None = None

    @property
    def node_id(self) -> str:
        return self.pull.node_id if self.pull else f"I_{self.id}"


@dataclass(frozen=True)
class Dispatch:
    """A repository_dispatch or workflow_dispatch as it was asked for."""

    kind: str
    by: str
    what: str
    payload: dict[str, Any]
    ref: str


@dataclass(frozen=True)
class Push:
    """One ref that a push moved (or made, or removed: the id is all zeros)."""

    by: str
    ref: str
    before: str
    after: str


@dataclass(eq=False)
class Repository:
    """One repository: its settings, threads and git store."""

    owner: Account
    name: str
    id: int
    git: BareRepository
    created_at: datetime
    private: bool = False
    default_branch: str = "main"
    collaborators: dict[str, Role] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    dispatches: list[Dispatch] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)
    rules: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    actions_may_create_pulls: bool = True
    default_workflow_permissions: str = "read"
    drafts_supported: bool = True
    archived: bool = False
    latest_release: str | None = None  # the name of a tag
    organization_secrets: set[str] = field(default_factory=set)
    organization_variables: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def node_id(self) -> str:
        return f"R_{self.id}"

    def role(self, login: str) -> Role:
        """What a login may do here; a stranger reads a public repository and sees nothing of a private one."""
        if login == self.owner.login:
            return Role("admin", "admin")
        stranger = Role("none", "none") if self.private else Role("read", "read")
        return self.collaborators.get(login, stranger)

    def thread(self, number: int) -> list[Comment]:
        """The comments of an issue or pull request, oldest first."""
        return [comment for comment in self.comments.values() if comment.number == number]

    def open_pull(self, head: str, base: str | None = None) -> Issue | None:
        """The open pull request of a branch, if there is one."""
        for issue in self.issues.values():
            pull = issue.pull
            if pull and issue.state == "open" and pull.head == head and base in {None, pull.base}:
                return issue
        return None

    def head_sha(self, issue: Issue) -> str:
        """The head of a pull request: where its branch is now, or was when it was closed or its branch removed."""
        pull = issue.pull
        assert pull, f"#{issue.number} is no pull request"
        if issue.state == "open":
            pull.last_head_sha = self.git.resolve(f"refs/heads/{pull.head}") or pull.last_head_sha
        return pull.last_head_sha
