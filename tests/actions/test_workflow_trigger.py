"""Which events start a workflow and with which inputs; how a matrix spreads: tables."""

import pytest

from actions.workflow_language import UnsupportedError
from actions.workflow_matrix import MatrixError, expand, leg_name
from actions.workflow_trigger import DispatchError, dispatch_inputs, is_triggered


@pytest.mark.parametrize(
    ("on", "event", "action", "starts"),
    [
        ({"issues": {"types": ["labeled"]}}, "issues", "labeled", True),
        ({"issues": {"types": ["labeled"]}}, "issues", "opened", False),
        ({"issues": {"types": "labeled"}}, "issues", "labeled", True),
        ({"issues": None}, "issues", "anything", True),
        ({"issues": None}, "issue_comment", "created", False),
        ("push", "push", None, True),
        (["push", "issues"], "issues", "opened", True),
        ({"pull_request": None}, "pull_request", "synchronize", True),
        ({"pull_request": None}, "pull_request", "labeled", False),
        ({"repository_dispatch": {"types": ["phasegate"]}}, "repository_dispatch", "phasegate", True),
        ({"repository_dispatch": {"types": ["phasegate"]}}, "repository_dispatch", "other", False),
        ({"repository_dispatch": None}, "repository_dispatch", "other", True),
        ({"workflow_dispatch": {"inputs": {}}}, "workflow_dispatch", None, True),
    ],
)
def test_events_and_types(on, event, action, starts):
    assert is_triggered(on, event, {"action": action}) is starts


def test_filters_that_are_not_built_are_refused():
    with pytest.raises(UnsupportedError, match="branches"):
        is_triggered({"push": {"branches": ["main"]}}, "push", {})


INPUTS = {
    "issue": {"type": "string", "required": True},
    "phase": {"type": "choice", "options": ["full", "plan"], "default": "full"},
    "dry-run": {"type": "boolean", "default": False},
    "count": {"type": "number"},
    "plain": None,
}


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ({"issue": "7"}, {"issue": "7", "phase": "full", "dry-run": False, "count": "", "plain": ""}),
        (
            {"issue": 7, "phase": "plan", "dry-run": "true", "count": "2", "plain": "x"},
            {"issue": "7", "phase": "plan", "dry-run": True, "count": 2, "plain": "x"},
        ),
    ],
)
def test_inputs_of_a_dispatch(given, inputs):
    assert dispatch_inputs({"workflow_dispatch": {"inputs": INPUTS}}, given) == inputs


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"issue": ""},
        {"issue": "7", "phase": "other"},
        {"issue": "7", "dry-run": "yes"},
        {"issue": "7", "count": "many"},
        {"issue": "7", "unknown": "x"},
    ],
)
def test_inputs_that_github_refuses(given):
    with pytest.raises(DispatchError):
        dispatch_inputs({"workflow_dispatch": {"inputs": INPUTS}}, given)


@pytest.mark.parametrize(
    ("matrix", "legs"),
    [
        ({"a": [1, 2]}, [{"a": 1}, {"a": 2}]),
        ({"a": [1, 2], "b": ["x", "y"]}, [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]),
        ({"a": [1, 2], "exclude": [{"a": 1}]}, [{"a": 2}]),
        ({"a": [1, 2], "include": [{"a": 2, "c": 3}]}, [{"a": 1}, {"a": 2, "c": 3}]),
        ({"a": [1], "include": [{"c": 3}, {"c": 4}]}, [{"a": 1, "c": 4}]),
        ({"a": [1], "include": [{"a": 9}]}, [{"a": 1}, {"a": 9}]),
        ({"include": [{"part": "x"}, {"part": "y"}]}, [{"part": "x"}, {"part": "y"}]),
    ],
)
def test_a_matrix_spreads(matrix, legs):
    assert expand(matrix) == legs


@pytest.mark.parametrize(
    "matrix", [{}, {"a": []}, {"a": "x"}, {"include": []}, {"a": [1], "exclude": [{"a": 1}]}, {"a": [*range(257)]}, "x"]
)
def test_a_matrix_that_github_refuses(matrix):
    with pytest.raises(MatrixError):
        expand(matrix)


@pytest.mark.parametrize(
    ("leg", "name"), [({}, "job"), ({"a": 1, "b": "x"}, "job (1, x)"), ({"a": {"deep": 1}, "b": True}, "job (true)")]
)
def test_names_of_legs(leg, name):
    assert leg_name("job", leg) == name
