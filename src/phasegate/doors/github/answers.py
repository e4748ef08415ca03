"""Answers of GitHub's REST API: the fields that we read, and the facts that they make."""

from pydantic import BaseModel, ConfigDict, RootModel

from phasegate.documents.base import Sha
from phasegate.documents.snapshot import Permission
from phasegate.policy.thread import Pull


class Answer(BaseModel):
    """A part of what GitHub answers: the fields that we read, of the types that it documents."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Created(Answer):
    """Something that was made."""

    id: int


class Account(Answer):
    """Somebody, in REST."""

    login: str
    id: int


class Access(Answer):
    """What somebody may do."""

    permission: Permission
    user: Account | None = None


class Membership(Answer):
    """Somebody's place in a team."""

    state: str


class _Repository(Answer):
    full_name: str


class _Side(Answer):
    ref: str
    sha: Sha
    repo: _Repository | None


class RestPull(Answer):
    """A pull request, in REST."""

    number: int
    node_id: str
    head: _Side
    base: _Side
    draft: bool = False
    state: str

    def fact(self) -> Pull:
        """Return it as the policy knows it."""
        return Pull(
            number=self.number,
            node_id=self.node_id,
            head_branch=self.head.ref,
            head_sha=self.head.sha,
            base_branch=self.base.ref,
            is_draft=self.draft,
            is_open=self.state == "open",
            is_from_fork=self.head.repo is None or self.head.repo != self.base.repo,
        )


class RestPulls(RootModel[list[RestPull]]):
    """Several of them."""
