"""What tests of workflows share: GitHub's language, one process for a whole session."""

from collections.abc import Iterator

import pytest

from actions.scenery import Scenery
from actions.workflow_language import REQUIRED, Language, missing_part


@pytest.fixture(scope="session")
def language() -> Iterator[Language]:
    """GitHub's parser and evaluator. Without Node tests are skipped, or fail where PHASEGATE_REQUIRE_NODE is set."""
    missing = missing_part()
    if missing and REQUIRED:
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    with Language() as opened:
        yield opened


@pytest.fixture
def scenery(language: Language, tmp_path) -> Scenery:
    """A repository to run workflows in."""
    return Scenery(language, tmp_path)
