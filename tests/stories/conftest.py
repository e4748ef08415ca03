"""What the stories on GitHub share: GitHub's own workflow language, and theatres."""

from collections.abc import Callable, Iterator

import pytest

import scenes
from actions.conftest import language  # noqa: F401 -- a fixture
from stories.theatre import Theatre


@pytest.fixture
def theatre(language, tmp_path) -> Iterator[Callable[..., Theatre]]:  # noqa: F811 -- the fixture above
    """Opens a theatre; it is closed, and held to GitHub's schemas, when the test ends well."""
    opened: list[Theatre] = []

    def open_theatre(*played, **settings) -> Theatre:
        directory = tmp_path / str(len(opened))
        directory.mkdir()
        opened.append(Theatre(language, directory, played, **settings))
        opened[-1].open()
        return opened[-1]

    yield open_theatre
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def house_with_a_plan(language, tmp_path_factory) -> Iterator[Theatre]:  # noqa: F811 -- as above
    """A house where the plan of issue 1 waits for approval on pull request 2: played once for each worker."""
    house = Theatre(language, tmp_path_factory.mktemp("planned"), [*REVISED, *scenes.simple()])
    house.open()
    run = house.label(house.wish())
    assert run.result == "success", run.log
    house.remember()
    yield house
    house.close()


@pytest.fixture
def planned(house_with_a_plan) -> Theatre:
    """The same house, put back to where the plan waits; a test that needs nothing else saves its beginning."""
    house_with_a_plan.put_back()
    return house_with_a_plan


def _revised(name: str, wish: str, title: str) -> dict:
    task = scenes.task("T1", {"new.txt": "create"}, title=title)
    return scenes.planner(task, name=name, when={"first": [wish]})


REVISED = [_revised("third", "smaller still", "Do least"), _revised("second", "smaller", "Do less")]
"""The planner when it is asked again with a wish."""
