"""Budgets: checked before each request, so that the last one is still paid for."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from phasegate.documents.progress import Spent
from phasegate.policy.config import Budget, Limits


@dataclass(frozen=True, slots=True)
class Account:
    """One bound, what it bounds, and what has been spent under it."""

    name: str
    limits: Limits
    spent: Spent
    reserve: Decimal = Decimal(0)
    """US dollars that are kept back."""


def accounts_for(
    budget: Budget, *, run: Spent, phase: Spent, task: Spent | None, may_use_reserve: bool
) -> tuple[Account, ...]:
    """Return the bounds that hold for the next request: run, phase and, inside a task, task."""
    reserve = Decimal(0) if may_use_reserve else budget.run.usd * budget.reserve
    bounds = [Account("run", budget.run, run, reserve), Account("phase", budget.phase, phase)]
    if task is not None:
        bounds.append(Account("task", budget.task, task))
    return tuple(bounds)


def spent_up(accounts: Sequence[Account], *, next_usd: Decimal, next_tokens: int) -> str | None:
    """Return why the next request may not be sent, or None if it may.

    `next_usd` and `next_tokens` are the most that it can cost.
    """
    return next((reason for account in accounts if (reason := _over(account, next_usd, next_tokens))), None)


def _over(account: Account, next_usd: Decimal, next_tokens: int) -> str | None:
    limits, spent = account.limits, account.spent
    money = limits.usd - account.reserve
    if spent.usd + next_usd > money:
        kept = f" ({account.reserve:.2f} kept back)" if account.reserve else ""
        return (
            f"the {account.name}'s money: {spent.usd:.2f} of {limits.usd:.2f} USD are spent{kept}, "
            f"the next request can cost {next_usd:.2f}"
        )
    if spent.usage.total + next_tokens > limits.tokens:
        return f"the {account.name}'s tokens: {spent.usage.total} of {limits.tokens} are used"
    if spent.turns >= limits.turns:
        return f"the {account.name}'s turns: all {limits.turns} are used"
    if spent.seconds >= limits.minutes * 60:
        return f"the {account.name}'s time: all {limits.minutes} minutes are used"
    return None
