import pytest

from phasegate.documents.progress import Usage
from phasegate.policy.estimate import expected_usage


@pytest.mark.parametrize(
    ("turns", "usage"),
    [
        (0, Usage()),
        (1, Usage(cache_read_tokens=20_000, cache_write_tokens=3_000, output_tokens=700)),
        (50, Usage(cache_read_tokens=1_000_000, cache_write_tokens=150_000, output_tokens=35_000)),
    ],
)
def test_what_turns_are_likely_to_use(turns, usage):
    assert expected_usage(turns) == usage
