import pytest
from pydantic import ValidationError

import examples
from phasegate.documents.plan import MAX_TASKS, EdgeCase, Estimate, Operation, PlannedFile, scope_of


def test_a_task_is_found_by_its_id():
    payload = examples.plan_payload()
    assert payload.task("T2") is payload.tasks[1]
    with pytest.raises(KeyError, match="T3"):
        payload.task("T3")


def test_the_scope_is_what_the_tasks_name_and_nothing_else():
    tasks = (examples.task(files=examples.files(modify="a b", delete="c")), examples.task("T2"))
    plan = examples.plan(tasks=tasks, documentation=("README.md",), verification=("cat other.txt",))
    assert {(file.path, str(file.op)) for file in plan.scope} == {
        ("a", "modify"),
        ("b", "modify"),
        ("c", "delete"),
        ("src/app/cli.py", "modify"),
    }
    assert plan.scope == scope_of(tasks)


def test_a_plan_may_be_as_big_as_its_bounds():
    tasks = tuple(examples.task(f"T{number}") for number in range(1, MAX_TASKS + 1))
    assert len(examples.plan(tasks=tasks).payload.tasks) == MAX_TASKS


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"overview": ""}, "overview"),
        ({"tasks": ()}, "tasks"),
        ({"tasks": tuple(examples.task() for _ in range(MAX_TASKS + 1))}, "tasks"),
        ({"verification": ()}, "verification"),
        ({"verification": ("- ",)}, "verification.0"),
        ({"prerequisites": ("ok", "")}, "prerequisites.1"),
        ({"estimate": None}, "estimate"),
    ],
)
def test_what_a_plan_refuses(change, field):
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        examples.plan_payload(**change)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id_": "T0"}, "id"),
        ({"id_": "T100"}, "id"),
        ({"id_": "R1"}, "id"),
        ({"title": " "}, "title"),
        ({"files": ()}, "files"),
        ({"files": examples.files(modify=" ".join("abcdefghijklm"))}, "files"),
        ({"description": " \n"}, "description"),
        ({"success_criteria": ()}, "success_criteria"),
        ({"check": ""}, "check"),
        ({"check": "Test"}, "check"),
        ({"check": "-x"}, "check"),
        ({"check": "none"}, "check"),
        ({"depends_on": ("1",)}, "depends_on.0"),
        ({"complexity": "huge"}, "complexity"),
    ],
)
def test_what_a_task_refuses(change, field):
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        examples.task(**change)


def test_a_gate_cannot_be_called_none_because_none_says_that_there_is_no_check():
    with pytest.raises(ValidationError, match="none says that there is no gate: name it otherwise"):
        examples.task(check="none")


def test_a_task_names_each_path_once():
    with pytest.raises(ValidationError, match="T1 names a path twice"):
        examples.task(files=examples.files(create="a", delete="a"))


@pytest.mark.parametrize("path", ["../x", ".git/config", "/etc/passwd", ""])
def test_a_task_cannot_name_a_hostile_path(path):
    with pytest.raises(ValidationError, match=r"\npath\n"):
        PlannedFile(path=path, op=Operation.MODIFY)


def test_an_edge_case_has_no_arrow_because_the_arrow_separates_it_from_its_handling():
    with pytest.raises(ValidationError, match=r"\ncase\n"):
        EdgeCase(case="a → b", handling="c")
    assert EdgeCase(case="a -> b", handling="c → d").handling == "c → d"


@pytest.mark.parametrize("turns", [0, 2001, True, 1.5])
def test_an_estimate_is_a_sensible_number_of_turns(turns):
    with pytest.raises(ValidationError, match=r"\nturns\n"):
        Estimate(turns=turns, reason="a guess")
