"""The labels: every state has one, each is described, none of those for states starts anything."""

from phasegate.documents.progress import RunState
from phasegate.policy.events import START_LABELS
from phasegate.policy.labels import DESCRIPTIONS, STATE_LABELS, color_of, label_of


def test_each_label_is_described_as_github_takes_it():
    assert set(DESCRIPTIONS) == {*START_LABELS, *STATE_LABELS}
    assert all(0 < len(text) <= 100 for text in DESCRIPTIONS.values())
    assert all(len(label) <= 50 for label in DESCRIPTIONS)


def test_each_state_has_a_label_that_starts_nothing():
    assert len(set(STATE_LABELS)) == len(RunState)
    assert not set(STATE_LABELS) & set(START_LABELS)


def test_what_starts_has_another_colour_than_what_shows():
    assert color_of("phasegate") != color_of(label_of(RunState.DONE))
