"""Nothing outside the directory can be read or changed, whatever the paths, the links and the timing."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.doors.removal import remove_directory
from phasegate.doors.workspace import Entry, EntryKind, Workspace, WorkspaceError
from phasegate.errors import ExitCode, UserError

SECRET = b"what is outside"


@pytest.fixture
def outside(tmp_path) -> Path:
    """A directory beside the workspace, with something that must not be read or changed."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "file").write_bytes(SECRET)
    return directory


@pytest.fixture
def workspace(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    with Workspace(root) as opened:
        yield opened


@pytest.fixture
def root(workspace) -> Path:
    return workspace.root


def attempts(workspace: Workspace, path: str):
    """Every way to use a path."""
    return {
        "read": lambda: workspace.read(path),
        "write": lambda: workspace.write(path, b"changed"),
        "symlink": lambda: workspace.symlink(path, b"target"),
        "readlink": lambda: workspace.readlink(path),
        "delete": lambda: workspace.delete(path),
        "entry": lambda: workspace.entry(path),
        "list": lambda: workspace.list(path or "."),
    }


def names(directory: Path) -> list[str]:
    return sorted(child.name for child in directory.iterdir())


def untouched(outside: Path) -> bool:
    return names(outside) == ["file"] and (outside / "file").read_bytes() == SECRET


# What it is for


def test_what_was_written_is_read_again(workspace, root):
    workspace.write("a/b/c.txt", b"content")

    assert workspace.read("a/b/c.txt") == b"content"
    assert (root / "a/b/c.txt").read_bytes() == b"content"
    assert names(root / "a/b") == ["c.txt"]


def test_a_limit_gives_the_first_bytes(workspace):
    workspace.write("file", b"0123456789")

    assert workspace.read("file", limit=4) == b"0123"
    assert workspace.read("file", limit=0) == b""
    assert workspace.read("file", limit=100) == b"0123456789"


def test_a_file_is_replaced_in_one_step(workspace, root):
    """Who has the old file open, or another name for it, keeps the old content."""
    (root / "file").write_bytes(b"old")
    os.link(root / "file", root / "other-name")
    workspace.write("file", b"new")

    assert (root / "file").read_bytes() == b"new"
    assert (root / "other-name").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("before", "executable", "after"),
    [
        (None, None, 0o644),
        (None, True, 0o755),
        (None, False, 0o644),
        (0o755, None, 0o755),
        (0o600, None, 0o600),
        (0o755, False, 0o644),
        (0o644, True, 0o755),
        (0o4755, None, 0o755),
    ],
)
def test_the_mode_is_kept_or_set(workspace, root, before, executable, after):
    if before is not None:
        (root / "file").touch()
        (root / "file").chmod(before)
    workspace.write("file", b"", executable=executable)

    assert (root / "file").stat().st_mode & 0o7777 == after


def test_a_write_that_fails_leaves_nothing(workspace, root, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="there is no space left on the disk") as told:
        workspace.write("file", b"content")

    assert not isinstance(told.value, WorkspaceError)
    assert names(root) == []


def test_links_are_made_and_read_but_never_followed(workspace, outside):
    workspace.symlink("a/link", os.fsencode(outside / "file"))

    assert workspace.readlink("a/link") == os.fsencode(outside / "file")
    assert workspace.entry("a/link") == Entry("a/link", EntryKind.SYMLINK, len(str(outside / "file")), executable=False)
    workspace.delete("a/link")
    assert workspace.entry("a/link") is None
    assert untouched(outside)


def test_a_link_may_point_to_any_bytes(workspace):
    workspace.symlink("link", b"\xff\xfe")

    assert workspace.readlink("link") == b"\xff\xfe"


def test_empty_directories_can_be_deleted_and_others_not(workspace, root):
    workspace.write("a/b/file", b"")
    with pytest.raises(WorkspaceError, match="a/b is a directory that is not empty"):
        workspace.delete("a/b")
    workspace.delete("a/b/file")
    workspace.delete("a/b")

    assert names(root / "a") == []


def test_an_entry_says_what_it_is(workspace, root):
    workspace.write("script", b"12345", executable=True)
    workspace.write("directory/file", b"123")

    assert workspace.entry("script") == Entry("script", EntryKind.FILE, 5, executable=True)
    assert workspace.entry("directory") == Entry("directory", EntryKind.DIRECTORY, 0, executable=False)
    assert workspace.entry("directory/file") == Entry("directory/file", EntryKind.FILE, 3, executable=False)
    assert workspace.entry("absent") is None
    assert workspace.entry("absent/below") is None
    assert workspace.entry("script/below") is None


def test_a_directory_is_listed_by_name(workspace, root):
    for path in ("b", "a/file", ".hidden"):
        workspace.write(path, b"")
    os.mkfifo(root / "pipe")

    assert [(entry.path, entry.kind) for entry in workspace.list()] == [
        (".hidden", EntryKind.FILE),
        ("a", EntryKind.DIRECTORY),
        ("b", EntryKind.FILE),
        ("pipe", EntryKind.OTHER),
    ]
    assert [entry.path for entry in workspace.list("a")] == ["a/file"]


def test_a_walk_gives_files_and_links_in_the_order_of_their_paths(workspace, root, outside):
    for path in ("a.txt", "a/b/c", "a/b.c", "z", "A"):
        workspace.write(path, b"")
    (root / "empty").mkdir()
    (root / "a/away").symlink_to(outside)
    os.mkfifo(root / "pipe")

    walked = [entry.path for entry in workspace.walk()]
    assert walked == ["A", "a.txt", "a/away", "a/b.c", "a/b/c", "pipe", "z"]
    assert walked == sorted(walked)


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1", ".g\u200cit", "a\nb", "a\\b", b"\xff", "~"])
def test_names_that_are_no_path_of_a_repository_are_neither_listed_nor_walked(workspace, root, name):
    directory = Path(os.fsdecode(os.fsencode(root) + b"/" + os.fsencode(name)))
    directory.mkdir()
    (directory / "config").write_text("x")
    (root / "kept").mkdir()
    shutil.copytree(directory, root / "kept" / directory.name)

    assert [entry.path for entry in workspace.list()] == ["kept"]
    assert list(workspace.walk()) == ([] if name != "~" else [workspace.entry("kept/~/config")])


def test_a_tree_deeper_than_any_path_is_walked_without_harm(workspace, root):
    """Where a path gets too long for a document, its directory is left out."""
    os.chdir(root)
    try:
        for _ in range(600):
            Path("d").mkdir()
            os.chdir("d")
    finally:
        os.chdir("/")

    assert list(workspace.walk()) == []
    workspace.write("file", b"")
    assert [entry.path for entry in workspace.walk()] == ["file"]
    remove_directory(root / "d")  # what comes after would die of its depth


# What it refuses


@pytest.mark.parametrize(
    "path",
    [
        *("", ".", "..", "../outside/file", "a/../../outside/file", "/etc/passwd", "//etc/passwd", "~/x", "a//b", "a/"),
        *("./a", "a/./b", "a\\..\\b", "a\0b", "a\nb", "\udcff", "x" * 1025, ".git", ".git/config", "a/.git/hooks/x"),
        *(".GIT/config", "git~1/config", ".g\u200cit/config", ".git./config", "/proc/self/environ", "/dev/zero"),
    ],
)
def test_what_is_no_path_in_the_repository_is_refused_by_every_method(workspace, root, outside, path):
    for name, attempt in attempts(workspace, path).items():
        with pytest.raises(WorkspaceError) as told:
            attempt()
        assert told.value.exit_code is ExitCode.REFUSED, name

    assert names(root) == []
    assert untouched(outside)


@given(st.text(max_size=30), st.sampled_from(["", "../", "/", "a/../", "link/"]))
def test_no_text_is_a_way_out(tmp_path_factory, text, prefix):
    directory = tmp_path_factory.mktemp("case")
    outside, root = directory / "outside", directory / "root"
    outside.mkdir()
    root.mkdir()
    (outside / "file").write_bytes(SECRET)
    (root / "link").symlink_to(outside)
    with Workspace(root) as workspace:
        for path in (prefix + text, f"{text}/{prefix}file"):
            try:
                workspace.write(path, b"changed")
                assert workspace.read(path) == b"changed"
            except WorkspaceError:
                pass

    assert untouched(outside)
    assert names(directory) == ["outside", "root"]


@pytest.mark.parametrize("target", ["../outside/file", "absolute", "../root/inside"])
def test_a_link_in_the_last_place_is_not_followed(workspace, root, outside, target):
    (root / "inside").write_bytes(b"inside")
    (root / "link").symlink_to(outside / "file" if target == "absolute" else target)

    with pytest.raises(WorkspaceError, match="link is a symbolic link, and links are not followed"):
        workspace.read("link")
    with pytest.raises(WorkspaceError, match="link is a symbolic link; it cannot be overwritten by a file"):
        workspace.write("link", b"changed")
    with pytest.raises(WorkspaceError, match="link is a symbolic link, and links are not followed"):
        workspace.list("link")
    assert untouched(outside)
    assert (root / "inside").read_bytes() == b"inside"


@pytest.mark.parametrize("place", ["away", "a/away"])
def test_a_link_on_the_way_is_not_followed_by_any_method(workspace, root, outside, place):
    (root / "a").mkdir()
    (root / place).symlink_to(outside)

    for path in (f"{place}/file", f"{place}/new", f"{place}/new/deep"):
        for attempt in attempts(workspace, path).values():
            with pytest.raises(WorkspaceError, match=f"{place} is a symbolic link, and links are not followed"):
                attempt()
    assert untouched(outside)


def test_special_files_are_told_at_once_and_never_waited_for(workspace, root):
    """Opening a named pipe for reading would wait for a writer that never comes."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))

        for name in ("pipe", "socket"):
            with pytest.raises(WorkspaceError, match=f"{name} is a special file"):
                workspace.read(name)
            with pytest.raises(WorkspaceError, match=f"{name} is a special file"):
                workspace.write(name, b"")
            assert workspace.entry(name).kind is EntryKind.OTHER
            workspace.delete(name)
    assert names(root) == []


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda w: w.read("absent"), "absent does not exist."),
        (lambda w: w.read("directory"), "directory is a directory, not a file."),
        (lambda w: w.read("file/below"), "file is a file, not a directory."),
        (lambda w: w.write("directory", b""), "directory is a directory; it cannot be overwritten by a file."),
        (lambda w: w.write("file/below", b""), "file is a file, not a directory."),
        (lambda w: w.write("x" * 300, b""), "cannot be used: File name too long."),
        (lambda w: w.list("absent"), "absent does not exist."),
        (lambda w: w.list("file"), "file is a file, not a directory."),
        (lambda w: w.readlink("file"), "file is not a symbolic link."),
        (lambda w: w.symlink("file", b"x"), "file is already there."),
        (lambda w: w.delete("absent"), "absent does not exist."),
    ],
)
def test_a_refusal_says_what_is_in_the_way(workspace, use, told):
    workspace.write("file", b"")
    workspace.write("directory/below", b"")

    with pytest.raises(WorkspaceError) as refused:
        use(workspace)
    assert str(refused.value).endswith(told)


def test_a_root_that_is_no_directory_is_told(tmp_path):
    with pytest.raises(UserError, match="absent cannot be opened: No such file or directory"):
        Workspace(tmp_path / "absent")


# What happens between a check and its use


SWAP_FOR_EVER = """
import ctypes, os, sys
here, both = -100, 2  # AT_FDCWD, RENAME_EXCHANGE: renameat2(2) swaps two names in one step
one, other = map(os.fsencode, sys.argv[1:])
swap = ctypes.CDLL(None).renameat2
while swap(here, one, here, other, both) == 0:
    pass
"""


@pytest.mark.parametrize("swapped", ["d", "d/e"])
def test_a_directory_that_is_swapped_for_a_link_never_lets_anything_out(workspace, root, outside, swapped):
    """Reads, writes, lists and deletes race with a process that swaps a directory for a link all the time."""
    (root / swapped).mkdir(parents=True)
    (root / swapped / "file").write_bytes(b"inside")
    (root / "link").symlink_to(outside)

    def use():
        assert workspace.read(f"{swapped}/file") in {b"inside", b"changed"}
        workspace.write(f"{swapped}/file", b"changed")
        workspace.write(f"{swapped}/new", b"new")
        assert {entry.path for entry in workspace.list(swapped)} <= {f"{swapped}/file", f"{swapped}/new"}
        workspace.delete(f"{swapped}/new")

    met = {"let in": 0, "refused": 0}
    with subprocess.Popen([sys.executable, "-S", "-c", SWAP_FOR_EVER, root / swapped, root / "link"]) as swapper:
        try:
            while min(met.values()) < 10 or sum(met.values()) < 5000:
                try:
                    use()
                    met["let in"] += 1
                except WorkspaceError:
                    met["refused"] += 1
        finally:
            swapper.kill()

    assert untouched(outside)
