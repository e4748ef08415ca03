"""A repository's configuration runs nothing of its own, whatever it holds and whatever is asked of git."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phasegate.doors.git.repository import FileChange, Git, Person
from phasegate.errors import UserError
from repositories import commit_files, git, make_repository, write_file

HOOKS = [
    "reference-transaction",
    "post-index-change",
    "pre-commit",
    "post-commit",
    "post-checkout",
    "prepare-commit-msg",
]
COMMANDS = [
    *("cat-file", "commit-tree", "config", "diff-tree", "hash-object", "ls-tree", "read-tree", "rev-parse", "status"),
    *("symbolic-ref", "update-index", "update-ref", "version", "worktree", "write-tree"),
]
ATTRIBUTES = "* filter=evil diff=evil merge=evil text eol=crlf ident\n"


def canary(directory: Path, name: str) -> str:
    """A program that leaves a file of this name when it runs."""
    program = directory / "programs" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ntouch '{directory}/sung-{name}'\n")
    program.chmod(0o755)
    return str(program)


def sung(directory: Path) -> set[str]:
    return {path.name.removeprefix("sung-") for path in directory.glob("sung-*")}


def poison(repository: Path, cage: Path, *, hooks: str) -> None:
    """Plant a canary in every setting that is known to run a program."""
    for hook in HOOKS:
        canary(cage, hook)
    if hooks == "core.hooksPath":
        git(repository, "config", "core.hooksPath", str(cage / "programs"))
    else:
        (repository / ".git" / "hooks").rmdir()
        (repository / ".git" / "hooks").symlink_to(cage / "programs")
    settings = {
        **{f"alias.{command}": f"!{canary(cage, 'alias')}" for command in COMMANDS},
        **{f"pager.{command}": canary(cage, "pager") for command in COMMANDS},
        **{f"core.{name}": canary(cage, name) for name in ("fsmonitor", "pager", "editor", "askPass", "sshCommand")},
        "core.alternateRefsCommand": canary(cage, "alternateRefs"),
        "credential.helper": f"!{canary(cage, 'credential')}",
        "diff.external": canary(cage, "external"),
        "diff.evil.command": canary(cage, "diff"),
        "diff.evil.textconv": canary(cage, "textconv"),
        "merge.evil.driver": canary(cage, "merge"),
        **{f"filter.evil.{name}": canary(cage, name) for name in ("clean", "smudge")},
        "filter.evil.required": "true",
        **{f"filter.long.{name}": canary(cage, f"long-{name}") for name in ("clean", "process")},
        "commit.gpgSign": "true",
        "gpg.program": canary(cage, "gpg"),
        "core.attributesFile": str(cage / "attributes"),
    }
    (cage / "attributes").write_text("*.txt filter=long\n")
    (repository / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    for name, value in settings.items():
        git(repository, "config", name, value)
    (cage / "included").write_text(f"[core]\n\tfsmonitor = {canary(cage, 'included')}\n")
    git(repository, "config", "include.path", str(cage / "included"))


@pytest.fixture
def cage(tmp_path: Path) -> Path:
    (tmp_path / "cage").mkdir()
    return tmp_path / "cage"


@pytest.fixture(params=["core.hooksPath", "hooks directory"])
def repository(tmp_path: Path, cage: Path, request) -> Path:
    made = make_repository(tmp_path / "repository", {"a.txt": "1\n", ".gitattributes": ATTRIBUTES})
    commit_files(made, {"a.txt": "2\n"})
    for hook in (made / ".git" / "hooks").iterdir():
        hook.unlink()
    poison(made, cage, hooks=request.param)
    write_file(made, "a.txt", "3\n")  # to be compared with the index, through the filters
    return made


def do_everything(found: Git) -> None:
    head, before = found.resolve("HEAD"), found.resolve("HEAD~1")
    made = found.commit(
        parent=head,
        changes=[FileChange("a.txt", b"4\n"), FileChange("b.txt", b"5\n")],
        message="Change",
        author=Person("Ada", "ada@example.com"),
        when=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found.move_branch("phasegate/L1", new=head, old=None)
    found.move_branch("phasegate/L1", new=made, old=head)
    assert found.branch("phasegate/L1") == made
    found.delete_branch("phasegate/L1", old=made)
    assert found.read(made, "b.txt") == b"5\n"
    assert dict(found.blobs(entry.oid for entry in found.tree(made) if entry.path == "b.txt")).popitem()[1] == b"5\n"
    assert "+4\n" in found.diff(before, made)
    assert found.is_dirty()
    assert (found.head_branch(), found.is_shallow(), found.identity()) == ("main", False, None)


def test_no_canary_sings(repository, cage):
    do_everything(Git.open(repository, environ={"PATH": os.environ["PATH"]}))

    assert sung(cage) == set()


def test_the_canaries_can_sing(repository, cage):
    """The same settings run programs under a plain git: the test before this one would notice."""
    git(repository, "update-ref", "refs/heads/x", "HEAD")
    git(repository, "status")
    git(repository, "diff", "--ext-diff", "HEAD~1")
    git(repository, "config", "--unset", "diff.evil.command")
    git(repository, "config", "--unset", "diff.external")
    git(repository, "log", "--textconv", "-p")
    git(repository, "hash-object", "--path=a.txt", "--stdin", stdin=b"x")

    assert sung(cage) >= {"reference-transaction", "included", "diff", "textconv", "clean"}


def test_a_partial_clone_fetches_nothing(tmp_path, cage):
    """A promised object that is missing would be fetched with the program that the remote's settings name."""
    origin = make_repository(tmp_path / "origin", {"a": "content"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{origin}", "partial")
    partial = tmp_path / "partial"
    git(partial, "config", "remote.origin.uploadpack", canary(cage, "uploadpack"))
    git(partial, "config", "protocol.file.allow", "always")
    found = Git.open(partial, environ={"PATH": os.environ["PATH"]})
    missing = git(origin, "rev-parse", "HEAD:a")

    for act in (
        lambda: found.tree(found.resolve("HEAD")),
        lambda: found.resolve("1" * 40),
        lambda: found.resolve(missing),
        lambda: list(found.blobs([missing])),
    ):
        with pytest.raises(UserError, match=r"names no commit|is not in this clone"):
            act()
    assert sung(cage) == set()

    with pytest.raises(AssertionError):  # a plain git does run it
        git(partial, "cat-file", "blob", missing)
    assert sung(cage) == {"uploadpack"}
