import pytest
from pydantic import ValidationError

import examples
from phasegate.documents.interview import Question


def question(id_: str = "Q1") -> Question:
    return Question(id=id_, question="Which?", why="it matters", suggestion="the first")


@pytest.mark.parametrize("count", [0, 9])
def test_an_interview_has_one_to_eight_questions(count):
    with pytest.raises(ValidationError, match="questions"):
        examples.questions(questions=tuple(question(f"Q{number + 1}") for number in range(count)))


@pytest.mark.parametrize("id_", ["", "Q0", "1", "Q100"])
def test_questions_are_numbered(id_):
    with pytest.raises(ValidationError, match="id"):
        question(id_)


@pytest.mark.parametrize(("field", "value"), [("verb", "approve"), ("text", ""), ("at", "yesterday")])
def test_what_feedback_refuses(field, value):
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        examples.feedback(**{field: value})
