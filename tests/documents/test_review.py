import pytest
from pydantic import ValidationError

import examples
from phasegate.documents.review import ReviewFinding


def finding(severity: str) -> ReviewFinding:
    return ReviewFinding(path="a.py", line=None, severity=severity, message="look here")


@pytest.mark.parametrize(
    ("verdict", "fulfils_plan", "severities"),
    [
        ("approve", True, ()),
        ("approve", True, ("minor", "major")),
        ("changes", True, ("minor",)),
        ("changes", False, ("blocker", "minor")),
    ],
)
def test_verdicts_that_go_with_their_findings(verdict, fulfils_plan, severities):
    findings = tuple(finding(severity) for severity in severities)
    review = examples.review(verdict=verdict, fulfils_plan=fulfils_plan, findings=findings)
    assert review.payload.verdict == verdict


@pytest.mark.parametrize(
    ("verdict", "fulfils_plan", "severities", "message"),
    [
        ("approve", False, (), "verdict approve needs fulfils_plan true and no blocker"),
        ("approve", True, ("minor", "blocker"), "verdict approve needs fulfils_plan true and no blocker"),
        ("changes", False, (), "verdict changes needs at least one finding to act on"),
        ("maybe", True, (), "Input should be 'approve' or 'changes'"),
        ("changes", True, ("minor",) * 41, "at most 40"),
    ],
)
def test_verdicts_that_contradict_their_findings(verdict, fulfils_plan, severities, message):
    findings = tuple(finding(severity) for severity in severities)
    with pytest.raises(ValidationError, match=message):
        examples.review(verdict=verdict, fulfils_plan=fulfils_plan, findings=findings)


@pytest.mark.parametrize("line", [0, -1, 2**53, True, "1"])
def test_lines_count_from_one(line):
    with pytest.raises(ValidationError, match="line"):
        ReviewFinding(path="a.py", line=line, severity="minor", message="look here")
