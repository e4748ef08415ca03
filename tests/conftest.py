"""What no test may reach: another machine, the real home directory, and the keys and settings of whoever runs it."""

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

AMBIENT = ("ACTIONS_", "ANTHROPIC_", "CLAUDE_", "GIT_", "GITHUB_", "PHASEGATE_", "RUNNER_", "XDG_")


class ForbiddenConnectionError(AssertionError):
    """A test tried to reach something beyond this machine."""


def _check_host(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name == "localhost":
        return
    try:
        here = ipaddress.ip_address(name).is_loopback
    except ValueError:
        here = False
    if not here:
        raise ForbiddenConnectionError(f"a test must not reach {name!r}: servers of tests listen on 127.0.0.1")


def _guarded(method):
    def call(connection, *arguments):
        if connection.family in {socket.AF_INET, socket.AF_INET6}:
            _check_host(arguments[-1][0])  # the address comes last in connect, connect_ex and sendto
        return method(connection, *arguments)

    return call


def _guarded_lookup(lookup):
    def call(host, *arguments, **keywords):
        _check_host(host)
        return lookup(host, *arguments, **keywords)

    return call


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Nothing but loopback and local sockets can be reached, and no name is looked up elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        patch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_ambient_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys, tokens, proxies and git's variables of the caller are gone; session fixtures have an empty home."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(AMBIENT) or name.lower().endswith("_proxy") or name == "CI":
                patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home directory for each test."""
    directory = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(directory))
    return directory
