"""REST: what a GitHub App asks with its own key: where it is installed, and a token for there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from fakehub.access import AS_APP
from fakehub.clock import stamp
from fakehub.rendering import render_repository, render_user
from fakehub.wire import ApiError, Asked, Reply, not_found, route

_LEVELS = ("read", "write", "admin")
_LIFE = timedelta(hours=1)


@dataclass(frozen=True)
class App:
    """A GitHub App, installed in the first repository. `permissions` are spelt as under `permissions:`."""

    id: int
    slug: str
    public_key: str
    permissions: Mapping[str, str]
    installed: bool = True

    @property
    def login(self) -> str:
        return f"{self.slug}[bot]"


def identify_app(apps: Mapping[str, App], value: str, now: float) -> App | None:
    """The app that signed a token, or None for what no app here signed, or what is over."""
    try:
        issuer = str(jwt.decode(value, options={"verify_signature": False}).get("iss"))
        app = apps[issuer]
        claims = jwt.decode(
            value, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
        )
    except (jwt.PyJWTError, KeyError):
        return None
    fresh = claims["iat"] <= now < claims["exp"] <= claims["iat"] + 660  # GitHub: at most ten minutes
    return app if fresh else None


@route("GET", "/repos/{owner}/{repo}/installation", AS_APP)
def get_installation(asked: Asked) -> Reply:
    app = _app(asked)
    if not app.installed or asked.repository is not asked.hub.main:
        raise not_found()
    return Reply(200, _render_installation(asked, app))


def _app(asked: Asked) -> App:
    assert asked.app, "the route is only for apps"
    return asked.app


def _render_installation(asked: Asked, app: App) -> dict[str, Any]:
    hub, owner = asked.hub, asked.repository.owner
    url = f"{hub.api_url}/app/installations/{app.id}"
    return {
        "id": app.id,
        "account": render_user(hub, owner.login),
        "repository_selection": "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{hub.api_url}/installation/repositories",
        "html_url": f"{hub.url}/settings/installations/{app.id}",
        "app_id": app.id,
        "app_slug": app.slug,
        "target_id": owner.id,
        "target_type": owner.kind,
        "permissions": _spell(app.permissions),
        "events": [],
        "created_at": stamp(hub.birth),
        "updated_at": stamp(hub.birth),
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


@route("POST", "/app/installations/{installation_id}/access_tokens", AS_APP)
def make_access_token(asked: Asked) -> Reply:
    app, hub, body = _app(asked), asked.hub, asked.body or {}
    if not app.installed or asked.parameters["installation_id"] != str(app.id):
        raise not_found()
    granted = _spell(app.permissions)
    wanted = body.get("permissions", granted)
    if any(
        name not in granted or _LEVELS.index(level) > _LEVELS.index(granted[name]) for name, level in wanted.items()
    ):
        raise ApiError(422, "The permissions requested are not granted to this installation.")
    if set(body.get("repositories", [])) - {hub.main.name}:
        raise ApiError(422, "There is at least one repository that does not exist or is not accessible.")
    token = hub.issue_token({name.replace("_", "-"): level for name, level in wanted.items()}, app.login)
    return Reply(201, {
        "token": token,
        "expires_at": stamp(hub.now() + _LIFE),
        "permissions": wanted,
        "repository_selection": "selected",
        "repositories": [render_repository(hub, hub.main)],
    })  # fmt: skip


def _spell(permissions: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("-", "_"): level for name, level in permissions.items()}
