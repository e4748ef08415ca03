"""Every request is held to the budget before it is sent, and booked when it was answered or failed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from phasegate.agent.assignment import AgentEvent, Stop, Stopped, TurnEnded, Waiting
from phasegate.agent.context import TOKENS_PER_BYTE, estimated_tokens, size
from phasegate.documents.progress import Spent, Usage
from phasegate.doors.model import Model, ModelError, Reply, Request, Retry


class Ledger(Protocol):
    """Whoever keeps the account."""

    def cost(self, model: str, usage: Usage) -> Decimal:
        """Return US dollars. Raises `UserError` for a model without a price."""

    def refusal(self, *, next_usd: Decimal, next_tokens: int) -> str | None:
        """Return why the next request may not be sent, or None."""

    def pay(self, spent: Spent) -> None:
        """Book what a turn has cost."""


class _OverBudgetError(Exception):
    """A request failed, and the budget does not allow to send it again."""


@dataclass(slots=True)
class PaidModel:
    """A model that is asked by one agent, on an account. `clock` gives seconds that only grow."""

    model: Model
    ledger: Ledger
    clock: Callable[[], float]
    watch: Callable[[AgentEvent], None]
    _tokens_per_byte: float = field(default=TOKENS_PER_BYTE, init=False)
    _booked: float = field(init=False)

    def __post_init__(self) -> None:
        self._booked = self.clock()

    def tokens(self, request: Request) -> int:
        """Return about how many tokens a request sends, by the densest that was sent so far."""
        return estimated_tokens(request, self._tokens_per_byte)

    def ask(self, request: Request) -> Reply | Stopped:
        """Send one request if the budget allows, and book it, also when it fails. Raises `ModelError`."""
        refusal = self._refusal(request, Usage())
        if refusal is not None:
            return Stopped(Stop.BUDGET, refusal)
        try:
            reply = self._attempted(request)
        except _OverBudgetError as error:
            return Stopped(Stop.BUDGET, str(error))
        self._book(request.model, reply.usage)
        self._tokens_per_byte = max(self._tokens_per_byte, reply.sent / size(request))
        return reply

    def _attempted(self, request: Request) -> Reply:
        """Ask, and book what attempts have used if no reply comes of them, whoever ends them."""
        failed = Usage()

        def before(retry: Retry) -> None:
            nonlocal failed
            failed = retry.usage
            refusal = self._refusal(request, failed)
            if refusal is not None:
                raise _OverBudgetError(refusal)
            self.watch(Waiting(retry.seconds, retry.reason))

        try:
            return self.model.ask(request, before)
        except BaseException as error:
            self._book(request.model, error.usage if isinstance(error, ModelError) else failed)
            raise

    def _refusal(self, request: Request, unbooked: Usage) -> str | None:
        """Return why a request may not be sent: at the most it is written to the cache whole, at a price of its own."""
        sent = self.tokens(request)
        ways = [
            Usage(input_tokens=sent, output_tokens=request.max_tokens),
            Usage(cache_write_tokens=sent, output_tokens=request.max_tokens),
        ]
        usd = max(self.ledger.cost(request.model, way) for way in ways) + self.ledger.cost(request.model, unbooked)
        return self.ledger.refusal(next_usd=usd, next_tokens=ways[0].total + unbooked.total)

    def _book(self, model: str, usage: Usage) -> None:
        """Book a turn; its time runs from the turn before, so that the tools' time is in it."""
        now = self.clock()
        seconds, self._booked = round(now - self._booked, 3), now
        spent = Spent(usage=usage, usd=self.ledger.cost(model, usage), turns=1, seconds=seconds)
        self.ledger.pay(spent)
        self.watch(TurnEnded(model, spent))
