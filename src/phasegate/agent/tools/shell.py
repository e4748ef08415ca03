"""The shell (`bash_20250124`): one command, one sandboxed process group, nothing kept between commands."""

from dataclasses import dataclass

from phasegate.agent.tools.tool import OUTPUT_LIMIT, Input, ToolError, ToolOutput, parse_input
from phasegate.doors.model import ToolSpec
from phasegate.doors.sandbox.choice import Sandbox
from phasegate.doors.workspace import Workspace

COMMAND_LIMIT = 100_000
"""Linux takes arguments of up to 128 KiB (MAX_ARG_STRLEN)."""


class ShellInput(Input):
    """The input of the provider's shell."""

    command: str | None = None
    restart: bool = False


SHELL = ToolSpec(name="bash", provider_type="bash_20250124")


@dataclass(frozen=True, slots=True)
class ShellTool:
    """Runs commands in the sandbox, at the root of the work tree."""

    workspace: Workspace
    sandbox: Sandbox
    timeout: float

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return SHELL

    def run(self, input_json: str) -> ToolOutput:
        """Run one command; its output is cut head and tail."""
        asked = parse_input(input_json, ShellInput)
        if asked.restart:
            return ToolOutput("Every command starts in a fresh shell at the root of the repository.")
        if not asked.command:
            raise ToolError("command is missing.")
        if "\0" in asked.command or len(asked.command.encode()) > COMMAND_LIMIT:
            raise ToolError(f"A command has no NUL and at most {COMMAND_LIMIT} bytes: write a file, and run that.")
        done = self.sandbox.run(
            asked.command, root=self.workspace.root, timeout=self.timeout, output_limit=OUTPUT_LIMIT
        )
        end = f"timed out after {self.timeout:g} s" if done.timed_out else f"exit code {done.exit_code}"
        output = f"{done.output.removesuffix(chr(10))}\n" if done.output else ""
        return ToolOutput(f"{output}[{end}]", is_error=not done.ok)
