import json
import time
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import examples
from phasegate.documents.base import Frozen
from phasegate.documents.gate_report import GateReport
from phasegate.documents.parsing import (
    ENVELOPE_BYTES,
    MAX_DEPTH,
    MAX_ERRORS,
    DocumentError,
    parse_document,
    parse_model,
    shown,
)
from phasegate.documents.plan import Plan
from phasegate.documents.progress import Progress
from phasegate.documents.snapshot import Snapshot
from phasegate.errors import ExitCode

EVIL = "\x1b[31mEVIL\u202e"


class Sample(Frozen):
    name: str = ""
    count: int = 0
    share: float = 0.0
    usd: Decimal = Decimal(0)
    at: datetime | None = None
    parts: tuple[int, ...] = ()
    inner: "Sample | None" = None


def refusal(content: bytes, model: type = Sample, *, max_bytes: int = 100_000) -> str:
    with pytest.raises(DocumentError) as raised:
        parse_model(content, model, max_bytes=max_bytes)
    assert raised.value.exit_code is ExitCode.REFUSED
    assert raised.value.what.isprintable()
    return raised.value.what


def test_a_valid_text_becomes_a_model():
    content = b'{"name": "a", "count": 3, "share": 0.5, "usd": "0.10", "at": "2026-01-01T00:00:00Z", "parts": [1, 2]}'
    parsed = parse_model(content, Sample, max_bytes=200)
    assert (parsed.name, parsed.count, parsed.share, parsed.usd, parsed.parts) == ("a", 3, 0.5, Decimal("0.10"), (1, 2))


@pytest.mark.parametrize("content", [b"{" + b" " * 99, b"\xff" * 101], ids=["not closed", "binary"])
def test_the_size_is_checked_before_anything_is_read(content):
    assert refusal(content + b" ", max_bytes=100) == f"Sample: {len(content) + 1} bytes, 100 are allowed."


def test_the_size_may_be_exactly_the_bound():
    assert parse_model(b"{}", Sample, max_bytes=2) == Sample()


def test_a_document_may_be_twice_its_bound_with_white_space_and_no_more():
    content, bound = examples.plan().to_bytes(), 2 * Plan.max_bytes + ENVELOPE_BYTES
    assert parse_document(content.ljust(bound), Plan) == examples.plan()
    with pytest.raises(DocumentError, match=f"Plan: {bound + 1} bytes, {bound} are allowed"):
        parse_document(content.ljust(bound + 1), Plan)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not valid JSON: Expecting value"),
        (b"{", "not valid JSON"),
        (b"{}x", "not valid JSON: Extra data"),
        (b"{'name': 1}", "not valid JSON"),
        (b'{"name": "\xff"}', "not valid JSON: 'utf-8' codec"),
        (b'{"name": "a\nb"}', "not valid JSON: Invalid control character"),
        (b'{"count": 01}', "not valid JSON"),
        (b'{"name": "a", "name": "b"}', "the key `name` is given twice"),
        (b'{"name": "a", "name": "a"}', "the key `name` is given twice"),
        (b'{"inner": {"count": 1, "share": 1, "count": 2}}', "the key `count` is given twice"),
        (b'{"share": NaN}', "NaN is no JSON number"),
        (b'{"share": Infinity}', "Infinity is no JSON number"),
        (b'{"share": -Infinity}', "-Infinity is no JSON number"),
        (b'{"share": 1e999}', "share: Input should be a finite number"),
        (b'{"share": -1e999}', "share: Input should be a finite number"),
        (b'{"usd": "NaN"}', "usd: Input should be a finite number"),
        (b'{"usd": "Infinity"}', "usd: Input should be a finite number"),
        (b'{"name": "\\ud800"}', "Sample: document: Invalid JSON"),
        (b'{"name": "\\udc00x"}', "Sample: document: Invalid JSON"),
        (b'{"count": ' + b"9" * 5000 + b"}", "not valid JSON: Exceeds the limit"),
        (b'{"count": 1e3}', "count: Input should be a valid integer"),
        (b'{"count": 1.5}', "count: Input should be a valid integer"),
        (b'{"count": true}', "count: Input should be a valid integer"),
        (b'{"count": "3"}', "count: Input should be a valid integer"),
        (b'{"name": 3}', "name: Input should be a valid string"),
        (b'{"name": null}', "name: Input should be a valid string"),
        (b'{"parts": "12"}', "parts: Input should be a valid"),
        (b'{"parts": [1, "x"]}', "parts.1: Input should be a valid integer"),
        (b'{"inner": {"inner": {"count": "x"}}}', "inner.inner.count: Input should be a valid integer"),
        (b'{"inner": {"nmae": "x"}}', "inner.nmae: Extra inputs are not permitted"),
        (b"[]", "document: Input should be an object"),
        (b"null", "document: Input should be an object"),
        ('{"name": "a"}'.encode("utf-16"), "document: Invalid JSON"),
        (b'\xef\xbb\xbf{"name": "a"}', "document: Invalid JSON"),
    ],
)
def test_bad_json_is_refused_with_the_place(content, message):
    assert message in refusal(content)


def test_nesting_is_bounded():
    deep = b'{"inner":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH
    assert parse_model(deep.replace(b"{}", b"null"), Sample, max_bytes=10_000).inner is not None
    assert refusal(b'{"inner":' + deep + b"}") == "Sample: nested more than 32 levels deep."


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_absurd_nesting_is_refused_like_any_other(bracket):
    closing = b"]" if bracket == b"[" else b"}"
    assert "nested" in refusal(bracket * 50_000 + b"1" + closing * 50_000, max_bytes=1_000_000)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({EVIL: 1}),
        json.dumps({"x" * 5000: 1}),
        json.dumps({"inner": {EVIL: EVIL}}),
        json.dumps({"name": [EVIL]}),
        json.dumps({"count": EVIL}),
        json.dumps({"parts": {EVIL: EVIL}}),
        json.dumps({"at": EVIL}),
        json.dumps({"usd": EVIL}),
        '{"%s": 1, "%s": 2}' % (("x" * 5000,) * 2),
        json.dumps({"\u2028": 1})[:-1] + ', "\\u2028": 2}',
    ],
)
def test_hostile_keys_and_values_are_not_repeated(content):
    message = refusal(content.encode())
    assert "\x1b" not in message
    assert "\u202e" not in message
    assert len(message) < 300


def test_ten_thousand_mistakes_make_a_short_message():
    message = refusal(json.dumps({"parts": ["x"] * 10_000}).encode())
    assert "parts.19: " in message
    assert f"parts.{MAX_ERRORS}: " not in message
    assert message.endswith("; and 9980 more")


def test_a_double_key_among_very_many_is_found_quickly():
    content = "{" + ",".join(f'"k{number}":1' for number in range(200_000)) + ',"k199999":1}'
    started = time.monotonic()
    assert "`k199999` is given twice" in refusal(content.encode(), max_bytes=10_000_000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("document", examples.every_document(), ids=lambda document: document.kind)
def test_every_field_of_a_document_is_wanted_and_no_other(document):
    whole = json.loads(document.to_bytes())
    for key in ("run", "parents", "made_by", "payload"):
        broken = json.dumps({name: value for name, value in whole.items() if name != key}).encode()
        with pytest.raises(DocumentError, match=f"{key}: Field required"):
            parse_document(broken, type(document))
    with pytest.raises(DocumentError, match="extra: Extra inputs are not permitted"):
        parse_document(json.dumps(whole | {"extra": 1}).encode(), type(document))
    with pytest.raises(DocumentError, match=r"payload\.extra: Extra inputs are not permitted"):
        parse_document(json.dumps(whole | {"payload": whole["payload"] | {"extra": 1}}).encode(), type(document))


@pytest.mark.parametrize("document", examples.every_document(), ids=lambda document: document.kind)
def test_a_document_of_another_kind_is_refused(document):
    other = Snapshot if not isinstance(document, Snapshot) else Plan
    with pytest.raises(DocumentError, match="kind: Input should be"):
        parse_document(document.to_bytes(), other)


def test_a_number_that_canonical_json_cannot_carry_is_refused_where_it_stands():
    whole = json.loads(examples.plan().to_bytes())
    with pytest.raises(DocumentError, match="revision: Input should be less than"):
        parse_document(json.dumps(whole | {"revision": 2**53}).encode(), Plan)


def test_a_gate_that_took_forever_is_no_number():
    text = examples.gate_report().to_bytes().replace(b'"seconds":1.5', b'"seconds":1e999')
    with pytest.raises(DocumentError, match=r"payload\.gates\.0\.seconds: Input should be a finite number"):
        parse_document(text, GateReport)


@settings(deadline=None)
@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_any_finite_duration_survives(seconds):
    report = examples.gate_report(gates=(examples.gate_result(seconds=seconds),))
    assert parse_document(report.to_bytes(), GateReport) == report


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_junk_gives_one_refusal(content):
    with pytest.raises(DocumentError, match="Snapshot"):
        parse_document(content, Snapshot)


def test_progress_goes_to_json_and_back():
    progress = examples.progress()
    assert parse_model(progress.model_dump_json().encode(), Progress, max_bytes=10_000) == progress


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain", "plain"),
        ("ä 日本 👩‍💻", "ä 日本 👩‍💻"),
        ("a\nb\tc", "a�b�c"),
        ("\x1b[0m", "�[0m"),
        ("\u202etxt\u2066\u200f\u061c", "�txt���"),
        ("\ud800\u2028", "��"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_what_a_message_may_carry(text, plain):
    assert shown(text) == plain
