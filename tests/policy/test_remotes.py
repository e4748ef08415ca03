"""Addresses of git: where they lead, and that nothing secret of them is kept."""

import pytest

from phasegate.policy.remotes import Remote, not_github, read_remote

CLOUD = Remote("github.com", "octo/hello")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/octo/hello",
        "https://github.com/octo/hello.git",
        "https://github.com/octo/hello/",
        "https://user:secret@github.com/octo/hello.git\n",
        "HTTPS://GitHub.com/octo/hello".replace("HTTPS", "https"),
        "git@github.com:octo/hello.git",
        "github.com:octo/hello",
        "git@github.com:/octo/hello.git",
        "git@github-work:octo/hello.git",
        "ssh://git@github.com/octo/hello.git",
        "ssh://git@ssh.github.com:443/octo/hello.git",
        "git://github.com/octo/hello.git",
    ],
)
def test_every_way_to_write_an_address_leads_to_the_repository(address):
    assert read_remote(address) == CLOUD


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/srv/git/hello.git",
        "../hello",
        "C:\\hello",
        "https://github.com/octo",
        "https://github.com/octo/..",
        "file:///x/y",
    ],
)
def test_what_is_no_server_s_address_is_none(address):
    assert read_remote(address) is None
    assert "no address of GitHub" in not_github(None)


@pytest.mark.parametrize(
    ("address", "host", "api", "cloud"),
    [
        ("git@github.com:o/r", "github.com", "https://api.github.com", True),
        ("https://acme.ghe.com/o/r", "acme.ghe.com", "https://api.acme.ghe.com", True),
        ("git@ssh.acme.ghe.com:o/r", "acme.ghe.com", "https://api.acme.ghe.com", True),
        ("https://git.acme.example/o/r", "git.acme.example", "https://git.acme.example/api/v3", False),
        ("https://git.acme.example:8443/o/r", "git.acme.example:8443", "https://git.acme.example:8443/api/v3", False),
        ("ssh://git@git.acme.example:2222/o/r", "git.acme.example", "https://git.acme.example/api/v3", False),
    ],
)
def test_each_server_has_its_api(address, host, api, cloud):
    remote = read_remote(address)

    assert (remote.host, remote.api, remote.is_cloud) == (host, api, cloud)
    assert remote.is_github
    assert not_github(remote) == ""
    assert remote.web == f"https://{host}/o/r"


def test_other_services_are_no_github():
    assert (
        not_github(read_remote("git@gitlab.com:o/r.git"))
        == "The remote `origin` is at gitlab.com, which is not GitHub."
    )
