"""What models cost, from genai-prices; a model without a price is refused, never counted as free."""

from collections.abc import Mapping
from decimal import Decimal

from phasegate.documents.progress import Usage
from phasegate.errors import UserError
from phasegate.policy.config import Price

_MILLION = Decimal(1_000_000)
_LISTS = {"anthropic": "anthropic", "bedrock": "aws", "vertex": "google"}
"""Who serves the models, as genai-prices names them."""


class Prices:
    """The price list of whoever serves the models, with the configuration's own prices on top."""

    def __init__(self, configured: Mapping[str, Price], provider: str = "anthropic") -> None:
        self._configured = configured
        self._list = _LISTS[provider]

    def cost(self, model: str, usage: Usage) -> Decimal:
        """Return US dollars. Raises `UserError` for a model that nobody knows the price of."""
        own = self._configured.get(model)
        return _own_cost(own, usage) if own else _listed_cost(model, usage, self._list)


def _own_cost(price: Price, usage: Usage) -> Decimal:
    parts = (
        price.input * usage.input_tokens,
        price.cache_read * usage.cache_read_tokens,
        price.cache_write * usage.cache_write_tokens,
        price.output * usage.output_tokens,
    )
    return sum(parts, Decimal(0)) / _MILLION


def _listed_cost(model: str, usage: Usage, provider: str) -> Decimal:
    # Imported here: only a phase that asks a model needs the list.
    from genai_prices import Usage as Counted  # noqa: PLC0415
    from genai_prices import calc_price  # noqa: PLC0415

    # genai-prices counts cached tokens as part of the input (measured with genai-prices 0.2.3).
    counted = Counted(
        input_tokens=usage.sent,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    try:
        return calc_price(counted, model_ref=model, provider_id=provider).total_price
    except LookupError:
        raise UserError(
            f"The price of the model {model} is not known, so its cost cannot be bounded.",
            cause="The model is newer than the price list, or its name is misspelt.",
            mend=f"Give `prices: {{{model}: {{input: …, output: …, cache_read: …, cache_write: …}}}}` (USD per million "
            "tokens) in .github/phasegate.yml, or name another model.",
        ) from None
