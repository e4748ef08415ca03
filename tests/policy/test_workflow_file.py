"""Workflows as data: words stay words, and what we do not look through is refused."""

import pytest

from phasegate.policy.workflow_file import MAX_WORKFLOW_BYTES, WorkflowError, read_workflow

TEXT = """
on:
  issues:
    types: [labeled]
  workflow_dispatch:
permissions: {}
jobs:
  one:
    if: false
    steps:
      - uses: a/b@c
        with: {n: 010}
      - run: echo
"""


def workflow(text=TEXT):
    return read_workflow(text, source="w.yml")


def test_words_of_yaml_1_1_stay_what_was_written():
    assert workflow().keys("on") == ("issues", "workflow_dispatch")
    assert workflow().text("jobs", "one", "if") == "false"
    assert workflow().text("jobs", "one", "steps", 0, "with", "n") == "010"


def test_places_are_keys_and_numbers():
    assert workflow().below("jobs", "one", "steps", 0) == {("uses",): "a/b@c", ("with", "n"): "010"}
    assert workflow().has("jobs", "one", "steps", 1)
    assert not workflow().has("jobs", "one", "steps", 2)
    assert workflow().text("jobs", "two") is None


def test_what_is_empty_is_an_empty_text():
    assert workflow().text("permissions") == ""
    assert workflow("x: []").text("x") == ""
    assert workflow("x:").text("x") == ""
    assert workflow("").leaves == {(): ""}


@pytest.mark.parametrize(
    ("text", "keys"),
    [("on: push", ("push",)), ("on: [push, issues]", ("push", "issues")), ("on: {push: {}}", ("push",))],
)
def test_every_way_to_name_events_gives_their_names(text, keys):
    assert workflow(text).keys("on") == keys


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [", "not valid YAML"),
        ("a: \0", "not valid YAML"),
        ("a: &x 1\nb: *x", "w.yml:1: anchors"),
        ("a: 1\nb: !!str 2", "w.yml:2: anchors"),
        ("a: 1\na: 2", "w.yml:2: the key a is given twice"),
        ("{a: {b: 1, b: 2}}", "the key b is given twice"),
        ("[" * 40 + "]" * 40, "nested too deeply"),
        ("[" * 3000 + "]" * 3000, "nested too deeply"),
        ("# " + "x" * MAX_WORKFLOW_BYTES, "more than"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
    ],
)
def test_what_cannot_be_looked_through_is_refused(text, told):
    with pytest.raises(WorkflowError, match=told):
        workflow(text)
