"""REST: the repository itself, who may do what, its Actions settings, dispatches, and the token's own account."""

from typing import Any

from fakehub import dispatching
from fakehub.access import (
    ADMINISTRATION,
    OPEN,
    READ_ACTIONS,
    READ_MEMBERS,
    READ_SECRETS,
    READ_VARIABLES,
    WRITE_ACTIONS,
    WRITE_CONTENTS,
)
from fakehub.clock import stamp
from fakehub.rendering import (
    render_full_repository,
    render_permissions,
    render_private_user,
    render_public_user,
    render_user,
)
from fakehub.wire import ApiError, Asked, Reply, forbidden, not_found, route

_REPOSITORY = "/repos/{owner}/{repo}"
_ACTIONS = _REPOSITORY + "/actions"


@route("GET", _REPOSITORY, OPEN)
def get_repository(asked: Asked) -> Reply:
    return Reply(200, render_full_repository(asked.hub, asked.repository, asked.login))


@route("GET", _REPOSITORY + "/collaborators/{username}/permission", OPEN)
def get_permission(asked: Asked) -> Reply:
    login, repository = asked.parameters["username"], asked.repository
    account = asked.hub.accounts.get(login)
    if account is None or account.kind != "User":
        raise ApiError(404, f"{login} is not a user")
    role = repository.role(login)
    user = render_user(asked.hub, login) | {"permissions": render_permissions(role), "role_name": role.name}
    return Reply(200, {"permission": role.permission, "role_name": role.name, "user": user})


@route("GET", _REPOSITORY + "/rules/branches/{branch}", OPEN)
def list_rules(asked: Asked) -> Reply:
    return asked.page(asked.repository.rules.get(asked.parameters["branch"], []))


@route("GET", _ACTIONS + "/permissions", ADMINISTRATION)
def get_actions_permissions(asked: Asked) -> Reply:
    url = f"{asked.hub.api_url}/repos/{asked.repository.full_name}/actions/permissions/selected-actions"
    return Reply(200, {"enabled": True, "allowed_actions": "all", "selected_actions_url": url})


@route("GET", _ACTIONS + "/permissions/workflow", ADMINISTRATION)
def get_workflow_permissions(asked: Asked) -> Reply:
    repository = asked.repository
    return Reply(200, {
        "default_workflow_permissions": repository.default_workflow_permissions,
        "can_approve_pull_request_reviews": repository.actions_may_create_pulls,
    })  # fmt: skip


def _dated(asked: Asked, item: dict[str, Any]) -> dict[str, Any]:
    return item | dict.fromkeys(("created_at", "updated_at"), stamp(asked.repository.created_at))


def _secrets(asked: Asked, names: set[str]) -> Reply:
    page = asked.page([_dated(asked, {"name": name}) for name in sorted(names)])
    return Reply(200, {"total_count": len(names), "secrets": page.body}, page.headers)


def _variables(asked: Asked, values: dict[str, str]) -> Reply:
    page = asked.page([_dated(asked, {"name": name, "value": value}) for name, value in sorted(values.items())])
    return Reply(200, {"total_count": len(values), "variables": page.body}, page.headers)


@route("GET", _ACTIONS + "/secrets", READ_SECRETS)
def list_secrets(asked: Asked) -> Reply:
    return _secrets(asked, asked.repository.secrets)


@route("GET", _ACTIONS + "/organization-secrets", READ_SECRETS)
def list_organization_secrets(asked: Asked) -> Reply:
    return _secrets(asked, asked.repository.organization_secrets)


@route("GET", _ACTIONS + "/variables", READ_VARIABLES)
def list_variables(asked: Asked) -> Reply:
    return _variables(asked, asked.repository.variables)


@route("GET", _ACTIONS + "/organization-variables", READ_VARIABLES)
def list_organization_variables(asked: Asked) -> Reply:
    return _variables(asked, asked.repository.organization_variables)


@route("POST", _REPOSITORY + "/dispatches", WRITE_CONTENTS)
def dispatch_repository(asked: Asked) -> Reply:
    payload = asked.body.get("client_payload") or {}
    dispatching.dispatch_repository(asked.hub, asked.repository, asked.login, asked.body["event_type"], payload)
    return Reply(204)


@route("GET", _ACTIONS + "/workflows/{workflow_id}", READ_ACTIONS)
def get_workflow(asked: Asked) -> Reply:
    workflow = dispatching.find_workflow(asked.repository, asked.parameters["workflow_id"])
    url = f"{asked.hub.api_url}/repos/{asked.repository.full_name}/actions/workflows/{workflow.id}"
    html = f"{asked.hub.url}/{asked.repository.full_name}"
    return Reply(200, _dated(asked, {
        "id": workflow.id, "node_id": f"W_{workflow.id}", "name": workflow.name, "path": workflow.path,
        "state": "active", "url": url, "html_url": f"{html}/blob/{asked.repository.default_branch}/{workflow.path}",
        "badge_url": f"{html}/workflows/{workflow.name}/badge.svg",
    }))  # fmt: skip


@route("POST", _ACTIONS + "/workflows/{workflow_id}/dispatches", WRITE_ACTIONS)
def dispatch_workflow(asked: Asked) -> Reply:
    workflow = dispatching.find_workflow(asked.repository, asked.parameters["workflow_id"])
    inputs, ref = asked.body.get("inputs") or {}, asked.body["ref"]
    dispatching.dispatch_workflow(asked.hub, asked.repository, asked.login, workflow, inputs, ref)
    if not asked.body.get("return_run_details"):
        return Reply(204)
    run = asked.hub.next_id("run")
    place = f"/repos/{asked.repository.full_name}/actions/runs/{run}"
    html = f"{asked.hub.url}/{asked.repository.full_name}/actions/runs/{run}"
    return Reply(200, {"workflow_run_id": run, "run_url": asked.hub.api_url + place, "html_url": html})


@route("GET", "/user", OPEN)
def get_user(asked: Asked) -> Reply:
    if asked.token.is_app:
        raise forbidden()
    return Reply(200, render_private_user(asked.hub, asked.login))


@route("GET", "/users/{username}", OPEN)
def get_other_user(asked: Asked) -> Reply:
    if asked.parameters["username"] not in asked.hub.accounts:
        raise not_found()
    return Reply(200, render_public_user(asked.hub, asked.parameters["username"]))


@route("GET", "/rate_limit", OPEN)
def get_rate_limit(asked: Asked) -> Reply:
    reset = int(asked.hub.now().timestamp()) + 3600
    budget = {"limit": 5000, "used": 1, "remaining": 4999, "reset": reset}
    return Reply(200, {"rate": budget, "resources": dict.fromkeys(("core", "search", "graphql"), budget)})


@route("GET", "/orgs/{org}/teams/{team_slug}/memberships/{username}", READ_MEMBERS)
def get_membership(asked: Asked) -> Reply:
    org, team, login = (asked.parameters[name] for name in ("org", "team_slug", "username"))
    if login not in asked.hub.teams.get((org, team), set()):
        raise not_found()
    url = f"{asked.hub.api_url}/organizations/1/team/1/memberships/{login}"
    return Reply(200, {"url": url, "role": "member", "state": "active"})
