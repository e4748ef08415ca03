"""What the SDK makes of a reply."""

import http.client
import json

import pytest

SCRIPT = """
rehearsal: 1
scenes:
  - name: stops
    when: {first: stop now}
    turns: [{say: half a, stop: max_tokens}]
  - name: loop
    turns:
      - think: "I should look at both files before I say anything about them."
        say: "I look at “both” files,\\nand then I say something longer about them."
        call:
          - read: {path: ä/ü.py, lines: [1, 2], deep: {a: null, b: true}}
          - list:
      - {expect: [first file, second file], say: Done.}
"""
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("read", "list")]
BODY = {
    "model": "claude-opus-5-5",
    "max_tokens": 1000,
    "tools": TOOLS,
    "thinking": {"type": "adaptive", "display": "summarized"},
}


def ask(client, messages, *, stream):
    if not stream:
        return client.messages.create(messages=messages, **BODY)
    with client.messages.stream(messages=messages, **BODY) as running:
        return running.get_final_message()


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_loop_runs_through_the_sdk(stream, serve, client):
    """Thinking, text and parallel calls arrive whole; results go back; the next turn answers."""
    connected = client(serve(SCRIPT))
    messages = [{"role": "user", "content": "look"}]
    reply = ask(connected, messages, stream=stream)
    thought, said, read, listed = reply.content
    assert thought.thinking.startswith("I should look")
    assert said.text == "I look at “both” files,\nand then I say something longer about them."
    assert read.input == {"path": "ä/ü.py", "lines": [1, 2], "deep": {"a": None, "b": True}}
    assert (listed.name, listed.input) == ("list", {})
    assert read.id != listed.id
    assert reply.stop_reason == "tool_use"
    results = [
        {"type": "tool_result", "tool_use_id": read.id, "content": "first file"},
        {"type": "tool_result", "tool_use_id": listed.id, "content": "second file", "is_error": True},
    ]
    messages += [reply.to_param(), {"role": "user", "content": results}]
    last = ask(connected, messages, stream=stream)
    assert (last.content[0].text, last.stop_reason) == ("Done.", "end_turn")


def test_a_stream_and_a_whole_answer_say_the_same(serve, client):
    messages = [{"role": "user", "content": "look"}]
    streamed = ask(client(serve(SCRIPT)), messages, stream=True)
    whole = ask(client(serve(SCRIPT)), messages, stream=False)
    shown = [reply.model_dump(exclude={"content": {"__all__": {"parsed_output"}}}) for reply in (streamed, whole)]
    assert shown[0] == shown[1]


def test_the_events_come_in_the_apis_order(serve, client):
    with client(serve(SCRIPT)).messages.create(
        messages=[{"role": "user", "content": "look"}], stream=True, **BODY
    ) as events:
        seen = list(events)
    kinds = [event.type for event in seen]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 4
    deltas = [event.delta.type for event in seen if event.type == "content_block_delta"]
    assert sorted(set(deltas)) == ["input_json_delta", "signature_delta", "text_delta", "thinking_delta"]
    assert min(deltas.count(kind) for kind in ("thinking_delta", "text_delta", "input_json_delta")) >= 3
    start, end = seen[0].message, seen[-2]
    assert (start.content, start.stop_reason, start.usage.output_tokens) == ([], None, 1)
    assert start.usage.input_tokens == end.usage.input_tokens
    assert end.usage.output_tokens > 30


def test_a_stream_pings(serve):
    """The SDK swallows pings, so this one looks at the bytes."""
    server = serve(SCRIPT)
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    body = json.dumps(BODY | {"messages": [{"role": "user", "content": "look"}], "stream": True})
    connection.request("POST", "/v1/messages", body, headers={"x-api-key": "k", "anthropic-version": "2026-10-21"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert text.startswith('event: message_start\ndata: {"type":"message_start"')
    assert '\n\nevent: ping\ndata: {"type":"ping"}\n\n' in text


def test_a_large_call_comes_in_a_few_pieces(serve, client):
    content = "line\n" * 5000
    script = json.dumps(
        {
            "rehearsal": 1,
            "scenes": [{"name": "s", "turns": [{"call": [{"read": {"text": content}}]}]}],
        }
    )
    with client(serve(script)).messages.create(
        messages=[{"role": "user", "content": "x"}], stream=True, **BODY
    ) as events:
        seen = [event for event in events if event.type == "content_block_delta"]
    assert len(seen) < 12
    assert json.loads("".join(event.delta.partial_json for event in seen)) == {"text": content}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "pause_turn", "model_context_window_exceeded", "tool_use"])
def test_a_turn_may_stop_for_any_reason(stop, stream, serve, client):
    reply = ask(
        client(serve(SCRIPT.replace("max_tokens", stop))), [{"role": "user", "content": "stop now"}], stream=stream
    )
    assert (reply.stop_reason, reply.content[0].text) == (stop, "half a")
    assert (reply.stop_details is not None) == (stop == "refusal")


def test_a_stop_sequence_is_named(serve, client):
    reply = client(serve(SCRIPT.replace("max_tokens", "stop_sequence"))).messages.create(
        messages=[{"role": "user", "content": "stop now"}], stop_sequences=["END"], **BODY
    )
    assert (reply.stop_reason, reply.stop_sequence) == ("stop_sequence", "END")


def test_ids_follow_from_the_conversation_and_differ_between_turns_and_conversations(serve, client):
    def ids(first):
        reply = ask(client(serve(SCRIPT)), [{"role": "user", "content": first}], stream=False)
        return [reply.id, *(block.id for block in reply.content if block.type == "tool_use")]

    assert ids("look") == ids("look")
    assert not set(ids("look")) & set(ids("look again"))


def test_calls_of_later_turns_have_other_ids(serve, client):
    connected = client(serve("rehearsal: 1\nscenes: [{name: s, turns: [{call: [{read: {}}]}], repeat: true}]"))
    messages, ids = [{"role": "user", "content": "look"}], set()
    for _ in range(3):
        reply = ask(connected, messages, stream=False)
        result = {"type": "tool_result", "tool_use_id": reply.content[0].id, "content": "x"}
        messages += [reply.to_param(), {"role": "user", "content": [result]}]
        ids |= {reply.id, reply.content[0].id}
    assert len(ids) == 6
