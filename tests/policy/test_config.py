import json
from decimal import Decimal

import pytest
from pydantic import BaseModel, ValidationError

from phasegate.documents.snapshot import Overrides, TierModel
from phasegate.policy.config import Budget, Config, Gate, Protected, Section, config_schema, overridden

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
    assert Config.model_validate(json.loads(config.model_dump_json(by_alias=True))).digest == config.digest


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
        ({"implement": {"slice": {"minutes": 0}}}, "implement.slice.minutes"),
        ({"implement": {"slice": {"minutes": 331}}}, "implement.slice.minutes"),
        ({"implement": {"slice": {"tasks": 0}}}, "implement.slice.tasks"),
        ({"implement": {"slice": {"tasks": 41}}}, "implement.slice.tasks"),
        ({"implement": {"slice": {"dispatch": "maybe"}}}, "implement.slice.dispatch"),
        ({"implement": {"slice": {"hours": 1}}}, "implement.slice.hours"),
        ({"approval": {"required": 0}}, "approval.required"),
        ({"approval": {"required": 7}}, "approval.required"),
        ({"approval": {"by": "ann"}}, "approval.by"),
        ({"approval": {"by": [""]}}, "approval.by.0"),
        ({"approval": {"by": ["ann", "@acme"]}}, "approval.by.1"),
        ({"approval": {"by": ["@acme/"]}}, "approval.by.0"),
        ({"approval": {"by": ["acme/core"]}}, "approval.by.0"),
        ({"approval": {"by": ["@acme/core/x"]}}, "approval.by.0"),
        ({"approval": {"by": ["-ann"]}}, "approval.by.0"),
        ({"approval": {"by": ["evil[bot]"]}}, "approval.by.0"),
        ({"approval": {"by": ["a" * 40]}}, "approval.by.0"),
        ({"approval": {"by": ["ann\n"]}}, "approval.by.0"),
        ({"approval": {"not_requester": 3}}, "approval.not_requester"),
        ({"approval": {"settle": -1}}, "approval.settle"),
        ({"approval": {"settle": 86_401}}, "approval.settle"),
        ({"approval": {"expires": 0}}, "approval.expires"),
        ({"approval": {"expires": 8_761}}, "approval.expires"),
        ({"approval": {"quorum": 1}}, "approval.quorum"),
        ({"comments": {"of": "nobody"}}, "comments.of"),
        ({"provider": {"name": "other"}}, "provider.name"),
        ({"provider": {"region": "US East"}}, "provider.region"),
        ({"provider": {"project": "x"}}, "provider.project"),
        ({"provider": {"key": "x"}}, "provider.key"),
        ({"fan-out": "threads"}, "fan-out"),
        ({"fan_out": "jobs"}, "fan_out"),
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
    assert SCHEMA["properties"].keys() == {field.alias or name for name, field in Config.model_fields.items()}
    assert "fan-out" in SCHEMA["properties"]


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
    assert Config.model_validate(Config().model_dump(by_alias=True)) == Config()
    assert Config.model_validate_json(Config().model_dump_json(by_alias=True)) == Config()


def test_a_budget_is_given_in_money_tokens_turns_and_minutes():
    budget = Budget.model_validate({"run": {"usd": "2.50"}, "task": {"minutes": 5}})
    assert (budget.run.usd, budget.run.turns, budget.task.minutes) == (Decimal("2.50"), 1000, 5)
    assert Gate(run="make test").required


def test_by_default_one_writer_approves_a_plan_that_stood_a_minute_and_is_not_older_than_a_month():
    rules = Config().approval
    assert (rules.required, rules.by, rules.not_requester, rules.require_digest) == (1, (), False, False)
    assert (rules.settle, rules.expires) == (60, 30 * 24)


def test_by_default_only_writers_are_read_and_one_machine_does_it_all():
    config = Config()
    assert (config.comments.of, config.fan_out) == ("writers", "machine")
    assert (config.provider.name, config.provider.region, config.provider.project) == ("anthropic", None, None)
    assert (config.implement.slice.minutes, config.implement.slice.tasks, config.implement.slice.dispatch) == (
        240,
        40,
        True,
    )


def test_a_slice_with_its_reserve_ends_before_the_job_does():
    """A job on GitHub's machines ends after six hours."""
    longest = Config.model_validate({"implement": {"slice": {"minutes": 330}}}).implement.slice.minutes
    assert longest < 6 * 60


def test_people_teams_and_clouds_are_given_by_name():
    content = {
        "approval": {"by": ["ann", "A-1", "@acme/core.team_1"], "required": 2, "settle": 0},
        "comments": {"of": "everybody"},
        "provider": {"name": "vertex", "region": "us-east5", "project": "acme-dev"},
        "fan-out": "jobs",
    }
    config = Config.model_validate(content)
    assert config.approval.by == ("ann", "A-1", "@acme/core.team_1")
    assert (config.fan_out, config.comments.of, config.provider.region) == ("jobs", "everybody", "us-east5")
    assert len({config.digest, Config().digest, Config.model_validate({"fan-out": "jobs"}).digest}) == 3


TIERS = ("research", "plan", "implement", "review", "correct", "scout")


def test_without_wishes_a_configuration_stays_as_it_is():
    assert overridden(Config(), Overrides()) == Config()
    assert overridden(Config(), Overrides()).digest == Config().digest


@pytest.mark.parametrize("tier", TIERS)
def test_whoever_starts_a_run_can_choose_the_model_of_a_role_and_nothing_else_about_it(tier):
    before = Config.model_validate({"models": {tier: {"model": "a", "effort": "low", "max_output_tokens": 300}}})
    after = overridden(before, Overrides(models=(TierModel(tier=tier, model="b"),)))
    assert (getattr(after.models, tier).model, getattr(after.models, tier).effort) == ("b", "low")
    assert getattr(after.models, tier).max_output_tokens == 300
    assert all(getattr(after.models, other) == getattr(before.models, other) for other in TIERS if other != tier)
    assert (after.budget, after.digest != before.digest) == (before.budget, True)


def test_whoever_starts_a_run_can_choose_its_money_and_no_other_bound():
    before = Config.model_validate({"budget": {"run": {"turns": 7}, "phase": {"usd": 1}}})
    after = overridden(before, Overrides(usd=Decimal("0.5")))
    assert (after.budget.run.usd, after.budget.run.turns, after.budget.phase.usd) == (Decimal("0.5"), 7, 1)
    assert (after.models, before.budget.run.usd) == (before.models, Decimal(20))


def test_several_wishes_hold_at_once():
    wishes = Overrides(models=tuple(TierModel(tier=tier, model=f"m-{tier}") for tier in TIERS), usd=Decimal(1))
    after = overridden(Config(), wishes)
    assert {tier: getattr(after.models, tier).model for tier in TIERS} == {tier: f"m-{tier}" for tier in TIERS}
    assert Config.model_validate(after.model_dump(by_alias=True)) == after
