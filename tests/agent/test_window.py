"""Long conversations over real HTTP: the cache, masking, the hand-over, and what fits into no window.

The server of these tests refuses thinking that no longer stands where it stood, orphaned results, and a prompt beyond
the window, as the API does.
"""

import json

import pytest
from desks import MODEL, call, submit

from phasegate.agent.assignment import ContextShortened, Said, Stop, Submitted, ToolUsed
from phasegate.agent.loop import CHANCES
from phasegate.policy.config import Tier

THICK = {"think": "Hm.", "call": [call("echo", text="x", times=3000)]}
"""A turn that adds 3,000 bytes: 1,000 tokens, as we estimate."""


def small(window, *turns, **more):
    return {"models": {MODEL: {"max_input_tokens": window}}, "scenes": [{"name": "all", "turns": list(turns)} | more]}


def marks(body):
    """Where the cache breakpoints of a request are: (part, number of message, number of block)."""
    found = [("tool", number) for number, tool in enumerate(body["tools"]) if "cache_control" in tool]
    found += [("system", number) for number, block in enumerate(body["system"]) if "cache_control" in block]
    for number, message in enumerate(body["messages"]):
        found += [(number, at) for at, block in enumerate(message["content"]) if "cache_control" in block]
    return found


def stable_prefix(record):
    """The bytes of a request up to and with its first message."""
    body = json.loads(record.body)
    parts = [json.dumps(body[name], separators=(",", ":"), ensure_ascii=False) for name in ("system", "tools")]
    parts.append(json.dumps(body["messages"][0], separators=(",", ":"), ensure_ascii=False))
    text = record.body.decode()
    assert all(part in text for part in parts)
    return parts


def test_what_stands_at_the_front_is_the_same_bytes_on_every_turn(desk):
    seat = desk([THICK] * 9 + [submit()], sees=("The rule.", "The täsk.\u2028"))
    seat.work()

    prefixes = [stable_prefix(record) for record in seat.asked]
    assert len(prefixes) == 10
    assert all(prefix == prefixes[0] for prefix in prefixes)


def test_the_breakpoints_are_the_system_prompt_the_first_message_and_our_last_two(desk):
    seat = desk([THICK] * 4 + [submit()])
    seat.work()

    front = [("system", 0), (0, 0)]
    moving = [[], [(2, 0)], [(2, 0), (4, 0)], [(4, 0), (6, 0)], [(6, 0), (8, 0)]]
    assert [marks(body) for body in seat.bodies] == [front + last for last in moving]


def test_what_was_sent_before_is_read_from_the_cache(desk):
    seat = desk([THICK] * 9 + [submit()], sees=("x" * 9000,))
    seat.work()

    for before, after in zip(seat.asked, seat.asked[1:], strict=False):
        assert after.usage.cache_read == before.usage.cache_read + before.usage.cache_write_5m
        assert after.usage.input_tokens == 0


def test_the_cache_is_found_over_many_parallel_calls(desk):
    """The cache looks back 20 blocks from a breakpoint; 15 calls are 30 blocks, with a thought and a text."""
    many = {"say": "All of them.", "call": [call("echo", text="y", times=900)] * 15}
    seat = desk([many, many, submit()], sees=("x" * 9000,))
    seat.work()

    first, second, third = (record.usage for record in seat.asked)
    assert second.cache_read == first.cache_write_5m
    assert third.cache_read == second.cache_read + second.cache_write_5m


def test_results_are_masked_once_at_seventy_percent_and_the_work_goes_on(desk):
    seat = desk(script=small(20_000, *[THICK] * 14, submit()))

    assert isinstance(seat.work(), Submitted)
    assert [event.how for event in seat.seen(ContextShortened)] == ["old tool outputs were masked"]
    sizes = [record.usage.input_tokens + record.usage.cache_read + record.usage.cache_write_5m for record in seat.asked]
    [drop] = [number for number in range(1, len(sizes)) if sizes[number] < sizes[number - 1]]
    texts = [block["content"] for message in seat.bodies[drop]["messages"][2::2] for block in message["content"]]
    assert ["removed to make room" in text for text in texts] == [True] * (len(texts) - 6) + [False] * 6
    assert 3 * 0.7 * 20_000 - 3500 < len(seat.asked[drop - 1].body) < 3 * 0.7 * 20_000 + 9000
    assert stable_prefix(seat.asked[drop]) == stable_prefix(seat.asked[0])
    assert all(record.status == 200 for record in seat.asked)


def test_a_conversation_that_masking_leaves_nearly_full_goes_on_in_a_fresh_context(desk):
    """Otherwise it would be masked every other turn, and its cache be lost each time."""
    script = small(20_000, *[THICK] * 8, {"expect": "Write a hand-over note", "say": "A note."})
    script["scenes"].insert(0, {"name": "fresh", "when": {"first": "A note."}, "turns": [submit()]})
    seat = desk(script=script, sees=("x" * 18_000,))

    assert isinstance(seat.work(), Submitted)
    assert len(seat.seen(ContextShortened)) == 2


def test_after_masking_the_cache_grows_again_and_is_not_broken_on_every_turn(desk):
    seat = desk(script=small(20_000, *[THICK] * 14, submit()), sees=("x" * 6000,))
    seat.work()

    reads = [record.usage.cache_read for record in seat.asked]
    breaks = [number for number in range(1, len(reads)) if reads[number] < reads[number - 1]]
    assert len(breaks) == 1
    assert reads[breaks[0]] > 1500


def test_what_masking_does_not_make_short_enough_goes_on_in_a_fresh_context(desk):
    note = {"expect": "Write a hand-over note", "say": "Read a.py; b.py is done."}
    turns = small(8000, *[THICK] * 5, note)
    turns["scenes"].insert(0, {"name": "fresh", "when": {"first": "note that you left"}, "turns": [submit()]})
    seat = desk(script=turns, sees=("The rule.", "The task."))

    assert isinstance(seat.work(), Submitted)
    assert [event.how for event in seat.seen(ContextShortened)] == ["a fresh context was started from a hand-over note"]
    [message] = seat.bodies[-1]["messages"]
    texts = [block["text"] for block in message["content"]]
    assert texts[:2] == ["The rule.", "The task."]
    assert "Read a.py; b.py is done." in texts[2]
    assert len(texts) == 3
    assert seat.bodies[-1]["system"][0]["text"] == seat.bodies[0]["system"][0]["text"]
    assert "Read a.py; b.py is done." in [event.text for event in seat.seen(Said)]


def test_a_second_fresh_context_has_only_the_second_note(desk):
    """Notes do not pile up: each says all that is worth knowing."""
    scene = {"turns": [*[THICK] * 5, {"expect": "Write a hand-over note", "say": "THE SECOND"}]}
    turns = small(8000, *[THICK] * 5, {"expect": "Write a hand-over note", "say": "THE FIRST"})
    turns["scenes"].insert(0, scene | {"name": "second", "when": {"first": "THE FIRST"}})
    turns["scenes"].insert(0, {"name": "third", "when": {"first": "THE SECOND"}, "turns": [submit()]})
    seat = desk(script=turns)

    assert isinstance(seat.work(), Submitted)
    assert "THE FIRST" not in json.dumps(seat.bodies[-1])


def test_the_model_may_say_itself_that_its_window_is_full(desk):
    """The same turn is asked twice: the reply that was cut off is no part of the conversation."""
    full = {"say": "The note.", "stop": "model_context_window_exceeded"}
    scenes = [
        {"name": "fresh", "when": {"first": "note that you left"}, "turns": [{"expect": "The note.", **submit()}]},
        {"name": "all", "turns": [*[THICK] * 8, full]},
    ]
    seat = desk(script={"scenes": scenes})

    assert isinstance(seat.work(), Submitted)
    assert [record.turn for record in seat.asked] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 1]
    assert [event.how for event in seat.seen(ContextShortened)] == [
        "old tool outputs were masked",
        "a fresh context was started from a hand-over note",
    ]
    assert "hand-over note" in seat.bodies[-2]["messages"][-1]["content"][-1]["text"]


def test_a_window_that_is_full_at_once_ends_the_work(desk):
    seat = desk([{"stop": "model_context_window_exceeded"}])

    assert seat.work().stop is Stop.WINDOW
    assert len(seat.asked) == 1


@pytest.mark.parametrize("sees", ["x" * 30_000, "😀" * 6000])
def test_a_task_that_fits_no_window_is_not_sent(desk, sees):
    seat = desk(script=small(8000, submit()), sees=(sees,))

    assert seat.work().stop is Stop.WINDOW
    assert not seat.asked


def test_one_turn_that_fits_no_window_ends_the_work(desk):
    huge = {"call": [call("echo", text="x", times=6000)] * 6}
    seat = desk(script=small(8000, huge, submit()))

    assert seat.work().stop is Stop.WINDOW
    assert len(seat.asked) == 1


def test_a_first_message_that_is_full_with_its_note_ends_the_work(desk):
    note = {"say": "n" * 9000}
    seat = desk(script=small(8000, THICK, THICK, note), sees=("x" * 12_000,))

    assert seat.work().stop is Stop.WINDOW


@pytest.mark.parametrize("reply", [{"call": [call("echo", text="x")]}, {"stop": "end_turn"}, {"think": "Hm."}])
def test_a_model_that_writes_no_note_is_asked_again_and_then_stopped(desk, reply):
    seat = desk(script=small(8000, *[THICK] * 5, *[reply] * CHANCES))

    assert seat.work().stop is Stop.WINDOW
    assert [record.turn for record in seat.asked[5:]] == [6, 7, 8]
    assert [event.name for event in seat.seen(ToolUsed)] == ["echo"] * 5


@pytest.mark.parametrize("reply", [{"call": [call("echo"), call("submit", text="x")]}, {"stop": "end_turn"}])
def test_a_note_may_come_late(desk, reply):
    late = {"expect": "Write a hand-over note", "say": "Read a.py."}
    script = small(8000, *[THICK] * 5, reply, late)
    script["scenes"].insert(0, {"name": "fresh", "when": {"first": "Read a.py."}, "turns": [submit()]})

    assert isinstance(desk(script=script).work(), Submitted)


def test_a_model_that_refuses_a_note_has_refused(desk):
    seat = desk(script=small(8000, *[THICK] * 5, {"say": "No.", "stop": "refusal"}))

    assert seat.work().stop is Stop.REFUSAL


def test_the_window_is_the_models_own(desk):
    """A large window masks nothing."""
    seat = desk(script=small(100_000, *[THICK] * 14, submit()), tier=Tier(model=MODEL, max_output_tokens=1000))
    seat.work()

    assert not seat.seen(ContextShortened)
