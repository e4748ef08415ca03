import json
from decimal import Decimal

import pytest
from pydantic import ValidationError

import examples
from phasegate.documents.parsing import DocumentError, parse_model
from phasegate.documents.progress import (
    PhaseName,
    PhaseProgress,
    Progress,
    RunState,
    Spent,
    Usage,
    WaitingFor,
    WorkProgress,
)

USAGE = Usage(input_tokens=1, cache_read_tokens=20, cache_write_tokens=300, output_tokens=4000)
SPENT = Spent(usage=USAGE, usd=Decimal("0.1"), turns=1, seconds=0.1)


def test_parts_of_usage_do_not_overlap():
    assert USAGE.sent == 321
    assert USAGE.total == 4321
    assert Usage(input_tokens=2, cache_read_tokens=40, cache_write_tokens=600, output_tokens=8000) == USAGE + USAGE


def test_costs_are_added_exactly():
    total = SPENT + SPENT + SPENT
    assert total == Spent(usage=USAGE + USAGE + USAGE, usd=Decimal("0.3"), turns=3, seconds=0.3)


def test_a_run_has_cost_what_its_phases_have_and_tasks_are_part_of_them():
    phases = tuple(
        PhaseProgress(id=name, spent=SPENT if name in {PhaseName.PLAN, PhaseName.IMPLEMENT} else Spent())
        for name in PhaseName
    )
    tasks = (WorkProgress(id="T1", title="Do it", spent=SPENT),)
    assert examples.progress(phases=phases, tasks=tasks).spent == SPENT + SPENT
    assert examples.progress().spent == Spent()


@pytest.mark.parametrize("field", ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"])
def test_tokens_cannot_be_given_back(field):
    with pytest.raises(ValidationError, match=field):
        Usage(**{field: -1})


@pytest.mark.parametrize(
    "change",
    [{"usd": Decimal("-0.01")}, {"usd": Decimal("NaN")}, {"turns": -1}, {"seconds": -0.1}, {"seconds": float("inf")}],
)
def test_money_turns_and_time_cannot_be_given_back(change):
    with pytest.raises(ValidationError, match=next(iter(change))):
        Spent(**change)


def test_phases_and_tasks_are_found_by_their_names():
    progress = examples.progress(tasks=(WorkProgress(id="T1", title="one"), WorkProgress(id="R1", title="two")))
    assert [progress.phase(name).id for name in PhaseName] == list(PhaseName)
    assert progress.task("R1").title == "two"
    assert progress.task("T2") is None


@pytest.mark.parametrize("state", RunState)
def test_a_run_is_over_unless_it_works_or_waits(state):
    waiting = WaitingFor.ANSWERS if state is RunState.WAITING else None
    progress = examples.progress(state=state, waiting_for=waiting)
    assert progress.ended is (state not in {RunState.ACTIVE, RunState.WAITING})


def test_progress_survives_the_disk():
    progress = examples.progress(
        state=RunState.WAITING,
        waiting_for=WaitingFor.APPROVAL,
        tasks=(WorkProgress(id="T1", title="one", spent=SPENT, started=examples.NOW),),
    )
    assert parse_model(progress.model_dump_json(indent=1).encode(), Progress, max_bytes=10_000) == progress


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phases": []}, "phases are not research, plan, implement, correct, verify, review, each once"),
        ({"phases": [{"id": "plan"}]}, "phases are not"),
        ({"tasks": [{"id": "T1", "title": "a"}, {"id": "T1", "title": "b"}]}, "a task is there twice"),
        ({"state": "waiting"}, "waiting_for goes with the state waiting, and only with it"),
        ({"waiting_for": "approval"}, "waiting_for goes with the state waiting, and only with it"),
        ({"state": "asleep"}, "state: Input should be 'active'"),
        ({"head_sha": "HEAD"}, "head_sha: String should match"),
        ({"tasks": [{"id": "X1", "title": "a"}]}, "tasks.0.id: String should match"),
        ({"run": "../x"}, "run: String should match"),
        ({"schema_version": "1"}, "schema_version: Input should be a valid integer"),
        ({"unknown": 1}, "unknown: Extra inputs are not permitted"),
    ],
)
def test_a_broken_progress_file_is_refused(change, message):
    content = json.dumps(json.loads(examples.progress().model_dump_json()) | change).encode()
    with pytest.raises(DocumentError) as raised:
        parse_model(content, Progress, max_bytes=10_000)
    assert message in raised.value.what
