"""Packages are fetched by hash, and a fetch that fails says so."""

from hashlib import sha256

import pytest

from real.sdists import PACKAGES, TOOLS, DownloadError, fetch, pip_environ

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def test_each_package_is_the_pinned_one_and_brings_its_tests(shelf):
    for name in ("boltons", "itsdangerous", "sqlparse"):
        files = shelf.files(name)

        assert "pyproject.toml" in files
        assert any(path.startswith("tests/") for path in files)
    assert all(
        sha256(path.read_bytes()).hexdigest() in PACKAGES.read_text("utf-8") for path in shelf.archives.iterdir()
    )


def test_a_package_that_is_not_what_its_hash_says_is_refused(shelf, environ, tmp_path):
    pinned = PACKAGES.read_text("utf-8")
    changed = tmp_path / "packages.txt"
    changed.write_text(pinned.replace("--hash=sha256:d", "--hash=sha256:0"), "utf-8")
    (tmp_path / "tools").symlink_to(shelf.tools)

    with pytest.raises(DownloadError, match=r"(?s)packages\.txt.*DO NOT MATCH THE HASHES"):
        fetch(tmp_path, environ, changed)

    assert not (tmp_path / "archives").exists()


def test_pip_sees_where_packages_come_from_and_no_keys():
    caller = {"PIP_CERT": "a", "https_proxy": "b", "HOME": "c", "ANTHROPIC_API_KEY": "d", "GITHUB_TOKEN": "e"}

    assert pip_environ(caller) == {"PIP_CERT": "a", "https_proxy": "b", "HOME": "c"}


def test_a_fetch_without_an_index_says_what_is_missing(environ, tmp_path):
    nowhere = {name: value for name, value in environ.items() if not name.startswith("PIP_")}

    with pytest.raises(DownloadError, match=rf"(?s)could not fetch {TOOLS.name}.*flit-core.*make test"):
        fetch(tmp_path, {**nowhere, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"})
