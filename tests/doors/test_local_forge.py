"""The embedded forge, in real repositories: numbers, people, comments, and an issue from any text."""

from datetime import UTC, datetime

import pytest

from examples import progress
from phasegate.documents.approval import Approver
from phasegate.doors.git.repository import Git
from phasegate.doors.local_forge import MAX_ISSUE_BYTES, TITLE_LENGTH, LocalForge, branch_of, issue_from
from phasegate.errors import UserError
from repositories import ENVIRON, git, make_repository

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def repository(tmp_path):
    return make_repository(tmp_path / "repo", {"a.txt": "a\n"})


@pytest.fixture
def forge(repository):
    return LocalForge(Git.open(repository, environ=ENVIRON), lambda: NOW)


def begin(forge):
    """Open a run and write its first progress, as the command line does."""
    store = forge.open_run()
    store.begin(progress(run=store.directory.name))
    return store


def test_runs_are_numbered_one_after_the_other(forge, repository):
    names = [begin(forge).directory.name for _ in range(11)]

    assert names == [f"L{number}" for number in range(1, 12)]
    assert forge.runs() == tuple(names)
    assert forge.directory == repository / ".git" / "phasegate"


def test_a_number_whose_branch_or_directory_is_taken_is_passed_over(forge, repository):
    """The branch of a run outlives its files, and the files of a run that never began are somebody else's too."""
    git(repository, "branch", "phasegate/L1")
    (forge.directory / "runs" / "L2").mkdir(parents=True)

    assert forge.open_run().directory.name == "L3"


def test_numbers_go_on_behind_the_highest(forge):
    begin(forge)
    store = begin(forge)
    (forge.directory / "runs" / "L1" / "PROGRESS.json").unlink()

    assert store.directory.name == "L2"
    assert forge.open_run().directory.name == "L3"


@pytest.mark.parametrize("name", ["Lx", "L0", "L01", "L1.bak", "L12345678", "L"])
def test_a_directory_that_is_no_run_is_left_alone(forge, name):
    begin(forge)
    other = forge.directory / "runs" / name
    other.mkdir()
    (other / "PROGRESS.json").write_text("{}")

    assert forge.runs() == ("L1",)
    assert begin(forge).directory.name == "L2"


@pytest.mark.parametrize("run", ["L2", "1", "", "l1", "../../..", "L1/documents"])
def test_a_run_that_is_not_there_is_told_with_those_that_are(forge, run):
    begin(forge)

    with pytest.raises(UserError, match="There is no run") as caught:
        forge.run(run)
    assert caught.value.mend == "The runs of this repository: L1."


def test_a_repository_without_runs_says_so(forge):
    with pytest.raises(UserError) as caught:
        forge.run("L1")
    assert caught.value.mend.endswith("none.")


def test_a_run_is_found_again(forge):
    assert forge.run(begin(forge).directory.name).progress.run == "L1"


def test_a_place_that_cannot_be_written_is_told(forge):
    forge.directory.parent.joinpath("phasegate").write_text("in the way")

    with pytest.raises(UserError, match="cannot be written"):
        forge.open_run()


def test_comments_come_back_as_they_were_written(forge):
    store = begin(forge)
    said = ["yes", "line\nline\r\n\u2028\x85end", "größe 😀", "", '"quoted" \\ {"json": 1}', "x" * 100_000]
    for body in said:
        forge.comment(store, "ann", body)

    comments = forge.comments(forge.run("L1"))
    assert [comment.body for comment in comments] == said
    assert {(comment.author, comment.permission, comment.at) for comment in comments} == {("ann", "admin", NOW)}


def test_a_run_without_comments_has_none(forge):
    assert forge.comments(begin(forge)) == ()


def test_a_comment_that_is_no_text_is_refused(forge):
    """The command line hands on bytes that are no UTF-8 as halves of characters."""
    store = begin(forge)

    with pytest.raises(UserError, match="The comment cannot be used"):
        forge.comment(store, "ann", "\udcff")
    assert forge.comments(store) == ()


def test_who_is_at_the_keyboard_is_whom_git_knows(repository):
    git(repository, "config", "user.name", "Ann Lee")
    git(repository, "config", "user.email", "ann@example.com")
    forge = LocalForge(Git.open(repository, environ=ENVIRON), lambda: NOW)

    assert forge.person() == Approver(id="ann@example.com", login="Ann Lee", permission="admin")


def test_somebody_is_at_the_keyboard_also_where_git_knows_nobody(repository):
    environ = {name: value for name, value in ENVIRON.items() if not name.startswith("GIT_")}
    forge = LocalForge(Git.open(repository, environ=environ), lambda: NOW)

    assert forge.person() == Approver(id="local", login="local user", permission="admin")


def test_a_run_has_its_branch():
    assert branch_of("L7") == "phasegate/L7"


LONG = "word " * 60


@pytest.mark.parametrize(
    ("text", "title", "body"),
    [
        ("Add a flag", "Add a flag", ""),
        ("  Add a flag \n", "Add a flag", ""),
        ("# Add a flag\n\nPlease.\n", "Add a flag", "Please."),
        ("###Add", "Add", ""),
        ("## 3 ways to say it", "3 ways to say it", ""),
        ("#12 is broken", "#12 is broken", ""),
        ("Add\r\n\r\nBody\r\nmore\r\n", "Add", "Body\r\nmore"),
        ("\n\n\nAdd\n  code\n", "Add", "code"),
        ("Add\ta   flag\u2028now", "Add a flag now", ""),
        ("---\n# Add\nwhy", "Add", "why"),
        ("größe 日本 😀", "größe 日本 😀", ""),
        ("שלום", "שלום", ""),
        ("a", "a", ""),
        ("Use # in titles", "Use # in titles", ""),
        (f"{LONG}\nbody", f"{LONG[: TITLE_LENGTH - 1].rstrip()}…", f"{LONG}\nbody"),
        ("x" * TITLE_LENGTH, "x" * TITLE_LENGTH, ""),
        ("x" * (TITLE_LENGTH + 1), "x" * (TITLE_LENGTH - 1) + "…", "x" * (TITLE_LENGTH + 1)),
    ],
)
def test_an_issue_is_the_first_line_with_words_and_the_rest(text, title, body):
    issue = issue_from(text, "ann")

    assert (issue.title, issue.body) == (title, body)
    assert (issue.number, issue.author, issue.labels, issue.comments) == (None, "ann", (), ())


@pytest.mark.parametrize("text", ["", " ", "\n\t\n", "#", "##", "# \n#\n", "---\n***\n!!!", "\u200b", "😀"])
def test_a_text_without_words_is_no_issue(text):
    with pytest.raises(UserError, match="The issue is empty") as caught:
        issue_from(text, "ann")
    assert "phasegate run" in caught.value.mend


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\0b", "\udcff bytes", "fine\n\udcff bytes"])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(UserError, match="The issue cannot be used"):
        issue_from(text, "ann")


@pytest.mark.parametrize(("size", "fits"), [(MAX_ISSUE_BYTES, True), (MAX_ISSUE_BYTES + 1, False)])
def test_a_huge_issue_is_refused(size, fits):
    text = "ä" * ((size - 4) // 2) + "\n" + "x" * (3 + size % 2)
    assert len(text.encode()) == size

    if fits:
        assert issue_from(text, "ann").title.startswith("ä")
    else:
        with pytest.raises(UserError, match=f"{size} bytes, {MAX_ISSUE_BYTES} are allowed"):
            issue_from(text, "ann")


def test_a_branch_that_stands_in_the_way_of_all_branches_is_told(forge, repository):
    """Git keeps no branch below another one."""
    git(repository, "branch", "phasegate")

    with pytest.raises(UserError, match="There is a branch named phasegate") as caught:
        forge.open_run()
    assert "git branch -m phasegate" in caught.value.mend
    assert not forge.directory.exists()
