"""Tools that change files, inside the scope and nowhere else: the editor (`text_editor_20250728`) and delete."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from pydantic import Field

from phasegate.agent.tools.reading import numbered, relative, shown_directory, shown_file
from phasegate.agent.tools.tool import Input, ToolError, ToolOutput, parse_input, spec_of
from phasegate.documents.plan import Operation
from phasegate.doors.model import ToolSpec
from phasegate.doors.workspace import EntryKind, Workspace
from phasegate.policy.scope import ProtectedPaths, Scope

CONTEXT_LINES = 4
EDIT_LIMIT = 4 * 1024 * 1024
_TO_THE_END = -1
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_Value = TypeVar("_Value")


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
            allowed = ", ".join(sorted(f"{file.op} {file.path}" for file in self.scope.files)) or "nothing"
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


EDIT = ToolSpec(name="str_replace_based_edit_tool", provider_type="text_editor_20250728")


@dataclass(frozen=True, slots=True)
class EditTool:
    """The provider's text editor, bound to the scope."""

    workspace: Workspace
    rules: EditRules

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return EDIT

    def run(self, input_json: str) -> ToolOutput:
        """Carry out one command."""
        asked = parse_input(input_json, EditInput)
        path = relative(asked.path)
        if not path and asked.command != "view":
            raise ToolError("path is the repository's root, not a file.")
        commands: dict[str, Callable[[EditInput, str], str]] = {
            "view": self._view,
            "create": self._create,
            "str_replace": self._replace,
            "insert": self._insert,
        }
        return ToolOutput(commands[asked.command](asked, path))

    def _view(self, asked: EditInput, path: str) -> str:
        entry = self.workspace.entry(path) if path else None
        if not path or (entry is not None and entry.kind is EntryKind.DIRECTORY):
            return shown_directory(self.workspace, path, depth=1)
        first, last = asked.view_range or (1, _TO_THE_END)
        if first < 1 or (last < first and last != _TO_THE_END):
            raise ToolError("view_range is [first, last], counted from 1; -1 as the last is the end of the file.")
        return shown_file(self.workspace, path, first, None if last == _TO_THE_END else last)

    def _create(self, asked: EditInput, path: str) -> str:
        exists = self.workspace.entry(path) is not None
        self.rules.check(path, Operation.MODIFY if exists else Operation.CREATE)
        self.workspace.write(path, _needed(asked.file_text, "file_text").encode())
        return f"{path} was {'overwritten' if exists else 'created'}."

    def _replace(self, asked: EditInput, path: str) -> str:
        text = self._text_to_edit(path)
        old, new = _in_line_ends_of(text, _needed(asked.old_str, "old_str"), asked.new_str or "")
        first = text.find(old) if old else -1
        if first < 0:
            raise ToolError(f"old_str does not occur in {path}; it must occur exactly once. Read the file again.")
        if text.find(old, first + 1) >= 0:
            raise ToolError(f"old_str occurs several times in {path}; it must occur exactly once: add lines around it.")
        changed = text[:first] + new + text[first + len(old) :]
        self.workspace.write(path, changed.encode())
        return _excerpt(changed, first, new)

    def _insert(self, asked: EditInput, path: str) -> str:
        new = _needed(asked.new_str if asked.insert_text is None else asked.insert_text, "insert_text")
        text = self._text_to_edit(path)
        lines = _LINE.findall(text)
        after = _needed(asked.insert_line, "insert_line")
        if after > len(lines):
            raise ToolError(f"insert_line must be between 0 and {len(lines)}, the number of lines.")
        self.workspace.write(path, _inserted("".join(lines[:after]), new, "".join(lines[after:])).encode())
        return f"Inserted after line {after} of {path}."

    def _text_to_edit(self, path: str) -> str:
        self.rules.check(path, Operation.MODIFY)
        content = self.workspace.read(path, limit=EDIT_LIMIT + 1)
        if len(content) > EDIT_LIMIT:
            raise ToolError(f"{path} has more than {EDIT_LIMIT} bytes.")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path} is not UTF-8 text; the editor would damage it.") from None


def _in_line_ends_of(text: str, old: str, new: str) -> tuple[str, str]:
    """Return both as the file ends its lines around there: a model sees no CR, so it does not write any."""
    place = old if old in text else _with_crlf(old)
    windows = _is_windows(place) if "\n" in place else _is_windows(text)
    return place, _with_crlf(new) if windows else new


def _is_windows(text: str) -> bool:
    return text.count("\r\n") * 2 > text.count("\n")


def _with_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _inserted(before: str, new: str, behind: str) -> str:
    """Return a text with whole lines between two parts of it, which stay as they are."""
    windows = _is_windows(before + behind)
    end, lines = ("\r\n", _with_crlf(new)) if windows else ("\n", new)
    if before and not before.endswith("\n"):
        return before + end + lines
    return before + lines + ("" if lines.endswith("\n") else end) + behind


class DeleteInput(Input):
    path: str = Field(description="relative to the repository's root")


DELETE = spec_of("delete", "Delete a file that your task says is to be deleted.", DeleteInput)


@dataclass(frozen=True, slots=True)
class DeleteTool:
    """Deletes a file that the plan says is to be deleted."""

    workspace: Workspace
    rules: EditRules

    @property
    def spec(self) -> ToolSpec:
        """How the tool is offered."""
        return DELETE

    def run(self, input_json: str) -> ToolOutput:
        """Delete one file."""
        path = relative(parse_input(input_json, DeleteInput).path)
        self.rules.check(path, Operation.DELETE)
        self.workspace.delete(path)
        return ToolOutput(f"{path} was deleted.")


def _needed(value: _Value | None, name: str) -> _Value:
    if value is None:
        raise ToolError(f"{name} is missing.")
    return value


def _excerpt(text: str, position: int, new: str) -> str:
    first = text.count("\n", 0, position) + 1
    last = first + new.count("\n")
    if not text:
        return "Replaced. The file is empty now."
    return f"Replaced. The place reads now:\n{numbered(text, max(1, first - CONTEXT_LINES), last + CONTEXT_LINES)}"
