"""The shell (`bash_20250124`): one command, one sandboxed process group, nothing kept between commands."""

from dataclasses import dataclass

from phasegate.agent.tools.tool import OUTPUT_LIMIT, Input, ToolError, ToolOutput, parse_input
from phasegate.doors.model import ToolSpec
from phasegate.doors.sandbox import Sandbox
from phasegate.doors.workspace import Workspace


class ShellInput(Input):
    """The input of the provider's shell."""

    command: str | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class ShellTool:
    """Runs commands in the sandbox, at the root of the work tree."""

    workspace: Workspace
    sandbox: Sandbox
    timeout: float

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return ToolSpec(name="bash", provider_type="bash_20250124")

    def run(self, input_json: str) -> ToolOutput:
        """Run one command; its output is cut head and tail."""
        asked = parse_input(input_json, ShellInput)
        if asked.restart:
            return ToolOutput("Every command starts in a fresh shell at the root of the repository.")
        if not asked.command:
            raise ToolError("command is missing.")
        done = self.sandbox.run(
            asked.command, root=self.workspace.root, timeout=self.timeout, output_limit=OUTPUT_LIMIT
        )
        end = f"timed out after {self.timeout:.0f} s" if done.timed_out else f"exit code {done.exit_code}"
        return ToolOutput(f"{done.output}\n[{end}]".lstrip("\n"), is_error=not done.ok)
