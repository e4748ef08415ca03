import json
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import examples
from phasegate.documents.base import KIB, Step, digest_of
from phasegate.documents.hand_over import (
    Answer,
    CarriedCommit,
    CarriedDetails,
    CarriedDocument,
    HandOver,
    Origin,
    Places,
)
from phasegate.documents.parsing import DocumentError, parse_model

ORIGIN = Origin(
    event="issue_comment",
    actor="ann",
    actor_id=1,
    permission="write",
    at=examples.NOW,
    number=9,
    comment=501,
    verb="approve",
)
COMMIT = CarriedCommit(
    sha=examples.HEAD,
    parent=examples.BASE,
    when=examples.NOW,
    message="Add the flag\n\nPhasegate-Task: T1\n",
    entries=(examples.change_entry(), examples.change_entry("new.py", "create")),
)


def hand_over(**changes):
    fields = {"run": "7", "made_by": Step.DECIDE, "origin": ORIGIN}
    return HandOver(**(fields | changes))


FULL = hand_over(
    places=Places(pull=9, pull_id="PR_9", tip="d" * 40, status=11, notice=12),
    dry_run=True,
    answer=Answer(code="not-permitted", topic="refused", what="No.", mend="Ask."),
    progress=examples.progress(),
    documents=tuple(
        CarriedDocument(kind=document.kind, text=document.to_bytes().decode()) for document in examples.every_document()
    ),
    details=(CarriedDetails(name="scout-s1.md", text="# Found\n"),),
    commits=(COMMIT,),
)


def read(content):
    return parse_model(content, HandOver, max_bytes=HandOver.max_bytes)


@pytest.mark.parametrize("whole", [hand_over(), FULL], ids=["least", "most"])
def test_a_hand_over_arrives_as_it_was_sent(whole):
    assert read(whole.to_bytes()) == whole
    assert read(whole.to_bytes()).digest == whole.digest == digest_of(whole.to_bytes())


def test_the_same_is_the_same_file_whatever_the_order_and_the_white_space():
    shuffled = dict(reversed(json.loads(FULL.to_bytes()).items()))
    assert read(json.dumps(shuffled, indent=2).encode()).digest == FULL.digest


def test_any_difference_is_another_digest():
    others = (hand_over(run="8"), hand_over(dry_run=True), hand_over(made_by=Step.PLAN), FULL)
    assert len({it.digest for it in (hand_over(), *others)}) == len(others) + 1


def test_what_nobody_knows_yet_is_none():
    least = hand_over()
    assert (least.answer, least.progress, least.dry_run) == (None, None, False)
    assert (least.documents, least.details, least.commits) == ((), (), ())
    assert set(Places().model_dump().values()) == {None}
    assert Origin(event="issues", actor="a", actor_id=1, permission="admin", at=examples.NOW, number=1).comment is None


def changed(path, value):
    content = json.loads(FULL.to_bytes())
    *parents, last = path.split(".")
    part = content
    for key in parents:
        part = part[int(key) if key.isdigit() else key]
    part[last] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kind", "plan"),
        ("run", "0"),
        ("run", 7),
        ("made_by", "somebody"),
        ("more", 1),
        ("dry_run", "true"),
        ("origin.event", "push"),
        ("origin.permission", "maintain"),
        ("origin.number", 0),
        ("origin.comment", 0),
        ("origin.actor_id", "1"),
        ("origin.more", 1),
        ("places.tip", "main"),
        ("places.pull", -1),
        ("places.more", 1),
        ("answer.code", "Not Permitted"),
        ("answer.code", "x"),
        ("answer.code", "x" * 41),
        ("answer.topic", "other"),
        ("progress.run", "x"),
        ("documents.0.kind", "../x"),
        ("documents.0.more", 1),
        ("details.0.name", "../x"),
        ("details.0.name", ".x"),
        ("details.0.name", "x" * 41),
        ("details.0.name", "a/b"),
        ("commits.0.sha", "HEAD"),
        ("commits.0.parent", "a" * 39),
        ("commits.0.when", "yesterday"),
        ("commits.0.entries.0.path", "../x"),
        ("commits.0.entries.0.mode", "120000"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_field_is_named(path, value):
    with pytest.raises(DocumentError, match=path):
        read(changed(path, value))


def test_a_commit_carries_no_more_than_two_hundred_files():
    entries = tuple(examples.change_entry(f"f{number}") for number in range(201))
    content = COMMIT.model_dump() | {"entries": entries}
    with pytest.raises(ValidationError, match="at most 200"):
        CarriedCommit.model_validate(content)
    assert CarriedCommit.model_validate(content | {"entries": entries[:200]})


def test_a_file_that_is_too_big_is_not_even_read():
    assert HandOver.max_bytes == 64 * 1024 * KIB
    with pytest.raises(DocumentError, match="bytes"):
        parse_model(FULL.to_bytes(), HandOver, max_bytes=len(FULL.to_bytes()) - 1)


def test_a_hand_over_cannot_be_changed_on_its_way():
    with pytest.raises(ValidationError, match="frozen"):
        FULL.run = "8"


@given(st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=30)))), st.text())
def test_times_and_texts_survive(when, text):
    encodable = text.encode("utf-8", "replace").decode()
    commit = COMMIT.model_copy(update={"when": when, "message": encodable})
    whole = hand_over(commits=(commit,), details=(CarriedDetails(name="a", text=encodable),))
    assert read(whole.to_bytes()) == whole
