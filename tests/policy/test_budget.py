from decimal import Decimal

import pytest

from phasegate.documents.progress import Spent, Usage
from phasegate.policy.budget import Account, accounts_for, spent_up
from phasegate.policy.config import Budget, Limits, PhaseLimits, RunLimits, TaskLimits

LIMITS = Limits(usd=Decimal(10), tokens=1000, turns=5, minutes=2)
BUDGET = Budget(
    run=RunLimits(usd=Decimal(100)),
    phase=PhaseLimits(usd=Decimal(50)),
    task=TaskLimits(usd=Decimal(20)),
    reserve=Decimal("0.1"),
)


def spent(usd: str = "0", tokens: int = 0, turns: int = 0, seconds: float = 0.0) -> Spent:
    """Tokens are spread over all four counts, which do not overlap."""
    usage = Usage(input_tokens=tokens // 4, cache_read_tokens=tokens // 4, cache_write_tokens=tokens // 4)
    rest = Usage(output_tokens=tokens - usage.total)
    return Spent(usage=usage + rest, usd=Decimal(usd), turns=turns, seconds=seconds)


@pytest.mark.parametrize(
    ("so_far", "next_usd", "next_tokens", "reason"),
    [
        (spent(), "0", 0, None),
        (spent("9.99"), "0.01", 0, None),
        (spent("9.99"), "0.02", 0, "the run's money: 9.99 of 10.00 USD are spent, the next request can cost 0.02"),
        (spent("12"), "0", 0, "the run's money: 12.00 of 10.00 USD are spent, the next request can cost 0.00"),
        (spent(), "10.01", 0, "the run's money: 0.00 of 10.00 USD are spent, the next request can cost 10.01"),
        (spent(tokens=900), "0", 100, None),
        (spent(tokens=900), "0", 101, "the run's tokens: 900 of 1000 are used"),
        (spent(turns=4), "0", 0, None),
        (spent(turns=5), "0", 0, "the run's turns: all 5 are used"),
        (spent(turns=6), "0", 0, "the run's turns: all 5 are used"),
        (spent(seconds=119.9), "0", 0, None),
        (spent(seconds=120.0), "0", 0, "the run's time: all 2 minutes are used"),
        (
            spent("10", 1000, 5, 120.0),
            "1",
            1,
            "the run's money: 10.00 of 10.00 USD are spent, the next request can cost 1.00",
        ),
    ],
)
def test_a_request_is_sent_only_if_it_can_still_be_paid_for(so_far, next_usd, next_tokens, reason):
    accounts = [Account("run", LIMITS, so_far)]
    assert spent_up(accounts, next_usd=Decimal(next_usd), next_tokens=next_tokens) == reason


@pytest.mark.parametrize(
    ("usd", "next_usd", "reason"),
    [
        ("8", "1", None),
        ("8", "1.01", "the run's money: 8.00 of 10.00 USD are spent (1.00 kept back), the next request can cost 1.01"),
    ],
)
def test_the_reserve_is_kept_back(usd, next_usd, reason):
    accounts = [Account("run", LIMITS, spent(usd), reserve=Decimal(1))]
    assert spent_up(accounts, next_usd=Decimal(next_usd), next_tokens=0) == reason


def test_the_first_account_that_is_spent_up_is_named():
    accounts = [
        Account("run", LIMITS, spent()),
        Account("phase", LIMITS, spent(turns=5)),
        Account("task", LIMITS, spent("11")),
    ]
    assert spent_up(accounts, next_usd=Decimal(0), next_tokens=0) == "the phase's turns: all 5 are used"
    assert spent_up([], next_usd=Decimal(0), next_tokens=0) is None


def test_inside_a_task_three_bounds_hold():
    accounts = accounts_for(BUDGET, run=spent("3"), phase=spent("2"), task=spent("1"), may_use_reserve=False)
    assert accounts == (
        Account("run", BUDGET.run, spent("3"), Decimal(10)),
        Account("phase", BUDGET.phase, spent("2")),
        Account("task", BUDGET.task, spent("1")),
    )


def test_outside_a_task_two_bounds_hold_and_the_last_phases_may_use_the_reserve():
    accounts = accounts_for(BUDGET, run=spent("3"), phase=spent("2"), task=None, may_use_reserve=True)
    assert accounts == (Account("run", BUDGET.run, spent("3")), Account("phase", BUDGET.phase, spent("2")))


@pytest.mark.parametrize(("may_use_reserve", "reason"), [(True, None), (False, "the run's money")])
def test_what_the_reserve_is_good_for(may_use_reserve, reason):
    accounts = accounts_for(BUDGET, run=spent("92"), phase=spent(), task=None, may_use_reserve=may_use_reserve)
    told = spent_up(accounts, next_usd=Decimal(1), next_tokens=0)
    assert told is None if reason is None else told.startswith(reason)
