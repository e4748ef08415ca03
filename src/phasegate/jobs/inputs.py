"""What a job's step is told: read once from its environment, and taken out of it."""

import json
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Self

from phasegate.documents.base import Digest, Step
from phasegate.documents.parsing import shown
from phasegate.errors import UserError

PREFIX = "PHASEGATE_"
TOLD = "told"
"""What a job that writes says comes next when it has said itself what went wrong."""
MOST_SLOTS = 8
"""How many jobs of a matrix can hand over: the workflow has an output for each."""
_MEND = "`phasegate init` writes it anew, `phasegate doctor` says what differs."
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[ST][1-9][0-9]?")
_RESULTS = frozenset({"success", "failure", "cancelled", "skipped"})


@dataclass(frozen=True, slots=True)
class JobResult:
    """How another job of the workflow ended, and whether what it has to say is or will be said by another."""

    name: str
    result: str
    told: bool


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of the action."""

    step: Step
    part: str
    """The scout or the task, for a job of a matrix."""
    hand_over: Digest | None
    hand_overs: tuple[Digest, ...]
    """Of the jobs of a matrix that are joined."""
    token: str = field(repr=False)
    model_key: str = field(repr=False)
    model_url: str
    app_id: str
    app_private_key: str = field(repr=False)
    jobs: tuple[JobResult, ...]
    """The jobs before, for the report."""

    @classmethod
    def taken_from(cls, environ: MutableMapping[str, str]) -> Self:
        """Return the inputs, and remove them from `environ`, so that no child gets them.

        Raises `UserError` for a value that cannot be one.
        """
        given = {name.removeprefix(PREFIX): environ.pop(name) for name in list(environ) if name.startswith(PREFIX)}
        named = given.get("STEP", "")
        if not named:
            raise UserError(
                f"{PREFIX}STEP is not set: this command is for jobs of the workflow.",
                mend="On your own machine use `phasegate run`.",
            )
        if named not in set(Step) - {Step.CORRECT}:  # which has no job of its own
            steps = ", ".join(step for step in Step if step is not Step.CORRECT)
            raise UserError(f"{shown(named)!r} is no step of a job.", mend=f"The steps: {steps}.")
        return cls(
            step=Step(named),
            part=_matching("PART", given.get("PART", ""), _PART),
            hand_over=_matching("HAND_OVER", given.get("HAND_OVER", ""), _DIGEST) or None,
            hand_overs=_digests(given.get("HAND_OVERS", "")),
            token=given.get("TOKEN", ""),
            model_key=given.get("MODEL_KEY", ""),
            model_url=given.get("MODEL_URL", ""),
            app_id=given.get("APP_ID", ""),
            app_private_key=given.get("APP_PRIVATE_KEY", ""),
            jobs=_jobs(given.get("JOBS", "")),
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen in any log."""
        return tuple(secret for secret in (self.token, self.model_key, self.app_private_key) if secret)


def _matching(name: str, value: str, form: re.Pattern[str]) -> str:
    if value and not form.fullmatch(value):
        raise UserError(f"{PREFIX}{name} is not of its form.", cause="The workflow was edited.", mend=_MEND)
    return value


def _digests(text: str) -> tuple[Digest, ...]:
    values = [value for value in _object("HAND_OVERS", text).values() if value]
    if len(values) > MOST_SLOTS or not all(isinstance(value, str) and _DIGEST.fullmatch(value) for value in values):
        raise UserError(f"{PREFIX}HAND_OVERS is not of its form.", cause="The workflow was edited.")
    return tuple(str(value) for value in values)


def _jobs(text: str) -> tuple[JobResult, ...]:
    return tuple(_job(name, told) for name, told in _object("JOBS", text).items())


def _job(name: str, told: object) -> JobResult:
    result = told.get("result") if isinstance(told, Mapping) else None
    outputs = told.get("outputs") if isinstance(told, Mapping) else None
    if result not in _RESULTS:
        raise UserError(f"{PREFIX}JOBS is not of its form.", cause="The workflow was edited.")
    left = outputs if isinstance(outputs, Mapping) else {}
    handed_over = any(value for key, value in left.items() if key == "hand-over" or str(key).startswith("slot-"))
    return JobResult(name, str(result), told=handed_over or left.get("next") == TOLD)


def _object(name: str, text: str) -> dict[str, object]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UserError(f"{PREFIX}{name} is no JSON object.", cause="The workflow was edited.")
    return value
