"""A right that is not given is a tool that is not there."""

import pytest

from phasegate.agent.tools.editing import EditRules
from phasegate.agent.tools.toolset import reading_tools, working_tools
from phasegate.documents.plan import Operation, PlannedFile
from phasegate.doors.sandbox.choice import Unconfined
from phasegate.policy.config import Protected
from phasegate.policy.scope import ProtectedPaths, Scope

LOOK = ["read", "list", "search"]
EDIT, SHELL = "str_replace_based_edit_tool", "bash"


def clock():
    return 0.0


def names(tools):
    return [tool.spec.name for tool in tools]


def test_phases_that_look_can_only_look(workspace):
    assert names(reading_tools(workspace, clock)) == LOOK


@pytest.mark.parametrize("deletes", [False, True])
@pytest.mark.parametrize("sandboxed", [False, True])
def test_the_executor_has_what_its_task_needs(workspace, deletes, sandboxed):
    files = [PlannedFile(path="a.py", op=Operation.MODIFY)]
    files += [PlannedFile(path="b.py", op=Operation.DELETE)] * deletes
    rules = EditRules(Scope(frozenset(files)), ProtectedPaths.of(Protected()))
    sandbox = Unconfined({"PATH": "/usr/bin"}) if sandboxed else None
    tools = working_tools(workspace, clock, rules=rules, sandbox=sandbox, shell_seconds=1.0)

    assert names(tools) == [*LOOK, EDIT, *["delete"] * deletes, *[SHELL] * sandboxed]
