"""New files are ignored by the rules that are given, and by nothing else."""

import os
from pathlib import Path

import pytest

from phasegate.doors.git.repository import Git
from phasegate.errors import UserError
from repositories import make_repository, write_file


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository", {"a": "a"})


def ignored(repository: Path, rules: dict[str, str], *paths: str) -> set[str]:
    found = Git.open(repository, environ={"PATH": os.environ["PATH"]})
    return set(found.ignored(paths, rules={directory: text.encode() for directory, text in rules.items()}))


@pytest.mark.parametrize(
    ("rules", "named", "others"),
    [
        ({"": "*.log\n!keep.log\n"}, ["a.log", "sub/a.log"], ["keep.log", "sub/keep.log", "a.txt"]),
        ({"": "build/\n!build/keep\n"}, ["build/x", "build/keep", "sub/build/x"], ["build"]),
        ({"": "build/*\n!build/keep\n"}, ["build/x"], ["build/keep", "sub/build/x"]),
        ({"": "*\n!*/\n!*.md\n"}, ["a", "docs/a"], ["a.md", "docs/deep/a.md"]),
        ({"": "*.txt\n", "sub": "!x.txt\n"}, ["x.txt", "sub/y.txt"], ["sub/x.txt", "sub/deep/x.txt"]),
        ({"sub": "/only\n"}, ["sub/only"], ["only", "sub/deep/only"]),
        ({"sub": "deep/\n", "sub/deep": "!a\n"}, ["sub/deep/a"], ["deep/a"]),
        ({"": "\\#hash\n# comment\nü*\n*.x\r\n"}, ["#hash", "ünï", "a.x"], ["# comment"]),
        ({"": "*x\n"}, [":(top)x", ":/x", ":!x", "*x", "-x"], [":(glob)**", "x[y]"]),
        ({}, [], ["a.log", "-dash", "with space", "ünï/'\"", "*", ".gitignore"]),
    ],
)
def test_the_rules_decide(repository, rules, named, others):
    assert ignored(repository, rules, *named, *others) == set(named)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/__pycache__/b.cpython-311.pyc", True),
        ("module.pyc", True),
        (".pytest_cache/v/x", True),
        ("web/node_modules/left-pad/index.js", True),
        ("package.egg-info/PKG-INFO", True),
        ("a/node_modules.txt", False),
        ("src/venv.py", False),
        ("src/a.py", False),
    ],
)
def test_what_tools_leave_behind_is_ignored_without_a_rule(repository, path, expected):
    assert ignored(repository, {}, path) == ({path} if expected else set())


def test_a_repository_can_take_back_what_is_built_in(repository):
    assert (
        ignored(repository, {"": "!node_modules/\n", "vendor": "!*.pyc\n"}, "node_modules/a", "vendor/a.pyc") == set()
    )


def test_neither_the_checkout_nor_the_users_own_rules_count(repository, home):
    write_file(repository, ".gitignore", "*\n")
    write_file(repository, ".git/info/exclude", "*\n")
    write_file(home, ".config/git/ignore", "*\n")

    assert ignored(repository, {}, "new", "sub/new") == set()


def test_nothing_asked_is_nothing_ignored(repository):
    assert ignored(repository, {"": "*"}) == set()


def test_a_path_that_leads_outside_is_told(repository):
    with pytest.raises(UserError, match=r"git check-ignore failed\. git says: fatal: .*outside repository"):
        ignored(repository, {}, "../outside")
