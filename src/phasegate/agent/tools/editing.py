"""Tools that change files, inside the scope and nowhere else: the editor (`text_editor_20250728`) and delete."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from phasegate.agent.tools.reading import numbered, text_of
from phasegate.agent.tools.tool import Input, ToolError, ToolOutput, parse_input, spec_of
from phasegate.documents.plan import Operation
from phasegate.doors.model import ToolSpec
from phasegate.doors.workspace import EntryKind, Workspace
from phasegate.policy.scope import ProtectedPaths, Scope

WORKSPACE_ROOT = "/workspace"
"""Where the sandbox shows the work tree; the editor takes paths below it as well as relative ones."""
CONTEXT_LINES = 4


@dataclass(frozen=True, slots=True)
class EditRules:
    """What may be edited."""

    scope: Scope
    protected: ProtectedPaths

    def check(self, path: str, op: Operation) -> None:
        """Raise `ToolError` unless the plan allows it."""
        if self.protected.holds(path):
            raise ToolError(f"{path} is protected: no plan can allow it.")
        if not self.scope.allows(path, op):
            allowed = ", ".join(sorted(f"{file.op} {file.path}" for file in self.scope.files))
            raise ToolError(
                f"The plan does not allow to {op} {path}. Allowed here: {allowed}. "
                "If the task cannot be done within that, call report_blocked with what you saw."
            )


class EditInput(Input):
    """The input of the provider's editor; which fields count depends on the command."""

    command: Literal["view", "create", "str_replace", "insert"]
    path: str
    view_range: tuple[int, int] | None = None
    file_text: str | None = None
    old_str: str | None = None
    new_str: str | None = None
    insert_line: Annotated[int, Field(ge=0)] | None = None
    insert_text: str | None = None


@dataclass(frozen=True, slots=True)
class EditTool:
    """The provider's text editor, bound to the scope."""

    workspace: Workspace
    rules: EditRules

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return ToolSpec(name="str_replace_based_edit_tool", provider_type="text_editor_20250728")

    def run(self, input_json: str) -> ToolOutput:
        """Carry out one command."""
        asked = parse_input(input_json, EditInput)
        path = relative(asked.path)
        commands: dict[str, Callable[[EditInput, str], ToolOutput]] = {
            "view": self._view,
            "create": self._create,
            "str_replace": self._replace,
            "insert": self._insert,
        }
        return commands[asked.command](asked, path)

    def _view(self, asked: EditInput, path: str) -> ToolOutput:
        entry = self.workspace.entry(path) if path else None
        if entry is None or entry.kind is EntryKind.DIRECTORY:
            names = [f"{child.path}{'/' * (child.kind is EntryKind.DIRECTORY)}" for child in self.workspace.list(path)]
            return ToolOutput("\n".join(names) or "The directory is empty.")
        first, last = asked.view_range or (1, -1)
        lines = text_of(self.workspace, path).split("\n")
        return ToolOutput(numbered(lines, max(first, 1), None if last < 0 else last))

    def _create(self, asked: EditInput, path: str) -> ToolOutput:
        exists = self.workspace.entry(path) is not None
        self.rules.check(path, Operation.MODIFY if exists else Operation.CREATE)
        self.workspace.write(path, _needed(asked.file_text, "file_text").encode())
        return ToolOutput(f"{path} was {'overwritten' if exists else 'created'}.")

    def _replace(self, asked: EditInput, path: str) -> ToolOutput:
        old, new = _needed(asked.old_str, "old_str"), asked.new_str or ""
        text = self._text_to_edit(path)
        found = text.count(old) if old else 0
        if found != 1:
            raise ToolError(f"old_str occurs {found} times in {path}; it must occur exactly once. Read the file again.")
        changed = text.replace(old, new)
        self.workspace.write(path, changed.encode())
        return ToolOutput(_excerpt(changed, text.index(old), new))

    def _insert(self, asked: EditInput, path: str) -> ToolOutput:
        line, new = asked.insert_line, _needed(asked.insert_text or asked.new_str, "insert_text")
        lines = self._text_to_edit(path).split("\n")
        if line is None or line > len(lines):
            raise ToolError(f"insert_line must be between 0 and {len(lines)}.")
        changed = "\n".join([*lines[:line], *new.removesuffix("\n").split("\n"), *lines[line:]])
        self.workspace.write(path, changed.encode())
        return ToolOutput(f"Inserted after line {line} of {path}.")

    def _text_to_edit(self, path: str) -> str:
        self.rules.check(path, Operation.MODIFY)
        content = self.workspace.read(path)
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path} is not UTF-8 text; the editor would damage it.") from None


class DeleteInput(Input):
    path: str = Field(description="relative to the repository's root")


@dataclass(frozen=True, slots=True)
class DeleteTool:
    """Deletes a file that the plan says is to be deleted."""

    workspace: Workspace
    rules: EditRules

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return spec_of("delete", "Delete a file that your task says is to be deleted.", DeleteInput)

    def run(self, input_json: str) -> ToolOutput:
        """Delete one file."""
        path = relative(parse_input(input_json, DeleteInput).path)
        self.rules.check(path, Operation.DELETE)
        self.workspace.delete(path)
        return ToolOutput(f"{path} was deleted.")


def relative(path: str) -> str:
    """Return a path relative to the root, also when it is given below `/workspace`."""
    return path.removeprefix(WORKSPACE_ROOT).lstrip("/") if path.startswith(WORKSPACE_ROOT) else path


def _needed(value: str | None, name: str) -> str:
    if value is None:
        raise ToolError(f"{name} is missing.")
    return value


def _excerpt(text: str, position: int, new: str) -> str:
    first = text.count("\n", 0, position) + 1
    last = first + new.count("\n")
    return "Replaced. The place reads now:\n" + numbered(
        text.split("\n"), max(1, first - CONTEXT_LINES), last + CONTEXT_LINES
    )
