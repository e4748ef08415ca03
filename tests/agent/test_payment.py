"""Every request is held to the budget before it is sent, and booked when it was answered or failed."""

from decimal import Decimal

import pytest
from desks import MODEL, call, limits, submit

from phasegate.agent.assignment import Stop, Submitted, TurnEnded, Waiting
from phasegate.documents.progress import Usage
from phasegate.doors.model import ModelError
from phasegate.policy.config import Price, Tier

BIG = {"call": [call("echo", text="0123456789", times=3000)]}
"""A tool's output of some 10,000 tokens."""

THICK = {"call": [call("echo", text="x", times=9000)]}
"""One of some 3,000, as we estimate."""


def cost_of(*records):
    """What the provider would charge for these requests, by the published prices of Sonnet 5.5."""
    million = Decimal(1_000_000)
    return sum(
        (
            2 * record.usage.input_tokens
            + Decimal("0.1") * record.usage.cache_read
            + Decimal("2.5") * record.usage.cache_write_5m
            + 10 * record.usage.output_tokens
        )
        / million
        for record in records
    )


def test_the_account_says_what_the_provider_charges(desk):
    seat = desk([BIG, BIG, submit()])
    seat.work()

    assert seat.purse.total.usd == cost_of(*seat.asked)


@pytest.mark.parametrize("usd", ["0.0001", "0.02", "0.06", "0.15", "0.5"])
def test_no_budget_is_ever_overspent(desk, usd):
    seat = desk(script={"scenes": [{"name": "all", "turns": [BIG], "repeat": True}]}, bounds=limits(usd=Decimal(usd)))
    outcome = seat.work()

    assert outcome.stop is Stop.BUDGET
    assert "the task's money" in outcome.reason
    assert seat.purse.total.usd == cost_of(*seat.asked)
    assert seat.purse.total.usd <= Decimal(usd)


def test_a_budget_is_used_as_far_as_it_goes(desk):
    """The bound is what a request costs at the most, not many times of it."""
    seat = desk(script={"scenes": [{"name": "all", "turns": [BIG], "repeat": True}]}, bounds=limits(usd=Decimal("0.5")))
    seat.work()

    assert seat.purse.total.usd > Decimal("0.2")


@pytest.mark.parametrize(
    ("bounds", "reason", "requests"),
    [
        ({"usd": Decimal("0.001")}, "money", 0),
        ({"tokens": 500}, "tokens", 0),
        ({"turns": 2}, "turns: all 2 are used", 2),
    ],
)
def test_nothing_is_sent_when_a_bound_is_reached(desk, bounds, reason, requests):
    seat = desk([{"call": [call("echo", text="x")]}] * 9, bounds=limits(**bounds))
    outcome = seat.work()

    assert outcome.stop is Stop.BUDGET
    assert reason in outcome.reason
    assert len(seat.asked) == requests


def test_time_is_a_bound_as_well(desk):
    """The clock of these tests goes on by a second on every look."""
    seat = desk([{"call": [call("echo", text="x")]}] * 99, bounds=limits(minutes=1))

    assert "time: all 1 minutes are used" in seat.work().reason
    assert seat.purse.total.seconds == 60


def test_the_bound_of_a_request_counts_a_cache_write_where_that_costs_more(desk):
    """Sonnet: 1.25 times as much. One request with some 20,000 tokens costs 0.04 as input, 0.05 written, 0.01 out."""
    seat = desk([submit()], sees=["x" * 60_000], bounds=limits(usd=Decimal("0.055")))
    assert seat.work().stop is Stop.BUDGET
    assert not seat.asked

    enough = desk([submit()], sees=["x" * 60_000], bounds=limits(usd=Decimal("0.062")))
    assert isinstance(enough.work(), Submitted)


def test_text_that_is_denser_than_code_is_counted_by_what_it_turned_out_to_be(desk):
    """Many small blocks: the provider counts more than their bytes say, and the next bound knows."""
    many = {"call": [call("echo", text="x")] * 400}
    seat = desk([many, many, many, submit()], bounds=limits(tokens=10_000_000))
    before = seat.agent._paid.tokens(seat.agent._request())
    seat.work()
    last = seat.asked[-1].usage

    counted = last.input_tokens + last.cache_read + last.cache_write_5m
    assert before < counted
    assert seat.agent._paid.tokens(seat.agent._request()) >= counted * 0.9


@pytest.mark.parametrize("cut", ["eof", "socket", "event"])
def test_what_broken_attempts_have_used_is_booked_with_the_turn(desk, cut):
    seat = desk([{**submit(), "break": cut, "breaks": 2}])
    outcome = seat.work()

    assert isinstance(outcome, Submitted)
    [spent] = seat.purse.spent
    sent = [record.usage.input_tokens + record.usage.cache_read + record.usage.cache_write_5m for record in seat.asked]
    assert len(sent) == 3
    assert spent.usage.sent == sum(sent)
    assert [event.seconds for event in seat.seen(Waiting)] == seat.waits == [1, 2]


def test_what_attempts_have_used_is_booked_also_when_none_succeeds(desk):
    seat = desk([{**submit(), "break": "eof", "breaks": 99}])

    with pytest.raises(ModelError, match="the reply broke off"):
        seat.work()
    [spent] = seat.purse.spent
    assert len(seat.asked) == 6
    assert spent.usage.sent == 6 * seat.asked[0].usage.input_tokens
    assert spent.usd == seat.purse.cost(MODEL, spent.usage) > 0
    assert [event.spent for event in seat.seen(TurnEnded)] == [spent]


def test_a_request_is_not_sent_again_when_the_budget_does_not_allow_it(desk):
    """An attempt that broke off has cost something; the next one is held to what is left."""
    script = {
        "models": {MODEL: {"cache_minimum": 1_000_000}},
        "scenes": [{"name": "all", "turns": [{**submit(), "break": "eof", "breaks": 99}]}],
    }
    seat = desk(script=script, sees=["x" * 60_000], bounds=limits(usd=Decimal("0.15")))
    outcome = seat.work()

    assert outcome.stop is Stop.BUDGET
    assert 1 < len(seat.asked) < 6
    assert seat.purse.total.usage.sent == len(seat.asked) * seat.asked[0].usage.input_tokens
    assert seat.purse.total.usd <= Decimal("0.15")


def test_what_attempts_have_used_is_booked_when_somebody_ends_the_waiting(desk):
    """Ctrl-C during a wait, or another worker's failure."""
    seat = desk([{**submit(), "break": "eof", "breaks": 99}])

    def stop(_seconds):
        raise KeyboardInterrupt

    seat.agent.model.sleep = stop
    with pytest.raises(KeyboardInterrupt):
        seat.work()
    assert seat.purse.total.usage.sent == seat.asked[0].usage.input_tokens > 0


def test_the_note_for_a_fresh_context_is_held_to_the_budget_too(desk):
    script = {
        "models": {MODEL: {"max_input_tokens": 8000}},
        "scenes": [{"name": "all", "turns": [THICK, THICK, {"expect": "hand-over note", "say": "A note."}]}],
    }
    free = desk(script=script, bounds=limits(turns=3))
    assert free.work().reason.startswith("the task's turns")
    assert len(free.asked) == 3

    poor = desk(script=script, bounds=limits(turns=2))
    assert poor.work().stop is Stop.BUDGET
    assert len(poor.asked) == 2


def test_a_model_without_a_price_is_not_asked(desk):
    script = {"models": {"claude-x": {}}, "scenes": [{"name": "all", "turns": [submit()]}]}
    seat = desk(script=script, tier=Tier(model="claude-x"))

    with pytest.raises(Exception, match="price of the model claude-x is not known"):
        seat.work()
    assert not seat.asked


def test_the_configured_price_counts(desk):
    script = {"models": {"claude-x": {}}, "scenes": [{"name": "all", "turns": [submit()]}]}
    seat = desk(script=script, tier=Tier(model="claude-x"))
    price = Price(input=Decimal(1000), output=Decimal(0), cache_read=Decimal(0), cache_write=Decimal(0))
    seat.purse.prices._configured["claude-x"] = price

    assert isinstance(seat.work(), Submitted)
    assert seat.purse.total.usd == Decimal(seat.asked[0].usage.input_tokens) / 1000
    assert seat.purse.total.usage == Usage(
        input_tokens=seat.asked[0].usage.input_tokens, output_tokens=seat.asked[0].usage.output_tokens
    )
