"""What the action hands to a step: read strictly, and taken out of the environment."""

import json

import pytest

from phasegate.documents.base import Step
from phasegate.errors import UserError
from phasegate.jobs.inputs import Inputs, JobResult

DIGEST, OTHER = "a" * 64, "b" * 64
GIVEN = {"PHASEGATE_STEP": "research", "PHASEGATE_TOKEN": "t0ken", "PHASEGATE_MODEL_KEY": "k3y", "PATH": "/bin"}


def read(**more: str) -> Inputs:
    return Inputs.taken_from(GIVEN | {f"PHASEGATE_{name}": value for name, value in more.items()})


def test_what_was_read_is_gone_from_the_environment_and_secrets_are_not_shown():
    environ = dict(GIVEN)

    inputs = Inputs.taken_from(environ)

    assert environ == {"PATH": "/bin"}
    assert inputs.step is Step.RESEARCH
    assert inputs.secrets == ("t0ken", "k3y")
    assert "t0ken" not in repr(inputs)
    assert "k3y" not in repr(inputs)


def test_hand_overs_of_a_matrix_are_those_that_are_there():
    slots = json.dumps({"slot-1": DIGEST, "slot-2": "", "slot-3": OTHER})

    assert read(HAND_OVER=DIGEST, HAND_OVERS=slots).hand_overs == (DIGEST, OTHER)
    assert read().hand_overs == ()


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ({}, False),
        ({"next": "plan"}, False),
        ({"next": "told"}, True),
        ({"hand-over": DIGEST}, True),
        ({"hand-over": ""}, False),
        ({"slot-2": DIGEST}, True),
    ],
)
def test_a_job_has_said_what_it_had_to_if_it_handed_over_or_told_it_itself(outputs, told):
    jobs = json.dumps({"research": {"result": "failure", "outputs": outputs}})

    assert read(JOBS=jobs).jobs == (JobResult("research", "failure", told=told),)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"STEP": ""}, "`phasegate run`"),
        ({"STEP": "correct"}, "is no step of a job"),
        ({"STEP": "re\x1bsearch"}, "is no step of a job"),
        ({"HAND_OVER": "A" * 64}, "HAND_OVER is not of its form"),
        ({"PART": "S1; rm"}, "PART is not of its form"),
        ({"HAND_OVERS": "[]"}, "HAND_OVERS is no JSON object"),
        ({"HAND_OVERS": "{"}, "HAND_OVERS is no JSON object"),
        ({"HAND_OVERS": json.dumps({"slot-1": "x"})}, "HAND_OVERS is not of its form"),
        ({"HAND_OVERS": json.dumps({f"slot-{n}": DIGEST for n in range(9)})}, "HAND_OVERS is not of its form"),
        ({"JOBS": json.dumps({"plan": {"result": "odd"}})}, "JOBS is not of its form"),
        ({"JOBS": json.dumps({"plan": 1})}, "JOBS is not of its form"),
    ],
)
def test_what_is_not_of_its_form_is_refused_in_words(more, said):
    with pytest.raises(UserError) as refused:
        read(**more)

    assert said in str(refused.value)
    assert "\x1b" not in str(refused.value)
