"""The search finds lines, and ends, whatever the pattern."""

import itertools
import resource
import subprocess
import sys
import time

import pytest

from phasegate.agent.tools.searching import HITS_AT_ONCE, LINE_WIDTH, SEARCH_SECONDS, SearchTool, _Search
from phasegate.agent.tools.tool import OUTPUT_LIMIT, ToolError
from phasegate.doors.workspace import Workspace, WorkspaceError


@pytest.fixture
def search(workspace, use):
    """Search with a clock that stands still."""

    def run(pattern, *, clock=lambda: 0.0, **arguments):
        return use(SearchTool(workspace, clock), pattern=pattern, **arguments)

    return run


@pytest.fixture
def code(tree):
    root = tree(**{"a.py": "def one():\n    return 'f(x)'\n", "b.md": "# One\n\nDEF two\n", "c.bin": b"def\0"})
    (root / "sub").mkdir()
    (root / "sub/d.py").write_text("def three():\r\n    pass\r\n")
    (root / "link.py").symlink_to("a.py")
    return root


ONE, THREE, TWO = "a.py:1: def one():", "sub/d.py:1: def three():", "b.md:3: DEF two"


@pytest.mark.parametrize(
    ("arguments", "hits"),
    [
        ({"pattern": "def "}, [ONE, THREE]),
        ({"pattern": "f(x)"}, ["a.py:2:     return 'f(x)'"]),
        ({"pattern": "def ", "ignore_case": True}, [ONE, TWO, THREE]),
        ({"pattern": r"^def \w{3}\(", "regular_expression": True}, [ONE]),
        ({"pattern": "def one|TWO", "regular_expression": True, "ignore_case": True}, [ONE, TWO]),
        ({"pattern": "def ", "glob": "*.py"}, [ONE, THREE]),
        ({"pattern": "def ", "glob": "/*.py"}, [ONE]),
        ({"pattern": "def ", "glob": "sub/"}, [THREE]),
        ({"pattern": "def ", "glob": "**/d.*"}, [THREE]),
        ({"pattern": "def ", "glob": "*.md"}, ["Nothing found."]),
        ({"pattern": "x" * 1000}, ["Nothing found."]),
    ],
)
def test_what_is_found(code, search, arguments, hits):
    """Links are not followed, binary files are not searched."""
    assert search(**arguments).splitlines() == hits


@pytest.mark.parametrize(
    "arguments",
    [
        {"pattern": ""},
        {"pattern": "x" * 1001},
        {"pattern": "(", "regular_expression": True},
        {"pattern": "(" * 500 + ")" * 500, "regular_expression": True},
        {"pattern": r"\N{nothing}", "regular_expression": True},
        {"pattern": "a{99999999999999999999}", "regular_expression": True},
        {"pattern": "a", "glob": "!"},
        {"pattern": "a", "glob": "!*.py"},
        {"pattern": "a", "glob": "# no"},
        {"pattern": "a", "glob": "["},
        {"pattern": "a", "glob": ""},
        {"pattern": "a", "glob": "x" * 201},
        {"pattern": "a", "path": "sub"},
    ],
)
def test_what_cannot_be_searched_for_is_told(code, search, arguments):
    with pytest.raises(ToolError):
        search(**arguments)


def test_a_pattern_that_takes_forever_ends_by_the_deadline(tree, workspace, use):
    """With the real clock, moved so that a tenth of a second is left."""
    tree(**{"a.txt": "a" * 60 + "\n"})
    begun = time.monotonic()
    offsets = itertools.chain([0.0], itertools.repeat(SEARCH_SECONDS - 0.1))
    tool = SearchTool(workspace, lambda: time.monotonic() + next(offsets))

    text = use(tool, pattern=r"(a|a|aa)+$(?<!a)b?", regular_expression=True)
    assert text == "[the search was ended after 10 seconds: narrow it with glob]"
    assert time.monotonic() - begun < 5


@pytest.mark.timeout(20)
def test_a_glob_with_many_stars_does_not_take_forever(tree, search):
    """The library's own expression of it would, in the engine that it is made for."""
    tree(**{"a" * 200: "x\n"})

    assert search("x", glob="*a" * 40 + "[bc]") == "Nothing found."


def test_what_was_found_by_the_deadline_is_kept(tree, search):
    """The clock goes on by a second on every look, and it is looked at for every line."""
    tree(**{"a.txt": "hit\n" * 100})
    ticks = itertools.count()

    lines = search("hit", clock=lambda: float(next(ticks))).splitlines()
    assert 5 < len(lines) < 11
    assert "was ended" in lines[-1]


def test_a_tree_with_nothing_to_search_ends_by_the_deadline_as_well(tree, search):
    tree(**{f"{number}.txt": "" for number in range(50)})
    ticks = itertools.count()

    assert "was ended" in search("x", glob="*.py", clock=lambda: float(next(ticks)))


@pytest.mark.parametrize(
    "pattern",
    [
        "((((a{1000}){1000}){1000}){1000})",
        "a{100000000}",
        "(?:(?:[ab]{500}){500}){500}",
        "(?x)((a{ 900 })#\n{900})#\n{900}",
        "(?R)",
        "((?:a|(?2))(?1)?)(b?)",
        "(?P<x>a(?&x)?)(?P>x)",
        "(a)(?-1)(?+1)(b)",
    ],
)
def test_no_pattern_eats_the_memory(code, search, pattern):
    with pytest.raises(ToolError):
        search(pattern, regular_expression=True)


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "x{1000}",
        "^.{0,200}foo.{0,200}$",
        r"(?<name>\w+) = \g<name>",
        r"(?i)(?:a|b)+(?!c)(?<=d)",
    ],
)
def test_usual_patterns_are_taken(code, search, pattern):
    assert search(pattern, regular_expression=True) == "Nothing found."


def test_the_largest_pattern_that_is_taken_stays_small(tree):
    """In a process of its own, which may have half a GiB; without the bound some patterns take all there is."""
    root = tree(**{"a.txt": "a\n"})
    code = f"""
import json
from pathlib import Path
from phasegate.agent.tools.searching import SearchTool
from phasegate.doors.workspace import Workspace
with Workspace(Path({str(root)!r})) as workspace:
    asked = json.dumps({{"pattern": "((a{{180}}){{180}})", "regular_expression": True}})
    print(SearchTool(workspace, lambda: 0.0).run(asked).text)
"""
    limit = 512 * 1024 * 1024
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert done.stdout == "Nothing found.\n", done.stderr


def test_many_hits_are_cut_and_it_is_said(tree, search):
    tree(**{"a.txt": "hit\n" * (HITS_AT_ONCE + 5)})

    lines = search("hit").splitlines()
    assert len(lines) == HITS_AT_ONCE + 1
    assert lines[-1] == f"[more than {HITS_AT_ONCE} hits: narrow the search]"


def test_exactly_as_many_hits_as_fit_are_all_there_are(tree, search):
    tree(**{"a.txt": "hit\n" * HITS_AT_ONCE})

    assert len(search("hit").splitlines()) == HITS_AT_ONCE
    assert "more than" not in search("hit")


@pytest.mark.parametrize("position", [0, 5000, 9990])
def test_of_a_long_line_the_part_with_the_hit_is_shown(tree, search, position):
    line = "-" * position + "needle" + "-" * (10_000 - position)
    tree(**{"a.txt": line})

    text = search("needle")
    assert "needle" in text
    assert len(text) < LINE_WIDTH + 20
    assert text.endswith("…") == (position < 9990)


def test_a_long_output_is_cut(tree, search):
    tree(**{"a.txt": f"{'x' * 390}\n" * 150})

    assert len(search("xx")) < OUTPUT_LIMIT + 200


def test_a_file_that_is_gone_or_closed_is_passed_over(code, search, monkeypatch):
    read = Workspace.read

    def refusing(workspace, path, *, limit=None):
        if path == "a.py":
            raise WorkspaceError("a.py does not exist.")
        return read(workspace, path, limit=limit)

    monkeypatch.setattr(Workspace, "read", refusing)
    assert search("def ") == "sub/d.py:1: def three():"


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_a_pattern_that_finds_a_way_to_eat_memory_is_told(code, search, monkeypatch, error):
    """None is known that gets so far; the engine has a bound of its own, and says so like this."""

    def hits(_):
        raise error

    monkeypatch.setattr(_Search, "hits", hits)
    with pytest.raises(ToolError, match="too much memory"):
        search("x")


def test_a_huge_file_is_not_searched(tree, search):
    tree(**{"a.txt": "x" * (1024 * 1024) + "needle", "b.txt": "needle"})

    assert search("needle") == "b.txt:1: needle"
