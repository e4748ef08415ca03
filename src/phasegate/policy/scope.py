"""The plan as a scope: what may be touched, and what never may."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from phasegate.documents.plan import Operation, PlannedFile, Task
from phasegate.policy.config import Protected

PROTECTED = (
    "/.github/",
    "action.yml",
    "action.yaml",
    "CODEOWNERS",
    ".gitattributes",
    ".gitmodules",
    ".gitignore",
    ".lfsconfig",
    ".mailmap",
    ".phasegate/",
    "/.claude/",
    "/.cursor/",
    "/.gemini/",
    "/.codex/",
    "/.devcontainer/",
    "/.vscode/",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
    ".mcp.json",
    ".cursorrules",
    ".windsurfrules",
    ".pre-commit-config.yaml",
    ".envrc",
)
"""What steers machines or agents rather than being the product. Lock files and manifests follow with the policy."""


@dataclass(frozen=True, slots=True)
class ProtectedPaths:
    """The protected paths of a repository."""

    patterns: GitIgnoreSpec
    allowed: GitIgnoreSpec

    @classmethod
    def of(cls, rules: Protected) -> "ProtectedPaths":
        """Return the built-in patterns and the configured ones; `also` wins over `allow`. Case does not matter."""
        built_in = [_folded(pattern) for pattern in PROTECTED]
        return cls(
            patterns=GitIgnoreSpec.from_lines([*built_in, *(_folded(pattern) for pattern in rules.also)]),
            allowed=GitIgnoreSpec.from_lines(_folded(pattern) for pattern in rules.allow),
        )

    def holds(self, path: str) -> bool:
        """Say whether a path is protected, also under another spelling of it."""
        plain = _folded(path)
        return self.patterns.match_file(plain) and not self.allowed.match_file(plain)


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()


@dataclass(frozen=True, slots=True)
class Scope:
    """What an approved plan, or one task of it, allows to touch."""

    files: frozenset[PlannedFile]

    @classmethod
    def of(cls, tasks: Iterable[Task]) -> "Scope":
        """Return what the tasks name."""
        return cls(frozenset(file for task in tasks for file in task.files))

    def operations(self, path: str) -> frozenset[Operation]:
        """Return what may happen to a path; empty if nothing."""
        return frozenset(file.op for file in self.files if file.path == path)

    def allows(self, path: str, op: Operation) -> bool:
        """Say whether that may happen to that path.

        A file that one task creates a later task may modify, and a task that may modify a file may find it created by
        an earlier one: seen from the base, both are what the plan said.
        """
        operations = self.operations(path)
        if op is Operation.DELETE:
            return Operation.DELETE in operations
        return bool(operations & {Operation.CREATE, Operation.MODIFY})

    def covers(self, other: "Scope") -> bool:
        """Say whether another scope allows nothing that this one does not."""
        return all(self.allows(file.path, file.op) for file in other.files)


def waves(tasks: Sequence[Task], done: frozenset[str]) -> tuple[tuple[Task, ...], ...]:
    """Return the tasks that are left, in waves: each task after what it depends on, and disjoint within its wave.

    The dependencies must be acyclic and known (the validation gate after planning holds that).
    """
    left = [task for task in tasks if task.id not in done]
    finished = set(done)
    result = []
    while left:
        wave = _disjoint(task for task in left if finished.issuperset(task.depends_on))
        result.append(wave)
        finished.update(task.id for task in wave)
        left = [task for task in left if task.id not in finished]
    return tuple(result)


def _disjoint(ready: Iterable[Task]) -> tuple[Task, ...]:
    wave: list[Task] = []
    taken: set[str] = set()
    for task in ready:
        paths = {file.path for file in task.files}
        if not paths & taken:
            wave.append(task)
            taken |= paths
    return tuple(wave)
