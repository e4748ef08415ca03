"""Gets a token of a GitHub App for one repository; events that such a token makes start workflows.

`import github` costs 150 ms, so it happens in the functions that need it.
"""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from phasegate.doors.github.answers import Answer
from phasegate.doors.github.calls import Call
from phasegate.doors.github.failures import ForgeError
from phasegate.doors.github.inputs import check_repository, check_token
from phasegate.doors.github.wire import GitHubWire
from phasegate.errors import UserError

if TYPE_CHECKING:
    from github.Auth import AppAuth

_APP_ID = re.compile(r"[A-Za-z0-9.]{1,64}")


class _Installation(Answer):
    id: int


class _Token(Answer):
    token: str


def installation_token(
    *,
    app_id: str,
    private_key: str,
    repository: str,
    api_url: str,
    permissions: Mapping[str, str],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    """Return a token that the app's installation gives for this repository alone, with these permissions and no more.

    `private_key` is the text of the PEM file that GitHub gave; `permissions` are spelt as under `permissions:`.
    `clock` gives seconds since the epoch, `sleep` waits. Raises `UserError` for a key that cannot be one, and
    `ForgeError` when GitHub refuses.
    """
    _, _, name = check_repository(repository).partition("/")
    auth = _app_auth(app_id, private_key)
    wire = GitHubWire(api_url, lambda: auth, clock, sleep)
    try:
        number = _installation(wire, app_id, repository)
        wanted = {key.replace("-", "_"): level for key, level in permissions.items()}
        doing, path = f"get a token of the GitHub App {app_id}", f"/app/installations/{number}/access_tokens"
        body = {"repositories": [name], "permissions": wanted}
        needs = ", ".join(f"{key}: {level}" for key, level in permissions.items())
        return check_token(wire.send(Call("POST", path, doing=doing, needs=needs, body=body)).parsed(_Token).token)
    finally:
        wire.close()


def _installation(wire: GitHubWire, app_id: str, repository: str) -> int:
    call = Call(
        "GET",
        f"/repos/{repository}/installation",
        doing=f"find the GitHub App {app_id} in {repository}",
        expected=frozenset({HTTPStatus.NOT_FOUND}),
    )
    reply = wire.send(call)
    if reply.status == HTTPStatus.NOT_FOUND:
        raise ForgeError(
            f"The GitHub App {app_id} is not installed in {repository}.",
            mend="Install it there: the app's page on GitHub, Install App.",
            status=reply.status,
        )
    return reply.parsed(_Installation).id


def _app_auth(app_id: str, private_key: str) -> "AppAuth":
    from github.Auth import AppAuth  # noqa: PLC0415 -- see above

    issuer = app_id.strip()
    if _APP_ID.fullmatch(issuer) is None:
        raise UserError("The id of the GitHub App is none.", mend="Its settings page shows it: App ID, or Client ID.")
    try:
        auth = AppAuth(issuer, private_key.strip() or "none")
        auth.create_jwt()
    except Exception as error:  # noqa: BLE001 -- of PyJWT, of cryptography, of OpenSSL: any of them may quote the key
        raise UserError(
            "The private key of the GitHub App cannot be read.",
            cause=f"It is not the PEM text that GitHub gave, or was cut ({type(error).__name__}).",
            mend="Copy the whole file into the secret, with its BEGIN and END lines.",
        ) from None
    return auth
