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
    return _plain_name(part) in {".git", "git~1"}


def plain_path(path: str) -> str:
    """Return the path as the most forgiving file systems read it.

    HFS+ ignores some characters, NTFS takes dots and blanks off the end of each name and a colon as the start of a
    stream's name, both ignore case and variants of letters.
    """
    return "/".join(_plain_name(part) for part in path.split("/"))


def _plain_name(part: str) -> str:
    seen = "".join(character for character in part if character not in _IGNORED_BY_HFS)
    return folded(seen).split(":")[0].rstrip(". ")


def folded(path: str) -> str:
    """Return the path (or a pattern of paths) without differences of case and of variants of letters."""
    return unicodedata.normalize("NFKC", path).casefold()


RepoPath = Annotated[str, AfterValidator(check_repo_path)]
"""A checked path inside a repository."""
