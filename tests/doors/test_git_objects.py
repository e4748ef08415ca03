"""Trees, files and differences: exactly the bytes in the repository, whatever its configuration and attributes say."""

import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phasegate.doors.git.objects import _entry
from phasegate.doors.git.repository import CommitNote, Git, TreeEntry
from phasegate.errors import UserError
from repositories import add_submodule_entry, commit_files, git, make_repository

ODD_NAMES = ["with space", "quote\"s and 's", "ünïcödé/ß", "-leading", "back\\slash", "#hash", "a:b", "new\nline", "*"]


def open_git(repository: Path) -> Git:
    return Git.open(repository, environ={"PATH": os.environ["PATH"]})


@pytest.fixture(params=["sha1", "sha256"])
def repository(tmp_path: Path, request) -> Path:
    return make_repository(
        tmp_path / "repository",
        {"run.sh": "#!/bin/sh\n", "src/a.py": "a = 1\n", "crlf.txt": b"one\r\ntwo\r\n", "bytes.bin": b"\0\xff" * 9},
        links={"link": "src/a.py"},
        executable=["run.sh"],
        object_format=request.param,
    )


def test_a_tree_has_modes_ids_and_sizes_of_everything(repository):
    commit = add_submodule_entry(repository, "vendored/lib", "1" * len(git(repository, "rev-parse", "HEAD")))

    entries = open_git(repository).tree(commit)

    assert [(entry.path, entry.mode, entry.size) for entry in entries] == [
        ("bytes.bin", "100644", 18),
        ("crlf.txt", "100644", 10),
        ("link", "120000", 8),
        ("run.sh", "100755", 10),
        ("src/a.py", "100644", 6),
        ("vendored/lib", "160000", 0),
    ]
    assert all(entry.oid == git(repository, "rev-parse", f"{commit}:{entry.path}") for entry in entries)


def test_odd_names_arrive_as_they_are(tmp_path):
    repository = make_repository(tmp_path / "odd", {name: name for name in ODD_NAMES})
    found = open_git(repository)

    entries = found.tree(found.resolve("HEAD"))

    assert {entry.path for entry in entries} == set(ODD_NAMES)
    assert {content.decode() for _, content in found.blobs(entry.oid for entry in entries)} == set(ODD_NAMES)


def test_a_name_that_is_no_text_can_be_turned_back_into_its_bytes(tmp_path):
    repository = make_repository(tmp_path / "odd", {os.fsdecode(b"\xff\xfe"): "x"})
    found = open_git(repository)

    [entry] = found.tree(found.resolve("HEAD"))

    assert os.fsencode(entry.path) == b"\xff\xfe"


def test_an_empty_tree_has_no_entries(repository):
    git(repository, "rm", "-r", "--quiet", ".")
    commit = commit_files(repository, {})

    assert open_git(repository).tree(commit) == ()


def test_blobs_come_in_order_with_repeats_and_raw(repository):
    git(repository, "config", "core.autocrlf", "true")
    found = open_git(repository)
    oids = {entry.path: entry.oid for entry in found.tree(found.resolve("HEAD"))}
    wanted = [oids["crlf.txt"], oids["bytes.bin"], oids["crlf.txt"], oids["link"]]

    blobs = list(found.blobs(wanted))

    assert blobs == list(zip(wanted, [b"one\r\ntwo\r\n", b"\0\xff" * 9, b"one\r\ntwo\r\n", b"src/a.py"], strict=True))
    assert list(found.blobs([])) == []


def test_large_and_many_blobs_pass_through_one_process(tmp_path):
    """More than pipes hold, in both directions."""
    files = {f"{number}.txt": f"{number}\n" for number in range(3000)} | {"large": b"x" * (3 << 20)}
    repository = make_repository(tmp_path / "many", files)
    found = open_git(repository)
    entries = found.tree(found.resolve("HEAD"))

    contents = {content for _, content in found.blobs(entry.oid for entry in entries)}

    assert contents == {text.encode() if isinstance(text, str) else text for text in files.values()}


def test_reading_may_stop_half_way(repository):
    found = open_git(repository)
    blobs = found.blobs([entry.oid for entry in found.tree(found.resolve("HEAD"))])

    assert next(blobs)[1] == b"\0\xff" * 9
    blobs.close()


@pytest.mark.parametrize("wanted", ["{missing}", "{commit}", "HEAD", "", "-x"])
def test_what_is_no_blob_is_told(repository, wanted):
    found = open_git(repository)
    commit = found.resolve("HEAD")
    oid = wanted.format(missing="1" * len(commit), commit=commit)

    with pytest.raises(UserError, match=r"is not in this clone|is no file but a commit|not a full git object id"):
        list(found.blobs([oid]))


@pytest.mark.parametrize("content", [b"", b"a\r\n", b"\0\xff" * 1000])
def test_blob_id_is_gits_own(repository, content):
    expected = git(repository, "hash-object", "--no-filters", "--stdin", stdin=content)

    assert open_git(repository).blob_id(content) == expected


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("crlf.txt", b"one\r\ntwo\r\n"),
        ("src/a.py", b"a = 1\n"),
        ("link", b"src/a.py"),
        ("src", None),
        ("missing", None),
        ("link/a.py", None),
        ("*.txt", None),
        ("", None),
        ("../repository/crlf.txt", None),
        (":/crlf.txt", None),
        ("a\0b", None),
    ],
)
def test_one_file_is_read_by_its_literal_path(repository, path, content):
    found = open_git(repository)

    assert found.read(found.resolve("HEAD"), path) == content


def test_a_submodule_is_no_file(repository):
    commit = add_submodule_entry(repository, "lib", "1" * len(git(repository, "rev-parse", "HEAD")))

    assert open_git(repository).read(commit, "lib") is None


def test_a_commit_that_is_missing_is_told(repository):
    found = open_git(repository)

    with pytest.raises(UserError, match=r"git ls-tree failed. git says: fatal"):
        found.tree("1" * len(found.resolve("HEAD")))


def test_a_partial_clone_is_told(tmp_path):
    origin = make_repository(tmp_path / "origin", {"a": "content"})
    git(origin, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--filter=blob:none", f"file://{origin}", "partial")
    found = open_git(tmp_path / "partial")

    with pytest.raises(UserError, match=r"'a' is not in this clone.*without --filter"):
        found.tree(found.resolve("HEAD"))


@pytest.mark.parametrize("kept", [0.5, 0.999999])
def test_a_damaged_object_is_told(tmp_path, kept):
    """git ends in the middle of its answer."""
    repository = make_repository(tmp_path / "r", {"a": os.urandom(1 << 20)})
    found = open_git(repository)
    [entry] = found.tree(found.resolve("HEAD"))
    stored = repository / ".git" / "objects" / entry.oid[:2] / entry.oid[2:]
    content = stored.read_bytes()
    stored.unlink()
    stored.write_bytes(content[: int(len(content) * kept)])

    with pytest.raises(UserError, match=r"git cat-file failed\. git says: (error|fatal): "):
        list(found.blobs([entry.oid]))


def test_a_repository_that_goes_away_is_told(tmp_path):
    repository = make_repository(tmp_path / "r", {"a": "a"})
    found = open_git(repository)
    shutil.rmtree(repository / ".git" / "objects")

    with pytest.raises(UserError, match=r"git cat-file failed\. git says: fatal: not a git repository"):
        list(found.blobs([found.blob_id(b"a")]))


@pytest.mark.parametrize("line", [b"", b"nonsense", b"100644 blob 12\ta"])
def test_a_line_that_ls_tree_never_writes_is_told(line):
    with pytest.raises(UserError, match="none of its own"):
        _entry(line)


def test_a_commit_tells_its_parents_time_and_message(repository):
    first = git(repository, "rev-parse", "HEAD")
    message = "Title\n\nBody with\n\nparagraphs, ünïcödé\nand author nobody <> 1 +0000"
    second = commit_files(repository, {"new": "new"}, message=message)
    found = open_git(repository)

    assert found.note(second) == CommitNote((first,), datetime(2026, 1, 1, 12, tzinfo=UTC), f"{message}\n")
    assert found.note(first).parents == ()
    with pytest.raises(UserError, match="git cat-file failed"):
        found.note(found.blob_id(b"a = 1\n"))


def test_replaced_objects_do_not_count(tmp_path):
    """A plan's base is what its id says, not what refs/replace says about it."""
    repository = make_repository(tmp_path / "repository", {"a": "true"})
    base = git(repository, "rev-parse", "HEAD")
    head = commit_files(repository, {"a": "forged"})
    git(repository, "replace", base, head)
    git(repository, "replace", "--graft", head)
    found = open_git(repository)

    assert found.resolve("HEAD~1") == base
    assert found.read(base, "a") == b"true"
    assert found.tree(base) == (TreeEntry("a", "100644", found.blob_id(b"true"), 4),)


# Differences


def test_a_difference_is_unified_and_names_binary_files(tmp_path):
    repository = make_repository(tmp_path / "r", {"ü.txt": "one\n", "b.bin": b"\0one", "moved": "same\n" * 9})
    base = git(repository, "rev-parse", "HEAD")
    head = commit_files(repository, {"ü.txt": "two\n", "b.bin": b"\0two", "moved": None, "there": "same\n" * 9})

    diff = open_git(repository).diff(base, head)

    assert "--- a/ü.txt\n+++ b/ü.txt\n@@ -1 +1 @@\n-one\n+two\n" in diff
    assert "Binary files a/b.bin and b/b.bin differ\n" in diff
    assert "deleted file mode 100644" in diff
    assert "rename" not in diff
    assert "\x1b[" not in diff


def test_a_difference_can_be_limited_to_literal_paths(tmp_path):
    repository = make_repository(tmp_path / "r", {"a": "1", "*": "1", "-x": "1"})
    base = git(repository, "rev-parse", "HEAD")
    head = commit_files(repository, {"a": "2", "*": "2", "-x": "2"})

    diff = open_git(repository).diff(base, head, ["*", "-x"])

    assert [line for line in diff.splitlines() if line.startswith("diff ")] == [
        "diff --git a/* b/*",
        "diff --git a/-x b/-x",
    ]


def test_an_attribute_cannot_hide_source_as_binary(tmp_path):
    repository = make_repository(tmp_path / "r", {"a.py": "one\n", ".gitattributes": "* -diff\n* binary\n"})
    (repository / ".git" / "info" / "attributes").write_text("* -diff\n")
    base = git(repository, "rev-parse", "HEAD")
    head = commit_files(repository, {"a.py": "two\n"})

    assert "+two\n" in open_git(repository).diff(base, head)


def test_nothing_is_left_in_the_temporary_directory(repository, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    found = Git.open(repository, environ={"PATH": os.environ["PATH"], "TMPDIR": str(temporary)})

    list(found.blobs([entry.oid for entry in found.tree(found.resolve("HEAD"))]))
    blobs = found.blobs([hashlib.sha1(b"").hexdigest()])
    with pytest.raises(UserError):
        next(blobs)

    assert list(temporary.iterdir()) == []


def test_a_temporary_directory_that_is_not_there_is_told(repository, tmp_path):
    found = Git.open(repository, environ={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path / "missing")})

    with pytest.raises(UserError, match=r"temporary directory cannot be used.*TMPDIR"):
        found.tree(found.resolve("HEAD"))
