"""Commits are built from bytes: nothing converts them, nothing else changes, and the same input gives the same id."""

import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from phasegate.doors.git.repository import FileChange, Git, Person
from phasegate.errors import RefusedError, UserError
from repositories import add_submodule_entry, git, make_repository, user_state, write_file

ADA = Person("Ada Lovelace", "ada@example.com")
NOON = datetime(2026, 2, 3, 12, 0, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))


def open_git(repository: Path) -> Git:
    return Git.open(repository, environ={"PATH": os.environ["PATH"]})


def commit(
    found: Git, *changes: FileChange, parent: str | None = None, message: str = "Change\n", author=ADA, when=NOON
):
    parent = parent or found.resolve("HEAD")
    return found.commit(parent=parent, changes=changes, message=message, author=author, when=when)


@pytest.fixture(params=["sha1", "sha256"])
def repository(tmp_path: Path, request) -> Path:
    return make_repository(
        tmp_path / "repository",
        {"keep.txt": "keep\n", "gone.txt": "gone\n", "dir/a.py": "a = 1\n", "run.sh": "#!/bin/sh\n"},
        links={"link": "keep.txt"},
        executable=["run.sh"],
        object_format=request.param,
    )


def modes_and_paths(repository: Path, commit_id: str) -> list[str]:
    return [
        f"{line.split()[0]} {line.split(chr(9))[1]}" for line in git(repository, "ls-tree", "-r", commit_id).split("\n")
    ]


def test_a_commit_has_its_changes_and_nothing_else(repository):
    found = open_git(repository)
    made = commit(
        found,
        FileChange("gone.txt", None),
        FileChange("dir/a.py", b"a = 2\n"),
        FileChange("new/tool", b"#!/bin/sh\n", executable=True),
        FileChange("run.sh", b"#!/bin/sh\n"),
    )

    assert modes_and_paths(repository, made) == [
        "100644 dir/a.py",
        "100644 keep.txt",
        "120000 link",
        "100755 new/tool",
        "100644 run.sh",
    ]
    assert found.read(made, "dir/a.py") == b"a = 2\n"
    assert git(repository, "rev-parse", f"{made}^") == found.resolve("HEAD")


def test_a_commit_says_who_made_it_when_and_why(repository):
    message = "Wähle — “this”\n\nBody line\n# not a comment\n\nApproved-by: Ada\n"
    made = commit(open_git(repository), FileChange("a", b""), message=message)

    kept = git(repository, "cat-file", "commit", made)

    stamp = f"Ada Lovelace <ada@example.com> {int(NOON.timestamp())} -0330"
    assert f"\nauthor {stamp}\ncommitter {stamp}\n\n{message}".removesuffix("\n") in kept


def test_the_same_input_gives_the_same_id(repository):
    found = open_git(repository)
    changes = (FileChange("a", b"1"), FileChange("b", b"2"))

    assert commit(found, *changes) == commit(found, *reversed(changes))
    assert commit(found, *changes) != commit(found, *changes, when=NOON + timedelta(seconds=1))


def test_bytes_go_in_as_they_are(repository):
    """Line ends, filters and encodings of the repository do not count."""
    git(repository, "config", "core.autocrlf", "input")
    git(repository, "config", "filter.upper.clean", "tr a-z A-Z")
    (repository / ".git" / "info" / "attributes").write_text("* text filter=upper ident\n")
    contents = {"crlf.txt": b"one\r\ntwo\r\n", "id.txt": b"$Id: kept $\n", "empty": b"", "bin": b"\0\xff\r\n"}
    found = open_git(repository)

    made = commit(found, *(FileChange(path, content) for path, content in contents.items()))

    assert {path: found.read(made, path) for path in contents} == contents


@pytest.mark.parametrize("path", ["with space", 'quote"s', "it's", "ünï/ß", "-leading", "#a", "a:b", "*", "\u00a0a"])
def test_odd_names_are_only_names(repository, path):
    found = open_git(repository)

    made = commit(found, FileChange(path, b"odd"))
    removed = commit(found, FileChange(path, None), parent=made)

    assert found.read(made, path) == b"odd"
    assert git(repository, "diff", "--name-only", found.resolve("HEAD"), removed) == ""


def test_a_commit_on_a_commit_needs_no_branch(repository):
    found = open_git(repository)

    one = commit(found, FileChange("one", b"1"))
    two = commit(found, FileChange("two", b"2"), parent=one)

    assert git(repository, "rev-list", "--count", two) == "3"
    assert (found.read(two, "one"), found.read(two, "two")) == (b"1", b"2")
    assert git(repository, "for-each-ref", "--format=%(refname)") == "refs/heads/main"


def test_a_commit_may_change_nothing(repository):
    found = open_git(repository)

    made = commit(found)

    assert git(repository, "rev-parse", f"{made}^{{tree}}") == git(repository, "rev-parse", "HEAD^{tree}")


def test_checkout_index_and_stashes_stay(repository):
    write_file(repository, "keep.txt", "stashed")
    git(repository, "stash", "--quiet")
    write_file(repository, "dir/a.py", "half done")
    write_file(repository, "staged", "staged")
    git(repository, "add", "staged")
    write_file(repository, "untracked", "untracked")
    before = user_state(repository)

    commit(open_git(repository), FileChange("keep.txt", b"ours"), FileChange("dir/a.py", None))

    assert user_state(repository) == before


def test_a_submodule_and_files_with_forbidden_names_stay(tmp_path):
    names = ["back\\slash", "new\nline", os.fsdecode(b"\xff"), "~tilde"]
    repository = make_repository(tmp_path / "repository", dict.fromkeys(names, "kept"))
    base = add_submodule_entry(repository, "lib")
    found = open_git(repository)

    made = commit(found, FileChange("a", b"a"), parent=base)

    assert set(found.tree(base)) < set(found.tree(made))


def test_a_file_takes_the_place_of_a_directory_that_goes(repository):
    found = open_git(repository)

    made = commit(found, FileChange("dir", b"now a file"), FileChange("dir/a.py", None))
    back = commit(found, FileChange("dir", None), FileChange("dir/a.py", b"a"), parent=made)

    assert (found.read(made, "dir"), found.read(back, "dir/a.py")) == (b"now a file", b"a")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([FileChange("dir", b"file")], "would displace 'dir/a.py'"),
        ([FileChange("keep.txt/below", b"file")], "would displace 'keep.txt'"),
        ([FileChange("link/below", b"file")], "would displace 'link'"),
        ([FileChange("missing", None)], "'missing' is to be removed, but"),
        ([FileChange("dir", None)], "'dir' is to be removed, but"),
        ([FileChange("a", b"1"), FileChange("a", b"2")], "cannot change 'a' twice"),
        ([FileChange("a", b"1"), FileChange("a", None)], "cannot change 'a' twice"),
        ([FileChange(".git/hooks/post-commit", b"1")], "git's own data"),
        ([FileChange("sub/.GIT/config", b"1")], "git's own data"),
        ([FileChange("../outside", b"1")], "not canonical"),
        ([FileChange("/etc/passwd", b"1")], "not a path relative"),
        ([FileChange("a\n100644 b", b"1")], "control characters"),
        ([FileChange("a\0b", b"1")], "control characters"),
    ],
)
def test_changes_that_cannot_be_meant_are_refused(repository, changes, message):
    found = open_git(repository)

    with pytest.raises(RefusedError, match=message):
        commit(found, *changes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parent": "1" * 40}, "git read-tree failed"),
        ({"parent": "HEAD"}, "not a full git object id"),
        ({"message": "a\0b"}, "git commit-tree failed. git says: .*NUL byte"),
        ({"author": Person("", "a@b")}, "git says: fatal: empty ident name"),
        ({"author": Person("a\0b", "a@b")}, "could not be run"),
    ],
)
def test_what_git_cannot_write_is_told(tmp_path, arguments, message):
    found = open_git(make_repository(tmp_path / "r", {"a": "a"}))

    with pytest.raises(UserError, match=message):
        commit(found, FileChange("b", b""), **arguments)


def test_a_name_cannot_forge_a_header(repository):
    made = commit(open_git(repository), author=Person("Ada\ncommitter Eve <eve@x> 1 +0000", "a>\nx: <b"))

    header = git(repository, "cat-file", "commit", made).split("\n\n")[0].split("\n")

    assert [line.split()[0] for line in header] == ["tree", "parent", "author", "committer"]


def test_a_time_without_its_zone_is_a_bug(repository):
    with pytest.raises(ValueError, match="time zone"):
        commit(open_git(repository), when=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))


def test_a_shared_repository_gets_shared_objects(tmp_path):
    """Others of the group must be able to prune what we wrote."""
    repository = make_repository(tmp_path / "r", {"a": "a"})
    git(repository, "config", "core.sharedRepository", "0660")

    found = open_git(repository)
    made = commit(found, FileChange("b", b"new"))

    stored = repository / ".git" / "objects" / made[:2]
    assert stored.stat().st_mode & 0o070 == 0o070
