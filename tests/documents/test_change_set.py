import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import examples
from phasegate.documents.base import digest_of
from phasegate.documents.change_set import ChangeSet, CriterionResult, WorkId, WorkResult
from phasegate.documents.parsing import parse_document

OTHER = digest_of(b"other")
SHA = "d" * 40


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_carried_whole(content):
    entry = examples.change_entry(data=content)
    assert entry.data() == content
    change = examples.change_set(entries=(entry,))
    assert parse_document(change.to_bytes(), ChangeSet).payload.entries[0].data() == content


def test_a_deletion_has_no_bytes():
    assert examples.change_entry(op="delete").data() == b""


@pytest.mark.parametrize(
    ("op", "change", "message"),
    [
        ("delete", {"content": ""}, "a deletion carries no content, anything else does"),
        ("modify", {"content": None}, "a deletion carries no content, anything else does"),
        ("create", {"content": None}, "a deletion carries no content, anything else does"),
        ("create", {"old_blob": SHA}, "only a new file has no old blob"),
        ("modify", {"old_blob": None}, "only a new file has no old blob"),
        ("delete", {"old_blob": None}, "only a new file has no old blob"),
        ("delete", {"mode": "100644"}, "a deletion carries no mode and no sha256"),
        ("delete", {"sha256": OTHER}, "a deletion carries no mode and no sha256"),
        ("modify", {"mode": None}, "mode or sha256 do not go with the content"),
        ("modify", {"sha256": OTHER}, "mode or sha256 do not go with the content"),
        ("modify", {"sha256": None}, "mode or sha256 do not go with the content"),
        ("create", {"content": "!"}, "the content is not base64"),
        ("create", {"content": "YQ"}, "the content is not base64"),
        ("create", {"content": "YQ==\n"}, "the content is not base64"),
        ("create", {"content": "ä==="}, "the content is not base64"),
        ("create", {"mode": "120000"}, "Input should be '100644' or '100755'"),
        ("create", {"mode": "160000"}, "Input should be '100644' or '100755'"),
        ("create", {"path": ".git/hooks/x"}, "leads into git's own data"),
    ],
)
def test_an_entry_whose_parts_contradict_each_other_is_refused(op, change, message):
    with pytest.raises(ValidationError, match=message):
        examples.change_entry(op=op, **change)


def test_content_that_was_exchanged_is_found():
    with pytest.raises(ValidationError, match="sha256"):
        examples.change_entry(content=base64.b64encode(b"two").decode(), sha256=digest_of(b"one"))


def test_a_path_is_changed_once():
    with pytest.raises(ValidationError, match="a path is changed twice"):
        examples.change_set(entries=(examples.change_entry("a"), examples.change_entry("a", "delete")))


def test_a_change_has_at_most_a_hundred_files():
    entries = tuple(examples.change_entry(f"f{number}") for number in range(101))
    assert len(examples.change_set(entries=entries[:100]).payload.entries) == 100
    with pytest.raises(ValidationError, match="entries"):
        examples.change_set(entries=entries)


@pytest.mark.parametrize("work", ["T1", "T99", "R1"])
def test_names_of_work(work):
    assert TypeAdapter(WorkId).validate_python(work) == work


@pytest.mark.parametrize("work", ["", "T0", "T100", "S1", "t1", "T1\n"])
def test_other_names_are_no_work(work):
    with pytest.raises(ValidationError):
        TypeAdapter(WorkId).validate_python(work)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "x" * 301}, "summary"),
        ({"criteria": ()}, "criteria"),
        ({"deviations": ("",)}, "deviations.0"),
    ],
)
def test_what_an_executor_may_not_hand_in(change, field):
    criterion = CriterionResult(criterion="it works", met=True, evidence="I saw it")
    with pytest.raises(ValidationError, match=rf"\n{field}\n"):
        WorkResult(**({"summary": "done", "criteria": (criterion,)} | change))


@pytest.mark.parametrize("summary", ["a\x1b[31mb", "a\x00b", "a\u2028b", "a\x9bb"])
def test_a_summary_holds_no_control_characters(summary):
    """It goes into a commit message and onto a terminal."""
    criteria = [{"criterion": "it works", "met": True, "evidence": "seen"}]
    with pytest.raises(ValidationError, match="summary"):
        WorkResult.model_validate_json(json.dumps({"summary": summary, "criteria": criteria}))
