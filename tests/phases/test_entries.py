"""Changes as entries: from a work tree, between two commits, and back into a work tree."""

import pytest

import scenes
from phasegate.documents.parsing import DocumentError
from phasegate.documents.plan import Operation
from phasegate.doors.git.repository import Git
from phasegate.doors.work_tree import WorkChange, WorkTree
from phasegate.phases.changes import entries_between, entry_of, file_changes
from repositories import ENVIRON, commit_files, git, make_repository


def change(**changes):
    fields = {
        "path": "a.txt",
        "op": "modify",
        "mode": "100644",
        "content": b"new\n",
        "old_oid": "a" * 40,
        "old_mode": "100644",
    }
    return WorkChange(**(fields | changes))


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"mode": "120000", "content": b"/etc/passwd"}, "became something other than a plain file"),
        ({"mode": "160000"}, "became something other than a plain file"),
        ({"path": "../up"}, "cannot be changed"),
        ({"path": ".git/config"}, "cannot be changed"),
        ({"path": "a\nb"}, "cannot be changed"),
    ],
)
def test_what_no_document_may_carry_is_refused(what, told):
    with pytest.raises(DocumentError, match=told):
        entry_of(change(**what))


@pytest.mark.parametrize("op", ["create", "modify", "delete"])
def test_an_entry_carries_the_whole_file(op):
    gone = {"mode": "", "content": None} if op == "delete" else {}
    new = {"old_oid": None, "old_mode": ""} if op == "create" else {}
    entry = entry_of(change(op=op, **gone, **new))

    assert entry.op is Operation(op)
    assert entry.mode == (None if op == "delete" else "100644")
    assert entry.data() == (b"" if op == "delete" else b"new\n")


@pytest.fixture
def repository(tmp_path):
    files = {**scenes.SMALL, "gone.txt": "x\n", "run.sh": "#!/bin/sh\n", "same.txt": "same\n"}
    return make_repository(tmp_path / "repository", files)


def test_the_difference_of_two_commits_can_be_applied_to_a_copy_of_the_first(repository, tmp_path):
    base = git(repository, "rev-parse", "HEAD")
    binary = bytes(range(256))
    changed = {"a.txt": "new\n", "gone.txt": None, "deep/new.bin": binary, "run.sh": "#!/bin/sh\n", "plan.md": "ours\n"}
    head = commit_files(repository, changed, executable=["run.sh"])
    opened = Git.open(repository, environ=ENVIRON)

    entries = entries_between(opened, base, head, leave_out=frozenset({"plan.md"}))

    assert {entry.path: (str(entry.op), entry.mode) for entry in entries} == {
        "a.txt": ("modify", "100644"),
        "deep/new.bin": ("create", "100644"),
        "gone.txt": ("delete", None),
        "run.sh": ("modify", "100755"),
    }
    with WorkTree.make(opened, base, parent=tmp_path) as tree:
        tree.apply(file_changes(entries))
        assert tree.workspace.read("deep/new.bin") == binary
        assert tree.workspace.entry("run.sh").executable
        assert tree.workspace.entry("gone.txt") is None
        assert [entry_of(made) for made in tree.changes()] == entries


def test_a_link_between_two_commits_is_refused(repository):
    base = git(repository, "rev-parse", "HEAD")
    head = commit_files(repository, {}, links={"link": "a.txt"})

    with pytest.raises(DocumentError, match="link became something other than a plain file"):
        entries_between(Git.open(repository, environ=ENVIRON), base, head, leave_out=frozenset())
