"""Every refusal, sent as plain HTTP: the SDK would not send some of these."""

import json

import pytest

SCRIPT = """
rehearsal: 1
models:
  claude-old: {lifecycle: retired}
  claude-small: {max_input_tokens: 50}
  claude-free: {thinking: [adaptive, enabled, disabled], forced_tools: true}
scenes: [{name: any, turns: [{say: fine}], repeat: true}]
"""
READ = {"name": "read", "input_schema": {"type": "object"}}
USER = {"role": "user", "content": "hello"}
USE = {"type": "tool_use", "id": "t1", "name": "read", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
MARK = {"type": "ephemeral"}
BASE = {"model": "claude-free", "max_tokens": 1000, "messages": [USER]}
ABSENT = object()


def text(words="x", **more):
    return {"type": "text", "text": words, **more}


def conversation(*contents):
    """User and assistant in turn, beginning with the user."""
    return {"messages": [{"role": ("user", "assistant")[at % 2], "content": part} for at, part in enumerate(contents)]}


def pair(*, use=(USE,), result=(RESULT,)):
    return conversation("hello", list(use), list(result))


REFUSED = {
    "max_tokens is missing": ({"max_tokens": ABSENT}, "max_tokens: Field required"),
    "max_tokens is no number": ({"max_tokens": "5"}, "max_tokens: Input should be a valid integer"),
    "max_tokens is zero": ({"max_tokens": 0}, "max_tokens: must be at least 1"),
    "max_tokens is above the model's": ({"max_tokens": 64_001}, "max_tokens: 64001 > 64000"),
    "the model is missing": ({"model": ABSENT}, "model: Field required"),
    "the messages are missing": ({"messages": ABSENT}, "messages: Field required"),
    "the messages are empty": ({"messages": []}, "messages: at least one message is required"),
    "a parameter is unknown": ({"mood": "good"}, "mood: Extra inputs are not permitted"),
    "a beta's parameter is sent": ({"context_management": {}}, "context_management: Extra inputs"),
    "temperature is sent": ({"temperature": 0.5}, "temperature: this parameter was removed"),
    "top_p is sent": ({"top_p": 0.5}, "top_p: this parameter was removed"),
    "top_k is sent": ({"top_k": 5}, "top_k: this parameter was removed"),
    "a role is unknown": ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: Input should be 'user'"),
    "a role is system": ({"messages": [USER, {"role": "system", "content": "x"}]}, "messages.1.role"),
    "the assistant begins": ({"messages": [{"role": "assistant", "content": "x"}, USER]}, "first message must use"),
    "the assistant ends": (conversation("a", "b"), "does not support assistant message prefill"),
    "a message has no content": ({"messages": [{"role": "user", "content": []}]}, "must have non-empty content"),
    "a message is an empty string": (conversation(""), "messages.0.content.0: text content blocks must be non-empty"),
    "a text block is empty": (conversation([text("")]), "text content blocks must be non-empty"),
    "a text block is blank": (conversation([text(" \n")]), "must contain non-whitespace text"),
    "a system block is empty": ({"system": [text("")]}, "system.0: text content blocks must be non-empty"),
    "a system block is no text": ({"system": [USE]}, "system.0"),
    "a block has no known type": (conversation([{"type": "smell"}]), "does not match any of the expected tags"),
    "a block has an unknown field": (conversation([text(mood="good")]), "mood: Extra inputs are not permitted"),
    "a call has no id that fits": (pair(use=[USE | {"id": "a b"}]), "tool_use.id: String should match pattern"),
    "a user calls a tool": (conversation([USE]), "`tool_use` blocks can only be in `assistant` messages"),
    "an assistant has results": (conversation("a", [RESULT], "b"), "can only be in `user` messages"),
    "two calls have one id": (pair(use=[USE, USE]), "messages.1.content.1: `tool_use` ids must be unique"),
    "an id comes again later": (
        conversation("hello", [USE], [RESULT], [USE], [RESULT]),
        "messages.3.content.0: `tool_use` ids must be unique",
    ),
    "a result has no call": (conversation([RESULT]), "messages.0.content.0: unexpected `tool_use_id` found"),
    "a result has another call": (pair(result=[RESULT, RESULT | {"tool_use_id": "t2"}]), "unexpected `tool_use_id`"),
    "a result comes twice": (pair(result=[RESULT, RESULT]), "each tool_use must have a single result"),
    "a call has no result": (conversation("hello", [USE], "go on"), "messages.1: `tool_use` ids were found without"),
    "one of two calls has no result": (pair(use=[USE, USE | {"id": "t2"}]), "immediately after: t2."),
    "a result is not first": (pair(result=[text(), RESULT]), "at the start of the next message"),
    "an error says nothing": (pair(result=[RESULT | {"content": "", "is_error": True}]), "content cannot be empty if"),
    "a text in a result is empty": (pair(result=[RESULT | {"content": [text("")]}]), "must be non-empty"),
    "a thinking block has no signature": (
        conversation("a", [{"type": "thinking", "thinking": "x"}], "b"),
        "signature: Field required",
    ),
    "a redacted block is made up": (
        conversation("a", [{"type": "redacted_thinking", "data": "x"}], "b"),
        "messages.1.content.0: Invalid `data`",
    ),
    "a cache mark has another life": (
        conversation([text(cache_control=MARK | {"ttl": "2h"})]),
        "cache_control.ttl: Input should be '5m' or '1h'",
    ),
    "there are five cache marks": (
        {"system": [text(cache_control=MARK)] * 2, **conversation([text(cache_control=MARK)] * 3)},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    "the automatic mark is the fifth": (
        {"cache_control": MARK, **conversation([text(cache_control=MARK)] * 4)},
        "Found 5.",
    ),
    "a mark in a result counts": (
        {"system": [text(cache_control=MARK)] * 4, **pair(result=[RESULT | {"content": [text(cache_control=MARK)]}])},
        "Found 5.",
    ),
    "a long life comes after a short one": (
        {"tools": [READ | {"cache_control": MARK}], "system": [text(cache_control=MARK | {"ttl": "1h"})]},
        "must not come after a ttl='5m'",
    ),
    "a tool's name has a space": ({"tools": [READ | {"name": "a b"}]}, "tools.0.custom.name: String should match"),
    "a tool's name is too long": ({"tools": [READ | {"name": "a" * 129}]}, "tools.0.custom.name: String should match"),
    "a tool's name is not ASCII": ({"tools": [READ | {"name": "lösen"}]}, "tools.0.custom.name: String should match"),
    "two tools have one name": ({"tools": [READ, READ]}, "tools: Tool names must be unique."),
    "a tool has no schema": ({"tools": [{"name": "a"}]}, "tools.0.custom.input_schema: Field required"),
    "a schema has no type": ({"tools": [READ | {"input_schema": {}}]}, "input_schema.type: Field required"),
    "a schema is no object": ({"tools": [READ | {"input_schema": {"type": "array"}}]}, "Input should be 'object'"),
    "a schema is a choice": (
        {"tools": [READ | {"input_schema": {"type": "object", "anyOf": []}}]},
        "does not support oneOf, allOf, or anyOf at the top level",
    ),
    "a tool's type is unknown": ({"tools": [{"type": "saw_20260101", "name": "saw"}]}, "tools.0"),
    "a tool is no object": ({"tools": ["read"]}, "tools.0"),
    "bash has another name": ({"tools": [{"type": "bash_20250124", "name": "sh"}]}, "Input should be 'bash'"),
    "the editor has another name": (
        {"tools": [{"type": "text_editor_20250728", "name": "edit"}]},
        "Input should be 'str_replace_based_edit_tool'",
    ),
    "the choice names no offered tool": (
        {"tools": [READ], "tool_choice": {"type": "tool", "name": "write"}},
        "Tool 'write' not found in provided tools",
    ),
    "the choice names nothing": ({"tools": [READ], "tool_choice": {"type": "tool"}}, "name: Field required"),
    "the choice names too much": ({"tools": [READ], "tool_choice": {"type": "auto", "name": "read"}}, "not allowed"),
    "a tool is forced, but there is none": ({"tool_choice": {"type": "any"}}, "may only be specified while providing"),
    "the choice is unknown": ({"tool_choice": {"type": "maybe"}}, "tool_choice.type: Input should be 'auto'"),
    "any tool is forced on a model that cannot": (
        {"model": "claude-opus-5-5", "tools": [READ], "tool_choice": {"type": "any"}},
        'type "tool" and "any" are not supported for this model',
    ),
    "the model cannot think that way": (
        {"model": "claude-opus-5-5", "thinking": {"type": "disabled"}},
        '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive".',
    ),
    "thinking has an unknown type": ({"thinking": {"type": "hard"}}, "thinking.type: Input should be"),
    "thinking has no budget": ({"thinking": {"type": "enabled"}}, "budget_tokens: Field required"),
    "thinking has a tiny budget": ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "must be at least 1024"),
    "thinking has all the tokens": (
        {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
        "`max_tokens` must be greater than `thinking.budget_tokens`",
    ),
    "adaptive thinking has a budget": ({"thinking": {"type": "adaptive", "budget_tokens": 2000}}, "Extra inputs"),
    "the effort is unknown": ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    "the prompt is too long": ({"model": "claude-small", **conversation("x" * 400)}, "tokens > 50 maximum"),
}


@pytest.fixture
def post(serve, send):
    server = serve(SCRIPT)

    def body(changes, path="/v1/messages"):
        merged = {key: value for key, value in (BASE | changes).items() if value is not ABSENT}
        status, _, answer = send(server, merged, path=path)
        return status, answer

    return body


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_api_refuses_is_refused(case, post):
    changes, told = REFUSED[case]
    status, answer = post(changes)
    assert told in answer["error"]["message"]
    assert (status, answer["type"], answer["error"]["type"]) == (400, "error", "invalid_request_error")


TAKEN = {
    "a plain message": {},
    "several texts and a system": {"system": "be brief", **conversation([text(), text()])},
    "an empty system": {"system": ""},
    "a whole tool loop": {"tools": [READ], **pair(result=[RESULT, text("and?")])},
    "a result that says nothing": {**pair(result=[RESULT | {"content": ""}])},
    "a result without content": {**pair(result=[{"type": "tool_result", "tool_use_id": "t1"}])},
    "results in two messages": {
        "messages": [
            USER,
            {"role": "assistant", "content": [USE, USE | {"id": "t2"}]},
            {"role": "user", "content": [RESULT]},
            {"role": "user", "content": [RESULT | {"tool_use_id": "t2", "is_error": True}]},
        ]
    },
    "the tools that models know": {
        "tools": [
            READ | {"type": "custom", "strict": True, "description": "d"},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 100},
        ]
    },
    "a forced tool": {"tools": [READ], "tool_choice": {"type": "tool", "name": "read"}},
    "four cache marks": {"cache_control": MARK, **conversation([text(cache_control=MARK)] * 3)},
    "a long life before a short one": {
        "system": [text(cache_control=MARK | {"ttl": "1h"}), text(cache_control=MARK | {"ttl": "5m"})]
    },
    "thinking with a budget": {"max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}},
    "the other documented parameters": {
        "container": None,
        "diagnostics": {"previous_message_id": None},
        "inference_geo": "us",
        "metadata": {"user_id": "u"},
        "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object"}}},
        "service_tier": "auto",
        "speed": "standard",
        "stop_sequences": ["END"],
    },
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_the_api_takes_is_taken(case, post):
    status, answer = post(TAKEN[case])
    assert (status, answer.get("content")) == (200, [{"type": "text", "text": "fine"}]), answer


@pytest.mark.parametrize("name", ["claude-nobody", "claude-old"])
def test_an_unknown_or_retired_model_is_not_found(name, post):
    status, answer = post({"model": name})
    assert (status, answer["error"]) == (404, {"type": "not_found_error", "message": f"model: {name}"})


def test_counting_tokens_holds_to_the_same_rules(post):
    """The count takes what a message takes, without its limits, and refuses what it refuses."""
    path = "/v1/messages/count_tokens"
    assert post({"max_tokens": ABSENT, "system": "x"}, path)[0] == 200
    assert "max_tokens: Extra inputs" in post({}, path)[1]["error"]["message"]
    orphan = post({"max_tokens": ABSENT, **conversation([RESULT])}, path)[1]
    assert "unexpected `tool_use_id`" in orphan["error"]["message"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "The request body is not valid JSON"),
        (b"", "The request body is not valid JSON"),
        (b"[]", "Input should be an object"),
        (json.dumps(BASE).encode("utf-16"), "The request body is not valid JSON"),
    ],
)
def test_a_body_that_is_no_object_is_refused(body, told, serve, send):
    status, _, answer = send(serve(SCRIPT), body)
    assert status == 400
    assert told in answer["error"]["message"]
