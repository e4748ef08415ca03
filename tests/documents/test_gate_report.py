import pytest
from pydantic import ValidationError

import examples


@pytest.mark.parametrize(
    ("exit_code", "timed_out", "passed"),
    [(0, False, True), (1, False, False), (-9, False, False), (None, True, False), (0, True, False)],
)
def test_a_gate_passed_when_its_command_ended_by_itself_with_0(exit_code, timed_out, passed):
    assert examples.gate_result(exit_code=exit_code, timed_out=timed_out).passed is passed


@pytest.mark.parametrize(
    ("gates", "passed"),
    [
        ((), True),
        (((0, True),), True),
        (((0, True), (1, False)), True),
        (((0, True), (1, True)), False),
        (((1, True), (0, False)), False),
    ],
)
def test_a_report_passed_when_every_required_gate_did(gates, passed):
    results = tuple(examples.gate_result(exit_code=exit_code, required=required) for exit_code, required in gates)
    assert examples.gate_report(gates=results).payload.passed is passed


@pytest.mark.parametrize("seconds", [-0.1, float("inf"), float("nan"), "1"])
def test_a_duration_is_a_number_from_zero(seconds):
    with pytest.raises(ValidationError, match="seconds"):
        examples.gate_result(seconds=seconds)


@pytest.mark.parametrize("exit_code", [256, -256, 2**60, True])
def test_an_exit_code_is_what_a_process_can_end_with(exit_code):
    with pytest.raises(ValidationError, match="exit_code"):
        examples.gate_result(exit_code=exit_code)
