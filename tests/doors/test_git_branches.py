"""Branches move by compare-and-swap only, never under a checkout, and never by a name that is no name."""

import os
from pathlib import Path

import pytest

from phasegate.doors.git.branches import full_name
from phasegate.doors.git.repository import Git
from phasegate.errors import RefusedError, UserError
from repositories import commit_files, git, make_repository, user_state


def open_git(repository: Path) -> Git:
    return Git.open(repository, environ={"PATH": os.environ["PATH"]})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = make_repository(tmp_path / "repository", {"a": "1"})
    commit_files(made, {"a": "2"})
    return made


@pytest.fixture
def first(repository) -> str:
    return git(repository, "rev-parse", "HEAD~1")


@pytest.fixture
def second(repository) -> str:
    return git(repository, "rev-parse", "HEAD")


def test_a_branch_is_made_moved_and_removed(repository, first, second):
    found = open_git(repository)
    before = user_state(repository)

    assert found.branch("phasegate/L1") is None
    found.move_branch("phasegate/L1", new=first, old=None)
    assert found.branch("phasegate/L1") == first
    found.move_branch("phasegate/L1", new=second, old=first)
    assert found.branch("phasegate/L1") == second == git(repository, "rev-parse", "refs/heads/phasegate/L1")
    found.delete_branch("phasegate/L1", old=second)
    assert found.branch("phasegate/L1") is None
    assert user_state(repository) == before


def test_branches_of_a_sha256_repository_move_too(tmp_path):
    repository = make_repository(tmp_path / "sha256", {"a": "1"}, object_format="sha256")
    found = open_git(repository)
    head = found.resolve("HEAD")

    found.move_branch("made", new=head, old=None)

    with pytest.raises(RefusedError, match="has moved"):
        found.move_branch("made", new=head, old=None)
    assert found.branch("made") == head


@pytest.mark.parametrize("name", ["phasegate/L1", "größe", "a;touch${IFS}x|sh", "a$(id)", "feature/a-b.c_d"])
def test_odd_names_that_git_allows_are_only_names(repository, first, name):
    found = open_git(repository)

    found.move_branch(name, new=first, old=None)

    assert git(repository, "rev-parse", "--verify", f"refs/heads/{name}") == first
    assert found.branch(name) == first


NO_NAMES = [
    *("", "/", "/a", "a/", "a//b", "-x", "--all", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b"),
    *(
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a.",
        "@",
        "a@{1}",
        "HEAD",
        "a\nb",
        "a\0b",
        "a\x7f",
        "refs/heads/a",
        "a" * 201,
    ),
]


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_branch_name_is_refused(name):
    with pytest.raises(UserError, match="cannot be a branch's name"):
        full_name(name)


def test_every_way_to_a_branch_checks_its_name(repository, first):
    found = open_git(repository)

    for act in (
        lambda: found.branch("a..b"),
        lambda: found.move_branch("a..b", new=first, old=None),
        lambda: found.delete_branch("a..b", old=first),
    ):
        with pytest.raises(UserError, match="cannot be a branch's name"):
            act()


def test_a_name_that_is_no_text_is_refused_and_not_our_bug(repository, first):
    with pytest.raises(UserError, match="could not be run"):
        open_git(repository).move_branch("\ud800", new=first, old=None)


def test_a_branch_that_moved_meanwhile_is_left_alone(repository, first, second):
    found = open_git(repository)
    git(repository, "branch", "taken", second)

    for act in (
        lambda: found.move_branch("taken", new=first, old=None),
        lambda: found.move_branch("taken", new=second, old=first),
        lambda: found.delete_branch("taken", old=first),
    ):
        with pytest.raises(RefusedError, match=f"'taken' has moved: expected .*, found {second}"):
            act()
    assert found.branch("taken") == second


def test_a_branch_that_was_removed_meanwhile_is_not_made_again(repository, first, second):
    found = open_git(repository)

    with pytest.raises(RefusedError, match=f"expected {first}, found none"):
        found.move_branch("gone", new=second, old=first)
    assert found.branch("gone") is None


def test_one_of_two_writers_loses(repository, first, second):
    """The lock is git's: while another process holds it nothing moves."""
    found = open_git(repository)
    git(repository, "branch", "taken", first)
    lock = repository / ".git" / "refs" / "heads" / "taken.lock"
    lock.touch()

    with pytest.raises(UserError, match=r"git update-ref failed. git says: fatal: .*taken.lock"):
        found.move_branch("taken", new=second, old=first)
    assert found.branch("taken") == first


def test_a_branch_cannot_lie_below_another(repository, first):
    found = open_git(repository)

    with pytest.raises(UserError, match="refs/heads/main' exists; cannot create 'refs/heads/main/sub"):
        found.move_branch("main/sub", new=first, old=None)


def test_a_branch_can_only_be_at_a_commit(repository):
    found = open_git(repository)
    tree = git(repository, "rev-parse", "HEAD^{tree}")

    with pytest.raises(UserError, match="git update-ref failed"):
        found.move_branch("tree", new=tree, old=None)
    with pytest.raises(UserError, match="not a full git object id"):
        found.move_branch("short", new="HEAD", old=None)


def test_a_checked_out_branch_is_never_moved(repository, tmp_path, first, second):
    git(repository, "worktree", "add", "--quiet", "-b", "linked", str(tmp_path / "linked"))
    found = open_git(repository)

    for name in ("main", "linked"):
        with pytest.raises(RefusedError, match=f"'{name}' is checked out"):
            found.move_branch(name, new=first, old=second)
        with pytest.raises(RefusedError, match=f"'{name}' is checked out"):
            found.delete_branch(name, old=second)
        assert found.branch(name) == second


def test_an_unborn_branch_that_is_checked_out_is_never_made(repository, tmp_path, first):
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    git(tmp_path / "linked", "checkout", "--quiet", "--orphan", "unborn")

    with pytest.raises(RefusedError, match="'unborn' is checked out"):
        open_git(repository).move_branch("unborn", new=first, old=None)


def test_a_symbolic_branch_does_not_lead_to_the_one_it_names(repository, first, second):
    """Else a run could move the checked-out branch under another name."""
    git(repository, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    found = open_git(repository)

    found.move_branch("alias", new=first, old=second)

    assert (found.branch("alias"), found.branch("main")) == (first, second)


def test_branches_are_shared_with_linked_work_trees(repository, tmp_path, first):
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))

    open_git(tmp_path / "linked").move_branch("made", new=first, old=None)

    assert open_git(repository).branch("made") == first


def test_a_detached_head_does_not_follow(repository, first, second):
    git(repository, "checkout", "--quiet", "--detach")
    found = open_git(repository)

    found.move_branch("main", new=first, old=second)

    assert (found.branch("main"), found.resolve("HEAD")) == (first, second)
