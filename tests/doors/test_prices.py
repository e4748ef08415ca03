"""What models cost, against sums made by hand from the published prices (USD for a million tokens)."""

from decimal import Decimal

import pytest

from phasegate.documents.progress import Usage
from phasegate.doors.prices import Prices
from phasegate.errors import UserError
from phasegate.policy.config import Config, Price

MILLION = 1_000_000


def usage(new=0, read=0, written=0, out=0):
    return Usage(input_tokens=new, cache_read_tokens=read, cache_write_tokens=written, output_tokens=out)


@pytest.mark.parametrize(
    ("model", "used", "usd"),
    [
        ("claude-opus-5-5", usage(new=MILLION), "4"),
        ("claude-opus-5-5", usage(out=MILLION), "20"),
        ("claude-opus-5-5", usage(read=MILLION), "0.20"),
        ("claude-opus-5-5", usage(written=MILLION), "5"),
        ("claude-opus-5-5", usage(new=1000, read=200_000, written=10_000, out=3000), "0.154"),
        ("claude-sonnet-5-5", usage(new=MILLION), "2"),
        ("claude-sonnet-5-5", usage(out=MILLION), "10"),
        ("claude-sonnet-5-5", usage(read=MILLION), "0.10"),
        ("claude-sonnet-5-5", usage(written=MILLION), "2.5"),
        ("claude-sonnet-5-5", usage(new=1000, read=200_000, written=10_000, out=3000), "0.077"),
        ("claude-haiku-5-5", usage(new=100_000), "0.01"),
        ("claude-haiku-5-5", usage(new=1, out=MILLION), "0.5000001"),
        ("claude-haiku-5-5", usage(read=100_000), "0.001"),
        ("claude-haiku-5-5", usage(written=100_000), "0.0125"),
        ("claude-haiku-5-5", usage(new=50_000, read=20_000, written=10_000, out=10_000), "0.01145"),
        ("claude-haiku-5-5", usage(new=100_001), "0.0500005"),
        ("claude-haiku-5-5", usage(new=60_000, read=30_000, written=20_000, out=10_000), "0.069"),
        ("claude-haiku-5-5", usage(read=150_000, out=1000), "0.01"),
        ("claude-haiku-5-5", usage(written=150_000, out=1000), "0.09625"),
        ("claude-haiku-5-5", usage(), "0"),
    ],
)
def test_the_default_models_cost_what_is_published(model, used, usd):
    """Haiku 5.5 costs five times as much for the whole request once the prompt, cached or not, is over 100,000."""
    assert Prices({}).cost(model, used) == Decimal(usd)


def test_every_default_model_has_a_price():
    models = Config().models
    names = {getattr(models, tier).model for tier in type(models).model_fields}

    assert all(Prices({}).cost(name, usage(new=1000)) > 0 for name in names)


@pytest.mark.parametrize("model", ["claude-opus-9", "claude-haiku-5-55", "anthropic/claude-opus-5-5", "gpt-5", "x"])
def test_a_model_that_nobody_knows_the_price_of_is_refused(model):
    with pytest.raises(UserError) as caught:
        Prices({}).cost(model, usage(new=1))

    assert caught.value.what.startswith(f"The price of the model {model} is not known")
    assert f"prices: {{{model}: {{input:" in caught.value.mend


OWN = Price(input=Decimal(1), output=Decimal(10), cache_read=Decimal("0.1"), cache_write=Decimal("1.25"))


@pytest.mark.parametrize("model", ["claude-x", "claude-opus-5-5"])
def test_the_configured_price_counts_also_for_a_model_that_is_known(model):
    used = usage(new=MILLION, read=2 * MILLION, written=4 * MILLION, out=MILLION // 2)

    assert Prices({model: OWN}).cost(model, used) == Decimal("11.2")


def test_a_configured_price_is_for_its_model_alone():
    assert Prices({"claude-x": OWN}).cost("claude-opus-5-5", usage(new=MILLION)) == 4
