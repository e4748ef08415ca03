"""Run files: whole or not at all, for one process at a time, and not believed when they were changed."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from examples import NOW, findings, plan, progress, scout_report, snapshot
from phasegate.documents.base import digest_of
from phasegate.documents.findings import Findings, ScoutReport
from phasegate.documents.parsing import DocumentError
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, Spent, Usage
from phasegate.documents.progress_events import Paid, PhaseStarted
from phasegate.documents.snapshot import Comment
from phasegate.documents.transitions import IllegalTransitionError
from phasegate.doors import run_store
from phasegate.doors.run_store import PROGRESS_FILE, SCRATCH_NOTE, RunStore
from phasegate.errors import ExitCode, RefusedError, UserError

RESEARCH = PhaseName.RESEARCH
START = PhaseStarted(RESEARCH, "claude-opus-5-5", NOW)
PAID = Paid(RESEARCH, Spent(usage=Usage(input_tokens=1), turns=1, seconds=0.5))


@pytest.fixture
def store(tmp_path):
    made = RunStore(tmp_path / "runs" / "L1")
    made.begin(progress())
    return made


@pytest.fixture(autouse=True)
def scratches(tmp_path, monkeypatch):
    """The temporary directory of the machine, as far as these tests are concerned."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def again(store):
    """The same run, opened anew."""
    return RunStore(store.directory)


def files_in(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_progress_is_read_back_as_it_was_written(store):
    assert again(store).progress == store.progress == progress()


def test_events_are_applied_all_or_none(store):
    store.advance(START, PAID, PAID)
    after = store.progress
    assert after.spent.turns == 2
    assert again(store).progress == after

    with pytest.raises(IllegalTransitionError):
        store.advance(PAID, START)
    assert store.progress == again(store).progress == after


def test_a_run_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="There is no run L9 here"):
        _ = RunStore(tmp_path / "L9").progress


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"kind": "progress"}', b"[" * 100_000])
def test_a_broken_progress_is_told(store, content):
    (store.directory / PROGRESS_FILE).write_bytes(content)

    with pytest.raises(DocumentError):
        _ = again(store).progress


def test_what_cannot_be_read_is_told(store):
    (store.directory / PROGRESS_FILE).unlink()
    (store.directory / PROGRESS_FILE).mkdir()

    with pytest.raises(UserError, match="cannot be read"):
        _ = again(store).progress


def test_documents_are_kept_by_their_digests(store):
    made = (snapshot(), scout_report(), scout_report(scout="S2"), findings(), plan())
    digests = [store.put(document) for document in made]

    assert digests == [document.digest for document in made]
    assert store.get(digests[3], Findings) == made[3]
    assert {report.payload.scout for report in store.all(ScoutReport)} == {"S1", "S2"}
    assert store.all(Plan) == (made[4],)
    assert sorted(stored.digest for stored in store.stored()) == sorted(digests)
    assert {stored.kind for stored in store.stored()} == {"snapshot", "scout-report", "findings", "plan"}
    assert all(digest_of(stored.content) == stored.digest for stored in store.stored())


def test_a_document_is_put_twice_and_is_there_once(store):
    assert store.put(plan()) == store.put(plan())
    assert len(store.stored()) == 1


def test_a_document_that_is_missing_is_told(store):
    with pytest.raises(RefusedError, match=r"The document plan 0000.* is missing"):
        store.get("0" * 64, Plan)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.replace(b"JSON", b"YAML"),
        lambda content: content + b"\n",
        lambda content: content.replace(b":", b": ", 1),
        lambda _: b"",
        lambda _: b"[" * 100_000,
    ],
)
def test_a_document_that_was_changed_is_not_believed(store, change):
    """Not even where the change says the same: what was approved are bytes."""
    digest = store.put(plan())
    file = store.directory / "documents" / f"plan-{digest}.json"
    file.write_bytes(change(file.read_bytes()))

    with pytest.raises(RefusedError, match="was changed after it was made") as caught:
        store.get(digest, Plan)
    assert "phasegate audit L1" in caught.value.mend
    with pytest.raises(RefusedError):
        store.all(Plan)


def test_a_document_of_another_kind_is_not_believed(store):
    """Its digest is right, its name is not."""
    digest = store.put(findings())
    documents = store.directory / "documents"
    (documents / f"findings-{digest}.json").rename(documents / f"plan-{digest}.json")

    with pytest.raises(DocumentError):
        store.get(digest, Plan)


def test_what_else_lies_around_is_no_document(store):
    store.put(plan())
    (store.directory / "documents" / "notes.txt").write_text("x")
    (store.directory / "documents" / "directory.json").mkdir()

    assert len(store.stored()) == 1


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_loses_nothing(store, monkeypatch, call):
    store.advance(START)
    before, there = store.progress, files_in(store.directory)

    def full(*_):
        raise FULL

    monkeypatch.setattr(os, call, full)
    for write in (lambda: store.advance(PAID), lambda: store.put(plan()), lambda: store.keep_details("s1.md", "x")):
        with pytest.raises(UserError, match="No space left on device") as caught:
            write()
        assert caught.value.exit_code is ExitCode.USAGE
        assert "phasegate resume" in caught.value.mend
    monkeypatch.undo()

    assert store.progress == again(store).progress == before
    assert files_in(store.directory) == there
    store.advance(PAID)
    assert again(store).progress.spent.turns == 1


def test_an_interruption_while_writing_leaves_no_file_behind(store, monkeypatch):
    there = files_in(store.directory)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.advance(START)
    assert files_in(store.directory) == there
    assert store.progress.phase(RESEARCH).started is None


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "runs").write_text("a file in the way")
    store = RunStore(tmp_path / "runs" / "L1")

    with pytest.raises(UserError, match="cannot be written"):
        store.begin(progress())
    with pytest.raises(UserError, match="cannot be written"), store.locked():
        pass


def test_threads_lose_nothing(store):
    store.advance(START)
    start = threading.Barrier(8)

    def pay():
        start.wait()
        for _ in range(10):
            store.advance(PAID)

    threads = [threading.Thread(target=pay) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.progress.spent == again(store).progress.spent
    assert store.progress.spent.usage.input_tokens == store.progress.spent.turns == 80
    assert store.progress.spent.seconds == 40


def test_details_are_kept_as_they_are(store):
    store.keep_details("s1.md", "größe\r\n😀\n")

    assert store.details("s1.md") == "größe\r\n😀\n"
    assert store.details("s2.md") == ""


@given(text=st.text(st.characters(codec=None)))
@example(text="half \udcff\ud800")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_of_a_transcript_is_json(store, text):
    """Whatever a model or a tool said, half a character included."""
    store.note("plan", [("said", text), ("key", "value")])

    last = (store.directory / "transcripts" / "plan.jsonl").read_bytes().split(b"\n")[-2]
    assert json.loads(last) == {"said": text, "key": "value"}


def test_threads_do_not_mix_lines(store):
    start = threading.Barrier(6)

    def write(number):
        start.wait()
        for _ in range(20):
            store.note("implement-T1", [("said", str(number) * 5000)])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = (store.directory / "transcripts" / "implement-T1.jsonl").read_text().splitlines()
    assert len(lines) == 120
    assert all(len(set(json.loads(line)["said"])) == 1 for line in lines)


def comment(body):
    return Comment(author="ann", permission="admin", at=NOW, body=body)


def test_a_thread_is_kept_in_order(store):
    assert store.comments() == ()
    said = tuple(comment(body) for body in ("first", "two\nlines\u2028\x85\x0b", "größe 😀", ""))
    for one in said:
        store.add_comment(one)

    assert again(store).comments() == said


def test_a_broken_thread_is_told(store):
    store.add_comment(comment("x"))
    with (store.directory / "thread.jsonl").open("a") as file:
        file.write('{"author": "ev')

    with pytest.raises(DocumentError, match="not valid JSON"):
        store.comments()


OTHER = """
import sys, time
from pathlib import Path
from phasegate.doors.run_store import RunStore
with RunStore(Path(sys.argv[1])).locked() as scratch:
    (scratch / "left").mkdir()
    (scratch / "left" / "file").write_text("x")
    print(scratch, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(store, scratches):
    """Another process that works on the run; gives it and its scratch directory."""
    environ = {"PATH": os.environ["PATH"], "TMPDIR": str(scratches)}
    command = [sys.executable, "-c", OTHER, str(store.directory)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
    with process:
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_two_processes_do_not_work_on_one_run(store, other):
    process, scratch = other
    with pytest.raises(RefusedError, match="Another process works on run L1"), store.locked():
        pass
    assert scratch.is_dir()

    process.communicate("")
    assert not scratch.exists()
    with store.locked():
        pass


def test_two_processes_work_on_two_runs(store, other):
    with RunStore(store.directory.parent / "L2").locked() as scratch:
        assert scratch.is_dir()


def test_what_a_killed_process_left_is_removed_by_the_next_one(store, other, scratches):
    process, scratch = other
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (scratch / "left" / "file").is_file()

    with store.locked() as mine:
        assert list(scratches.iterdir()) == [mine]
    assert not list(scratches.iterdir())
    assert not (store.directory / SCRATCH_NOTE).exists()


def test_a_process_that_was_killed_before_it_made_its_scratch_stops_nobody(store, scratches):
    (store.directory / SCRATCH_NOTE).write_text(str(scratches / "phasegate-0123"))

    with store.locked() as mine:
        assert mine.is_dir()


@pytest.mark.parametrize("name", ["precious", "phasegate-link"])
def test_only_what_is_ours_is_removed(store, scratches, name):
    precious = scratches / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (scratches / "phasegate-link").symlink_to(precious)
    (store.directory / SCRATCH_NOTE).write_text(str(scratches / name))

    with store.locked():
        pass
    assert (precious / "file").is_file()


def test_the_scratch_directory_is_ours_alone_and_gone_afterwards(store, scratches):
    with store.locked() as scratch:
        assert scratch.stat().st_mode & 0o777 == 0o700
        (scratch / "tree").mkdir()
    assert not scratch.exists()

    with pytest.raises(ZeroDivisionError), store.locked() as scratch:
        _ = 1 / 0
    assert not list(scratches.iterdir())


def test_an_error_of_the_work_is_not_taken_for_a_lock_that_is_held(store):
    with pytest.raises(BlockingIOError), store.locked():
        raise BlockingIOError


def test_the_lock_is_free_after_an_error(store):
    with pytest.raises(KeyboardInterrupt), store.locked():
        raise KeyboardInterrupt
    with store.locked():
        pass


def test_an_interruption_is_not_hidden_by_a_directory_that_cannot_be_removed(store, scratches, monkeypatch):
    """Threads may still be at work in it, which no test can time; the next process removes it."""

    def refuse(directory):
        raise UserError(f"{directory} could not be removed")

    monkeypatch.setattr(run_store, "remove_directory", refuse)
    with pytest.raises(KeyboardInterrupt), store.locked():
        raise KeyboardInterrupt
    assert len(list(scratches.iterdir())) == 1
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(scratches))

    with store.locked():
        pass
    assert not list(scratches.iterdir())


def test_a_directory_that_cannot_be_removed_is_told_where_nothing_else_went_wrong(store, monkeypatch):
    def refuse(directory):
        raise UserError(f"{directory} could not be removed")

    monkeypatch.setattr(run_store, "remove_directory", refuse)
    with pytest.raises(UserError, match="could not be removed"), store.locked():
        pass


def test_progress_is_read_anew_under_the_lock(store):
    """Another process may have gone on since it was read."""
    _ = store.progress
    again(store).advance(START)

    with store.locked():
        assert store.progress.phase(RESEARCH).started == NOW
