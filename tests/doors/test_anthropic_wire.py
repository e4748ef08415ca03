"""Our blocks and Anthropic's JSON, both ways."""

import json
from typing import Any

import pytest
from anthropic.types import Message as SdkMessage
from anthropic.types import ModelInfo
from hypothesis import given
from hypothesis import strategies as st

from phasegate.documents.progress import Usage
from phasegate.doors.anthropic.wire import limits_of, reply_of, request_body, usage_of
from phasegate.doors.model import (
    Message,
    ModelLimits,
    RedactedThinking,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
)

LIMITS = ModelLimits(window=200_000, max_tokens=64_000, lifecycle="active", thinks=True)
MARK = {"cache_control": {"type": "ephemeral"}}


def body(*messages, limits=LIMITS, **changes):
    fields: dict[str, Any] = {"model": "m", "max_tokens": 1000, "effort": None, "system": "s", "tools": ()} | changes
    return request_body(Request(messages=messages or (Message("user", (Text("x"),)),), **fields), limits)


def sdk_message(*content, **changes):
    fields: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": list(content),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    return SdkMessage.model_validate(fields | changes)


BLOCKS = [
    (Text("hello"), {"type": "text", "text": "hello"}),
    (Thinking("", "sealed"), {"type": "thinking", "thinking": "", "signature": "sealed"}),
    (RedactedThinking("xyz"), {"type": "redacted_thinking", "data": "xyz"}),
    (
        ToolCall("t1", "read", '{"path": "ä.py", "lines": [1, 2.5, null, true]}'),
        {"type": "tool_use", "id": "t1", "name": "read", "input": {"path": "ä.py", "lines": [1, 2.5, None, True]}},
    ),
]
RESULTS = [
    (ToolResult("t1", "out"), {"type": "tool_result", "tool_use_id": "t1", "content": "out", "is_error": False}),
    (ToolResult("t1", "no", is_error=True),
     {"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True}),
]  # fmt: skip


@pytest.mark.parametrize(("block", "wire"), [*BLOCKS, *RESULTS])
def test_a_block_goes_out(block, wire):
    plain = Message("user", (Text("x"),))
    sent = body(plain, Message("assistant", (block,)), plain, plain)

    assert sent["messages"][1] == {"role": "assistant", "content": [wire | MARK]}


@pytest.mark.parametrize(("block", "wire"), BLOCKS)
def test_a_block_comes_in(block, wire):
    assert reply_of(sdk_message(wire)).blocks == (block,)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_a_text_that_the_api_would_not_take_back_is_left_out(text):
    assert reply_of(sdk_message({"type": "text", "text": text})).blocks == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_a_calls_input_goes_back_as_it_came(value):
    [call] = reply_of(sdk_message({"type": "tool_use", "id": "t", "name": "n", "input": value})).blocks
    sent = body(Message("assistant", (call,)))

    assert sent["messages"][0]["content"][0]["input"] == value
    assert list(sent["messages"][0]["content"][0]["input"]) == list(value)


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"a": float("nan"), "b": [float("inf"), float("-inf")]}, {"a": None, "b": [None, None]}),
        (["no", "object"], {}),
        ("text", {}),
        (None, {}),
    ],
)
def test_an_input_that_no_tool_takes_still_leaves_a_request_that_can_be_sent(value, sent):
    message = sdk_message({"type": "tool_use", "id": "t", "name": "n", "input": {}})
    message.content[0].input = value
    [call] = reply_of(message).blocks

    wire = body(Message("assistant", (call,)))["messages"][0]["content"][0]["input"]
    assert wire == sent
    assert json.dumps(wire, allow_nan=False)


@pytest.mark.parametrize("reason", [reason for reason in StopReason if reason is not StopReason.OTHER])
def test_a_stop_reason_is_known_by_name(reason):
    reply = reply_of(sdk_message(stop_reason=reason.value))

    assert (reply.stop, reply.note) == (reason, "")


@pytest.mark.parametrize("reason", ["compaction", "other", "brand_new"])
def test_an_unknown_stop_reason_is_told_by_its_name(reason):
    message = sdk_message()
    message.stop_reason = reason
    reply = reply_of(message)

    assert (reply.stop, reply.note) == (StopReason.OTHER, reason)


@pytest.mark.parametrize(
    ("details", "note"),
    [
        ({"type": "refusal", "category": "cyber", "explanation": "It could do harm."}, "It could do harm."),
        ({"type": "refusal", "category": "bio", "explanation": None}, "bio"),
        ({"type": "refusal", "category": None, "explanation": None}, ""),
        (None, ""),
    ],
)
def test_a_refusal_says_why_if_the_provider_does(details, note):
    reply = reply_of(sdk_message(stop_reason="refusal", stop_details=details))

    assert (reply.stop, reply.note) == (StopReason.REFUSAL, note)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"input_tokens": 1, "output_tokens": 2}, Usage(input_tokens=1, output_tokens=2)),
        (
            {
                "input_tokens": 1,
                "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 4,
                "output_tokens": 2,
            },
            Usage(input_tokens=1, cache_read_tokens=3, cache_write_tokens=4, output_tokens=2),
        ),
        (
            {"input_tokens": 0, "cache_read_input_tokens": None, "cache_creation_input_tokens": None,
             "output_tokens": 0},
            Usage(),
        ),
    ],
)  # fmt: skip
def test_usage_is_counted_in_four_parts_that_do_not_overlap(usage, counted):
    reply = reply_of(sdk_message(usage=usage))

    assert reply.usage == counted
    assert reply.sent == counted.sent


def test_no_usage_is_none():
    assert usage_of(None) == Usage()


def test_a_request_has_what_the_api_needs_and_nothing_else():
    assert body() == {
        "model": "m",
        "max_tokens": 1000,
        "system": [{"type": "text", "text": "s", **MARK}],
        "tools": [],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x", **MARK}]}],
        "thinking": {"type": "adaptive"},
    }


def test_thinking_is_asked_for_only_where_the_model_decides_how_much():
    assert "thinking" not in body(limits=ModelLimits(200_000, 64_000, "active", thinks=False))


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
def test_effort_is_asked_for_where_it_is_configured(effort):
    assert body(effort=effort)["output_config"] == {"effort": effort}


@pytest.mark.parametrize(("asked", "sent"), [(1000, 1000), (64_000, 64_000), (128_000, 64_000)])
def test_no_longer_answer_is_asked_for_than_the_model_can_give(asked, sent):
    assert body(max_tokens=asked)["max_tokens"] == sent


def test_tools_go_out_by_type_or_by_description():
    specs = (
        ToolSpec("str_replace_based_edit_tool", "text_editor_20250728"),
        ToolSpec("bash", "bash_20250124"),
        ToolSpec("read", None, "Reads.", '{"type": "object", "properties": {}}'),
    )

    assert body(tools=specs)["tools"] == [
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        {"type": "bash_20250124", "name": "bash"},
        {"name": "read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}},
    ]


@given(st.integers(0, 12), st.integers(1, 4), st.integers(0, 3))
def test_there_are_never_more_than_four_breakpoints_and_the_last_one_is_at_the_end(turns, blocks, tools):
    messages = [Message("user", (Text("first"),))]
    for turn in range(turns):
        calls = tuple(ToolCall(f"t{turn}-{number}", "n", "{}") for number in range(blocks))
        messages.append(Message("assistant", (Thinking("", "s"), *calls)))
        messages.append(Message("user", tuple(ToolResult(call.id, "out") for call in calls)))
    sent = body(*messages, tools=tuple(ToolSpec(f"n{number}", "bash_20250124") for number in range(tools)))

    assert 2 <= json.dumps(sent).count("cache_control") <= 4
    assert "cache_control" in sent["messages"][-1]["content"][-1]
    assert "cache_control" in sent["messages"][0]["content"][-1]
    assert "cache_control" in sent["system"][-1]


def record(**changes):
    supported = {"supported": True}
    unsupported = {"supported": False}
    types = {"adaptive": supported, "between_tools": supported, "disabled": unsupported, "enabled": unsupported}
    fields: dict[str, Any] = {
        "id": "m",
        "type": "model",
        "display_name": "M",
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
        "capabilities": {"thinking": {"supported": True, "types": types}},
    }
    return ModelInfo.construct(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "limits"),
    [
        ({}, ModelLimits(1_000_000, 128_000, "active", thinks=True)),
        ({"lifecycle": "deprecated"}, ModelLimits(1_000_000, 128_000, "deprecated", thinks=True)),
        ({"max_input_tokens": None, "max_tokens": None}, ModelLimits(200_000, 64_000, "active", thinks=True)),
        ({"capabilities": None}, ModelLimits(1_000_000, 128_000, "active", thinks=False)),
        (
            {"capabilities": {"thinking": {"supported": True, "types": {"adaptive": {"supported": False}}}}},
            ModelLimits(1_000_000, 128_000, "active", thinks=False),
        ),
    ],
)
def test_limits_come_from_the_models_record(changes, limits):
    assert limits_of(record(**changes)) == limits
