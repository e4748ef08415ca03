"""Which files an upload's `path` means, and what they are called inside the artifact.

Source: actions/toolkit packages/glob, actions/upload-artifact src/shared/search.ts
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

WILD = re.compile(r"[*?\[]")


def found_files(text: str, workspace: Path, *, hidden: bool = False) -> dict[str, Path]:
    """The files by their name inside the artifact. One pattern a line, `!` takes away; hidden ones only on demand."""
    patterns = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    wanted = [workspace / pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = {path for pattern in patterns if pattern.startswith("!") for path in _matches(workspace / pattern[1:])}
    paths = [path for pattern in wanted for path in _matches(pattern) if path not in unwanted]
    kept = [path for path in dict.fromkeys(paths) if hidden or not _is_hidden(path, wanted)]
    if not kept:
        return {}
    root = _root([_fixed_part(pattern) for pattern in wanted], kept)
    return {path.relative_to(root).as_posix(): path for path in kept}


def _matches(pattern: Path) -> Iterator[Path]:
    base = _fixed_part(pattern)
    found = [base] if base == pattern else base.glob(pattern.relative_to(base).as_posix())
    for path in sorted(found):
        yield from (inner for inner in sorted(path.rglob("*")) if inner.is_file())
        if path.is_file():
            yield path


def _fixed_part(pattern: Path) -> Path:
    """The part of a pattern before the first wildcard."""
    parts = pattern.parts
    wild = next((index for index, part in enumerate(parts) if WILD.search(part)), len(parts))
    return Path(os.path.normpath(Path(*parts[:wild])))


def _is_hidden(path: Path, patterns: list[Path]) -> bool:
    bases = [base for base in map(_fixed_part, patterns) if path.is_relative_to(base)]
    below = min((path.relative_to(base).parts for base in bases), key=len)
    return any(part.startswith(".") for part in (*below, path.name))


def _root(bases: list[Path], files: list[Path]) -> Path:
    if len(bases) == 1:
        return bases[0].parent if files == bases else bases[0]
    return Path(os.path.commonpath([base.parent if base.is_file() else base for base in bases]))
