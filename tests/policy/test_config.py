import json
from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from phasegate.policy.config import Budget, Config, Gate, Protected, Section, config_schema

STRONG, FAST, SMALL = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
SCHEMA = config_schema()


def sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Every section below a model, from its subclasses' point of view."""
    return {kind for kind in _subclasses(Section) if kind.__module__ == model.__module__}


def _subclasses(kind: type) -> set[type]:
    return {below for child in kind.__subclasses__() for below in (child, *_subclasses(child))}


@pytest.mark.parametrize(
    ("tier", "model"),
    [
        ("research", STRONG),
        ("plan", STRONG),
        ("implement", FAST),
        ("review", STRONG),
        ("correct", STRONG),
        ("scout", SMALL),
    ],
)
def test_thinking_is_for_the_strong_doing_for_the_fast_looking_for_the_small(tier, model):
    assert getattr(Config().models, tier).model == model


def test_defaults_are_modest_and_fit_into_each_other():
    budget = Config().budget
    for field in ("usd", "tokens", "turns", "minutes"):
        assert getattr(budget.task, field) < getattr(budget.phase, field) <= getattr(budget.run, field)
    assert budget.reserve == Decimal("0.05")
    assert Config().gates is None
    assert Config().review.rounds == 1


def test_the_digest_is_that_of_all_values_defaults_included():
    assert Config().digest == Config.model_validate({"budget": {"run": {"turns": 1000}}}).digest
    assert Config().digest != Config.model_validate({"budget": {"run": {"turns": 999}}}).digest
    assert Config(gates={}).digest != Config().digest


def test_whatever_is_valid_has_a_digest():
    biggest = {"usd": "10000", "tokens": 10_000_000_000, "turns": 1_000_000, "minutes": 100_000}
    config = Config.model_validate(
        {
            "budget": {"run": biggest},
            "prices": {"m": dict.fromkeys(("input", "output", "cache_read", "cache_write"), 0.1)},
        }
    )
    assert Config.model_validate(json.loads(config.model_dump_json())).digest == config.digest


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"budget": {"run": {"usd": 0}}}, "budget.run.usd"),
        ({"budget": {"run": {"usd": "NaN"}}}, "budget.run.usd"),
        ({"budget": {"run": {"usd": float("inf")}}}, "budget.run.usd"),
        ({"budget": {"run": {"usd": 10_001}}}, "budget.run.usd"),
        ({"budget": {"phase": {"tokens": 2**53}}}, "budget.phase.tokens"),
        ({"budget": {"task": {"turns": 0}}}, "budget.task.turns"),
        ({"budget": {"task": {"minutes": 2.5}}}, "budget.task.minutes"),
        ({"budget": {"reserve": 1}}, "budget.reserve"),
        ({"budget": {"reserve": -0.1}}, "budget.reserve"),
        ({"models": {"plan": {"model": "a b"}}}, "models.plan.model"),
        ({"models": {"plan": {"effort": "huge"}}}, "models.plan.effort"),
        ({"models": {"plan": {"max_output_tokens": 255}}}, "models.plan.max_output_tokens"),
        ({"prices": {"m": {"input": 1}}}, "prices.m.output"),
        ({"prices": {"m": {"input": "1e999999"}}}, "prices.m.input"),
        ({"prices": {"a b": {}}}, "prices.a b.[key]"),
        ({"research": {"scouts": 9}}, "research.scouts"),
        ({"implement": {"parallel": 0}}, "implement.parallel"),
        ({"implement": {"check_attempts": 0}}, "implement.check_attempts"),
        ({"correct": {"rounds": -1}}, "correct.rounds"),
        ({"gates": {"Test": {"run": "x"}}}, "gates.Test.[key]"),
        ({"gates": {"none": {"run": "x"}}}, "gates.none.[key]"),
        ({"gates": {"test": {"run": ""}}}, "gates.test.run"),
        ({"gates": {"test": {"run": "a\ud800"}}}, "gates.test.run"),
        ({"gates": {"test": {"run": "x", "minutes": 0}}}, "gates.test.minutes"),
        ({"gates": {"test": "make test"}}, "gates.test"),
        ({"protected": {"also": "docs/"}}, "protected.also"),
        ({"protected": {"also": [""]}}, "protected.also.0"),
        ({"protected": {"also": ["ok", "!"]}}, "protected.also.1"),
        ({"protected": {"allow": ["[z-a]"]}}, "protected.allow.0"),
        ({"protected": {"allow": ["\uff3bz-a\uff3d"]}}, "protected.allow.0"),
        ({"protected": {"allow": ["x\\"]}}, "protected.allow.0"),
        ({"sandbox": {"expose": [""]}}, "sandbox.expose.0"),
        ({"sandbox": {"expose": ["/a\ud800"]}}, "sandbox.expose.0"),
        ({"sandbox": {"minutes": 61}}, "sandbox.minutes"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_what_the_configuration_refuses_and_where(value, place):
    with pytest.raises(ValidationError) as raised:
        Config.model_validate(value)
    assert place in [".".join(str(part) for part in detail["loc"]) for detail in raised.value.errors()]


def test_the_configuration_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Config().gates = {}
    assert Protected().also == ()


def test_the_schema_is_json_and_says_which_draft_it_follows():
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"].startswith("https://json-schema.org/draft/2020-12/")
    assert SCHEMA["properties"].keys() == Config.model_fields.keys()


def test_every_section_refuses_unknown_keys_and_says_what_it_is():
    parts = [SCHEMA, *SCHEMA["$defs"].values()]
    assert {part["title"] for part in parts} == {kind.__name__ for kind in sections(Config)} - {"Tier", "Limits"}
    for part in parts:
        assert part["type"] == "object"
        assert part["additionalProperties"] is False
        assert part["description"]


def test_every_reference_of_the_schema_leads_somewhere():
    def references(value):
        if isinstance(value, dict):
            yield from [value["$ref"]] if "$ref" in value else []
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from references(item)

    found = set(references(SCHEMA))
    assert found == {f"#/$defs/{name}" for name in SCHEMA["$defs"]}


def test_the_defaults_in_the_schema_are_a_valid_configuration():
    defaults = {key: value["default"] for key, value in SCHEMA["properties"].items()}
    assert Config.model_validate(defaults) == Config()
    assert Config.model_validate(Config().model_dump()) == Config()
    assert Config.model_validate_json(Config().model_dump_json()) == Config()


def test_a_budget_is_given_in_money_tokens_turns_and_minutes():
    budget = Budget.model_validate({"run": {"usd": "2.50"}, "task": {"minutes": 5}})
    assert (budget.run.usd, budget.run.turns, budget.task.minutes) == (Decimal("2.50"), 1000, 5)
    assert Gate(run="make test").required
