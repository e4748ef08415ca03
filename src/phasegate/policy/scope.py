"""The plan as a scope: what may be touched, and what never may."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from phasegate.documents.paths import folded, plain_path
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

    built_in: GitIgnoreSpec
    allowed: GitIgnoreSpec
    also: GitIgnoreSpec

    @classmethod
    def of(cls, rules: Protected) -> "ProtectedPaths":
        """Return the built-in patterns and the configured ones; `also` wins over `allow`. Case does not matter."""
        return cls(built_in=_spec(PROTECTED), allowed=_spec(rules.allow), also=_spec(rules.also))

    def holds(self, path: str) -> bool:
        """Say whether a path is protected, also under another spelling of it."""
        return any(self._holds(spelling) for spelling in (folded(path), plain_path(path)))

    def _holds(self, path: str) -> bool:
        refused = self.built_in.match_file(path) and not self.allowed.match_file(path)
        return refused or self.also.match_file(path)


def _spec(patterns: Iterable[str]) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines(folded(pattern) for pattern in patterns)


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

    Tasks that touch the same path keep the order of `in_order`, which is what the validation gate after planning
    followed. The dependencies must be acyclic and known (that gate holds it).
    """
    left = in_order([task for task in tasks if task.id not in done], done)
    finished = set(done)
    result = []
    while left:
        wave = _next_wave(left, finished)
        result.append(wave)
        finished.update(task.id for task in wave)
        left = [task for task in left if task.id not in finished]
    return tuple(result)


def in_order(tasks: Sequence[Task], done: frozenset[str] = frozenset()) -> list[Task]:
    """Return acyclic tasks so that each comes after what it depends on, otherwise as written."""
    ordered: list[Task] = []
    placed = set(done)
    left = list(tasks)
    while left:
        task = next(task for task in left if placed.issuperset(task.depends_on))
        ordered.append(task)
        placed.add(task.id)
        left.remove(task)
    return ordered


def _next_wave(left: Sequence[Task], finished: Collection[str]) -> tuple[Task, ...]:
    """Return the tasks that can start now; what has to wait keeps its paths from those after it."""
    wave: list[Task] = []
    taken: set[str] = set()
    above: set[str] = set()
    for task in left:
        paths = {file.path for file in task.files}
        directories = {parent for path in paths for parent in parents(path)}
        free = not (paths & (taken | above) or directories & taken)
        if free and all(id_ in finished for id_ in task.depends_on):
            wave.append(task)
        taken |= paths
        above |= directories
    return tuple(wave)


def parents(path: str) -> list[str]:
    """Return the directories on the way to a path, outermost first."""
    return [path[:index] for index, character in enumerate(path) if character == "/"]
