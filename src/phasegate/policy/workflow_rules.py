"""What the workflow of phasegate may do, as data: triggers, and for each job its permissions and secrets. Pure.

A job holds one power at most: the model key, a write token, or the right to run the repository's code. The shipped
workflow keeps these rules (a test holds it to them), and `phasegate doctor` holds an installed one to them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phasegate.documents.parsing import shown
from phasegate.policy.verdict import Verdict, problem, warning
from phasegate.policy.workflow_file import EMPTY, Place, Workflow

CHECK = "workflow"
MODEL_KEY = "ANTHROPIC_API_KEY"
APP_KEY = "PHASEGATE_APP_PRIVATE_KEY"
TRIGGERS: Mapping[str, tuple[str, ...]] = {
    "issues": ("labeled",),
    "issue_comment": ("created",),
    "workflow_dispatch": (),
    "repository_dispatch": ("phasegate",),
}
"""What may start it, and the types of each event. All of them run the workflow of the default branch."""

_READS_THREAD = {"contents": "read", "issues": "read", "pull-requests": "read"}
_READS_CODE = {"contents": "read"}
_ANSWERS = {"issues": "write", "pull-requests": "write"}
_PUBLISHES = {"contents": "write", "issues": "write", "pull-requests": "write"}


@dataclass(frozen=True, slots=True)
class JobRules:
    """The least that a job needs, which is the most that it may have."""

    permissions: Mapping[str, str]
    secrets: frozenset[str] = frozenset()


_DECIDES = JobRules(_READS_THREAD)
_SPEAKS = JobRules(_ANSWERS)
_ASKS_MODEL = JobRules(_READS_CODE, frozenset({MODEL_KEY}))
_WRITES = JobRules(_PUBLISHES, frozenset({APP_KEY}))
JOBS: Mapping[str, JobRules] = {
    "decide": _DECIDES,
    "acknowledge": _SPEAKS,
    "scout": _ASKS_MODEL,
    "research": _ASKS_MODEL,
    "plan": _ASKS_MODEL,
    "publish-plan": _WRITES,
    "task": _ASKS_MODEL,
    "implement": _ASKS_MODEL,
    "verify": JobRules(_READS_CODE),
    "review": _ASKS_MODEL,
    "publish": _WRITES,
    "report": _SPEAKS,
}
"""Every job, which is named like its step. `GITHUB_TOKEN` is no secret here: its rights are the permissions."""

_CLOUD = "id-token"
"""With Bedrock or Vertex, jobs that ask a model may ask for an identity and have steps that log in with it."""
_PINNED = re.compile(r"[\w.-]+/[\w.-]+(?:/[\w./-]+)?@[0-9a-f]{40}")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_SECRET = re.compile(r"(?<![.\w-])secrets\b(?:\s*\.\s*([\w-]+)|\s*\[\s*'([^']*)'\s*\])?", re.IGNORECASE)
ALL = "ALL OF THEM"
_LEVELS = {"none": 0, "read": 1, "write": 2}
_FREE = frozenset({"name", "runs-on", "timeout-minutes", "environment", "permissions"})
_KEY = 2
"""Where in a place the key of a job is: after `jobs` and its name."""
_SHOWN_LEVELS = 3
_TOLD = 6
_INIT = (
    "`phasegate init --force` puts the shipped workflow back; `phasegate init --force --diff` shows what that changes."
)


def broken_rules(workflow: Workflow, *, action: str, cloud: bool = False) -> tuple[Verdict, ...]:
    """Return what an installed workflow may do beyond the rules, or lacks.

    `action` is what its steps have to name, up to the `@`, such as `phasegate/phasegate`; `cloud`: whether the models
    are at a cloud that jobs log in to.
    """
    jobs = workflow.keys("jobs")
    return (
        *_triggers(workflow),
        *_top(workflow),
        *(_missing(name) for name in JOBS if name not in jobs),
        *(found for name in jobs for found in _job(workflow, name, action, cloud=cloud)),
    )


def differences(workflow: Workflow, shipped: Workflow) -> tuple[Verdict, ...]:
    """Return what else is not as shipped, where that can matter: conditions, order, what jobs hand on."""
    mine, theirs = _that_matters(workflow), _that_matters(shipped)
    places = sorted({_at(place) for place in mine.keys() | theirs.keys() if mine.get(place) != theirs.get(place)})
    if not places:
        return ()
    told = ", ".join(f"`{shown(place)}`" for place in places[:_TOLD]) + (" and more" if len(places) > _TOLD else "")
    return (warning(CHECK, f"The installed workflow differs from the shipped one: {told}.", _INIT),)


def _that_matters(workflow: Workflow) -> dict[Place, str]:
    """Return the scalars that neither the rules look at nor every repository may choose for itself."""
    return {
        place: " ".join(value.split())
        for place, value in workflow.leaves.items()
        if place[0] == "jobs"
        and place[1] in JOBS
        and len(place) > _KEY
        and place[_KEY] not in _FREE
        and place[-1] != "uses"
    }


def _at(place: Place) -> str:
    return ".".join(str(part) for part in place[:_SHOWN_LEVELS])


def _triggers(workflow: Workflow) -> Iterator[Verdict]:
    named = workflow.keys("on")
    for event in named:
        if event not in TRIGGERS:
            yield _weak(f"it is started by `{shown(event)}`, too: what that event brings was not meant for it")
        else:
            types = set(workflow.below("on", event, "types").values())
            more = sorted(types - set(TRIGGERS[event]))
            if more or (TRIGGERS[event] and not types):
                yield _weak(f"`{event}` starts it on {', '.join(map(shown, more)) or 'every type'}")
    for event in (event for event in TRIGGERS if event not in named):
        yield warning(CHECK, f"The installed workflow is not started by `{event}`.", _INIT)


def _top(workflow: Workflow) -> Iterator[Verdict]:
    if workflow.text("permissions") != EMPTY:
        yield _weak("`permissions: {}` is not at its top, so jobs have rights that none of them states")
    secrets = _secrets(workflow.below("env"))
    if secrets:
        yield _weak(f"every job gets {_listed(secrets)} by `env`")


def _missing(name: str) -> Verdict:
    return problem(CHECK, f"The installed workflow has no job `{name}`.", _INIT)


def _job(workflow: Workflow, name: str, action: str, *, cloud: bool) -> Iterator[Verdict]:
    rules = JOBS.get(name)
    if rules is None:
        yield from _foreign_job(workflow, name)
        return
    cloud = cloud and MODEL_KEY in rules.secrets
    yield from _permissions(workflow, name, rules, cloud=cloud)
    below = workflow.below("jobs", name)
    more = _secrets(below) - rules.secrets
    if more and not cloud:
        yield _weak(f"the job `{name}` gets {_listed(more)}")
    if not workflow.has("jobs", name, "if") and name != "report":
        yield _weak(f"the job `{name}` has no `if:`, so it runs for every event")
    if workflow.text("jobs", name, "concurrency", "cancel-in-progress") not in {None, "false"}:
        yield problem(CHECK, f"The job `{name}` of the installed workflow can be cancelled by the next event.", _INIT)
    yield from _steps(workflow, name, action, cloud=cloud)


def _foreign_job(workflow: Workflow, name: str) -> Iterator[Verdict]:
    what = f"the job `{shown(name)}`, which is not ours,"
    if secrets := _secrets(workflow.below("jobs", name)):
        yield _weak(f"{what} gets {_listed(secrets)}")
    stated = _stated(workflow, name)
    if any(_LEVELS.get(level, 2) > 1 for level in stated.values()):
        yield _weak(f"{what} may write ({_rights(stated)})")
    yield warning(CHECK, f"The installed workflow has a job `{shown(name)}` of its own.", "Keep it in another file.")


def _permissions(workflow: Workflow, name: str, rules: JobRules, *, cloud: bool) -> Iterator[Verdict]:
    stated = _stated(workflow, name)
    allowed = {**rules.permissions, **({_CLOUD: "write"} if cloud else {})}
    wider = {key: level for key, level in stated.items() if _LEVELS.get(level, 2) > _LEVELS[allowed.get(key, "none")]}
    if wider:
        yield _weak(f"the job `{name}` may do more than it needs ({_rights(wider)})")
    lacking = {
        key: level
        for key, level in rules.permissions.items()
        if _LEVELS.get(stated.get(key, "none"), 2) < _LEVELS[level]
    }
    if lacking and "all" not in stated:
        yield problem(CHECK, f"The job `{name}` of the installed workflow lacks {_rights(lacking)}.", _INIT)


def _stated(workflow: Workflow, name: str) -> dict[str, str]:
    """Return the permissions that a job states; `read-all` and `write-all` as those of `all`."""
    word = workflow.text("jobs", name, "permissions")
    if word:
        return {"all": "read" if word == "read-all" else "write"}
    return {str(place[0]): level for place, level in workflow.below("jobs", name, "permissions").items() if place}


def _steps(workflow: Workflow, name: str, action: str, *, cloud: bool) -> Iterator[Verdict]:
    place = ("jobs", name, "steps")
    numbers = sorted({where[0] for where in workflow.below(*place) if where and isinstance(where[0], int)})
    ours = [number for number in numbers if (workflow.text(*place, number, "uses") or "").startswith(f"{action}@")]
    if len(ours) != 1:
        yield _weak(f"the job `{name}` does not have exactly one step with {action}")
    for number in ours:
        yield from _our_step(workflow, name, number)
    for number in (number for number in numbers if number not in ours):
        uses = workflow.text(*place, number, "uses")
        if not (cloud and uses and _PINNED.fullmatch(uses)):
            yield _weak(f"the job `{name}` has a step of its own ({shown(uses or 'run')}) beside what the job may do")


def _our_step(workflow: Workflow, name: str, number: int) -> Iterator[Verdict]:
    place = ("jobs", name, "steps", number)
    if not _PINNED.fullmatch(workflow.text(*place, "uses") or ""):
        yield _weak(f"the job `{name}` names the action by something that can be moved, not by a full commit id")
    if workflow.text(*place, "with", "step") != name:
        yield _weak(f"the job `{name}` does another step than its own")
    if workflow.has(*place, "continue-on-error"):
        yield _weak(f"the job `{name}` goes on after a failure")
    token = workflow.text(*place, "with", "github-token") or ""
    if re.sub(r"\s", "", token) not in {"${{github.token}}", "${{secrets.GITHUB_TOKEN}}"}:
        yield _weak(f"the job `{name}` works with another token than the one that its permissions bound")


def _secrets(leaves: Mapping[Place, str]) -> frozenset[str]:
    """Return the secrets that expressions name; `ALL` where the whole context is used or inherited."""
    texts = [text for place, value in leaves.items() for text in _expressions(place, value)]
    named = {(match[1] or match[2] or ALL).upper() for text in texts for match in _SECRET.finditer(text)}
    inherited = {ALL} if leaves.get(("secrets",)) == "inherit" else set()
    return frozenset(named | inherited) - {"GITHUB_TOKEN"}


def _expressions(place: Place, value: str) -> list[str]:
    return [value] if place[-1:] == ("if",) else _EXPRESSION.findall(value)


def _weak(what: str) -> Verdict:
    return problem(CHECK, f"The installed workflow is weaker than the shipped one: {what}.", _INIT)


def _rights(permissions: Mapping[str, str]) -> str:
    return ", ".join(f"{shown(key)}: {shown(level)}" for key, level in sorted(permissions.items()))


def _listed(names: frozenset[str]) -> str:
    return ", ".join(shown(name) for name in sorted(names))
