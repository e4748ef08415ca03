"""Which tools a phase has. A right that is not given is a tool that is not there."""

from dataclasses import asdict

from phasegate.agent.tools.editing import DELETE, EDIT, DeleteTool, EditRules, EditTool
from phasegate.agent.tools.reading import LIST, READ, ListTool, ReadTool
from phasegate.agent.tools.searching import SEARCH, Clock, SearchTool
from phasegate.agent.tools.shell import SHELL, ShellTool
from phasegate.agent.tools.tool import Tool
from phasegate.documents.base import Digest, canonical_json, digest_of
from phasegate.documents.plan import Operation
from phasegate.doors.sandbox.choice import Sandbox
from phasegate.doors.workspace import Workspace

TOOLSET: Digest = digest_of(canonical_json([asdict(spec) for spec in (READ, LIST, SEARCH, EDIT, DELETE, SHELL)]))
"""What an approval binds of the tools: the SHA-256 of all that an executor can be offered."""


def reading_tools(workspace: Workspace, clock: Clock) -> tuple[Tool, ...]:
    """Return the tools of phases that only look."""
    return (ReadTool(workspace), ListTool(workspace), SearchTool(workspace, clock))


def working_tools(
    workspace: Workspace, clock: Clock, *, rules: EditRules, sandbox: Sandbox | None, shell_seconds: float
) -> tuple[Tool, ...]:
    """Return the tools of the executor: no shell without a sandbox, no delete where nothing is to be deleted."""
    tools: list[Tool] = [*reading_tools(workspace, clock), EditTool(workspace, rules)]
    if any(file.op is Operation.DELETE for file in rules.scope.files):
        tools.append(DeleteTool(workspace, rules))
    if sandbox is not None:
        tools.append(ShellTool(workspace, sandbox, shell_seconds))
    return tuple(tools)
