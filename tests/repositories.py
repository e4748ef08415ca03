"""Builds real git repositories for tests: fixed identity, fixed dates (so the same files give the same ids), no user's
or system's configuration.
"""

import os
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

Content = bytes | str
NAME, EMAIL = "Test Author", "author@example.com"
ENVIRON = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": NAME,
    "GIT_AUTHOR_EMAIL": EMAIL,
    "GIT_AUTHOR_DATE": "2026-01-01T12:00:00Z",
    "GIT_COMMITTER_NAME": NAME,
    "GIT_COMMITTER_EMAIL": EMAIL,
    "GIT_COMMITTER_DATE": "2026-01-01T12:00:00Z",
}


def git(repository: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run one git command in a repository; gives its output without the last newline, and raises when it fails."""
    command = ["git", "-C", str(repository), *arguments]
    done = subprocess.run(command, env=ENVIRON, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr.decode(errors='replace')}"
    return done.stdout.decode(errors="surrogateescape").removesuffix("\n")


def make_repository(
    path: Path,
    files: Mapping[str, Content],
    *,
    links: Mapping[str, str] | None = None,
    executable: Collection[str] = (),
    branch: str = "main",
    message: str = "First commit",
    object_format: str = "sha1",
) -> Path:
    """Make a repository with one commit of these files, checked out on `branch`; gives its path."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", f"--initial-branch={branch}", f"--object-format={object_format}")
    commit_files(path, files, links=links, executable=executable, message=message)
    return path


def commit_files(
    repository: Path,
    files: Mapping[str, Content | None],
    *,
    links: Mapping[str, str] | None = None,
    executable: Collection[str] = (),
    message: str = "Further commit",
) -> str:
    """Write these files (None removes one), commit everything that changed, and give the commit's id."""
    for name, content in files.items():
        write_file(repository, name, content, executable=name in executable)
    for name, target in (links or {}).items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).symlink_to(target)
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return git(repository, "rev-parse", "HEAD")


def write_file(repository: Path, name: str, content: Content | None, *, executable: bool = False) -> None:
    """Write one file of a checkout, or remove it (None), without committing anything."""
    path = repository / name
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o755 if executable else 0o644)


def add_submodule_entry(repository: Path, name: str, commit: str = "1" * 40) -> str:
    """Commit a submodule's entry (a gitlink) without any submodule behind it; gives the commit's id."""
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},{name}")
    git(repository, "commit", "--quiet", "--message=Add a submodule")
    return git(repository, "rev-parse", "HEAD")


@dataclass(frozen=True, slots=True)
class UserState:
    """What a user would miss if a run touched it."""

    status: str
    index: bytes
    head: str
    stashes: str
    files: dict[str, bytes]


def user_state(repository: Path) -> UserState:
    """The state of a checkout, its index, HEAD and stashes, to be compared before and after."""
    index = (repository / ".git" / "index").read_bytes()  # before `git status` may refresh it
    return UserState(
        status=git(repository, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--ignored"),
        index=index,
        head=(repository / ".git" / "HEAD").read_text(),
        stashes=git(repository, "stash", "list"),
        files={
            str(path.relative_to(repository)): path.read_bytes()
            for path in sorted(repository.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(repository).parts
        },
    )
