"""What a dispatch asks for: the inputs of a started workflow, or the payload that a program sends."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from phasegate.documents.base import ModelId, Number
from phasegate.documents.parsing import parse_model
from phasegate.documents.snapshot import Overrides, TierModel, TierName
from phasegate.policy.commands import VERBS, Command, Malformed, Verb, command_of

Starting = Literal["start", "research", "plan"]
DispatchCommand = Starting | Literal["continue"] | Verb
STARTING: tuple[Starting, ...] = get_args(Starting)

NO_OVERRIDES = Overrides()

_NUMBER = re.compile(r"#?([1-9][0-9]{0,15})")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class DispatchRequest:
    """What is to be done, to the run of which issue."""

    issue: int
    command: DispatchCommand
    text: str = ""
    digest: str | None = None
    overrides: Overrides = NO_OVERRIDES
    dry_run: bool = False


def parse_inputs(content: bytes, max_bytes: int) -> DispatchRequest:
    """Return the request in a `workflow_dispatch` event. Raises `DocumentError`."""
    inputs = parse_model(content, _WorkflowDispatch, max_bytes=max_bytes).inputs
    command: DispatchCommand = "start" if inputs.phase == "full" else inputs.phase
    overrides = _overrides(inputs.models, inputs.budget)
    return DispatchRequest(inputs.issue, command, overrides=overrides, dry_run=inputs.dry_run)


def parse_payload(content: bytes, max_bytes: int) -> DispatchRequest:
    """Return the request in a `repository_dispatch` event. Raises `DocumentError`."""
    payload = parse_model(content, _RepositoryDispatch, max_bytes=max_bytes).client_payload
    text = payload.said.text if isinstance(payload.said, Command) else ""
    overrides = _overrides(payload.models, payload.budget)
    return DispatchRequest(payload.issue, payload.command, text, payload.digest, overrides, dry_run=payload.dry_run)


def _overrides(models: dict[TierName, ModelId], budget: Decimal | None) -> Overrides:
    return Overrides(models=tuple(TierModel(tier=tier, model=model) for tier, model in models.items()), usd=budget)


def _number(value: object) -> object:
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(found[1]) if found else value


def _pairs(value: object) -> object:
    """Return `plan=claude-opus-5-5, review=claude-opus-5-5` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [word.partition("=") for word in re.split(r"[\s,]+", value) if word]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError("write `phase=model`, with blanks or commas between several")
    if len({tier for tier, _, _ in pairs}) < len(pairs):
        raise ValueError("a phase is there twice")
    return {tier: model for tier, _, model in pairs}


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = str(value).strip()
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        raise ValueError("write an amount in US dollars such as 12.50")
    return Decimal(text)


def _truth(value: object) -> object:
    return {"true": True, "false": False, "": False}.get(value, value) if isinstance(value, str) else value


_Issue = Annotated[Number, BeforeValidator(_number)]
_Models = Annotated[dict[TierName, ModelId], BeforeValidator(_pairs)]
_Budget = Annotated[Decimal, Field(gt=0, le=10_000)]
_Amount = Annotated[_Budget | None, BeforeValidator(_amount)]
_Truth = Annotated[bool, BeforeValidator(_truth)]


class EventPart(BaseModel):
    """What we read of an event; GitHub may add to the rest at any time."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Ours(BaseModel):
    """What is made for us alone: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Inputs(_Ours):
    issue: _Issue
    phase: Literal["full", "research", "plan", "continue"] = "full"
    models: _Models = {}
    budget: _Amount = None
    dry_run: _Truth = Field(default=False, alias="dry-run")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.phase == "continue":
            _refuse_wishes(self.phase, self.models, self.budget)
        return self


class _WorkflowDispatch(EventPart):
    inputs: _Inputs


class _Payload(_Ours):
    issue: _Issue
    command: DispatchCommand
    text: str = ""
    digest: str | None = None
    models: dict[TierName, ModelId] = {}
    budget: _Amount = None
    dry_run: bool = False

    @property
    def said(self) -> Command | Malformed | None:
        """The same as a comment's command; None for what only a dispatch can ask for."""
        verb = next((verb for verb in VERBS if verb == self.command), None)
        return None if verb is None else command_of(verb, self.text, self.digest)

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.command not in STARTING:
            _refuse_wishes(self.command, self.models, self.budget)
        if self.said is None and (self.text or self.digest is not None):
            raise ValueError(f"`{self.command}` takes no text and no digest")
        problem = self.said.what if isinstance(self.said, Malformed) else ""
        if problem:
            raise ValueError(problem)
        return self


class _RepositoryDispatch(EventPart):
    client_payload: _Payload


def _refuse_wishes(command: DispatchCommand, models: dict[TierName, ModelId], budget: Decimal | None) -> None:
    if models or budget is not None:
        raise ValueError(f"models and budget are chosen when a run starts, not with `{command}`")
