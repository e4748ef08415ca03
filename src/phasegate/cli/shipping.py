"""What this version installs in a repository, as text."""

from phasegate import ACTION
from phasegate.doors.templates import Templates, template_directory
from phasegate.policy.config import CONFIG_PATH, PRIMER_PATH
from phasegate.policy.installation import CARE, PLAN_TEMPLATE_PATH, WORKFLOW_PATH, Shipped

_FILES = {CONFIG_PATH: "phasegate.yml", PRIMER_PATH: "PRIMER.md", PLAN_TEMPLATE_PATH: "PLAN_TEMPLATE.md"}
_SERVER = "/ghes"
"""Below the action's repository: the same for GitHub Enterprise Server, which cannot use the same artifacts."""


def action_for(*, server: bool) -> str:
    """Return what a workflow names as the action, with its commit id; `server`: on GitHub Enterprise Server."""
    repository, at, commit = ACTION.partition("@")
    return f"{repository}{_SERVER if server else ''}{at}{commit}"


def shipped_workflow(*, server: bool) -> Shipped:
    """Return the workflow."""
    body = Templates(template_directory()).render("install/workflow.yml.j2", action=action_for(server=server))
    return Shipped(WORKFLOW_PATH, body.rstrip("\n") + "\n", CARE[WORKFLOW_PATH])


def shipped_files(*, server: bool) -> tuple[Shipped, ...]:
    """Return all files, in the order in which they are told."""
    directory = template_directory() / "install"
    others = (Shipped(path, (directory / name).read_text("utf-8"), CARE[path]) for path, name in _FILES.items())
    return (shipped_workflow(server=server), *others)
