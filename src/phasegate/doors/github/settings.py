"""Reads the settings of a repository on GitHub that decide whether phasegate can work there. Writes nothing."""

import base64
import binascii
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, Field, RootModel

from phasegate.documents.parsing import shown
from phasegate.doors.github.answers import Answer
from phasegate.doors.github.calls import Call, Reply
from phasegate.doors.github.client import GitHub
from phasegate.doors.github.failures import ForgeError, complaint_of, strange

Right = Literal["admin", "maintain", "push", "triage", "pull"]
TokenKind = Literal["app", "classic", "fine-grained", "oauth", "unknown"]
PAGE = 100
_MOST_PAGES = 20
_SAID_LENGTH = 200
_HIDDEN = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_KINDS: tuple[tuple[str, TokenKind], ...] = (
    ("ghs_", "app"),
    ("ghu_", "app"),
    ("ghp_", "classic"),
    ("github_pat_", "fine-grained"),
    ("gho_", "oauth"),
)
"""By how a token begins (GitHub's documentation of token formats)."""
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What may not be read, or is not there: GitHub answers 403 or 404 for either."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class WorkflowPermissions:
    """What `GITHUB_TOKEN` may do where a workflow does not say, and whether it may open pull requests."""

    default: Literal["read", "write"]
    may_open_pulls: bool


@dataclass(frozen=True, slots=True)
class RepositoryFacts:
    """The repository itself; `rights` are those of the token's account."""

    default_branch: str
    is_private: bool
    is_archived: bool
    is_fork: bool
    has_issues: bool
    rights: frozenset[Right]


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """The token: its kind by how it begins, whose it is, and the scopes that a classic one has."""

    kind: TokenKind
    login: str | None
    scopes: tuple[str, ...] | None


class _Workflow(Answer):
    default: Literal["read", "write"] = Field(alias="default_workflow_permissions")
    may_open_pulls: bool = Field(alias="can_approve_pull_request_reviews")


class _Named(Answer):
    name: str


class _Secrets(Answer):
    items: list[_Named] = Field(alias="secrets")


class _Variables(Answer):
    items: list[_Named] = Field(alias="variables")


class _Labels(RootModel[list[_Named]]):
    @property
    def items(self) -> list[_Named]:
        return self.root


class _Rule(Answer):
    type: str


class _Rules(RootModel[list[_Rule]]):
    pass


class _Rights(Answer):
    admin: bool = False
    maintain: bool = False
    push: bool = False
    triage: bool = False
    pull: bool = False

    def held(self) -> frozenset[Right]:
        names: tuple[Right, ...] = ("admin", "maintain", "push", "triage", "pull")
        return frozenset(name for name in names if getattr(self, name))


class _Repository(Answer):
    default_branch: str
    private: bool
    archived: bool
    fork: bool
    has_issues: bool
    permissions: _Rights = _Rights()


class _User(Answer):
    login: str


class _File(Answer):
    type: str
    encoding: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """The settings of the repository of `github`, whose connection and counter it shares.

    Every verb gives facts, or `Unreadable` where the token may not know; all raise `ForgeError` for other failures.
    """

    github: GitHub

    def workflow_permissions(self) -> WorkflowPermissions | Unreadable:
        """Return what workflows may do here; needs the right to administer."""
        found = self._read("actions/permissions/workflow", _Workflow, "read the workflow permissions")
        return found if isinstance(found, Unreadable) else WorkflowPermissions(found.default, found.may_open_pulls)

    def secret_names(self) -> tuple[str, ...] | Unreadable:
        """Return the names of the secrets of Actions, those that the organisation shares with it included."""
        return self._all_names("secrets", _Secrets)

    def variable_names(self) -> tuple[str, ...] | Unreadable:
        """Return the names of the variables of Actions, those that the organisation shares with it included."""
        return self._all_names("variables", _Variables)

    def labels(self) -> tuple[str, ...] | Unreadable:
        """Return the names of all labels."""
        return self._names("labels", _Labels, "list the labels")

    def branch_rules(self, branch: str) -> tuple[str, ...] | Unreadable:
        """Return the kinds of rules that hold for a branch, which need not exist, such as "creation" or "update"."""
        path = f"rules/branches/{quote(branch, safe='/')}"
        found = self._read(path, _Rules, f"read the rules of {shown(branch)}", {"per_page": str(PAGE)})
        return found if isinstance(found, Unreadable) else tuple(dict.fromkeys(rule.type for rule in found.root))

    def repository(self) -> RepositoryFacts | Unreadable:
        """Return what GitHub tells of the repository itself."""
        found = self._read("", _Repository, "read the repository")
        if isinstance(found, Unreadable):
            return found
        return RepositoryFacts(
            default_branch=found.default_branch,
            is_private=found.private,
            is_archived=found.archived,
            is_fork=found.fork,
            has_issues=found.has_issues,
            rights=found.permissions.held(),
        )

    def token(self) -> TokenFacts:
        """Return what can be told of the token; that of an app has no login, and only a classic one has scopes."""
        call = Call("GET", "/user", doing="ask whose token this is", expected=_HIDDEN)
        reply = self.github.wire.send(call)
        kinds = (kind for start, kind in _KINDS if self.github.token.startswith(start))
        scopes = reply.headers.get("x-oauth-scopes")
        named = None if scopes is None else tuple(scope.strip() for scope in scopes.split(",") if scope.strip())
        login = None if reply.status in _HIDDEN else reply.parsed(_User).login
        return TokenFacts(next(kinds, "unknown"), login, named)

    def file(self, path: str, ref: str | None = None) -> bytes | Unreadable | None:
        """Return a file as it is at a branch or commit, or at the default branch; None when there is none.

        It has to be smaller than 1 MB: GitHub gives no content of larger ones.
        """
        doing = f"read {shown(path)}"
        parameters = {"ref": ref} if ref else {}
        found = self._read(f"contents/{quote(path, safe='/')}", _File, doing, parameters)
        if isinstance(found, Unreadable):
            return None if found.status == HTTPStatus.NOT_FOUND else found
        if found.type != "file" or found.encoding != "base64" or found.content is None:
            raise strange(doing, "It is no file, or too large.")
        try:
            return base64.b64decode("".join(found.content.split()), validate=True)
        except binascii.Error:
            raise strange(doing, "The content is not base64.") from None

    def _all_names(self, kind: str, model: type[_Secrets | _Variables]) -> tuple[str, ...] | Unreadable:
        own = self._names(f"actions/{kind}", model, f"list the {kind}")
        if isinstance(own, Unreadable):
            return own
        shared = self._names(f"actions/organization-{kind}", model, f"list the {kind} of the organisation")
        # A person's repository has no organisation to ask.
        return own if isinstance(shared, Unreadable) else (*own, *shared)

    def _names(
        self, path: str, model: type[_Secrets | _Variables | _Labels], doing: str
    ) -> tuple[str, ...] | Unreadable:
        names: tuple[str, ...] = ()
        for page in range(1, _MOST_PAGES + 1):
            found = self._read(path, model, doing, {"per_page": str(PAGE), "page": str(page)})
            if isinstance(found, Unreadable):
                return found
            names += tuple(item.name for item in found.items)
            if len(found.items) < PAGE:
                return names
        raise ForgeError(f"Could not {doing}: there are more than {PAGE * _MOST_PAGES}.")

    def _read(
        self, path: str, model: type[_Model], doing: str, parameters: dict[str, str] | None = None
    ) -> _Model | Unreadable:
        return self._at(f"/repos/{self.github.repository}/{path}".rstrip("/"), model, doing, parameters)

    def _at(
        self, path: str, model: type[_Model], doing: str, parameters: dict[str, str] | None = None
    ) -> _Model | Unreadable:
        call = Call("GET", path, doing=doing, parameters=parameters or {}, expected=_HIDDEN)
        reply = self.github.wire.send(call)
        return _unreadable(reply) if reply.status in _HIDDEN else reply.parsed(model)


def _unreadable(reply: Reply) -> Unreadable:
    return Unreadable(reply.status, shown(complaint_of(reply.body).words or f"status {reply.status}", _SAID_LENGTH))
