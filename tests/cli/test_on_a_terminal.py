"""What only happens on a terminal: the moving picture, the questions, and what is typed."""

import io
import os
import pty
import re
import select
import signal
import sys
import threading
import time
from decimal import Decimal
from unittest.mock import patch

import pytest
from rich.console import Console
from rich.live import Live

import scenes
from phasegate.agent.assignment import ContextShortened, Said, ToolUsed, TurnEnded, Waiting
from phasegate.documents.progress import PhaseName, RunState, Spent
from phasegate.phases.setting import Worker, WorkerEnded, WorkerStarted
from phasegate.progress_view import ProgressView
from repositories import make_repository
from stage import SECONDS, Stage

QUESTION = {"id": "Q1", "question": "Which colour?", "why": "it matters", "suggestion": "blue"}


class Terminal:
    """A command on a terminal of its own; what it shows is read as it comes."""

    def __init__(self, stage, *words):
        self.shown = ""
        environ = stage.surroundings() | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "50"}
        program = "from phasegate.cli.main import main; main()"
        self.pid, self.fd = pty.fork()
        if self.pid == 0:  # the child, which becomes another program
            os.execvpe(sys.executable, [sys.executable, "-c", program, *stage.arguments(*words)], environ)

    def read_until(self, what):
        """Read until the terminal shows a text, or the command has ended (None)."""
        end = time.monotonic() + SECONDS
        while what is None or what not in self.plain():
            assert time.monotonic() < end, f"{what!r} does not come:\n{self.plain()[-3000:]}"
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:  # the other side is closed
                    assert what is None, f"it ended before {what!r}:\n{self.plain()[-3000:]}"
                    return

    def plain(self):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.shown)

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """Read to the end; gives the exit code."""
        self.read_until(None)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        self.pid = 0
        assert "Traceback" not in self.shown
        return os.waitstatus_to_exitcode(status)

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)
            self.pid = 0


@pytest.fixture
def stage(tmp_path):
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)
    stage.write_script(scenes.simple())
    return stage


@pytest.fixture
def on_terminal(stage):
    begun = []

    def begin(*words):
        begun.append(Terminal(stage, *words))
        return begun[-1]

    yield begin
    for terminal in begun:
        terminal.kill()


PROMPT = "or later [approve/revise/reject/hand/later]"


def test_a_human_revises_and_then_approves(stage, on_terminal):
    again = scenes.planner(name="again", when={"first": ["Make it blue"]})
    stage.write_script([again, *scenes.simple()])
    terminal = on_terminal("run", scenes.ISSUE)
    terminal.read_until(PROMPT)
    assert "## Tasks" in terminal.plain()

    terminal.type("maybe\n")
    terminal.read_until("Please select one of the available options")
    terminal.type("revise\n")
    terminal.read_until("What should be different")
    terminal.type("\nMake it blue\n")
    terminal.read_until("revision 2")
    terminal.type("approve\n")

    assert terminal.end() == 0
    assert "Next: git switch phasegate/L1" in terminal.plain()
    assert stage.store().progress.state is RunState.DONE
    assert "\x1b[?25l" in terminal.shown  # the moving picture hides the cursor,
    assert terminal.shown.rindex("\x1b[?25h") > terminal.shown.rindex("\x1b[?25l")  # and gives it back


@pytest.mark.parametrize(
    ("typed", "code", "state"),
    [
        (["reject", "Not now"], 0, RunState.REJECTED),
        (["hand"], 0, RunState.MANUAL),
        (["later"], 4, RunState.WAITING),
        (["\x04"], 4, RunState.WAITING),
        (["\x03"], 130, RunState.WAITING),
    ],
)
def test_what_else_a_human_can_say(stage, on_terminal, typed, code, state):
    terminal = on_terminal("run", scenes.ISSUE)
    terminal.read_until(PROMPT)
    time.sleep(1)  # a human presses Ctrl-C when the program waits for a word, not between the prompt and the waiting

    terminal.type(typed[0] if typed[0] < " " else typed[0] + "\n")
    if len(typed) > 1:
        terminal.read_until("Why:")
        terminal.type(typed[1] + "\n")

    assert terminal.end() == code
    assert stage.store().progress.state is state
    assert stage.left_behind() == []


def test_questions_are_answered_at_the_terminal(stage, on_terminal):
    asking = scenes.scene(
        "interview",
        {"system": "You are the planner", "not_first": "Blue"},
        scenes.turn({"ask": {"questions": [QUESTION]}}),
    )
    stage.write_script([asking, *scenes.simple()])
    terminal = on_terminal("run", scenes.ISSUE)
    terminal.read_until("Your answers:")
    assert "Which colour?" in terminal.plain()

    terminal.type("Blue\n")
    terminal.read_until(PROMPT)
    terminal.type("approve\n")

    assert terminal.end() == 0


def test_a_human_who_leaves_a_question_open_leaves_the_run_waiting(stage, on_terminal):
    asking = scenes.scene("interview", {"system": "planner"}, scenes.turn({"ask": {"questions": [QUESTION]}}))
    stage.write_script([*scenes.simple()[:2], asking])
    terminal = on_terminal("run", scenes.ISSUE)
    terminal.read_until("Your answers:")

    terminal.type("\x04")

    assert terminal.end() == 4
    assert '`phasegate answer L1 "TEXT"`' in terminal.plain()


def test_a_run_that_is_killed_while_it_asks_goes_on_asking(stage, on_terminal):
    terminal = on_terminal("run", scenes.ISSUE)
    terminal.read_until(PROMPT)
    terminal.kill()
    asked = len(stage.asked())

    outcome = stage.cli("resume", "L1")

    assert outcome.code == 4
    assert len(stage.asked()) == asked
    assert stage.left_behind() == []


def test_in_continuous_integration_nobody_is_asked_and_nothing_moves(stage, on_terminal):
    stage.environ["CI"] = "true"
    terminal = on_terminal("run", scenes.ISSUE)

    assert terminal.end() == 4
    assert "\x1b[?25l" not in terminal.shown
    assert "plan               turn 1, " in terminal.plain()


# The view itself.

T1, T2 = Worker(PhaseName.IMPLEMENT, "T1"), Worker(PhaseName.IMPLEMENT, "T2")


def view(*, live=False, width=200):
    console = Console(file=io.StringIO(), force_terminal=live, width=width, color_system=None)
    ticks = iter(range(10_000_000))
    return ProgressView(console, lambda: next(ticks) / 1000, live=live), console.file


def test_plain_lines_tell_who_does_what_and_what_it_costs():
    shown, out = view()
    phase = Worker(PhaseName.IMPLEMENT)
    shown.watch(phase, WorkerStarted("implement", "m"))
    shown.watch(T1, WorkerStarted("Add it", "m"))
    shown.watch(T1, Said("Hello"))
    shown.watch(T1, ToolUsed("read", "{}", "text", is_error=True))
    shown.watch(T1, TurnEnded("m", Spent(turns=1, usd=Decimal("0.5"))))
    shown.watch(T1, Waiting(2.0, "overloaded"))
    shown.watch(T1, ContextShortened("old outputs were masked"))
    shown.watch(T1, WorkerEnded(good=True, summary="done\nand said"))
    shown.watch(phase, WorkerEnded(good=False, summary="no"))

    lines = [line.split(maxsplit=1)[1] for line in out.getvalue().splitlines()]
    assert lines == [
        "implement          begins: implement (m)",
        "implement-T1       begins: Add it (m)",
        "implement-T1       turn 1, 0 tokens, $0.50, last: read (refused)",
        "implement-T1       waits 2 s: overloaded",
        "implement-T1       old outputs were masked",
        "implement-T1       ✓ in 0s, $0.50: done and said",
        "implement          ✗ in 0s, $0.50: no",
    ]


def test_the_words_of_models_cannot_steer_the_terminal():
    shown, out = view()
    shown.watch(T1, WorkerStarted("\x1b[2Jtitle", None))
    shown.watch(T1, ToolUsed("\x1b]0;name\x07", "{}", "", is_error=False))
    shown.watch(T1, TurnEnded("m", Spent(turns=1)))
    shown.watch(T1, Waiting(1.0, "\x1b[31m"))
    shown.watch(T1, WorkerEnded(good=True, summary="\x9b2J"))

    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out.getvalue())


def test_many_workers_and_the_moving_picture_do_not_wait_for_each_other():
    """Who prints waits for the picture, and the picture for what is known: neither may hold both."""
    shown, _ = view(live=True)
    begun = []

    class Kept(Live):
        def start(self, refresh=False):
            begun.append(self)
            super().start(refresh)

    def work(worker):
        for number in range(60):
            shown.watch(worker, WorkerStarted(f"task {number}", "m"))
            shown.watch(worker, TurnEnded("m", Spent(turns=1)))
            shown.watch(worker, WorkerEnded(good=True, summary="done"))

    def draw():
        for _ in range(100):
            begun[0].refresh()

    works = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in (T1, T2)]
    threads = [*works, threading.Thread(target=draw, daemon=True)]
    with patch("phasegate.progress_view.Live", Kept), shown.shown():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in threads)
