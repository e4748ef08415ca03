"""What the steps of one job in the workflow may be: ours, and what a repository needs before it. Pure."""

import re
from collections.abc import Iterator, Mapping

from phasegate.documents.parsing import shown
from phasegate.policy.verdict import Verdict, problem, warning
from phasegate.policy.workflow_file import Place, Workflow

CHECK = "workflow"
RESTORE = (
    "`phasegate init --force` puts the shipped workflow back; `phasegate init --force --diff` shows what that changes."
)
PREPARED = frozenset({"task", "implement", "verify"})
"""Jobs that run code of the repository in the sandbox: what that code needs may be installed before our step."""
ALL = "ALL OF THEM"
_PINNED = re.compile(r"[\w.-]+/[\w.-]+(?:/[\w./-]+)?@[0-9a-f]{40}")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_SECRET = re.compile(r"(?<![.\w-])secrets\b(?:\s*\.\s*([\w-]+)|\s*\[\s*'([^']*)'\s*\])?", re.IGNORECASE)
_EVENT = re.compile(r"(?<![.\w-])github\b(?!\s*\.\s*(?!(?:token|event)\b)\w)", re.IGNORECASE)
"""The token, what others wrote, or the whole of both; not `github.sha` and its like."""
_CHECKOUT = "actions/checkout@"


def step_verdicts(workflow: Workflow, name: str, action: str, *, cloud: bool) -> Iterator[Verdict]:
    """Give what is to be said of the steps of one job; `cloud`: whether steps may log in to one."""
    ours = _ours(workflow, name, action)
    if len(ours) != 1:
        yield weak(f"the job `{name}` does not have exactly one step with {action}")
    for number in ours:
        yield from _our_step(workflow, name, number)
    first = []
    for number in (number for number in _numbers(workflow, name) if number not in ours):
        uses = workflow.text("jobs", name, "steps", number, "uses")
        told = shown(uses or "run")
        if cloud and uses and _PINNED.fullmatch(uses):
            continue
        if name not in PREPARED or len(ours) != 1 or number > ours[0]:
            yield weak(f"the job `{name}` has a step of its own ({told}) beside what the job may do")
        elif reason := _unsafe(workflow, name, number, uses):
            yield weak(f"the job `{name}` has a step of its own ({told}) that {reason}")
        else:
            first.append(told)
    if first:
        what = f"The job `{name}` runs steps of yours first ({', '.join(first)}); they are yours to trust."
        yield warning(CHECK, what, "Nothing to do, if they only install what your gates need.")


def _unsafe(workflow: Workflow, name: str, number: int, uses: str | None) -> str:
    """Return why a step must not come before ours, or an empty text."""
    place = ("jobs", name, "steps", number)
    if uses is not None and not _PINNED.fullmatch(uses):
        return "is named by something that can be moved, not by a full commit id"
    seen = {**workflow.below("env"), **workflow.below("jobs", name, "env"), **workflow.below(*place)}
    if any(_SECRET.search(text) or _EVENT.search(text) for where in seen for text in _expressions(where, seen[where])):
        return "gets a secret, a token or what others wrote"
    if (uses or "").lower().startswith(_CHECKOUT) and workflow.text(*place, "with", "persist-credentials") != "false":
        return "leaves a token behind (`persist-credentials: false` is missing)"
    return ""


def without_first_steps(workflow: Workflow, action: str) -> Workflow:
    """Return the workflow as if there was nothing before our step in any job."""
    first = {name: min(_ours(workflow, name, action), default=0) for name in workflow.keys("jobs")}
    return Workflow(dict(_moved(workflow, first)))


def _moved(workflow: Workflow, first: Mapping[str, int]) -> Iterator[tuple[Place, str]]:
    for place, value in workflow.leaves.items():
        match place:
            case ("jobs", str(name), "steps", int(number), *rest):
                if number >= first[name]:
                    yield ("jobs", name, "steps", number - first[name], *rest), value
            case _:
                yield place, value


def _numbers(workflow: Workflow, name: str) -> list[int]:
    below = workflow.below("jobs", name, "steps")
    return sorted({where[0] for where in below if where and isinstance(where[0], int)})


def _ours(workflow: Workflow, name: str, action: str) -> list[int]:
    used = ((number, workflow.text("jobs", name, "steps", number, "uses")) for number in _numbers(workflow, name))
    return [number for number, uses in used if (uses or "").startswith(f"{action}@")]


def _our_step(workflow: Workflow, name: str, number: int) -> Iterator[Verdict]:
    place = ("jobs", name, "steps", number)
    if not _PINNED.fullmatch(workflow.text(*place, "uses") or ""):
        yield weak(f"the job `{name}` names the action by something that can be moved, not by a full commit id")
    if workflow.text(*place, "with", "step") != name:
        yield weak(f"the job `{name}` does another step than its own")
    if workflow.has(*place, "continue-on-error"):
        yield weak(f"the job `{name}` goes on after a failure")
    token = workflow.text(*place, "with", "github-token") or ""
    if re.sub(r"\s", "", token) not in {"${{github.token}}", "${{secrets.GITHUB_TOKEN}}"}:
        yield weak(f"the job `{name}` works with another token than the one that its permissions bound")


def secrets_of(leaves: Mapping[Place, str]) -> frozenset[str]:
    """Return the secrets that expressions name; `ALL` where the whole context is used or inherited."""
    texts = [text for place, value in leaves.items() for text in _expressions(place, value)]
    named = {(match[1] or match[2] or ALL).upper() for text in texts for match in _SECRET.finditer(text)}
    inherited = {ALL} if leaves.get(("secrets",)) == "inherit" else set()
    return frozenset(named | inherited) - {"GITHUB_TOKEN"}


def _expressions(place: Place, value: str) -> list[str]:
    return [value] if place[-1:] == ("if",) else _EXPRESSION.findall(value)


def weak(what: str) -> Verdict:
    """Return that the workflow is weaker than the shipped one."""
    return problem(CHECK, f"The installed workflow is weaker than the shipped one: {what}.", RESTORE)


def listed(names: frozenset[str]) -> str:
    """Return names of secrets for a message."""
    return ", ".join(shown(name) for name in sorted(names))
