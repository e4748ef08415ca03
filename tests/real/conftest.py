"""What the tests on real packages share: the packages, fetched once for all of them."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.register_assert_rewrite("real.delivery", "real.package_run")

from real.sdists import DownloadError, Shelf, fetch, pip_environ  # noqa: E402 -- registered first

ENVIRON: pytest.StashKey[Mapping[str, str]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Keep what pip needs of the caller's environment, before the fixtures of all tests take home and proxies away."""
    config.stash[ENVIRON] = pip_environ(os.environ)


@pytest.fixture(scope="session")
def environ(pytestconfig: pytest.Config) -> Mapping[str, str]:
    """What pip may see, in tests where the home directory is another one."""
    return pytestconfig.stash[ENVIRON]


@pytest.fixture(scope="session")
def shelf(environ: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Shelf:
    """The packages; pytest's workers share them, and they are gone when pytest clears its directories."""
    base: Path = tmp_path_factory.getbasetemp()
    try:
        return fetch((base.parent if hasattr(pytestconfig, "workerinput") else base) / "shelf", environ)
    except DownloadError as error:
        pytest.fail(str(error), pytrace=False)
