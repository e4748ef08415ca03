"""The editor and delete: inside the scope and nowhere else, and byte for byte nothing but the edit."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.agent.tools.editing import EDIT_LIMIT, DeleteTool, EditRules, EditTool, _inserted
from phasegate.agent.tools.tool import OUTPUT_LIMIT, ToolError
from phasegate.documents.plan import Operation, PlannedFile
from phasegate.doors.workspace import Workspace, WorkspaceError
from phasegate.policy.config import Protected
from phasegate.policy.scope import ProtectedPaths, Scope

MODIFY, CREATE, DELETE = Operation.MODIFY, Operation.CREATE, Operation.DELETE
SCOPE = {"a.txt": MODIFY, "new/b.txt": CREATE, "old.txt": DELETE, "link.txt": MODIFY, "down": MODIFY}


def rules(scope=None, protected=None):
    files = frozenset(PlannedFile(path=path, op=op) for path, op in (scope or SCOPE).items())
    return EditRules(Scope(files), ProtectedPaths.of(protected or Protected()))


@pytest.fixture
def edit(workspace, use):
    def run(command, path="a.txt", **arguments):
        return use(EditTool(workspace, rules()), command=command, path=path, **arguments)

    return run


def test_the_editor_is_the_providers_own(workspace):
    spec = EditTool(workspace, rules()).spec

    assert (spec.name, spec.provider_type) == ("str_replace_based_edit_tool", "text_editor_20250728")


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        ("a\nb\nc\n", "b", "B", "a\nB\nc\n"),
        ("a\nb\nc\n", "b\n", "", "a\nc\n"),
        ("a\nb\nc\n", "b\n", None, "a\nc\n"),
        ("a\nb\nc", "c", "C", "a\nb\nC"),
        ("a\nb\nc\n", "a\nb\nc\n", "", ""),
        ("\ufeffa\tb \n\n", "a\tb ", "x", "\ufeffx\n\n"),
        ("größe\n日本\n", "日本", "😀", "größe\n😀\n"),
        ("a\rb\n", "b", "c", "a\rc\n"),
        (r"re.sub('\1')", r"\1", r"\g<0>", r"re.sub('\g<0>')"),
        ("a\r\nb\r\nc\r\n", "b", "B", "a\r\nB\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "b", "B\nB2", "a\r\nB\r\nB2\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "a\nb", "x\ny\nz", "x\r\ny\r\nz\r\nc\r\n"),
        ("a\r\nb\r\nc\r\n", "a\r\nb", "x\r\ny", "x\r\ny\r\nc\r\n"),
        ("a\r\nb\r\nc\r\nd\ne\n", "d\ne", "D\nE", "a\r\nb\r\nc\r\nD\nE\n"),
        ("a\nb\nc\nd\r\ne\r\n", "d\ne", "D\nE", "a\nb\nc\nD\r\nE\r\n"),
    ],
)
def test_a_replacement_changes_nothing_else(tree, edit, before, old, new, after):
    """A model sees no CR, so lines of a file with CRLF match lines with LF, and stay lines with CRLF."""
    root = tree(**{"a.txt": before})
    edit("str_replace", old_str=old, **({} if new is None else {"new_str": new}))

    assert (root / "a.txt").read_bytes() == after.encode()


@pytest.mark.parametrize(
    ("before", "old", "told"),
    [
        ("a\nb\n", "x", "does not occur in a.txt"),
        ("a\nb\na\n", "a", "occurs several times in a.txt"),
        ("aaa", "aa", "occurs several times"),
        ("a\nb\n", "", "does not occur"),
        ("a\nb\n", "A", "does not occur"),
        ("a\nb\n", "a\r\nb", "does not occur"),
        ("a\nb\n", None, "old_str is missing"),
    ],
)
def test_what_does_not_occur_exactly_once_is_not_replaced(tree, edit, before, old, told):
    root = tree(**{"a.txt": before})

    with pytest.raises(ToolError, match=told):
        edit("str_replace", new_str="y", **({} if old is None else {"old_str": old}))
    assert (root / "a.txt").read_text() == before


def test_the_place_is_shown_after_a_replacement(tree, edit):
    tree(**{"a.txt": "".join(f"line {number}\n" for number in range(1, 21))})

    text = edit("str_replace", old_str="line 10", new_str="new\nnewer")
    assert [line.split("\t") for line in text.splitlines()[1:]] == [
        [f"{number:6}", shown]
        for number, shown in enumerate(
            ["line 6", "line 7", "line 8", "line 9", "new", "newer", "line 11", "line 12", "line 13", "line 14"], 6
        )
    ]


def test_emptying_a_file_is_said(tree, edit):
    tree(**{"a.txt": "a"})

    assert edit("str_replace", old_str="a") == "Replaced. The file is empty now."


@pytest.mark.parametrize(
    ("before", "line", "text", "after"),
    [
        ("a\nb\n", 0, "x", "x\na\nb\n"),
        ("a\nb\n", 1, "x", "a\nx\nb\n"),
        ("a\nb\n", 1, "x\n", "a\nx\nb\n"),
        ("a\nb\n", 1, "x\n\n", "a\nx\n\nb\n"),
        ("a\nb\n", 1, "", "a\n\nb\n"),
        ("a\nb\n", 2, "x\ny", "a\nb\nx\ny\n"),
        ("a\nb", 2, "x", "a\nb\nx"),
        ("a\nb", 2, "x\n", "a\nb\nx\n"),
        ("a\nb", 1, "x", "a\nx\nb"),
        ("", 0, "x", "x\n"),
        ("\n", 1, "x", "\nx\n"),
        ("a\r\nb\r\n", 1, "x\ny", "a\r\nx\r\ny\r\nb\r\n"),
        ("a\r\nb\r\n", 2, "x", "a\r\nb\r\nx\r\n"),
        ("a\r\nb", 2, "x", "a\r\nb\r\nx"),
        ("a\x0bb\u2028c\n", 1, "x", "a\x0bb\u2028c\nx\n"),
    ],
)
def test_an_insertion_is_whole_lines_after_a_line(tree, edit, before, line, text, after):
    root = tree(**{"a.txt": before})
    edit("insert", insert_line=line, insert_text=text)

    assert (root / "a.txt").read_bytes() == after.encode()


def test_an_insertion_may_use_the_name_of_older_editors(tree, edit):
    root = tree(**{"a.txt": "a\n"})
    edit("insert", insert_line=1, new_str="x")

    assert (root / "a.txt").read_text() == "a\nx\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"insert_line": 3, "insert_text": "x"}, "between 0 and 2"),
        ({"insert_line": -1, "insert_text": "x"}, "insert_line"),
        ({"insert_text": "x"}, "insert_line is missing"),
        ({"insert_line": 1}, "insert_text is missing"),
    ],
)
def test_an_insertion_that_is_none_is_told(tree, edit, arguments, told):
    root = tree(**{"a.txt": "a\nb\n"})

    with pytest.raises(ToolError, match=told):
        edit("insert", **arguments)
    assert (root / "a.txt").read_text() == "a\nb\n"


@given(st.text("ab\r\n"), st.text("xy\n"), st.text("ab\r\n"))
def test_what_is_around_an_insertion_stays_byte_for_byte(before, new, behind):
    if before and not before.endswith("\n"):
        behind = ""  # lines are cut behind their end
    changed = _inserted(before, new, behind)

    assert changed.startswith(before)
    assert changed.endswith(behind)


def test_a_file_is_created_with_its_directories_or_overwritten(tree, edit):
    root = tree(**{"a.txt": "old"})

    assert edit("create", "new/b.txt", file_text="hello\r\n") == "new/b.txt was created."
    assert (root / "new/b.txt").read_bytes() == b"hello\r\n"
    assert edit("create", "a.txt", file_text="") == "a.txt was overwritten."
    assert (root / "a.txt").read_bytes() == b""


def test_a_file_without_text_is_not_created(tree, edit):
    root = tree()

    with pytest.raises(ToolError, match="file_text is missing"):
        edit("create", "new/b.txt")
    assert not (root / "new").exists()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("str_replace", {"old_str": "a", "new_str": "b"}),
        ("insert", {"insert_line": 0, "insert_text": "x"}),
        ("create", {"file_text": "x"}),
    ],
)
def test_an_executable_file_stays_executable(tree, edit, command, arguments):
    root = tree(**{"a.txt": "a\n"})
    (root / "a.txt").chmod(0o755)
    edit(command, **arguments)

    assert (root / "a.txt").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("command", ["create", "str_replace", "insert"])
@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("other.txt", "The plan does not allow to modify other.txt. Allowed here: create new/b.txt, delete old.txt"),
        ("old.txt", "does not allow to modify old.txt"),
        ("absent.txt", "call report_blocked with what you saw"),
        (".github/workflows/ci.yml", "is protected: no plan can allow it"),
        ("sub/CLAUDE.md", "is protected"),
        (".GitHub/x", "is protected"),
        (".git/config", "git|not allow"),
        ("../a.txt", "canonical|not allow"),
        ("a.txt/../b.txt", "canonical|not allow"),
        ("", "is the repository's root"),
        ("/workspace", "is the repository's root"),
    ],
)
def test_what_is_not_in_the_plan_cannot_be_changed(tree, edit, command, path, told):
    root = tree(**{"other.txt": "a", "old.txt": "a", "a.txt": "a"})
    before = sorted((file, file.read_text()) for file in root.rglob("*"))

    with pytest.raises((ToolError, WorkspaceError), match=told):
        edit(command, path, file_text="x", old_str="a", new_str="b", insert_line=0, insert_text="x")
    assert sorted((file, file.read_text()) for file in root.rglob("*")) == before


def test_a_protected_path_stays_protected_in_the_scope(tree, workspace, use):
    tree(**{"AGENTS.md": "a"})
    tool = EditTool(workspace, rules({"AGENTS.md": MODIFY}))

    with pytest.raises(ToolError, match="is protected"):
        use(tool, command="create", path="AGENTS.md", file_text="x")


def test_an_empty_scope_is_said_to_be_empty(workspace, use):
    tool = EditTool(workspace, EditRules(Scope(frozenset()), ProtectedPaths.of(Protected())))

    with pytest.raises(ToolError, match="Allowed here: nothing"):
        use(tool, command="create", path="a.txt", file_text="x")


@pytest.mark.parametrize("command", ["create", "str_replace", "insert"])
@pytest.mark.parametrize(("path", "told"), [("link.txt", "link"), ("down", "is a directory")])
def test_a_path_in_the_plan_that_became_something_else_is_not_followed(tree, edit, command, path, told):
    root = tree()
    (root.parent / "outside.txt").write_text("a")
    (root / "link.txt").symlink_to("../outside.txt")
    (root / "down").mkdir()

    with pytest.raises(WorkspaceError, match=told):
        edit(command, path, file_text="x", old_str="a", new_str="b", insert_line=0, insert_text="x")
    assert (root.parent / "outside.txt").read_text() == "a"


@pytest.mark.parametrize("command", ["str_replace", "insert"])
@pytest.mark.parametrize(
    ("content", "told"),
    [(b"caf\xe9\n", "is not UTF-8 text"), (b"\xff\xfea\0", "is not UTF-8"), (b"x" * (EDIT_LIMIT + 1), "more than")],
)
def test_what_the_editor_would_damage_is_refused(tree, edit, command, content, told):
    root = tree(**{"a.txt": content})

    with pytest.raises(ToolError, match=told):
        edit(command, old_str="a", new_str="b", insert_line=0, insert_text="x")
    assert (root / "a.txt").read_bytes() == content


def test_a_path_may_be_given_as_commands_see_it(tree, edit):
    root = tree(**{"a.txt": "a"})
    edit("str_replace", "/workspace/a.txt", old_str="a", new_str="b")
    edit("str_replace", "./a.txt", old_str="b", new_str="c")

    assert (root / "a.txt").read_text() == "c"


@pytest.mark.parametrize(
    ("view_range", "numbers"),
    [(None, [1, 2, 3]), ([2, 3], [2, 3]), ([2, -1], [2, 3]), ([1, 1], [1]), ([1, 99], [1, 2, 3])],
)
def test_a_file_is_viewed_whole_or_by_a_range(tree, edit, view_range, numbers):
    tree(**{"a.txt": "1\n2\n3\n"})

    text = edit("view", **({"view_range": view_range} if view_range else {}))
    assert [int(line.split("\t")[0]) for line in text.splitlines()] == numbers


@pytest.mark.parametrize("view_range", [[0, 2], [3, 2], [-1, 2], [1, -2], [4, -1], [1], [1, 2, 3], "1-2"])
def test_a_range_that_is_none_is_told(tree, edit, view_range):
    tree(**{"a.txt": "1\n2\n3\n"})

    with pytest.raises(ToolError):
        edit("view", view_range=view_range)


def test_anything_may_be_viewed_also_outside_the_scope(tree, edit):
    root = tree(**{"other.txt": "x\n", "CLAUDE.md": "y\n"})
    (root / "sub").mkdir()
    (root / "sub/c.txt").write_text("")

    assert edit("view", "other.txt") == "     1\tx"
    assert edit("view", "CLAUDE.md") == "     1\ty"
    assert edit("view", "sub") == "sub/c.txt  (0 bytes)"
    listing = "CLAUDE.md  (2 bytes)\nother.txt  (2 bytes)\nsub/"
    assert [edit("view", path) for path in ("", "/workspace", ".")] == [listing] * 3


def test_what_is_not_there_cannot_be_viewed(edit):
    with pytest.raises(WorkspaceError, match="does not exist"):
        edit("view", "none.txt")


def test_a_huge_file_is_viewed_in_part(tree, edit):
    tree(**{"a.txt": f"{'x' * 100}\n" * 5000})

    assert len(edit("view")) < OUTPUT_LIMIT + 200


@pytest.mark.parametrize("asked", ["", "[]", "{}", '{"command": "undo_edit", "path": "a.txt"}', '{"command": "view"}'])
def test_an_input_that_is_none_is_told(workspace, asked):
    with pytest.raises(ToolError):
        EditTool(workspace, rules()).run(asked)


@pytest.fixture
def delete(workspace, use):
    return lambda path: use(DeleteTool(workspace, rules()), path=path)


def test_a_file_that_the_plan_deletes_is_deleted(tree, delete):
    root = tree(**{"old.txt": "a", "a.txt": "a"})

    assert delete("old.txt") == "old.txt was deleted."
    assert [file.name for file in root.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("path", ["a.txt", "new/b.txt", "other.txt", ".", "", "../outside.txt", ".github/x"])
def test_nothing_else_is_deleted(tree, delete, path):
    root = tree(**{"a.txt": "a", "other.txt": "b"})

    with pytest.raises(ToolError):
        delete(path)
    assert len(list(root.iterdir())) == 2


def test_a_file_that_is_gone_already_is_told(delete):
    with pytest.raises(WorkspaceError, match="does not exist"):
        delete("old.txt")


def test_an_edit_survives_hostile_names(tmp_path):
    """Names that mean something to a shell or a pattern are names."""
    name = "a b;$(x)`'\"[*].txt"
    (tmp_path / name).write_text("a")
    with Workspace(tmp_path) as workspace:
        tool = EditTool(workspace, rules({name: MODIFY}))
        tool.run(json.dumps({"command": "str_replace", "path": name, "old_str": "a", "new_str": "b"}))

    assert (tmp_path / name).read_text() == "b"
