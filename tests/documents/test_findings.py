import pytest
from pydantic import ValidationError

import examples
from phasegate.documents.findings import DETAILS_MAX_BYTES, Claim, CodeReference, Decision, FindingsPayload, ScoutAnswer

CODE = CodeReference(path="code.py", first_line=1, last_line=1, why="the place")


def claims(path: str) -> tuple[Claim, ...]:
    return (Claim(statement="it holds", path=path),)


def test_every_claim_counts_as_a_citation():
    findings = FindingsPayload(
        asked="x",
        code=(CODE,),
        interfaces=claims("interfaces.py"),
        tests=claims("tests.py"),
        constraints=claims("constraints.py"),
        risks=claims("risks.py"),
        decisions=(Decision(decision="so", rationale="because", alternatives=(), path="decisions.py"),),
    )
    assert {path.removesuffix(".py") for path in findings.cited_paths()} == {
        "code",
        "interfaces",
        "tests",
        "constraints",
        "risks",
        "decisions",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"code": ()}, "code"),
        ({"code": (CODE,) * 61}, "code"),
        ({"asked": ""}, "asked"),
        ({"tests": claims("a") * 41}, "tests"),
        ({"open_questions": ("?",)}, "open_questions.0"),
    ],
)
def test_what_findings_refuse(change, field):
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        examples.findings(**change)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (1, 0), (1, 2**53), (-1, -1)])
def test_lines_count_from_one(first, last):
    with pytest.raises(ValidationError, match="_line"):
        CodeReference(path="a", first_line=first, last_line=last, why="here")


def test_the_last_line_is_not_before_the_first():
    assert CodeReference(path="a", first_line=7, last_line=7, why="here").last_line == 7
    with pytest.raises(ValidationError, match="last_line comes before first_line"):
        CodeReference(path="a", first_line=7, last_line=6, why="here")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"summary": "x" * 401}, "summary"),
        ({"summary": " "}, "summary"),
        ({"details": "x" * (DETAILS_MAX_BYTES // 4 + 1)}, "details"),
        ({"status": "fine"}, "status"),
    ],
)
def test_what_a_scout_may_not_hand_in(change, field):
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        ScoutAnswer(**({"status": "success", "summary": "found", "details": ""} | change))


def test_details_of_any_characters_fit_into_their_file():
    answer = ScoutAnswer(status="partial", summary=" found ", details="😀" * (DETAILS_MAX_BYTES // 4))
    assert len(answer.details.encode()) == DETAILS_MAX_BYTES
    assert answer.summary == "found"


@pytest.mark.parametrize("name", ["", "../x", ".x", "a/b", "A", "x" * 65, "a\n"])
def test_the_name_of_a_details_file_is_a_plain_name(name):
    with pytest.raises(ValidationError, match="details_file"):
        examples.scout_report(details_file=name)
