import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import examples
from phasegate.documents.approval import Approval
from phasegate.documents.base import (
    MAX_PARENTS,
    SCHEMA_VERSION,
    Digest,
    Line,
    MadeBy,
    ModelId,
    Number,
    Prose,
    RunId,
    Sha,
    Step,
    Summary,
    canonical_json,
    digest_of,
)
from phasegate.documents.chain import KINDS
from phasegate.documents.parsing import parse_document

EVERY = examples.every_document()
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


def shuffled(value):
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(list(value))}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


def test_there_is_an_example_of_each_kind():
    assert {document.kind: type(document) for document in EVERY} == dict(KINDS)


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.kind)
def test_a_document_goes_to_bytes_and_back(document):
    again = parse_document(document.to_bytes(), type(document))
    assert again == document
    assert again.digest == document.digest
    assert again.to_bytes() == document.to_bytes()


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.kind)
def test_the_digest_is_the_sha256_of_the_canonical_json(document):
    assert document.digest == hashlib.sha256(document.to_bytes()).hexdigest() == digest_of(document.to_bytes())


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.kind)
def test_order_of_keys_and_white_space_do_not_matter_to_the_digest(document):
    pretty = json.dumps(shuffled(json.loads(document.to_bytes())), indent=4).encode()
    assert parse_document(pretty, type(document)).digest == document.digest


@pytest.mark.parametrize("document", EVERY, ids=lambda document: document.kind)
def test_a_document_cannot_be_changed(document):
    with pytest.raises(ValidationError, match="frozen"):
        document.run = "L2"


@pytest.mark.parametrize(
    "envelope",
    [
        {"run": "L2"},
        {"parents": ()},
        {"revision": 2},
        {"made_by": MadeBy(step=Step.PLAN, model="claude-opus-5-5", version="0.1.1")},
        {"made_by": MadeBy(step=Step.PLAN, model=None, version="0.1.0")},
    ],
)
def test_whatever_differs_makes_another_digest(envelope):
    assert examples.plan(envelope=envelope).digest != examples.plan().digest


@settings(deadline=None)
@given(_JSON)
def test_canonical_json_is_the_same_for_any_order_of_keys(value):
    assert canonical_json(shuffled(value)) == canonical_json(value)
    assert json.loads(canonical_json(value)) == value


def test_canonical_json_sorts_keys_and_has_no_blanks():
    assert canonical_json({"b": [1, "ä"], "a": 1.0}) == '{"a":1,"b":[1,"ä"]}'.encode()


def test_a_payload_beyond_its_bound_is_refused_with_both_numbers():
    text = "x" * (Approval.max_bytes - 500)
    assert examples.approval(comment=text).payload.comment == text
    with pytest.raises(ValidationError, match=r"the approval has \d{4} bytes, 4096 are allowed: say less"):
        examples.approval(comment="x" * Approval.max_bytes)


def test_the_bound_counts_bytes_not_characters():
    with pytest.raises(ValidationError, match="are allowed"):
        examples.approval(comment="ä" * (Approval.max_bytes // 2))


def test_another_schema_version_is_refused():
    with pytest.raises(ValidationError, match=r"schema_version 2 is not 1: made by another phasegate"):
        examples.snapshot(envelope={"schema_version": SCHEMA_VERSION + 1})


def test_parents_are_bounded():
    parents = tuple(digest_of(str(number).encode()) for number in range(MAX_PARENTS + 1))
    assert parse_document((full := examples.plan(envelope={"parents": parents[1:]})).to_bytes(), type(full)) == full
    with pytest.raises(ValidationError, match="parents"):
        examples.plan(envelope={"parents": parents})


@pytest.mark.parametrize("version", ["0.1.0", "1.0.0rc1.post2+local", "v1"])
def test_versions_that_may_stand_in_a_document(version):
    assert MadeBy(step=Step.PLAN, model=None, version=version).version == version


@pytest.mark.parametrize("version", ["", "1 --> <script>", "1\n", "-1", "1" * 65])
def test_a_version_cannot_end_the_comment_that_carries_it(version):
    with pytest.raises(ValidationError, match="version"):
        MadeBy(step=Step.PLAN, model=None, version=version)


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (Digest, ("0" * 64, "abcdef" + "1" * 58)),
        (Sha, ("a" * 40, "a" * 64)),
        (RunId, ("L1", "L9999999", "1", "9999999999")),
        (ModelId, ("claude-opus-5-5", "vendor/model:1@x", "m")),
        (Number, (1, 2**53 - 1)),
        (Line, ("a", "1. x", "→ 5", "x" * 1000, "日本")),
        (Prose, ("...", "a\n\n\tb", "x" * 16_000)),
        (Summary, ("", "x" * 300)),
    ],
    ids=["digest", "sha", "run", "model", "number", "line", "prose", "summary"],
)
def test_values_of_the_shared_types(kind, good):
    for value in good:
        assert TypeAdapter(kind).validate_python(value, strict=True) == value


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (Digest, ("", "0" * 63, "0" * 65, "A" * 64, "0" * 64 + "\n")),
        (Sha, ("", "HEAD", "a" * 41, "A" * 40, "a" * 40 + "\n")),
        (RunId, ("", "0", "L0", "L", "l1", "L12345678", "../1", "1\n", "\uff11")),
        (ModelId, ("", "-x", "a b", "a\n", "m" * 129, "a>b")),
        (Number, (0, -1, 2**53, 1.0, True, "1")),
        (Line, ("", " ", "...", "a\nb", "a\tb", "a\x1bb", "a\u2028b", "a\x85b", "x" * 1001, "a\ud800", 1, b"a")),
        (Prose, ("", " \n ", "a\rb", "a\x0bb", "a\x00b", "a\u2029b", "a\x9bb", "x" * 16_001, "a\udfff")),
        (Summary, ("a\nb", "x" * 301, "\x07")),
    ],
    ids=["digest", "sha", "run", "model", "number", "line", "prose", "summary"],
)
def test_what_the_shared_types_refuse(kind, bad):
    for value in bad:
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(value, strict=True)


_BLANK = st.text(st.sampled_from(" \t\n\u00a0\u2003\u3000"), max_size=3)


@settings(deadline=None)
@given(_BLANK, _BLANK)
def test_white_space_at_the_ends_is_taken_off(before, after):
    assert TypeAdapter(Prose).validate_python(f"{before}a b{after}") == "a b"
    assert TypeAdapter(Line).validate_python("\u3000a  b ") == "a  b"
