"""What a model sends is hostile until it has been parsed; what tools say has bounds."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.agent.tools.tool import INPUT_LIMIT, Input, ToolError, cut, parse_input, spec_of


class Asked(Input):
    name: str
    count: int = 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "Input should be"),
        ('"x"', "Input should be"),
        ("null", "Input should be"),
        ("{}", "name: Field required"),
        ('{"name": "a", "name": "b"}', "the key `name` is given twice"),
        ('{"name": "a", "count": NaN}', "NaN is no JSON number"),
        ('{"name": "a", "count": 1e999}', "count"),
        ('{"name": "a", "other": 1}', "other: Extra inputs are not permitted"),
        ('{"name": 1}', "name: Input should be a valid string"),
        ('{"name": "\\ud800"}', "JSON"),
        ('{"name": "\ud800"}', "JSON"),
        ('{"name": ' + "[" * 40 + "]" * 40 + "}", "nested more than 32 levels"),
        ('{"name": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
        (json.dumps({"name": "x" * INPUT_LIMIT}), "bytes"),
    ],
)
def test_hostile_input_is_told_to_the_model(text, told):
    with pytest.raises(ToolError, match=told):
        parse_input(text, Asked)


@given(st.text(max_size=200))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    with suppress(ToolError):
        assert isinstance(parse_input(text, Asked), Asked)


def test_a_good_input_is_parsed():
    assert parse_input('{"name": "a\\u0000ä😀", "count": 2}', Asked) == Asked(name="a\0ä😀", count=2)


def test_a_specification_is_the_same_text_every_time():
    """It stands at the front of every request, where a changed byte would cost the cache."""
    first, second = spec_of("tool", "A tool.", Asked), spec_of("tool", "A tool.", Asked)

    assert first == second
    schema = json.loads(first.schema_json)
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    assert list(schema) == sorted(schema)


@given(st.text(max_size=300), st.integers(3, 400))
def test_a_text_is_cut_only_where_it_is_too_long(text, limit):
    shown = cut(text, limit, hint="Ask for less.")

    if len(text) <= limit:
        assert shown == text
    else:
        head, tail = text[: limit * 2 // 3], text[-(limit // 3) :]
        assert shown.startswith(head)
        assert shown.endswith(tail)
        assert f"{len(text) - len(head) - len(tail)} characters left out. Ask for less." in shown
