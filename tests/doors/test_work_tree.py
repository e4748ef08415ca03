"""A work tree has the very files of its commit, tells every difference, and leaves nothing behind."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phasegate.doors import work_tree
from phasegate.doors.git.repository import FileChange, Git, Person
from phasegate.doors.work_tree import WorkChange, WorkTree
from phasegate.doors.workspace import WorkspaceError
from phasegate.errors import RefusedError, UserError
from repositories import add_submodule_entry, commit_files, git, make_repository, user_state, write_file

FILES = {
    "run.sh": "#!/bin/sh\n",
    "src/a.py": "a = 1\n",
    "src/deep/b.py": "b = 1\n",
    "crlf.txt": b"one\r\ntwo\r\n",
    "bytes.bin": b"\0\xff",
    "with space/ünï-'\"": "odd",
    "-dash": "dash",
    ".gitignore": "*.log\n",
}


def open_git(repository: Path) -> Git:
    return Git.open(repository, environ={"PATH": os.environ["PATH"]})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(
        tmp_path / "repository",
        FILES,
        links={"link": "src/a.py", "src/out": "/etc/passwd", "dangling": "nowhere"},
        executable=["run.sh"],
    )


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    directory = tmp_path / "parent"
    directory.mkdir()
    return directory


@pytest.fixture
def tree(repository, parent):
    found = open_git(repository)
    with WorkTree.make(found, base_of(found), parent=parent) as made:
        yield made


def base_of(found: Git) -> str:
    return found.resolve("HEAD")


def at(tree: WorkTree, path: str) -> Path:
    return tree.workspace.root / path


def brief(changes: tuple[WorkChange, ...]) -> list[tuple[str, str, str, bytes | None]]:
    return [(change.path, change.op, change.mode, change.content) for change in changes]


# The copy


def test_a_copy_has_the_bytes_modes_and_links_of_its_commit(tree):
    contents = {name: at(tree, name).read_bytes() for name in FILES}

    assert contents == {name: text.encode() if isinstance(text, str) else text for name, text in FILES.items()}
    assert [name for name in FILES if os.access(at(tree, name), os.X_OK)] == ["run.sh"]
    assert [str(at(tree, name).readlink()) for name in ("link", "src/out", "dangling")] == [
        "src/a.py",
        "/etc/passwd",
        "nowhere",
    ]
    assert not at(tree, ".git").exists()
    assert tree.left_out == ()
    assert tree.changes() == ()


def test_a_sha256_repository_is_copied_and_compared_by_its_own_ids(tmp_path, parent):
    repository = make_repository(tmp_path / "repository", {"a": "1", "b": "2"}, object_format="sha256")
    found = open_git(repository)

    with WorkTree.make(found, base_of(found), parent=parent) as tree:
        at(tree, "a").write_text("changed")

        assert [(change.path, change.old_oid) for change in tree.changes()] == [("a", found.blob_id(b"1"))]


def test_nothing_is_converted_on_the_way(repository, parent):
    git(repository, "config", "core.autocrlf", "true")
    git(repository, "config", "filter.upper.smudge", "tr a-z A-Z")
    base = commit_files(repository, {".gitattributes": "*.py text eol=crlf filter=upper ident\n", "a.py": "$Id$\n"})

    with WorkTree.make(open_git(repository), base, parent=parent) as tree:
        assert at(tree, "a.py").read_bytes() == b"$Id$\n"
        assert tree.changes() == ()


def test_the_commit_is_copied_and_not_the_checkout(repository, parent):
    base = git(repository, "rev-parse", "HEAD")
    write_file(repository, "src/a.py", "half done")
    git(repository, "stash", "--quiet")
    write_file(repository, "untracked", "mine")
    write_file(repository, "crlf.txt", "staged")
    git(repository, "add", "crlf.txt")
    before = user_state(repository)

    with WorkTree.make(open_git(repository), base, parent=parent) as tree:
        assert tree.changes() == ()
        at(tree, "crlf.txt").write_text("ours")
        tree.changes()

    assert user_state(repository) == before


def test_the_directory_goes_with_the_block(repository, parent):
    found = open_git(repository)

    with WorkTree.make(found, base_of(found), parent=parent) as tree:
        assert [path.name.startswith("phasegate-") for path in parent.iterdir()] == [True]
        assert tree.base == found.resolve("HEAD")
        (at(tree, "locked") / "in").mkdir(parents=True)
        at(tree, "locked").chmod(0)
        at(tree, "out").symlink_to(repository)
    tree.close()

    assert list(parent.iterdir()) == []
    assert (repository / "src" / "a.py").exists()


def test_an_error_in_the_block_is_the_one_that_is_seen(repository, parent):
    found = open_git(repository)

    with pytest.raises(ZeroDivisionError), WorkTree.make(found, base_of(found), parent=parent):
        _ = 1 / 0
    assert list(parent.iterdir()) == []


def test_a_removal_that_fails_is_told_unless_something_else_went_wrong(repository, parent):
    found = open_git(repository)

    def fail() -> None:
        raise UserError("The directory could not be removed.")

    def leave(error: Exception | None) -> None:
        with WorkTree.make(found, base_of(found), parent=parent) as tree:
            tree._cleanup.callback(fail)
            if error:
                raise error

    with pytest.raises(UserError, match="could not be removed"):
        leave(None)
    with pytest.raises(ZeroDivisionError):
        leave(ZeroDivisionError())


def test_a_copy_that_cannot_be_finished_leaves_nothing_behind(repository, parent):
    """A tree that no honest git makes: a link, and a file below it."""
    found = open_git(repository)
    blob, link = (git(repository, "hash-object", "-w", "--stdin", stdin=text) for text in (b"x", b"/tmp"))
    below = git(repository, "mktree", stdin=f"100644 blob {blob}\tx\n".encode())
    listing = f"120000 blob {link}\tlinked\n040000 tree {below}\tlinked\n"
    forged = git(repository, "commit-tree", "-m", "forged", git(repository, "mktree", stdin=listing.encode()))

    with pytest.raises(WorkspaceError, match="linked is a symbolic link"):
        WorkTree.make(found, forged, parent=parent)
    assert list(parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(repository, tmp_path):
    (tmp_path / "file").touch()
    found = open_git(repository)

    with pytest.raises(UserError, match=r"No work tree can be made in .*file"):
        WorkTree.make(found, base_of(found), parent=tmp_path / "file")


def test_a_submodule_is_an_empty_directory_that_is_left_alone(tmp_path, parent):
    repository = make_repository(tmp_path / "repository", {"a": "a"})
    base = add_submodule_entry(repository, "vendored/lib")
    found = open_git(repository)

    with WorkTree.make(found, base, parent=parent) as tree:
        assert list(at(tree, "vendored/lib").iterdir()) == []
        assert tree.changes() == ()
        at(tree, "vendored/lib/new").write_text("not ours")
        assert tree.changes() == ()
    with WorkTree.make(found, base, parent=parent) as tree:
        at(tree, "vendored/lib").rmdir()
        at(tree, "vendored/lib").write_text("in its place")
        assert tree.changes() == ()


def test_names_that_no_document_can_carry_are_left_out_and_not_removed(tmp_path, parent):
    names = ["back\\slash", "new\nline", os.fsdecode(b"\xff")]
    repository = make_repository(tmp_path / "repository", {**dict.fromkeys(names, "x"), "a": "a"})
    found = open_git(repository)

    with WorkTree.make(found, base_of(found), parent=parent) as tree:
        assert set(tree.left_out) == set(names)
        assert [path.name for path in tree.workspace.root.iterdir()] == ["a"]
        assert tree.changes() == ()


@pytest.mark.parametrize("path", [".git/config", "sub/.GIT/hooks/post-checkout", "git~1"])
def test_a_forged_tree_brings_no_git_data(tmp_path, parent, path):
    repository = make_repository(tmp_path / "repository", {"a": "a"})
    tree_id = git(repository, "hash-object", "-w", "--stdin", stdin=b"x")
    kind, mode = "blob", "100644"
    for name in reversed(path.split("/")):
        tree_id = git(repository, "mktree", stdin=f"{mode} {kind} {tree_id}\t{name}\n".encode())
        kind, mode = "tree", "040000"
    forged = git(repository, "commit-tree", "-m", "forged", tree_id)

    with WorkTree.make(open_git(repository), forged, parent=parent) as tree:
        assert tree.left_out == (path,)
        assert list(tree.workspace.root.iterdir()) == []
        assert tree.changes() == ()


def test_a_link_that_no_file_system_can_hold_is_left_out(tmp_path, parent):
    repository = make_repository(tmp_path / "repository", {"a": "a"})
    for name, target in {"nul": b"a\0b", "empty": b"", "long": b"x" * 5000}.items():
        oid = git(repository, "hash-object", "-w", "--stdin", stdin=target)
        git(repository, "update-index", "--add", "--cacheinfo", f"120000,{oid},{name}")
    git(repository, "commit", "--quiet", "--message=links")
    found = open_git(repository)

    with WorkTree.make(found, base_of(found), parent=parent) as tree:
        assert tree.left_out == ("empty", "long", "nul")
        assert tree.changes() == ()


# What changed


def create(tree: WorkTree) -> None:
    at(tree, "new").mkdir()
    at(tree, "new/file").write_bytes(b"new\r\n")


def create_program(tree: WorkTree) -> None:
    at(tree, "tool").write_text("#!")
    at(tree, "tool").chmod(0o755)


def modify_with_the_same_size_and_time(tree: WorkTree) -> None:
    path = at(tree, "src/a.py")
    before = path.stat()
    path.write_text("a = 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def delete(tree: WorkTree) -> None:
    at(tree, "src/deep/b.py").unlink()
    at(tree, "src/deep").rmdir()


def make_executable(tree: WorkTree) -> None:
    at(tree, "src/a.py").chmod(0o755)


def make_plain(tree: WorkTree) -> None:
    at(tree, "run.sh").chmod(0o644)


def change_other_permissions(tree: WorkTree) -> None:
    at(tree, "src/a.py").chmod(0o600)
    at(tree, "run.sh").chmod(0o777)


def point_elsewhere(tree: WorkTree) -> None:
    at(tree, "link").unlink()
    at(tree, "link").symlink_to("crlf.txt")


def turn_file_into_link(tree: WorkTree) -> None:
    at(tree, "src/a.py").unlink()
    at(tree, "src/a.py").symlink_to("/etc/shadow")


def turn_link_into_file(tree: WorkTree) -> None:
    at(tree, "link").unlink()
    at(tree, "link").write_text("src/a.py")


def turn_directory_into_link(tree: WorkTree) -> None:
    at(tree, "src/deep/b.py").unlink()
    at(tree, "src/deep").rmdir()
    at(tree, "src/deep").symlink_to("/etc")


def turn_file_into_pipe(tree: WorkTree) -> None:
    at(tree, "-dash").unlink()
    os.mkfifo(at(tree, "-dash"))
    os.mkfifo(at(tree, "another"))


def run_git_init(tree: WorkTree) -> None:
    subprocess.run(["git", "init", "--quiet", at(tree, "src")], check=True)
    at(tree, ".git").write_text("gitdir: /elsewhere\n")


def write_what_is_ignored(tree: WorkTree) -> None:
    at(tree, "a.log").write_text("log")
    at(tree, "src/__pycache__").mkdir()
    at(tree, "src/__pycache__/a.pyc").write_text("compiled")


def change_the_rules(tree: WorkTree) -> None:
    """The base's rules count: a program cannot hide its files by new ones."""
    at(tree, ".gitignore").write_text("*\n")
    at(tree, "src/.gitignore").write_text("*\n")
    at(tree, "src/hidden").write_text("")


def leave_an_empty_directory(tree: WorkTree) -> None:
    at(tree, "empty/nest").mkdir(parents=True)


def lock_away(tree: WorkTree) -> None:
    at(tree, "src/a.py").write_text("locked")
    at(tree, "src/a.py").chmod(0)
    at(tree, "src/deep").chmod(0)
    at(tree, "src").chmod(0o100)


CHANGES = [
    (create, [("new/file", "create", "100644", b"new\r\n")]),
    (create_program, [("tool", "create", "100755", b"#!")]),
    (modify_with_the_same_size_and_time, [("src/a.py", "modify", "100644", b"a = 2\n")]),
    (delete, [("src/deep/b.py", "delete", "", None)]),
    (make_executable, [("src/a.py", "modify", "100755", b"a = 1\n")]),
    (make_plain, [("run.sh", "modify", "100644", b"#!/bin/sh\n")]),
    (change_other_permissions, []),
    (point_elsewhere, [("link", "modify", "120000", b"crlf.txt")]),
    (turn_file_into_link, [("src/a.py", "modify", "120000", b"/etc/shadow")]),
    (turn_link_into_file, [("link", "modify", "100644", b"src/a.py")]),
    (turn_directory_into_link, [("src/deep", "create", "120000", b"/etc"), ("src/deep/b.py", "delete", "", None)]),
    (turn_file_into_pipe, [("-dash", "delete", "", None)]),
    (run_git_init, []),
    (write_what_is_ignored, []),
    (
        change_the_rules,
        [
            (".gitignore", "modify", "100644", b"*\n"),
            ("src/.gitignore", "create", "100644", b"*\n"),
            ("src/hidden", "create", "100644", b""),
        ],
    ),
    (leave_an_empty_directory, []),
    (lock_away, [("src/a.py", "modify", "100644", b"locked")]),
]


@pytest.mark.parametrize(("act", "expected"), CHANGES, ids=[act.__name__ for act, _ in CHANGES])
def test_a_difference_is_told_as_it_is(tree, act, expected):
    act(tree)

    assert brief(tree.changes()) == expected


def test_a_difference_names_what_was_there(tree, repository):
    at(tree, "run.sh").write_text("changed")
    at(tree, "-dash").unlink()
    at(tree, "new").write_text("new")

    old = {change.path: (change.old_oid, change.old_mode) for change in tree.changes()}

    assert old == {
        "-dash": (git(repository, "rev-parse", "HEAD:-dash"), "100644"),
        "new": (None, ""),
        "run.sh": (git(repository, "rev-parse", "HEAD:run.sh"), "100755"),
    }


def test_a_tracked_file_that_a_rule_names_is_compared_all_the_same(repository, parent):
    base = commit_files(repository, {"tracked.log": "1", "sub/.gitignore": "*.txt\n!keep.txt\n", "sub/a": ""})

    with WorkTree.make(open_git(repository), base, parent=parent) as tree:
        at(tree, "tracked.log").write_text("2")
        for name in ("sub/new.txt", "sub/keep.txt", "new.txt"):
            at(tree, name).write_text("new")

        assert [change.path for change in tree.changes()] == ["new.txt", "sub/keep.txt", "tracked.log"]


def test_rules_are_not_read_through_a_link(tmp_path, parent):
    """git does not, since 2.32: the link could lead anywhere."""
    repository = make_repository(tmp_path / "repository", {"rules": "*.txt\n"}, links={".gitignore": "*.md"})
    found = open_git(repository)

    with WorkTree.make(found, base_of(found), parent=parent) as tree:
        at(tree, "a.txt").touch()
        at(tree, "a.md").touch()

        assert [change.path for change in tree.changes()] == ["a.md", "a.txt"]


def test_too_much_content_is_refused_before_it_is_read(tree, monkeypatch):
    with at(tree, "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RefusedError, match="sparse is too large"):
        tree.changes()

    at(tree, "sparse").unlink()
    monkeypatch.setattr(work_tree, "MAX_CHANGED_BYTES", 10)
    at(tree, "one").write_text("123456")
    assert len(tree.changes()) == 1
    at(tree, "two").write_text("123456")
    with pytest.raises(RefusedError, match=r"two is too large .*, or too much changed"):
        tree.changes()


# Changes put in


def test_changes_are_applied_and_found_again(tree, repository):
    """And the commit made of them has the same files as the copy."""
    changes = [
        FileChange("src/a.py", b"a = 2\r\n"),
        FileChange("src/deep/b.py", None),
        FileChange("new/tool", b"#!/bin/sh\n", executable=True),
        FileChange("run.sh", b"#!/bin/bash\n", executable=True),
        FileChange("link", b"now a file"),
        FileChange("dangling", None),
        FileChange("-dash", b""),
    ]

    tree.apply(changes)

    again = [FileChange(found.path, found.content, found.mode == "100755") for found in tree.changes()]
    assert again == sorted(changes, key=lambda change: change.path)
    assert not at(tree, "src/deep").exists()
    found = open_git(repository)
    when, author = datetime(2026, 1, 1, tzinfo=UTC), Person("Ada", "ada@example.com")
    made = found.commit(parent=tree.base, changes=again, message="m", author=author, when=when)
    with WorkTree.make(found, made, parent=tree.workspace.root.parent) as copy:
        assert {entry.path: (entry.kind, entry.executable, entry.size) for entry in copy.workspace.walk()} == {
            entry.path: (entry.kind, entry.executable, entry.size) for entry in tree.workspace.walk()
        }


def test_a_file_and_a_directory_can_change_places(tree):
    tree.apply([FileChange("src/deep", b"file"), FileChange("src/deep/b.py", None)])
    tree.apply([FileChange("-dash/below", b"below"), FileChange("-dash", None)])

    assert brief(tree.changes()) == [
        ("-dash", "delete", "", None),
        ("-dash/below", "create", "100644", b"below"),
        ("src/deep", "create", "100644", b"file"),
        ("src/deep/b.py", "delete", "", None),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (FileChange("missing", None), "missing does not exist"),
        (FileChange("src/deep", b"x"), "src/deep is a directory that is not empty"),
        (FileChange("link/below", b"x"), "link is a symbolic link"),
        (FileChange("run.sh/below", b"x"), "run.sh is a file"),
        (FileChange("../outside", b"x"), "not canonical"),
        (FileChange(".git/config", b"x"), "git's own data"),
    ],
)
def test_a_change_that_cannot_be_made_is_told(tree, change, message):
    with pytest.raises(WorkspaceError, match=message):
        tree.apply([change])

    assert tree.changes() == ()
