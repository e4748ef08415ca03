from dataclasses import replace

import pytest

import examples
from phasegate.documents.approval import Approver
from phasegate.documents.base import digest_of
from phasegate.policy.approval import MAY_APPROVE, Standing, why_void, within_approved

PLAN = examples.plan()
NOW = Standing(
    base_sha=examples.BASE,
    config=examples.CONFIG,
    head_sha=examples.HEAD,
    toolset=examples.TOOLSET,
    version="0.1.0",
)


def test_an_approval_of_exactly_what_stands_holds():
    assert why_void(examples.approval(), PLAN.digest, NOW) is None


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({"base_sha": "f" * 40}, "the base commit is another one"),
        ({"config": digest_of(b"other")}, "the configuration has changed"),
        ({"head_sha": "f" * 40}, "the branch has moved since"),
        ({"toolset": digest_of(b"other")}, "the tools of whoever carries it out have changed"),
        ({"version": "0.1.1"}, "it was given to phasegate 0.1.0, and this is 0.1.1"),
        ({"base_sha": "f" * 40, "config": digest_of(b"other")}, "the base commit is another one"),
    ],
)
def test_whatever_has_changed_since_voids_it(now, why):
    assert why_void(examples.approval(), PLAN.digest, replace(NOW, **now)) == why


def test_it_holds_for_the_plan_that_was_read_and_no_other():
    other = examples.plan(envelope={"revision": 2}).digest
    why = f"it was given for {PLAN.digest[:12]}, and {other[:12]} is in force"
    assert why_void(examples.approval(), other, NOW) == why


@pytest.mark.parametrize("permission", ["admin", "write", "read", "none"])
def test_who_may_approve(permission):
    approval = examples.approval(approver=Approver(id="1", login="eve", permission=permission))
    why = why_void(approval, PLAN.digest, NOW)
    if permission in MAY_APPROVE:
        assert why is None
    else:
        assert why == f"eve has the permission {permission}; write is needed"


def test_only_those_who_may_write_may_approve():
    assert {"admin", "write"} == MAY_APPROVE


def plan_of(**operations: str):
    return examples.plan(tasks=(examples.task(files=examples.files(**operations)),))


@pytest.mark.parametrize(
    ("approved", "corrected", "within"),
    [
        ({"modify": "a b"}, {"modify": "a b"}, True),
        ({"modify": "a b"}, {"modify": "b"}, True),
        ({"modify": "a b"}, {"modify": "a c"}, False),
        ({"modify": "a"}, {"delete": "a"}, False),
        ({"create": "a"}, {"delete": "a"}, False),
        ({"delete": "a"}, {"modify": "a"}, False),
        ({"delete": "a"}, {"delete": "a"}, True),
        ({"create": "a"}, {"modify": "a"}, True),
        ({"modify": "a"}, {"create": "a"}, True),
        ({"modify": "a"}, {"modify": "A"}, False),
        ({"modify": "a"}, {"modify": "a/b"}, False),
        ({"create": "a/b"}, {"create": "a"}, False),
    ],
)
def test_a_correction_within_what_was_approved_needs_no_new_approval(approved, corrected, within):
    assert within_approved(plan_of(**approved), plan_of(**corrected)) is within


def test_only_files_count_and_not_how_they_are_spread_over_tasks():
    one = examples.plan(tasks=(examples.task(files=examples.files(modify="a b")),))
    two = examples.plan(
        tasks=(
            examples.task("T1", files=examples.files(modify="a"), description="Quite another thing."),
            examples.task("T2", files=examples.files(modify="b")),
        ),
        title="Another title",
    )
    assert within_approved(one, two)
    assert within_approved(two, one)
