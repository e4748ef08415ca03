"""What the forge says of an issue or a pull request, as facts to decide on."""

from dataclasses import dataclass
from datetime import datetime

from phasegate.documents.base import Sha


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as the REST API spells it; the login of an app's account ends in `[bot]`."""

    login: str
    id: int
    is_bot: bool


@dataclass(frozen=True, slots=True)
class ThreadComment:
    """A comment on an issue or a pull request."""

    id: int
    node_id: str
    author: str | None
    """The login as REST spells it; None for an account that is gone."""
    is_bot: bool
    association: str
    """How GitHub describes the author. It proves nothing; it only says whom it is worth asking about."""
    body: str
    created: datetime
    edited: datetime | None
    is_ours: bool
    """Whether the account that we write with wrote it."""
    edited_by_other: bool
    """Whether somebody other than its author edited it last."""
    is_minimised: bool


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request."""

    number: int
    node_id: str
    head_branch: str
    head_sha: Sha
    base_branch: str
    is_draft: bool
    is_open: bool
    is_from_fork: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """An issue or a pull request with its comments, the oldest first, and what belongs to it."""

    number: int
    node_id: str
    title: str
    body: str
    author: str | None
    labels: tuple[str, ...]
    is_open: bool
    comments: tuple[ThreadComment, ...]
    pull: Pull | None
    """The pull request itself; for an issue the open one of the branch that was asked for."""
    default_branch: str
    default_sha: Sha
