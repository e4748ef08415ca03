"""The repository a user stands in: found or refused with a clear message, and read without being touched."""

import os
import shutil
from pathlib import Path

import pytest

from phasegate.doors.git.repository import Git, Person
from phasegate.errors import UserError
from repositories import commit_files, git, make_repository, user_state, write_file


def open_git(directory: Path, **environ: str) -> Git:
    return Git.open(directory, environ={"PATH": os.environ["PATH"], **environ})


def put_git_in_the_way(directory: Path, script: str) -> str:
    """Put a `git` of our own before the real one; gives the `PATH` that finds it."""
    directory.mkdir()
    program = directory / "git"
    program.write_text(f'#!/bin/sh\nreal={shutil.which("git")}\n{script}\nexec "$real" "$@"\n')
    program.chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository", {"a.txt": "a\n", "sub/b.txt": "b\n"})


# Finding it


def test_a_subdirectory_leads_to_the_top_of_its_repository(repository):
    found = open_git(repository / "sub")

    assert (found.top, found.directory) == (repository, repository / ".git")


def test_a_path_with_spaces_quotes_and_a_newline_is_found(tmp_path):
    odd = make_repository(tmp_path / 'it\'s a\n"place"', {"a": "a"})

    assert open_git(odd).top == odd
    assert open_git(odd).read(open_git(odd).resolve("main"), "a") == b"a"


def test_a_linked_work_tree_shares_the_common_directory(repository, tmp_path):
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))

    found = open_git(tmp_path / "linked")

    assert (found.top, found.directory) == (tmp_path / "linked", repository / ".git")
    assert found.head_branch() == "other"
    assert not found.is_dirty()
    write_file(tmp_path / "linked", "a.txt", "changed")
    assert (found.is_dirty(), open_git(repository).is_dirty()) == (True, False)


def test_a_repository_named_by_the_environment_does_not_count(repository, tmp_path):
    other = make_repository(tmp_path / "other", {"o": "o"})

    found = open_git(repository, GIT_DIR=str(other / ".git"), GIT_WORK_TREE=str(other), GIT_INDEX_FILE="/nowhere")

    assert found.top == repository
    assert found.resolve("HEAD") == git(repository, "rev-parse", "HEAD")
    assert not found.is_dirty()


def bare(path: Path) -> Path:
    git(path, "init", "--quiet", "--bare")
    return path


def unborn(path: Path) -> Path:
    git(path, "init", "--quiet")
    return path


def broken(path: Path) -> Path:
    git(path, "init", "--quiet")
    (path / ".git" / "config").write_text("[core\n")
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, "is not inside a git repository.*git init"),
        (lambda path: path / "missing", "could not be run in .*missing"),
        (bare, "is a bare repository.*git clone"),
        (lambda path: unborn(path) / ".git", "git's own data"),
        (unborn, "has no commits yet.*first commit"),
        (broken, "git says: fatal: bad config line 1"),
    ],
)
def test_what_cannot_be_worked_in_is_told_with_a_way_on(tmp_path, make, message):
    directory = tmp_path / "place"
    directory.mkdir()

    with pytest.raises(UserError, match=message):
        open_git(make(directory))


def test_an_unborn_branch_beside_others_is_told(repository):
    git(repository, "checkout", "--quiet", "--orphan", "fresh")

    with pytest.raises(UserError, match="check out a branch that has one"):
        open_git(repository)


def test_a_missing_git_is_told(repository, tmp_path):
    with pytest.raises(UserError, match=r"git was not found.*Install git"):
        open_git(repository, PATH=str(tmp_path))


def test_a_program_called_git_inside_the_repository_is_never_taken(repository, tmp_path):
    put_git_in_the_way(tmp_path / "bin", f"touch {tmp_path}/canary")
    shutil.copy(tmp_path / "bin" / "git", repository / "git")

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(repository)
        found = open_git(repository, PATH=f".::{os.environ['PATH']}")

    assert found.top == repository
    assert not (tmp_path / "canary").exists()


def test_an_old_git_is_told(repository, tmp_path):
    path = put_git_in_the_way(tmp_path / "bin", "echo 'git version 2.29.3'; exit 0")

    with pytest.raises(UserError, match=r"too old: git version 2\.29\.3\..*2\.30"):
        open_git(repository, PATH=path)


# git has a switch for its own tests that makes every directory somebody else's.
SOMEBODY_ELSES = "export GIT_TEST_ASSUME_DIFFERENT_OWNER=1"


def test_the_repository_of_another_user_is_refused_with_the_way_to_trust_it(repository, tmp_path):
    path = put_git_in_the_way(tmp_path / "bin", SOMEBODY_ELSES)

    with pytest.raises(UserError, match=f"belongs to another user.*safe.directory {repository}"):
        open_git(repository / "sub", PATH=path)


def test_the_repository_of_another_user_is_opened_when_the_user_trusts_it(repository, tmp_path, home):
    (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {repository}\n")
    path = put_git_in_the_way(tmp_path / "bin", SOMEBODY_ELSES)

    found = open_git(repository, PATH=path, HOME=str(home))

    assert found.read(found.resolve("HEAD"), "a.txt") == b"a\n"
    assert not found.is_dirty()


# Reading it


@pytest.mark.parametrize("revision", ["main", "HEAD", "v1", "HEAD~0", "refs/heads/main"])
def test_a_revision_is_resolved_to_its_commit(repository, revision):
    git(repository, "tag", "--annotate", "--message=one", "v1")

    assert open_git(repository).resolve(revision) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "revision", ["", " ", "nowhere", "--all", "-x", "^main", "main..main", "main:a.txt", "a\0b", "0" * 40, "main\nmain"]
)
def test_a_revision_that_names_no_commit_is_told(repository, revision):
    with pytest.raises(UserError, match=r"names no commit|could not be run"):
        open_git(repository).resolve(revision)


def test_the_branch_is_known_and_a_detached_head_has_none(repository):
    assert open_git(repository).head_branch() == "main"

    git(repository, "checkout", "--quiet", "--detach")

    assert open_git(repository).head_branch() is None


def test_a_shallow_clone_works_and_says_what_it_lacks(repository, tmp_path):
    first = git(repository, "rev-parse", "HEAD")
    commit_files(repository, {"c.txt": "c"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")

    found = open_git(tmp_path / "shallow")

    assert (found.is_shallow(), open_git(repository).is_shallow()) == (True, False)
    assert [entry.path for entry in found.tree(found.resolve("HEAD"))] == ["a.txt", "c.txt", "sub/b.txt"]
    with pytest.raises(UserError, match=f"{first}.*shallow clone.*git fetch --unshallow"):
        found.resolve(first)


def clean(_: Path) -> None:
    pass


def change(repository: Path) -> None:
    write_file(repository, "a.txt", "changed")


def remove(repository: Path) -> None:
    write_file(repository, "a.txt", None)


def stage(repository: Path) -> None:
    write_file(repository, "new.txt", "new")
    git(repository, "add", "new.txt")


def leave_untracked(repository: Path) -> None:
    write_file(repository, "untracked.txt", "new")


def rewrite_the_same(repository: Path) -> None:
    write_file(repository, "a.txt", "a\n")
    os.utime(repository / "a.txt", (1, 1))


def split_the_index(repository: Path) -> None:
    git(repository, "update-index", "--split-index")
    assert list((repository / ".git").glob("sharedindex.*"))


def split_the_index_and_change(repository: Path) -> None:
    split_the_index(repository)
    change(repository)


def leave_most_out(repository: Path) -> None:
    commit_files(repository, {"far/away.txt": "x", "far/too.txt": "x"})
    git(repository, "sparse-checkout", "set", "--sparse-index", "sub")
    assert not (repository / "far").exists()


def convert_line_ends(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    write_file(repository, "a.txt", "a\r\n")
    git(repository, "add", "a.txt")
    os.utime(repository / "a.txt", (1, 1))


@pytest.mark.parametrize(
    ("act", "dirty"),
    [
        (clean, False),
        (change, True),
        (remove, True),
        (stage, True),
        (leave_untracked, False),
        (rewrite_the_same, False),
        (split_the_index, False),
        (split_the_index_and_change, True),
        (leave_most_out, False),
        (convert_line_ends, False),
    ],
)
def test_a_checkout_is_dirty_when_a_tracked_file_differs(repository, act, dirty):
    act(repository)

    assert open_git(repository).is_dirty() is dirty


def test_looking_touches_neither_index_nor_files_nor_stashes(repository):
    """An index whose times are out of date would be rewritten by a careless `git status`."""
    write_file(repository, "a.txt", "stashed")
    git(repository, "stash", "--quiet")
    stage(repository)
    change(repository)
    rewrite_the_same(repository)
    before = user_state(repository)

    found = open_git(repository)
    found.is_dirty()
    found.tree(found.resolve("HEAD"))

    assert user_state(repository) == before


def test_identity_is_the_users_own_and_the_repository_may_say_otherwise(repository, home):
    assert open_git(repository, HOME=str(home)).identity() is None

    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.com\n")
    assert open_git(repository, HOME=str(home)).identity() == Person("Ada", "ada@example.com")
    assert open_git(repository).identity() is None

    git(repository, "config", "user.email", "work@example.com")
    assert open_git(repository, HOME=str(home)).identity() == Person("Ada", "work@example.com")
