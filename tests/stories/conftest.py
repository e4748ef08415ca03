"""What the stories on GitHub share: GitHub's own workflow language, and a theatre for each test."""

from collections.abc import Callable, Iterator

import pytest

from actions.conftest import language  # noqa: F401 -- a fixture
from stories.theatre import Theatre


@pytest.fixture
def theatre(language, tmp_path) -> Iterator[Callable[..., Theatre]]:  # noqa: F811 -- the fixture above
    """Opens a theatre; it is closed, and held to GitHub's schemas, when the test ends well."""
    opened: list[Theatre] = []

    def open_theatre(*scenes, **settings) -> Theatre:
        opened.append(Theatre(language, tmp_path, scenes, **settings))
        opened[-1].open()
        return opened[-1]

    yield open_theatre
    for one in opened:
        one.close()
