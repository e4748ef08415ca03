"""Configuration: `.github/phasegate.yml` at the base commit. Every key has a default, so an empty file works."""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pathspec import GitIgnoreSpec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from phasegate.documents.base import Digest, ModelId, canonical_json, digest_of
from phasegate.documents.paths import folded
from phasegate.documents.plan import GateName
from phasegate.documents.snapshot import Overrides

CONFIG_PATH = ".github/phasegate.yml"
PRIMER_PATH = ".claude/PRIMER.md"
PLANS_DIRECTORY = ".claude/plans"

Effort = Literal["low", "medium", "high", "xhigh", "max"]
Usd = Annotated[Decimal, Field(gt=0, le=10_000)]
Rate = Annotated[Decimal, Field(ge=0, le=1_000_000)]
Tokens = Annotated[int, Field(gt=0, le=10_000_000_000)]
Turns = Annotated[int, Field(gt=0, le=1_000_000)]
Minutes = Annotated[int, Field(gt=0, le=100_000)]
Directory = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Approving = Annotated[
    str,
    StringConstraints(
        pattern=r"^(@[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}|[A-Za-z0-9][A-Za-z0-9-]{0,38})$"
    ),
]
CloudName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]


def _check_pattern(pattern: str) -> str:
    try:
        GitIgnoreSpec.from_lines([folded(pattern)])
    except (ValueError, re.error):
        raise ValueError("is no pattern of .gitignore") from None
    return pattern


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_check_pattern)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Tier(Section):
    """The model for one role."""

    model: ModelId
    effort: Effort | None = Field(default=None, description="how hard the model thinks; null: the model's own default")
    max_output_tokens: int = Field(default=16_000, ge=256, le=128_000, description="the longest single reply")


class StrongTier(Tier):
    """For thinking. A whole plan has to fit into one reply."""

    model: ModelId = "claude-opus-5-5"
    max_output_tokens: int = Field(default=32_000, ge=256, le=128_000, description="the longest single reply")


class FastTier(Tier):
    """For doing."""

    model: ModelId = "claude-sonnet-5-5"


class SmallTier(Tier):
    """For looking around."""

    model: ModelId = "claude-haiku-5-5"


class Models(Section):
    """Which model does what: strong for thinking, fast for doing, small for looking around."""

    research: StrongTier = StrongTier()
    plan: StrongTier = StrongTier()
    implement: FastTier = FastTier()
    review: StrongTier = StrongTier()
    correct: StrongTier = StrongTier()
    scout: SmallTier = SmallTier()


class Price(Section):
    """What a model costs, in US dollars for a million tokens; for models that the price list does not know."""

    input: Rate
    output: Rate
    cache_read: Rate
    cache_write: Rate


class Limits(Section):
    """A bound on money (US dollars), tokens, model turns and working time (minutes)."""

    usd: Usd
    tokens: Tokens
    turns: Turns
    minutes: Minutes


class RunLimits(Limits):
    """Bounds for a whole run."""

    usd: Usd = Decimal(20)
    tokens: Tokens = 20_000_000
    turns: Turns = 1_000
    minutes: Minutes = 240


class PhaseLimits(Limits):
    """Bounds for each phase."""

    usd: Usd = Decimal(10)
    tokens: Tokens = 10_000_000
    turns: Turns = 500
    minutes: Minutes = 120


class TaskLimits(Limits):
    """Bounds for each task."""

    usd: Usd = Decimal(3)
    tokens: Tokens = 4_000_000
    turns: Turns = 100
    minutes: Minutes = 45


class Budget(Section):
    """Bounds for a whole run, for each phase, and for each task; `reserve` is kept back for delivery."""

    run: RunLimits = RunLimits()
    phase: PhaseLimits = PhaseLimits()
    task: TaskLimits = TaskLimits()
    reserve: Annotated[Decimal, Field(ge=0, lt=1)] = Field(
        default=Decimal("0.05"), description="the part of the run's money kept back for verifying and reviewing"
    )


class Research(Section):
    """How research looks around."""

    scouts: int = Field(default=3, ge=0, le=8, description="how many agents look around at the same time")
    minimum: int = Field(default=1, ge=0, le=8, description="how many of them have to succeed")


class PlanRules(Section):
    """What planning may do."""

    questions: bool = Field(default=True, description="whether the planner may ask before it plans")
    keep: bool = Field(default=True, description="whether the branch carries the plan as Markdown")


class Slice(Section):
    """How much one implementation job does; the next job goes on. Only on GitHub."""

    minutes: int = Field(default=240, ge=1, le=330, description="no task is begun after this many minutes")
    tasks: int = Field(default=40, ge=1, le=40, description="no more tasks than these are begun")
    dispatch: bool = Field(default=True, description="whether the next job starts by itself; else `/retry` starts it")


class Implement(Section):
    """How tasks are carried out."""

    slice: Slice = Slice()
    parallel: int = Field(default=2, ge=1, le=8, description="how many disjoint tasks of a wave run at the same time")
    check_attempts: int = Field(default=3, ge=1, le=10, description="how often a task may hand in")


class ApprovalRules(Section):
    """Whose yes counts, and when. Only on GitHub."""

    required: int = Field(default=1, ge=1, le=6, description="how many people have to approve")
    by: tuple[Approving, ...] = Field(
        default=(), description="logins, or @organisation/team; empty: everybody with write permission"
    )
    not_requester: bool = Field(default=False, description="whether who started the run may not approve")
    require_digest: bool = Field(default=False, description="whether `/approve` has to name the plan's digest")
    settle: int = Field(default=60, ge=0, le=86_400, description="seconds that a plan has to stand before approval")
    expires: int = Field(default=720, ge=1, le=8_760, description="hours after which a plan has to be made anew")


class Comments(Section):
    """Whose comments on the issue the model gets to see. Only on GitHub."""

    of: Literal["writers", "everybody"] = Field(
        default="writers", description="people with write permission, or everybody"
    )


class Provider(Section):
    """Who serves the models."""

    name: Literal["anthropic", "bedrock", "vertex"] = "anthropic"
    region: CloudName | None = Field(default=None, description="the cloud's region, for bedrock and vertex")
    project: CloudName | None = Field(default=None, description="the cloud's project, for vertex")


class Rounds(Section):
    """How often something is tried again before a human is asked."""

    rounds: int = Field(default=2, ge=0, le=10)


class Gate(Section):
    """A quality gate: a command of the repository, run in the sandbox at its root."""

    run: Annotated[str, StringConstraints(min_length=1, max_length=2000)] = Field(description="a shell command")
    minutes: int = Field(default=15, ge=1, le=240)
    required: bool = Field(default=True, description="whether a failure stops the run")


class Protected(Section):
    """Paths that no run may touch, in the patterns of .gitignore."""

    also: tuple[Pattern, ...] = Field(default=(), description="more patterns, on top of the built-in ones")
    allow: tuple[Pattern, ...] = Field(
        default=(), description="built-in protected paths that a plan may name after all"
    )


class SandboxRules(Section):
    """What the sandbox shows of the machine, besides the system's own directories."""

    expose: tuple[Directory, ...] = Field(default=(), description="directories shown read-only, such as a tool chain")
    minutes: int = Field(default=5, ge=1, le=60, description="the longest single command of a model")


class Config(Section):
    """The whole configuration."""

    models: Models = Models()
    prices: dict[ModelId, Price] = Field(default={}, description="for models that the price list does not know")
    budget: Budget = Budget()
    research: Research = Research()
    plan: PlanRules = PlanRules()
    approval: ApprovalRules = ApprovalRules()
    comments: Comments = Comments()
    provider: Provider = Provider()
    fan_out: Literal["machine", "jobs"] = Field(
        default="machine",
        alias="fan-out",
        description="where scouts and disjoint tasks run side by side: on one machine, or (on GitHub) one job for each",
    )
    implement: Implement = Implement()
    correct: Rounds = Field(
        default=Rounds(), description="when a task cannot be done as planned: the plan is corrected"
    )
    verify: Rounds = Field(default=Rounds(), description="when a required gate fails: a task repairs it")
    review: Rounds = Field(default=Rounds(rounds=1), description="when the review wants changes: a task makes them")
    gates: dict[GateName, Gate] | None = Field(default=None, description="null: found from the repository's files")
    protected: Protected = Protected()
    sandbox: SandboxRules = SandboxRules()

    @property
    def digest(self) -> Digest:
        """What an approval binds: the SHA-256 of the canonical JSON, defaults included."""
        return digest_of(canonical_json(self.model_dump(mode="json")))


def overridden(config: Config, overrides: Overrides) -> Config:
    """Return the configuration with what whoever started the run wants other."""
    models, budget = config.models, config.budget
    for wish in overrides.models:
        tier = getattr(models, wish.tier).model_copy(update={"model": wish.model})
        models = models.model_copy(update={wish.tier: tier})
    if overrides.usd is not None:
        budget = budget.model_copy(update={"run": budget.run.model_copy(update={"usd": overrides.usd})})
    return config.model_copy(update={"models": models, "budget": budget})


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of the configuration file."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}
