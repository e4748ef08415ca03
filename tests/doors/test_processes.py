"""Programs end in time, say no more than is wanted, and leave nothing running."""

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phasegate.doors.processes import Execution, _HeadAndTail, _interrupt_put_off, execute
from phasegate.errors import UserError

ENVIRON = {"PATH": os.environ["PATH"]}
CALL_EXECUTE = """
import sys
from pathlib import Path
from phasegate.doors.processes import execute
execute(["sh", "-c", sys.argv[1]], cwd=Path.cwd(), environ={"PATH": "/usr/bin:/bin"}, timeout=60)
"""


@pytest.fixture
def shell(tmp_path):
    """Run a shell command in an empty directory."""

    def run(command: str, *, timeout: float = 20, **options: object) -> Execution:
        return execute(["sh", "-c", command], cwd=tmp_path, environ=ENVIRON, timeout=timeout, **options)

    return run


@pytest.fixture
def alive(tmp_path) -> Path:
    """A named pipe. Who does `exec 9<>alive` holds it for as long as it or a child of it lives."""
    path = tmp_path / "alive"
    os.mkfifo(path)
    return path


def is_held(pipe: Path) -> bool:
    try:
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def wait_until(condition) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def test_output_and_complaints_come_in_the_order_they_were_written(shell):
    done = shell("echo one; echo two >&2; echo three")

    assert done.output == "one\ntwo\nthree\n"
    assert (done.exit_code, done.timed_out, done.ok) == (0, False, True)
    assert 0 < done.seconds < 10


def test_the_exit_code_comes_through(shell):
    done = shell("exit 7")

    assert done.exit_code == 7
    assert not done.ok


def test_a_signal_is_a_negative_exit_code(shell):
    assert shell("kill -TERM $$").exit_code == -signal.SIGTERM


def test_output_that_is_no_utf8_is_decoded_with_replacement(shell):
    assert shell(r"printf 'a\377b'").output == "a\N{REPLACEMENT CHARACTER}b"


def test_the_environment_is_what_was_given_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("CANARY", "secret")

    done = execute(["env"], cwd=tmp_path, environ={**ENVIRON, "ONE": "1"}, timeout=10)

    assert sorted(done.output.splitlines()) == ["ONE=1", f"PATH={ENVIRON['PATH']}"]


def test_descriptors_of_the_parent_are_not_handed_down(shell, tmp_path):
    with (tmp_path / "secret").open("w") as file:
        os.set_inheritable(file.fileno(), True)

        assert "secret" not in shell("ls -l /proc/self/fd").output


def test_input_larger_than_any_pipe_arrives_whole(shell):
    assert shell("wc -c", stdin=b"x" * 3_000_000).output.strip() == "3000000"


def test_input_that_nobody_reads_is_no_failure(shell):
    assert shell("exec true", stdin=b"x" * 3_000_000).ok


def test_input_is_written_while_output_is_read(shell):
    done = shell("cat", stdin=b"x" * 3_000_000, output_limit=10_000_000)

    assert len(done.output) == 3_000_000


def test_without_input_a_program_meets_its_end_at_once(shell):
    assert shell("cat; echo done").output == "done\n"


def test_a_program_that_takes_too_long_is_killed_with_its_children(shell, alive):
    done = shell("exec 9<>alive; echo before; sleep 60 & sleep 60; echo after", timeout=0.3)

    assert (done.exit_code, done.timed_out, done.ok) == (None, True, False)
    assert done.output == "before\n"
    assert done.seconds < 10
    assert wait_until(lambda: not is_held(alive))


def test_a_program_that_ignores_the_polite_signals_is_killed_too(shell):
    assert shell("trap '' TERM INT HUP; while :; do :; done", timeout=0.3).timed_out


def test_an_endless_talker_is_stopped_in_time(shell):
    done = shell("yes", timeout=0.5)

    assert done.timed_out
    assert done.seconds < 10
    assert len(done.output) < 70_000


def test_a_program_that_closes_its_output_is_waited_for(shell, tmp_path):
    assert shell("exec > /dev/null 2>&1; sleep 0.3; echo x > made").ok
    assert (tmp_path / "made").exists()


def test_a_child_left_behind_is_killed_and_does_not_hold_us_up(shell, alive):
    """It holds the pipe of the output open, and would for a minute."""
    done = shell("exec 9<>alive; echo said; sleep 60 &")

    assert done.ok
    assert done.output == "said\n"
    assert done.seconds < 10
    assert wait_until(lambda: not is_held(alive))


def test_a_child_that_left_the_group_does_not_hold_us_up_either(shell):
    done = shell("setsid sleep 60 & echo $!")
    os.kill(int(done.output), signal.SIGKILL)

    assert done.ok
    assert done.seconds < 10


def test_a_child_that_left_the_group_and_talks_for_ever_does_not_hold_us_up(shell):
    done = shell("setsid yes & echo")  # it ends when nobody listens any more

    assert done.ok
    assert done.seconds < 10


def test_what_a_child_says_just_after_its_parent_is_still_heard(shell):
    assert shell("(sleep 0.05; echo late) &").output == "late\n"


def test_ctrl_c_kills_the_whole_group_and_is_raised_again(alive):
    caller = subprocess.Popen(
        [sys.executable, "-c", CALL_EXECUTE, "exec 9<>alive; sleep 60 & wait"],
        cwd=alive.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert wait_until(lambda: is_held(alive))
    caller.send_signal(signal.SIGINT)
    _, complaint = caller.communicate(timeout=20)

    assert complaint.rstrip().endswith("KeyboardInterrupt")
    assert wait_until(lambda: not is_held(alive))


def test_ctrl_c_while_a_process_is_born_waits_until_it_is_known():
    known = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), _interrupt_put_off():
            known += [signal.raise_signal(signal.SIGINT), "process"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

    assert known == [None, "process"]


def test_programs_run_in_other_threads_too(shell):
    with ThreadPoolExecutor() as threads:
        assert [done.output for done in threads.map(shell, ["echo 1", "echo 2"])] == ["1\n", "2\n"]


def test_a_flood_of_output_fills_neither_memory_nor_the_reader(shell):
    tracemalloc.start()
    try:
        done = shell("echo first; head -c 50000000 /dev/zero; echo; echo last", output_limit=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert done.output.startswith("first\n")
    assert done.output.endswith("\nlast\n")
    assert "[… 49999012 bytes left out …]" in done.output
    assert len(done.output) < 1100
    assert peak < 2_000_000


@given(st.lists(st.binary(max_size=20)), st.integers(0, 40))
def test_what_is_kept_and_what_is_left_out_add_up(chunks, limit):
    whole = b"".join(chunks)
    kept = _HeadAndTail(limit)
    for chunk in chunks:
        kept.add(chunk)

    if len(whole) <= limit:
        assert kept.text() == whole.decode("utf-8", "replace")
    else:
        head, tail = limit - limit // 2, limit // 2
        assert bytes(kept._head) == whole[:head]
        assert bytes(kept._tail) == whole[len(whole) - tail :]
        assert f"\n[… {len(whole) - limit} bytes left out …]\n" in kept.text()


@pytest.mark.parametrize(
    ("argv", "directory", "told"),
    [
        (["no-such-program"], ".", "The program no-such-program was not found. Install it"),
        (["true"], "absent", "cannot be run: the directory"),
        (["./file"], ".", "The system says: Permission denied."),
        (["true", "a\0b"], ".", "it holds a NUL"),
        (["true", "\ud800"], ".", "it holds a NUL or an unpaired surrogate"),
        (["true", "x" * 1_000_000], ".", "The system says: Argument list too long."),
    ],
)
def test_what_cannot_be_started_is_told(tmp_path, argv, directory, told):
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match=told):
        execute(argv, cwd=tmp_path / directory, environ=ENVIRON, timeout=10)
