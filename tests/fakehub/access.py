"""Tokens, and what one must be allowed to do for each operation.

A token speaks for a person, or for an app (`github-actions[bot]` and the like). It has a map of permissions as a
workflow's `permissions:` has it; a classic personal token (map None) may do whatever the person may.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fakehub.state import ACTIONS_BOT, ROLES, Repository

_LEVELS = ("none", "read", "write", "admin")


@dataclass(frozen=True)
class Token:
    """A key to the server. `repository` binds an app's token to one repository, as a job's token is."""

    value: str
    login: str
    permissions: Mapping[str, str] | None
    repository: str | None = None

    @property
    def is_app(self) -> bool:
        return self.login.endswith("[bot]")

    @property
    def is_actions(self) -> bool:
        return self.login == ACTIONS_BOT

    def has(self, permission: str, level: str) -> bool:
        """Whether the token's own map allows it; whether the person may is another question."""
        if self.permissions is None:
            return not self.is_app
        return _LEVELS.index(self.permissions.get(permission, "none")) >= _LEVELS.index(level)


@dataclass(frozen=True)
class Need:
    """What an operation asks for: one of these permissions of the token, and this role of a person.

    `thread` operations are about an issue or a pull request: `pull-requests` helps only for the latter.
    """

    permissions: tuple[str, ...] = ()
    level: str = "read"
    role: str = "read"
    thread: bool = False

    def met_by(self, token: Token, repository: Repository, *, on_pull: bool) -> bool:
        """Whether the token may do it in a repository that it can see."""
        if token.is_app and token.repository not in {None, repository.full_name}:
            return self.level == self.role == "read"  # what everybody sees of a public repository
        if not token.is_app and repository.role(token.login).rank < ROLES.index(self.role):
            return False
        names = [name for name in self.permissions if not (self.thread and name == "pull-requests" and not on_pull)]
        return not self.permissions or any(token.has(name, self.level) for name in names)


def sees(token: Token | None, repository: Repository) -> bool:
    """Whether a repository exists at all for a token's holder; without a token only public ones do."""
    if not repository.private:
        return True
    if token is None:
        return False
    if token.is_app:
        return token.repository in {None, repository.full_name}
    return repository.role(token.login).rank > 0


AS_APP = Need(("(the app itself)",))  # signed with the key of an app
OPEN = Need()  # metadata is readable with any token
ADMINISTRATION = Need(("administration",), role="admin")
READ_CONTENTS = Need(("contents",))
WRITE_CONTENTS = Need(("contents",), "write", role="write")
READ_ISSUES = Need(("issues",))
READ_THREAD = Need(("issues", "pull-requests"), thread=True)
COMMENT = Need(("issues", "pull-requests"), "write", thread=True)
TRIAGE_THREAD = Need(("issues", "pull-requests"), "write", role="triage", thread=True)
READ_PULLS = Need(("pull-requests",))
WRITE_PULLS = Need(("pull-requests",), "write", role="write")
READ_LABELS = Need(("issues", "pull-requests"))
WRITE_LABELS = Need(("issues", "pull-requests"), "write", role="write")
READ_ACTIONS = Need(("actions",))
WRITE_ACTIONS = Need(("actions",), "write", role="write")
READ_SECRETS = Need(("secrets",), role="write")
READ_VARIABLES = Need(("variables",), role="write")
READ_MEMBERS = Need(("members",))
