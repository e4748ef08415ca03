"""Git over HTTP: git's own server program, behind the same tokens as the API."""

import subprocess
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fakehub.access import READ_CONTENTS, WRITE_CONTENTS, Token, sees
from fakehub.bare_repository import git_environ
from fakehub.state import Push, Repository
from fakehub.wire import Reply
from fakehub.writes import follow_heads, moved

if TYPE_CHECKING:
    from fakehub.hub import FakeHub

_ASK = {"WWW-Authenticate": 'Basic realm="GitHub"', "Content-Type": "text/plain"}
_ALL_ZERO = "0"


def git_token(hub: "FakeHub", authorization: str) -> Token | None:
    """The token in a basic authorization (any user name), None without one. Raises LookupError for a bad one."""
    if not authorization:
        return None
    scheme, _, coded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise LookupError(scheme)
    try:
        _, _, value = b64decode(coded, validate=True).decode().partition(":")
    except (Error, UnicodeDecodeError) as error:
        raise LookupError(coded) from error
    return hub.tokens[value]


def serve_git(hub: "FakeHub", method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """Answer one request for `/<owner>/<repo>.git/...`; the body of the answer is bytes."""
    full_name, _, rest = path.removeprefix("/").partition(".git/")
    repository = hub.repositories.get(full_name.lower())
    pushing = rest == "git-receive-pack" or parse_qs(query).get("service") == ["git-receive-pack"]
    try:
        token = git_token(hub, headers.get("authorization", ""))
    except LookupError:
        return _refuse(401, "Invalid username or token. Password authentication is not supported for Git operations.")
    refusal = _refusal(token, repository, pushing=pushing)
    if refusal:
        return refusal
    assert repository, "a repository that is not there is refused"
    before = repository.git.refs()
    reply = _run_backend(repository, token, method, rest, query, headers, body)
    if rest == "git-receive-pack":
        _note_push(hub, repository, token, before)
    return reply


def _refusal(token: Token | None, repository: Repository | None, *, pushing: bool) -> Reply | None:
    if token is None and (pushing or repository is None or repository.private):
        return _refuse(401, "No anonymous write access." if pushing else "Authentication required.")
    if repository is None or not sees(token, repository):
        return _refuse(404, "Repository not found.")
    if token and not (WRITE_CONTENTS if pushing else READ_CONTENTS).met_by(token, repository, on_pull=False):
        return _refuse(403, f"Permission to {repository.full_name}.git denied to {token.login}.")
    if pushing and repository.archived:
        return _refuse(403, "This repository was archived so it is read-only.")
    return None


def _refuse(status: int, message: str) -> Reply:
    headers = _ASK if status == 401 else {"Content-Type": "text/plain"}
    return Reply(status, f"{message}\n".encode(), headers)


def _run_backend(
    repository: Repository,
    token: Token | None,
    method: str,
    rest: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Reply:
    path = repository.git.path
    environ = git_environ() | {
        "GIT_PROJECT_ROOT": str(path.parent), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": f"/{path.name}/{rest}",
        "QUERY_STRING": query, "REQUEST_METHOD": method, "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)), "REMOTE_USER": token.login if token else "", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "FAKEHUB_PROTECTED": " ".join(f"refs/heads/{name}" for name in sorted(repository.protected)),
        "FAKEHUB_WORKFLOWS": "allowed" if token and (not token.is_app or token.has("workflows", "write"))
        else "refused",
    }  # fmt: skip
    done = subprocess.run(["git", "http-backend"], env=environ, input=body, capture_output=True, check=False)
    return _cgi_reply(done.stdout)


def _cgi_reply(output: bytes) -> Reply:
    head, _, body = output.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
    status = int(headers.pop("Status", "200").split()[0])
    return Reply(status, body, headers)


def _note_push(hub: "FakeHub", repository: Repository, token: Token | None, before: dict[str, str]) -> None:
    with hub.lock:
        for name, old, new in moved(before, repository.git.refs()):
            repository.pushes.append(Push(token.login if token else "", name, old, new))
            if set(new) != {_ALL_ZERO}:
                follow_heads(hub, repository, name.removeprefix("refs/heads/"))
