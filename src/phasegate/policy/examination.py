"""What `phasegate doctor` makes of the facts: for each check whether it is well, and how to mend it. Pure."""

from collections.abc import Collection, Mapping

from phasegate.documents.base import digest_of
from phasegate.documents.parsing import shown
from phasegate.documents.primer import PRIMER_MAX_BYTES
from phasegate.policy.config import PRIMER_PATH, Provider
from phasegate.policy.events import START_LABELS
from phasegate.policy.installation import WORKFLOW_PATH, Present, Shipped, is_older, read_present
from phasegate.policy.verdict import Verdict, ok, problem, skipped, warning
from phasegate.policy.workflow_file import Workflow, WorkflowError, read_workflow
from phasegate.policy.workflow_rules import APP_KEY, MODEL_KEY, broken_rules, chosen, differences, machines
from phasegate.policy.workflow_steps import CHECK, without_first_steps

APP_ID = "PHASEGATE_APP_ID"
"""The variable that names a GitHub App whose token opens the pull requests."""
BRANCH = "phasegate/issue-1"
"""A branch like those that runs make."""
_IN_THE_WAY = {
    "creation": "creating it",
    "update": "updating it",
    "non_fast_forward": "force-pushing to it",
    "pull_request": "pushing to it without a pull request",
    "required_status_checks": "pushing before checks have passed",
    "required_signatures": "commits without a signature",
    "merge_queue": "pushing past the merge queue",
}
"""Rules of GitHub by their type, and what each forbids."""
_HARMLESS = frozenset(
    {"deletion", "required_linear_history", "required_deployments", "code_scanning", "copilot_code_review"}
)
_LIVES = frozenset({"active", "deprecated"})
_SETTINGS = "Settings → Actions → General → Workflow permissions"


def rights_verdict(login: str | None, rights: Collection[str], *, archived: bool, issues: bool) -> Verdict:
    """Return whether the repository can be worked on, and what the token of the environment may see of it."""
    if archived:
        return problem("repository", "The repository is archived: nothing can be written.", "Unarchive it first.")
    if not issues:
        return problem("repository", "Issues are switched off.", "Settings → General → Features → tick Issues.")
    who = f" as {shown(login)}" if login else ""
    return ok("repository", f"GitHub answers{who}; the token may: {', '.join(sorted(rights)) or 'read'}.")


def actions_verdicts(default: str, *, may_open_pulls: bool, has_app: bool) -> tuple[Verdict, ...]:
    """Return whether workflows may open pull requests, and what tokens may do that no workflow bounds."""
    if may_open_pulls or has_app:
        by = "workflows may open them" if may_open_pulls else "the GitHub App opens them"
        pulls = ok("pull requests", f"Pull requests can be opened: {by}.")
    else:
        mend = f'{_SETTINGS}: tick "Allow GitHub Actions to create and approve pull requests", then Save.'
        pulls = problem("pull requests", "Workflows may not open pull requests, so no plan can be shown.", mend)
    if default == "read":
        return (pulls, ok("default token", "Workflows that state no permissions may only read."))
    mend = f'{_SETTINGS}: choose "Read repository contents and packages permissions". phasegate states its own.'
    return (pulls, warning("default token", "Workflows that state no permissions may write.", mend))


def secret_verdict(names: Collection[str], provider: Provider) -> Verdict:
    """Return whether the model's key is there, by its name; the key itself cannot be read by anybody."""
    if provider.name != "anthropic":
        return ok("secret", f"{provider.name} needs no {MODEL_KEY}: a step of the workflow has to log in to the cloud.")
    if MODEL_KEY in names:
        return ok("secret", f"The secret {MODEL_KEY} is there.")
    return problem("secret", f"The secret {MODEL_KEY} is missing.", f"gh secret set {MODEL_KEY}")


def app_verdicts(secrets: Collection[str], variables: Collection[str]) -> tuple[Verdict, ...]:
    """Return whether a GitHub App, which is an option, is set up by half."""
    has_id, has_key = APP_ID in variables, APP_KEY in secrets
    if has_id == has_key:
        return (ok("app", "A GitHub App opens the pull requests."),) if has_id else ()
    missing = f"gh secret set {APP_KEY} < key.pem" if has_id else f"gh variable set {APP_ID} --body NUMBER"
    return (problem("app", f"The GitHub App is set up by half: {APP_KEY if has_id else APP_ID} is missing.", missing),)


def labels_verdict(names: Collection[str]) -> Verdict:
    """Return whether the labels that start runs are there. GitHub takes names in any case."""
    known = {name.lower() for name in names}
    missing = [name for name in START_LABELS if name not in known]
    if not missing:
        return ok("labels", "The labels that start runs are there.")
    return problem("labels", f"Missing labels: {', '.join(missing)}.", "phasegate init --labels")


def branch_verdict(rules: Collection[str]) -> Verdict:
    """Return whether rules for branches would keep a run from pushing its own."""
    forbidden = sorted({rule for rule in rules if rule in _IN_THE_WAY})
    odd = sorted(set(rules) - _IN_THE_WAY.keys() - _HARMLESS)
    mend = "Settings → Rules → Rulesets: leave out `phasegate/**`, or let GitHub Actions bypass the rule."
    if forbidden:
        told = ", ".join(_IN_THE_WAY[rule] for rule in forbidden)
        return problem("branches", f"A rule for branches such as {BRANCH} forbids {told}.", mend)
    if odd:
        told = ", ".join(shown(rule) for rule in odd)
        return warning("branches", f"Rules hold for branches such as {BRANCH} that may be in the way: {told}.", mend)
    return ok("branches", "No rule is in the way of branches such as phasegate/issue-1.")


def workflow_verdicts(
    text: str | None, shipped: Shipped, *, version: str, action: str, provider: Provider, where: str
) -> tuple[Verdict, ...]:
    """Return what is to be said of the installed workflow: its age, what it may do, where it differs.

    `action` is what its steps have to name, up to the `@`; `where` says which copy of the file this is.
    """
    if text is None:
        return (problem(CHECK, f"There is no {WORKFLOW_PATH} {where}.", "phasegate init, then commit and push it."),)
    present = read_present(text)
    try:
        workflow = read_workflow(present.body, source=WORKFLOW_PATH)
    except WorkflowError as error:
        return (problem(CHECK, f"The installed workflow cannot be used: {error}.", "phasegate init --force"),)
    said = (
        *_age(present, version),
        *broken_rules(workflow, action=action, cloud=provider.name != "anthropic"),
        *_edits(without_first_steps(workflow, action), present, shipped, version),
        *machines(workflow),
    )
    if said:
        return said
    own = chosen(workflow, read_workflow(shipped.body, source="the shipped workflow"))
    apart = f", apart from {', '.join(own)}" if own else ""
    return (ok(CHECK, f"The workflow {where} is as phasegate {version} ships it{apart}."),)


def _age(present: Present, version: str) -> tuple[Verdict, ...]:
    stamp = present.stamp
    if stamp is None or stamp.version == version:
        return ()
    if is_older(stamp.version, version):
        what = f"The installed workflow is from phasegate {shown(stamp.version)}; this is {version}."
        return (warning(CHECK, what, "phasegate init, then commit and push."),)
    what = f"The installed workflow is from phasegate {shown(stamp.version)}, this program is only {version}."
    return (warning(CHECK, what, "Update the program, or some findings here may be wrong."),)


def _edits(workflow: Workflow, present: Present, shipped: Shipped, version: str) -> tuple[Verdict, ...]:
    """Return where a workflow of this very version was edited; one of another version differs anyway."""
    is_another = present.stamp is not None and present.stamp.version != version
    if is_another or digest_of(present.body.encode()) == digest_of(shipped.body.encode()):
        return ()
    theirs = read_workflow(shipped.body, source="the shipped workflow")
    return (*_pins(workflow, theirs), *differences(workflow, theirs))


def _pins(workflow: Workflow, shipped: Workflow) -> tuple[Verdict, ...]:
    mine, theirs = (
        {value for place, value in one.leaves.items() if place[-1] == "uses"} for one in (workflow, shipped)
    )
    other = sorted(mine - theirs)
    if not other:
        return ()
    told = ", ".join(shown(name, 120) for name in other)
    mend = "Look where that commit comes from; `phasegate init --force` puts the shipped one back."
    return (problem(CHECK, f"The installed workflow runs something else than this version ships: {told}.", mend),)


def model_verdict(model: str, lifecycle: str, tiers: Collection[str]) -> Verdict:
    """Return what is to be said of a model that answered: what its own record says of its life."""
    roles = ", ".join(tiers)
    if lifecycle not in _LIVES:
        return skipped("model", f"{model} ({roles}): this provider keeps no record that could be asked for.")
    if lifecycle == "deprecated":
        return warning("model", f"{model} ({roles}) will be retired.", "Name its successor under `models:`.")
    return ok("model", f"{model} ({roles}) is there, and its price is known.")


def gates_verdict(gates: Mapping[str, object]) -> Verdict:
    """Return whether there is anything that checks a change."""
    if gates:
        return ok("gates", f"Quality gates: {', '.join(gates)}.")
    mend = "Name your test command under `gates:` in .github/phasegate.yml."
    return warning("gates", "There is no quality gate: nothing but the model's review checks a change.", mend)


def primer_verdict(content: bytes, skeleton: str) -> Verdict:
    """Return whether the primer is short enough to stand in front of everything, and says anything at all."""
    if content.decode("utf-8", "replace").replace("\r\n", "\n") == skeleton:
        return warning("primer", f"{PRIMER_PATH} says nothing yet.", "`phasegate primer` drafts it.")
    if len(content) <= PRIMER_MAX_BYTES:
        return ok("primer", f"{PRIMER_PATH} is there.")
    mend = "Keep what every task needs; `phasegate primer` drafts a shorter one."
    return warning("primer", f"{PRIMER_PATH} has {len(content)} bytes; {PRIMER_MAX_BYTES} are meant.", mend)
