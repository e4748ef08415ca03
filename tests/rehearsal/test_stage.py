"""Which turn plays: asked through the real API, as the choice is about what really arrives."""

from concurrent.futures import ThreadPoolExecutor

import pytest

SCENES = """
rehearsal: 1
scenes:
  - name: scout
    when: {model: claude-haiku-5-5, system: [scout, brief], first: layout}
    turns: [{say: scouting}]
  - name: plain
    when: {model: [claude-haiku-5-5, claude-sonnet-5-5], not_system: scout, not_first: secret}
    turns: [{say: plain}]
  - name: editor
    when: {tools: [edit, read], not_tools: shell}
    turns: [{say: editing}]
"""
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("read", "edit", "shell")]


def request(first="hello", model="claude-opus-5-5", **more):
    return {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": first}]} | more


@pytest.mark.parametrize(
    ("asked", "scene"),
    [
        (request("see layout.md", "claude-haiku-5-5", system="you scout; be brief"), "scout"),
        (request("see layout.md", "claude-haiku-5-5"), "plain"),
        (request("hello", "claude-sonnet-5-5"), "plain"),
        (request(tools=TOOLS[:2]), "editor"),
        (request("hello", "claude-haiku-5-5", tools=TOOLS[:2]), "plain"),
    ],
)
def test_the_first_scene_whose_matchers_all_hold_plays(asked, scene, serve, send):
    server = serve(SCENES)
    assert send(server, asked)[0] == 200
    assert (server.log[0].scene, server.log[0].turn) == (scene, 1)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            request("see layout.md", "claude-haiku-5-5", system="scout"),
            "Nearest: scout (system lacks 'brief'), plain (system has 'scout'), editor (tool edit is not offered; tool",
        ),
        (request("a secret", "claude-sonnet-5-5"), "Nearest: plain (first message has 'secret')"),
        (request(tools=TOOLS), "model is claude-opus-5-5, not claude-haiku-5-5 or claude-sonnet-5-5"),
        (request(tools=TOOLS), "editor (tool shell is offered)"),
    ],
)
def test_a_request_that_fits_no_scene_is_told_the_nearest(asked, told, serve, send):
    status, _, answer = send(serve(SCENES), asked)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert answer["error"]["message"].startswith("rehearsal: no scene matches this request. ")
    assert told in answer["error"]["message"]


TURNS = """
rehearsal: 1
scenes:
  - name: talk
    turns:
      - say: one
      - {expect: [blue, green], expect_not: red, say: two}
"""


def talk(*words):
    messages = [{"role": ("user", "assistant")[at % 2], "content": word} for at, word in enumerate(words)]
    return request() | {"messages": messages}


def test_the_turn_is_the_number_of_the_models_messages(serve, send):
    """So the same request gets the same turn, however often and in whatever order it comes."""
    server = serve(TURNS)
    second, first = talk("hi", "one", "blue and green"), talk("hi")
    said = [send(server, body)[2]["content"][0]["text"] for body in (second, first, first, second)]
    assert said == ["two", "one", "one", "two"]


def test_a_scene_that_is_over_says_so(serve, send):
    status, _, answer = send(serve(TURNS), talk("hi", "one", "blue green", "two", "and?"))
    assert status == 400
    assert answer["error"]["message"] == "rehearsal: scene talk has 2 turns; this request asks for turn 3"


def test_a_scene_that_repeats_plays_its_last_turn_again(serve, send):
    server = serve(TURNS + "    repeat: true\n")
    answer = send(server, talk("hi", "one", "blue green", "two", "blue, green"))[2]
    assert answer["content"][0]["text"] == "two"
    assert server.log[0].turn == 3


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("only blue", "scene talk, turn 2: the last message lacks 'green'. The last message was: 'only blue'"),
        ("blue green red", "the last message has 'red'"),
        ("x" * 1000, "(1000 characters)"),
    ],
)
def test_an_expectation_that_is_not_met_quotes_what_was_there(last, told, serve, send):
    status, _, answer = send(serve(TURNS), talk("hi", "one", last))
    assert status == 400
    assert told in answer["error"]["message"]


def test_an_expectation_looks_into_tool_results(serve, send):
    script = """
rehearsal: 1
scenes:
  - name: s
    turns:
      - call: [{read: {path: a}}]
      - {expect: def render, say: seen}
"""
    server = serve(script)
    opened = request(tools=TOOLS)
    call = send(server, opened)[2]["content"]
    result = {"type": "tool_result", "tool_use_id": call[0]["id"], "content": [{"type": "text", "text": "def render"}]}
    opened["messages"] += [{"role": "assistant", "content": call}, {"role": "user", "content": [result]}]
    assert send(server, opened)[2]["content"][0]["text"] == "seen"


CALLS = """
rehearsal: 1
scenes:
  - name: forced
    when: {first: compromised}
    turns: [{call: [{shell: {}}], force: true}]
  - name: honest
    turns: [{call: [{read: {}}, {shell: {}}]}]
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            {"tools": TOOLS[:1]},
            "rehearsal: scene honest, turn 1 calls tool shell, which was not offered (offered: read)",
        ),
        ({"tools": TOOLS, "tool_choice": {"type": "none"}}, "which tool_choice none does not allow"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            "calls 2 tools at once",
        ),
    ],
)
def test_a_script_cannot_do_what_the_request_does_not_allow(more, told, serve, send):
    status, _, answer = send(serve(CALLS), request(**more))
    assert status == 400
    assert told in answer["error"]["message"]


def test_a_forced_turn_calls_what_was_not_offered(serve, send):
    """For tests of what a compromised model can do."""
    answer = send(serve(CALLS), request("compromised", tools=TOOLS[:1]))[2]
    assert answer["content"][0]["name"] == "shell"


FAILS = """
rehearsal: 1
scenes:
  - name: s
    turns: [{fail: [{status: 529}, {status: 500}], say: at last}]
"""


def test_failures_are_counted_for_each_conversation(serve, send):
    server = serve(FAILS)
    mine = [send(server, request("mine"))[0] for _ in range(4)]
    yours = [send(server, request("yours"))[0] for _ in range(3)]
    assert (mine, yours) == ([529, 500, 200, 200], [529, 500, 200])


def test_a_turn_that_is_repeated_does_not_fail_again(serve, send):
    server = serve(FAILS + "    repeat: true\n")
    bodies = [request("hi"), request("hi"), request("hi"), talk("hi", "at last", "go on")]
    assert [send(server, body)[0] for body in bodies] == [529, 500, 200, 200]


def test_failures_are_counted_once_each_when_many_ask_at_the_same_time(serve, send):
    server = serve(FAILS)
    with ThreadPoolExecutor(16) as pool:
        statuses = [future.result()[0] for future in [pool.submit(send, server, request()) for _ in range(32)]]
    assert sorted(statuses) == [200] * 30 + [500, 529]
