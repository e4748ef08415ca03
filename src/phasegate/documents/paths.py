"""Paths inside a repository: relative, forward slashes, canonical, and never into git's own data."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

MAX_PATH_BYTES = 1024
_IGNORED_BY_HFS = frozenset(
    chr(code) for code in (*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF)
)


def check_repo_path(path: str) -> str:
    """Return the path unchanged if it names something inside a repository.

    Raises `ValueError` for absolute, empty, non-canonical or over-long paths, for control characters and backslashes,
    and for anything that git, NTFS or HFS+ would read as `.git` (git's own rule: `verify_path` in read-cache.c).
    """
    if not path or len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        raise ValueError(f"a path has 1 to {MAX_PATH_BYTES} bytes")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in path):
        raise ValueError(f"{path!r} holds control characters")
    if "\\" in path or path.startswith(("/", "~")):
        raise ValueError(f"{path!r} is not a path relative to the repository, with forward slashes")
    for part in path.split("/"):
        _check_part(part, path)
    return path


def _check_part(part: str, path: str) -> None:
    if part in {"", ".", ".."}:
        raise ValueError(f"{path!r} is not canonical")
    if is_git_name(part):
        raise ValueError(f"{path!r} leads into git's own data")


def is_git_name(part: str) -> bool:
    """Say whether a file system could take this name for `.git`."""
    plain = unicodedata.normalize("NFKC", "".join(c for c in part if c not in _IGNORED_BY_HFS)).casefold()
    return plain.split(":")[0].rstrip(". ") in {".git", "git~1"}


RepoPath = Annotated[str, AfterValidator(check_repo_path)]
"""A checked path inside a repository."""
