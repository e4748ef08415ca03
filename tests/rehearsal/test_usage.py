"""The cache's figures, over conversations as the SDK sends them."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from phasegate.rehearsal.usage import estimate

SCRIPT = """
rehearsal: 1
models:
  claude-tiny: {cache_minimum: 0}
  claude-big: {cache_minimum: 100000}
scenes:
  - name: s
    turns: [{say: "word word word"}]
    repeat: true
"""
LONG = "word " * 1000  # 5,000 bytes: about 1,250 tokens
SHORT = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
TOOL = {"name": "read", "description": LONG, "input_schema": {"type": "object"}}


def text(words, mark=None):
    return {"type": "text", "text": words} | ({"cache_control": mark} if mark else {})


def user(*blocks):
    return {"role": "user", "content": list(blocks)}


def figures(usage):
    return usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens


@pytest.fixture
def ask(serve, client):
    """Send one request and return its usage; all requests of a test share a server and its clock."""
    now = [0.0]
    connected = client(serve(SCRIPT, clock=lambda: now[0]))

    def once(**body):
        body = {"model": "claude-opus-5-5", "max_tokens": 100, "messages": [user(text("hi"))]} | body
        return connected.messages.create(**body).usage

    once.now = now
    once.client = connected
    return once


def test_without_marks_nothing_is_cached(ask):
    for _ in range(2):
        usage = ask(system=LONG)
        assert figures(usage)[1:] == (0, 0)
        assert usage.input_tokens > 1250


def test_the_estimate_is_a_quarter_of_the_bytes(ask):
    """`{"type":"text","text":"…"}` has 25 bytes around its text; a part counts at least one token."""
    assert ask(messages=[user(text("x" * 375))]).input_tokens == 100
    assert ask(messages=[user(text("ü" * 50))]).input_tokens == 31  # two bytes each
    assert ask(messages=[user(text("x" * 375), text("x" * 375))]).input_tokens == 200
    assert estimate(b"x") == 1


def test_counting_and_asking_agree(ask):
    body = {"model": "claude-opus-5-5", "system": LONG, "tools": [TOOL], "messages": [user(text(LONG))]}
    counted = ask.client.messages.count_tokens(**body)
    assert counted.input_tokens == ask(**body).input_tokens


def test_a_growing_conversation_reads_more_and_writes_little(ask):
    """The moving mark: each request reads all that was there and writes what was added."""
    system, messages, history = [text(LONG, SHORT)], [user(text(LONG, SHORT))], []
    for _ in range(6):
        history.append(ask(system=system, tools=[TOOL], messages=messages))
        messages[-1] = user(*(text(block["text"]) for block in messages[-1]["content"]))  # the mark moves on
        messages += [{"role": "assistant", "content": "word word word"}, user(text("go on " * 20, SHORT))]
    first, *rest = history
    assert figures(first)[:2] == (0, 0)
    assert first.cache_creation_input_tokens > 3700
    for before, after in zip(history, rest, strict=False):
        assert after.cache_read_input_tokens == before.cache_read_input_tokens + before.cache_creation_input_tokens
        assert after.input_tokens == 0
        assert 30 <= after.cache_creation_input_tokens <= 60


def test_what_comes_after_the_last_mark_is_neither_read_nor_written(ask):
    body = {"system": [text(LONG, SHORT)], "messages": [user(text("x" * 375))]}
    first, second = ask(**body), ask(**body)
    assert figures(first) == (100, 0, 1256)
    assert figures(second) == (100, 1256, 0)


def test_a_change_in_the_prefix_costs_what_follows_it(ask):
    system = [text(LONG, SHORT), text(LONG, SHORT)]
    ask(tools=[TOOL], system=system)
    changed = ask(tools=[TOOL], system=[system[0], text("other " * 900, SHORT)])
    assert changed.cache_read_input_tokens > 2500
    assert changed.cache_creation_input_tokens > 1200
    other_tool = ask(tools=[TOOL | {"name": "write"}], system=system)
    assert other_tool.cache_read_input_tokens == 0


def test_thinking_and_the_choice_of_tool_cost_only_the_messages(ask):
    body = {"tools": [TOOL], "system": [text(LONG, SHORT)], "messages": [user(text(LONG, SHORT))]}
    ask(**body)
    for change in ({"thinking": {"type": "adaptive"}}, {"tool_choice": {"type": "none"}}):
        usage = ask(**body, **change)
        assert usage.cache_read_input_tokens > 2500
        assert usage.cache_creation_input_tokens == 1256


def test_each_model_has_its_own_cache(ask):
    body = {"system": [text(LONG, SHORT)]}
    ask(**body)
    assert ask(model="claude-sonnet-5-5", **body).cache_read_input_tokens == 0
    assert ask(**body).cache_read_input_tokens == 1256


@pytest.mark.parametrize(("model", "cached"), [("claude-opus-5-5", 0), ("claude-tiny", 256), ("claude-big", 0)])
def test_a_prefix_under_the_models_minimum_is_not_cached(model, cached, ask):
    assert ask(model=model, system=[text("x" * 1000, SHORT)]).cache_creation_input_tokens == cached


@pytest.mark.parametrize(("added", "found"), [(20, True), (21, False)])
def test_a_mark_looks_back_at_most_twenty_blocks(added, found, ask):
    ask(messages=[user(text(LONG, SHORT))])
    blocks = [text(LONG), *(text(f"block {number}") for number in range(added - 1)), text("end", SHORT)]
    assert bool(ask(messages=[user(*blocks)]).cache_read_input_tokens) is found


def test_the_two_lives_are_counted_apart(ask):
    body = {"system": [text(LONG, HOUR)], "messages": [user(text(LONG + LONG, SHORT))]}
    written = ask(**body).cache_creation
    assert (written.ephemeral_1h_input_tokens, written.ephemeral_5m_input_tokens) == (1256, 2506)


def test_an_entry_ends_with_its_life_and_each_use_renews_it(ask):
    body = {"system": [text(LONG, HOUR)], "messages": [user(text(LONG, SHORT))]}
    ask(**body)
    for moment, read in ((290, 2512), (580, 2512), (900, 1256), (4000, 1256), (8000, 0)):
        ask.now[0] = moment
        assert ask(**body).cache_read_input_tokens == read, moment


def test_an_entry_that_is_read_without_a_mark_of_its_own_is_renewed_too(ask):
    start, end = text(LONG), text("end", SHORT)
    for moment, blocks in ((0, [text(LONG, SHORT)]), (200, [start, end]), (400, [start, text("other end", SHORT)])):
        ask.now[0] = moment
        usage = ask(messages=[user(*blocks)])
    assert usage.cache_read_input_tokens == 1256


def test_a_short_mark_does_not_shorten_a_long_life(ask):
    for moment, mark in ((0, HOUR), (10, SHORT), (1000, SHORT)):
        ask.now[0] = moment
        usage = ask(system=[text(LONG, mark)])
    assert usage.cache_read_input_tokens == 1256


def test_the_automatic_mark_is_on_the_last_block(ask):
    messages = [user(text(LONG))]
    first = ask(cache_control=SHORT, messages=messages)
    messages += [{"role": "assistant", "content": "word word word"}, user(text("more"))]
    second = ask(cache_control=SHORT, messages=messages)
    assert figures(first) == (0, 0, 1256)
    assert figures(second)[:2] == (0, 1256)


def test_a_mark_in_a_tool_result_counts_as_one_on_it(ask):
    call = {"type": "tool_use", "id": "t1", "name": "read", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [text(LONG, SHORT)]}
    messages = [user(text("hi")), {"role": "assistant", "content": [call]}, user(result)]
    ask(messages=messages)
    moved = {"type": "tool_result", "tool_use_id": "t1", "content": [text(LONG)], "cache_control": SHORT}
    assert ask(messages=[*messages[:2], user(moved)]).cache_read_input_tokens > 1250


def test_the_output_counts_text_calls_and_hidden_thinking(serve, client):
    thought, said = "t" * 400, "s" * 375
    script = f"rehearsal: 1\nscenes: [{{name: s, turns: [{{think: {thought}, say: {said}}}]}}]"
    reply = client(serve(script)).messages.create(
        model="claude-opus-5-5", max_tokens=500, messages=[user(text("hi"))], thinking={"type": "adaptive"}
    )
    assert reply.content[0].thinking == ""
    assert reply.usage.output_tokens == 200
    assert reply.usage.output_tokens_details.thinking_tokens == 100


def test_many_at_once_write_a_prefix_once(ask):
    body = {"system": [text(LONG, SHORT)]}
    with ThreadPoolExecutor(8) as pool:
        usages = [future.result() for future in [pool.submit(ask, **body) for _ in range(16)]]
    assert sorted(figures(usage)[1:] for usage in usages) == [(0, 1256)] + [(1256, 0)] * 15
