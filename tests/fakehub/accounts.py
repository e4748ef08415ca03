"""Who there is at the server: accounts, teams, apps, and the tokens that speak for them."""

from collections import defaultdict
from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING

from fakehub.access import Token
from fakehub.rest_apps import App
from fakehub.state import ACTIONS_BOT, ACTIONS_BOT_ID, GHOST, Account, Repository, Role

if TYPE_CHECKING:
    from fakehub.hub import FakeHub


class Accounts:
    """The accounts, as a part of the server."""

    main: Repository

    def __init__(self) -> None:
        self.tokens: dict[str, Token] = {}
        self.apps: dict[str, App] = {}
        self.teams: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.accounts = {
            GHOST: Account(GHOST, 10137),
            "github": Account("github", 9919, "Organization"),
            ACTIONS_BOT: Account(ACTIONS_BOT, ACTIONS_BOT_ID, "Bot"),
        }

    def account(self: "FakeHub", login: str) -> Account:
        """An account; one that was never heard of begins to exist, one that was deleted is the ghost."""
        if login not in self.accounts:
            kind = "Bot" if login.endswith("[bot]") else "User"
            self.accounts[login] = Account(login, self.next_id("account"), kind)
        return self.accounts[login]

    def delete_account(self, login: str) -> None:
        """From now on its comments are the ghost's (GraphQL: nobody's)."""
        self.accounts[login] = self.accounts[GHOST]

    def members(self, organization: str) -> set[str]:
        """Who is in any team of an organisation."""
        return {login for (name, _), logins in self.teams.items() if name == organization for login in logins}

    def add_user(
        self: "FakeHub",
        login: str,
        role: str | None = None,
        *,
        role_name: str | None = None,
        repository: Repository | None = None,
    ) -> Account:
        """A person with a role (read, triage, write, maintain, admin; None: a stranger).

        `role_name`: what an organisation calls its own role on top of the base role.
        """
        if role:
            (repository or self.main).collaborators[login] = Role(role, role_name or role)
        return self.account(login)

    def add_team(self, organization: str, slug: str, *members: str) -> None:
        """A team of an organisation."""
        self.teams[organization, slug] |= set(members)

    def add_app(
        self: "FakeHub", slug: str, public_key: str, permissions: Mapping[str, str], *, installed: bool = True
    ) -> App:
        """A GitHub App that signs with a key of its own (PEM); `app.id` is its id and its installation's."""
        account = self.account(f"{slug}[bot]")
        app = App(account.id, slug, public_key, permissions, installed)
        self.apps[str(app.id)] = app
        return app

    def issue_token(
        self: "FakeHub",
        permissions: Mapping[str, str] | None,
        login: str = ACTIONS_BOT,
        *,
        repository: Repository | None = None,
    ) -> str:
        """A token, by default like a job's GITHUB_TOKEN with the job's `permissions:`.

        For a person (`login`) permissions make it a fine-grained token, None a classic one: all the person may.
        """
        prefix = "ghs" if login.endswith("[bot]") else "ghp" if permissions is None else "github_pat"
        value = f"{prefix}_{token_hex(18)}"
        self.account(login)
        bound = (repository or self.main).full_name if login.endswith("[bot]") else None
        self.tokens[value] = Token(value, login, None if permissions is None else dict(permissions), bound)
        return value

    def revoke_token(self, value: str) -> None:
        """The token is no token any more, as a job's is when the job ends."""
        del self.tokens[value]
