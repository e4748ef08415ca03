"""What becomes of each file that `init` finds, and how the difference is shown."""

import pytest

from phasegate.documents.base import digest_of
from phasegate.policy.installation import (
    CARE,
    WORKFLOW_PATH,
    Care,
    Outcome,
    Shipped,
    Stamp,
    change,
    difference,
    is_older,
    read_present,
    stamped,
)

OLD, NEW = "a: 1\nb: 2\n", "a: 1\nb: 3\n"


def shipped(care=Care.MERGED, body=NEW, path="x.yml"):
    return Shipped(path, body, care)


def installed(body=OLD, version="0.2.0"):
    """What an earlier version wrote."""
    return stamped(shipped(body=body), version)


def edited(was=OLD, now="a: mine\nb: 2\n", version="0.2.0"):
    return Stamp(version, digest_of(was.encode())).line("x.yml") + now


def no_merge(digest, mine, theirs):
    raise AssertionError


def made(text, *, care=Care.MERGED, merge=no_merge, force=False, version="0.3.0"):
    return change(shipped(care), text, version=version, merge=merge, force=force)


def test_a_file_says_who_wrote_it_and_what():
    text = stamped(shipped(), "0.3.0")

    assert text.splitlines()[0] == f"# phasegate 0.3.0 sha256:{digest_of(NEW.encode())}"
    assert read_present(text).stamp == Stamp("0.3.0", digest_of(NEW.encode()))
    assert read_present(text).body == NEW
    assert read_present(text).is_untouched


def test_markdown_says_it_in_a_comment():
    text = stamped(shipped(path="x.md"), "0.3.0")

    assert text.startswith("<!-- phasegate 0.3.0 sha256:")
    assert text.splitlines()[0].endswith(" -->")
    assert read_present(text).is_untouched


@pytest.mark.parametrize(
    "text", ["", NEW, "# phasegate 0.3.0\n" + NEW, "\n" + installed(), installed().replace("#", "##")]
)
def test_a_file_without_the_line_is_nobody_s(text):
    assert read_present(text).stamp is None
    assert not read_present(text).is_untouched
    assert read_present(text).body == text


def test_line_ends_of_windows_are_no_edit():
    assert read_present(installed().replace("\n", "\r\n")).is_untouched


@pytest.mark.parametrize("care", Care)
def test_a_file_that_is_not_there_is_created(care):
    assert (made(None, care=care).outcome, made(None, care=care).after) == (
        Outcome.CREATED,
        stamped(shipped(), "0.3.0"),
    )


@pytest.mark.parametrize(
    ("text", "care", "force", "outcome"),
    [
        (stamped(shipped(), "0.3.0"), Care.MERGED, False, Outcome.CURRENT),
        (NEW, Care.MERGED, False, Outcome.CURRENT),  # the same without the line
        (stamped(shipped(), "0.2.0"), Care.MERGED, False, Outcome.UPDATED),  # only the line is older
        (installed(), Care.MERGED, False, Outcome.UPDATED),
        (installed(), Care.KEPT, False, Outcome.UPDATED),
        (installed(), Care.ONCE, False, Outcome.KEPT),
        (installed(), Care.ONCE, True, Outcome.KEPT),
        (edited(), Care.KEPT, False, Outcome.KEPT),
        (edited(), Care.KEPT, True, Outcome.UPDATED),
        (edited(), Care.MERGED, True, Outcome.UPDATED),
        (edited(was=NEW), Care.MERGED, False, Outcome.KEPT),  # edited, and ours is as it was
        ("mine: all\n", Care.KEPT, False, Outcome.KEPT),
        (installed(version="0.10.0"), Care.MERGED, False, Outcome.KEPT),  # newer than this program
        (installed(version="0.10.0"), Care.MERGED, True, Outcome.UPDATED),
    ],
)
def test_each_state_of_a_file_has_its_outcome(text, care, force, outcome):
    done = made(text, care=care, force=force)

    assert done.outcome is outcome
    assert done.path == "x.yml"
    assert done.before == text
    assert done.after == (stamped(shipped(), "0.3.0") if outcome is Outcome.UPDATED else None)
    assert bool(done.why) is (outcome is Outcome.KEPT)


def test_an_older_program_says_that_it_is_older():
    assert "0.10.0" in made(installed(version="0.10.0")).why


def test_an_edited_workflow_is_merged_and_keeps_the_digest_of_what_we_shipped():
    asked = []

    def merge(digest, mine, theirs):
        asked.append((digest, mine, theirs))
        return "a: mine\nb: 3\n"

    done = made(edited(), merge=merge)

    assert asked == [(digest_of(OLD.encode()), "a: mine\nb: 2\n", NEW)]
    assert done.outcome is Outcome.MERGED
    assert read_present(done.after).body == "a: mine\nb: 3\n"
    assert read_present(done.after).stamp == Stamp("0.3.0", digest_of(NEW.encode()))
    assert not read_present(done.after).is_untouched  # so that the next version merges again


@pytest.mark.parametrize("text", [edited(), "mine: all\n"])
def test_what_cannot_be_merged_is_written_beside(text):
    done = made(text, merge=lambda *_: None)

    assert done.outcome is Outcome.BESIDE
    assert done.path == "x.yml.new"
    assert done.after == stamped(shipped(), "0.3.0")
    assert difference(done).startswith("--- a/x.yml\n+++ b/x.yml.new\n")


def test_the_difference_of_a_new_file_is_the_whole_file():
    text = difference(made(None))

    assert text.startswith("--- /dev/null\n+++ b/x.yml\n@@ -0,0 +1,3 @@\n+# phasegate 0.3.0")


def test_the_difference_shows_lines_and_missing_line_ends():
    done = made(installed().removesuffix("\n"), force=True)

    assert "-b: 2\n\\ No newline at end of file\n" in difference(done)
    assert "+b: 3\n" in difference(done)


def test_nothing_to_write_makes_no_difference():
    assert difference(made(stamped(shipped(), "0.3.0"))) == ""


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [("0.9.0", "0.10.0", True), ("0.10.0", "0.9.0", False), ("0.2.0", "0.2.0", False), ("0.2.0", "1", True)],
)
def test_versions_are_compared_by_their_numbers(version, than, older):
    assert is_older(version, than) is older


def test_only_the_workflow_is_merged():
    assert [path for path, care in CARE.items() if care is Care.MERGED] == [WORKFLOW_PATH]
