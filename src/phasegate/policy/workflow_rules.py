"""What the workflow of phasegate may do, as data: triggers, and for each job its permissions and secrets. Pure.

No job holds both the model key and a write token, and the gates run in one that holds neither. The shipped workflow
keeps these rules (a test holds it to them), and `phasegate doctor` holds an installed one to them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from phasegate.documents.parsing import shown
from phasegate.policy.verdict import Verdict, problem, warning
from phasegate.policy.workflow_file import EMPTY, Place, Workflow
from phasegate.policy.workflow_steps import CHECK, RESTORE, listed, secrets_of, step_verdicts, weak

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
_LEVELS = {"none": 0, "read": 1, "write": 2}
_FREE = frozenset({"name", "runs-on", "timeout-minutes", "environment", "permissions"})
_HOSTED = re.compile(r"(?:ubuntu|windows|macos)-[\w.-]+")
"""Labels of GitHub's own machines."""
_KEY = 2
"""Where in a place the key of a job is: after `jobs` and its name."""
_SHOWN_LEVELS = 3
_TOLD = 6


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
    return (warning(CHECK, f"The installed workflow differs from the shipped one: {told}.", RESTORE),)


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


def chosen(workflow: Workflow, shipped: Workflow) -> tuple[str, ...]:
    """Return which of the keys that every repository may choose for itself are not as shipped."""
    mine, theirs = _free(workflow), _free(shipped)
    return tuple(sorted({place[_KEY] for place in mine.keys() | theirs.keys() if mine.get(place) != theirs.get(place)}))


def _free(workflow: Workflow) -> dict[tuple[str, ...], str]:
    return {
        tuple(map(str, place)): value
        for place, value in workflow.leaves.items()
        if place[0] == "jobs" and place[1] in JOBS and len(place) > _KEY and place[_KEY] in _FREE
    }


def machines(workflow: Workflow) -> tuple[Verdict, ...]:
    """Return whether jobs run on machines that need not be GitHub's."""
    labels = {label for name in JOBS for label in workflow.below("jobs", name, "runs-on").values()}
    own = sorted(label for label in labels if not _HOSTED.fullmatch(label))
    if not own:
        return ()
    what = f"Jobs run on {', '.join(f'`{shown(label)}`' for label in own)}."
    mend = (
        "If these are machines of your own: they keep what a job leaves behind, so not for public repositories, where "
        "strangers' text is worked on."
    )
    return (warning(CHECK, what, mend),)


def _at(place: Place) -> str:
    return ".".join(str(part) for part in place[:_SHOWN_LEVELS])


def _triggers(workflow: Workflow) -> Iterator[Verdict]:
    named = workflow.keys("on")
    for event in named:
        if event not in TRIGGERS:
            yield weak(f"it is started by `{shown(event)}`, too: what that event brings was not meant for it")
        else:
            types = set(workflow.below("on", event, "types").values())
            more = sorted(types - set(TRIGGERS[event]))
            if more or (TRIGGERS[event] and not types):
                yield weak(f"`{event}` starts it on {', '.join(map(shown, more)) or 'every type'}")
    for event in (event for event in TRIGGERS if event not in named):
        yield warning(CHECK, f"The installed workflow is not started by `{event}`.", RESTORE)


def _top(workflow: Workflow) -> Iterator[Verdict]:
    if workflow.text("permissions") != EMPTY:
        yield weak("`permissions: {}` is not at its top, so jobs have rights that none of them states")
    secrets = secrets_of(workflow.below("env"))
    if secrets:
        yield weak(f"every job gets {listed(secrets)} by `env`")


def _missing(name: str) -> Verdict:
    return problem(CHECK, f"The installed workflow has no job `{name}`.", RESTORE)


def _job(workflow: Workflow, name: str, action: str, *, cloud: bool) -> Iterator[Verdict]:
    rules = JOBS.get(name)
    if rules is None:
        yield from _foreign_job(workflow, name)
        return
    cloud = cloud and MODEL_KEY in rules.secrets
    yield from _permissions(workflow, name, rules, cloud=cloud)
    below = workflow.below("jobs", name)
    more = secrets_of(below) - rules.secrets
    if more and not cloud:
        yield weak(f"the job `{name}` gets {listed(more)}")
    if not workflow.has("jobs", name, "if") and name != "report":
        yield weak(f"the job `{name}` has no `if:`, so it runs for every event")
    if workflow.text("jobs", name, "concurrency", "cancel-in-progress") not in {None, "false"}:
        yield problem(CHECK, f"The job `{name}` of the installed workflow can be cancelled by the next event.", RESTORE)
    yield from step_verdicts(workflow, name, action, cloud=cloud)


def _foreign_job(workflow: Workflow, name: str) -> Iterator[Verdict]:
    what = f"the job `{shown(name)}`, which is not ours,"
    if secrets := secrets_of(workflow.below("jobs", name)):
        yield weak(f"{what} gets {listed(secrets)}")
    stated = _stated(workflow, name)
    if any(_LEVELS.get(level, 2) > 1 for level in stated.values()):
        yield weak(f"{what} may write ({_rights(stated)})")
    yield warning(CHECK, f"The installed workflow has a job `{shown(name)}` of its own.", "Keep it in another file.")


def _permissions(workflow: Workflow, name: str, rules: JobRules, *, cloud: bool) -> Iterator[Verdict]:
    stated = _stated(workflow, name)
    allowed = {**rules.permissions, **({_CLOUD: "write"} if cloud else {})}
    wider = {key: level for key, level in stated.items() if _LEVELS.get(level, 2) > _LEVELS[allowed.get(key, "none")]}
    if wider:
        yield weak(f"the job `{name}` may do more than it needs ({_rights(wider)})")
    lacking = {
        key: level
        for key, level in rules.permissions.items()
        if _LEVELS.get(stated.get(key, "none"), 2) < _LEVELS[level]
    }
    if lacking and "all" not in stated:
        yield problem(CHECK, f"The job `{name}` of the installed workflow lacks {_rights(lacking)}.", RESTORE)


def _stated(workflow: Workflow, name: str) -> dict[str, str]:
    """Return the permissions that a job states; `read-all` and `write-all` as those of `all`."""
    word = workflow.text("jobs", name, "permissions")
    if word:
        return {"all": "read" if word == "read-all" else "write"}
    return {str(place[0]): level for place, level in workflow.below("jobs", name, "permissions").items() if place}


def _rights(permissions: Mapping[str, str]) -> str:
    return ", ".join(f"{shown(key)}: {shown(level)}" for key, level in sorted(permissions.items()))
