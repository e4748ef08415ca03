"""Tools that look change nothing, and show what is there within bounds."""

import os

import pytest

from phasegate.agent.tools.reading import ENTRIES_AT_ONCE, LINES_AT_ONCE, READ_LIMIT, ListTool, ReadTool, relative
from phasegate.agent.tools.tool import OUTPUT_LIMIT, ToolError
from phasegate.doors.workspace import WorkspaceError


@pytest.fixture
def read(workspace, use):
    return lambda path, **arguments: use(ReadTool(workspace), path=path, **arguments)


@pytest.fixture
def show(workspace, use):
    return lambda **arguments: use(ListTool(workspace), **arguments)


def lines_of(text):
    """The numbers and texts of numbered lines."""
    return [(int(line.split("\t")[0]), line.split("\t", 1)[1]) for line in text.split("\n") if "\t" in line]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("a/b.py", "a/b.py"),
        ("/workspace/a/b.py", "a/b.py"),
        ("/workspace", ""),
        ("/workspace/", ""),
        ("/workspacer/a", "/workspacer/a"),
        ("workspace/a", "workspace/a"),
        ("./a", "a"),
        (".", ""),
        ("./", ""),
        ("/workspace/./a", "a"),
        ("a/", "a"),
        (".hidden", ".hidden"),
        ("../a", "../a"),
        ("/etc/passwd", "/etc/passwd"),
    ],
)
def test_a_path_may_be_given_as_commands_see_it(path, meant):
    assert relative(path) == meant


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"first_line": 2}, [2, 3, 4, 5]),
        ({"first_line": 2, "last_line": 3}, [2, 3]),
        ({"last_line": 1}, [1]),
        ({"first_line": 5}, [5]),
        ({"first_line": 4, "last_line": 99}, [4, 5]),
    ],
)
def test_a_range_of_lines_is_shown_with_its_numbers(tree, read, arguments, numbers):
    tree(**{"a.txt": "1\n2\n3\n4\n5\n"})

    assert lines_of(read("a.txt", **arguments)) == [(number, str(number)) for number in numbers]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"first_line": 6}, "There are 5 lines"),
        ({"first_line": 4, "last_line": 2}, "comes before the first"),
        ({"first_line": 0}, "first_line: Input should be greater than or equal to 1"),
        ({"last_line": -1}, "last_line"),
        ({"lines": 3}, "lines: Extra inputs are not permitted"),
    ],
)
def test_a_range_that_is_none_is_told(tree, read, arguments, told):
    tree(**{"a.txt": "1\n2\n3\n4\n5\n"})

    with pytest.raises(ToolError, match=told):
        read("a.txt", **arguments)


def test_a_long_file_is_shown_in_parts_and_says_how_to_go_on(tree, read):
    tree(**{"a.txt": "".join(f"{number}\n" for number in range(1, 2001))})

    text = read("a.txt")
    assert lines_of(text)[-1] == (LINES_AT_ONCE, str(LINES_AT_ONCE))
    assert f"lines {LINES_AT_ONCE + 1} to 2000 are left out" in text
    assert lines_of(read("a.txt", first_line=LINES_AT_ONCE + 1))[0][0] == LINES_AT_ONCE + 1
    assert "lines 901 to 950 are left out" in read("a.txt", first_line=101, last_line=950)


def test_long_lines_are_cut_head_and_tail(tree, read):
    tree(**{"a.txt": "A" * 100_000 + "Z" * 100_000})

    text = read("a.txt")
    assert len(text) < OUTPUT_LIMIT + 200
    assert "Z" * 100 in text
    assert "characters left out. Ask for fewer lines." in text


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("a\nb\n", ""),
        ("a\r\nb\r\n", "\n[lines end with CRLF]"),
        ("a\r\nb\n", "\n[some lines end with CRLF]"),
        ("a\nb", "\n[no newline at the end of the file]"),
        ("a\r\nb", "\n[lines end with CRLF; no newline at the end of the file]"),
    ],
)
def test_how_lines_end_is_told_where_it_is_not_plain(tree, read, content, note):
    tree(**{"a.txt": content})

    assert read("a.txt") == f"     1\ta\n     2\tb{note}"


def test_an_empty_file_is_said_to_be_empty(tree, read):
    tree(**{"a.txt": ""})

    assert read("a.txt") == "a.txt is empty."


def test_bytes_that_are_no_text_are_replaced(tree, read):
    tree(**{"a.txt": b"caf\xe9\n"})

    assert "caf�" in read("a.txt")


def test_a_binary_file_is_refused(tree, read):
    tree(**{"a.bin": b"\x89PNG\0\0"})

    with pytest.raises(ToolError, match=r"a\.bin is a binary file"):
        read("a.bin")


@pytest.mark.parametrize("size", [READ_LIMIT, READ_LIMIT + 1])
def test_a_file_over_the_limit_is_refused_and_one_at_it_is_not(tree, read, size):
    tree(**{"a.txt": "x" * size})

    if size > READ_LIMIT:
        with pytest.raises(ToolError, match="Use search"):
            read("a.txt")
    else:
        assert read("a.txt")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("none.txt", "does not exist"),
        ("", "1 to 1024 bytes"),
        ("../outside.txt", "not canonical"),
        ("/etc/passwd", "not a path relative"),
        (".git/config", "git's own data"),
        ("link.txt", "links are not followed"),
        ("down", "is a directory"),
        ("down/link/passwd", "links are not followed"),
        ("a\0b", "control characters"),
    ],
)
def test_what_is_outside_or_absent_is_refused_with_words(tree, read, path, told):
    root = tree()
    (root.parent / "outside.txt").write_text("secret")
    (root / "link.txt").symlink_to("../outside.txt")
    (root / "down").mkdir()
    (root / "down/link").symlink_to("/etc")

    with pytest.raises(WorkspaceError, match=told):
        read(path)


def test_a_directory_is_listed_down_to_a_depth(tree, show):
    root = tree(**{"a.txt": "12345", "z.txt": ""})
    (root / "b/c/d").mkdir(parents=True)
    (root / "b/c/d/e.txt").write_text("x")
    (root / "link").symlink_to("/etc")

    assert show(depth=1).splitlines() == ["a.txt  (5 bytes)", "b/", "link  (symlink, not followed)", "z.txt  (0 bytes)"]
    assert show().splitlines()[1:3] == ["b/", "b/c/"]
    assert "b/c/d/e.txt  (1 bytes)" in show(depth=6)
    assert show(path="b/c", depth=1) == show(path="/workspace/b/c/", depth=1) == "b/c/d/"
    assert show(path=".") == show()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [({"path": "none"}, WorkspaceError), ({"path": "a.txt"}, WorkspaceError), ({"depth": 7}, ToolError)],
)
def test_what_is_no_directory_is_told(tree, show, arguments, error):
    tree(**{"a.txt": "x"})

    with pytest.raises(error):
        show(**arguments)


def test_an_empty_directory_is_said_to_be_empty(show):
    assert show() == "The directory is empty."


def test_a_huge_directory_is_shown_in_part(tree, show):
    tree(**{f"{number:04}.txt": "" for number in range(ENTRIES_AT_ONCE + 5)})

    lines = show().splitlines()
    assert len(lines) == ENTRIES_AT_ONCE + 1
    assert "more entries" in lines[-1]


def test_a_directory_with_exactly_as_many_entries_as_fit_is_shown_whole(tree, show):
    tree(**{f"{number:04}.txt": "" for number in range(ENTRIES_AT_ONCE)})

    assert show().splitlines()[-1] == f"{ENTRIES_AT_ONCE - 1:04}.txt  (0 bytes)"


def test_long_names_do_not_make_a_listing_long(tree, show):
    root = tree()
    for number in range(300):
        (root / f"{number:03}{'n' * 240}").write_text("")

    assert len(show()) < OUTPUT_LIMIT + 200


def test_a_directory_that_cannot_be_opened_does_not_hide_its_neighbours(tree, workspace, show, monkeypatch):
    """Permissions do not stop the superuser, so the door says no here."""
    root = tree(**{"z.txt": ""})
    (root / "closed").mkdir()
    listed = workspace.list

    def refusing(path=""):
        if path == "closed":
            raise WorkspaceError("closed must not be read")
        return listed(path)

    monkeypatch.setattr(type(workspace), "list", lambda _, path="": refusing(path))
    assert show().splitlines() == ["closed/", "z.txt  (0 bytes)"]


def test_special_files_are_named_and_not_opened(tree, show, read):
    root = tree()
    os.mkfifo(root / "pipe")

    assert show() == "pipe  (other, not followed)"
    with pytest.raises(WorkspaceError, match="special file"):
        read("pipe")
