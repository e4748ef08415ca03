"""A stage for whole runs: repositories, rehearsals made of dictionaries, and the command line in three ways.

`Stage.cli` calls it in this process (fast); `Stage.start` in a real process, forked from one that has imported
everything (fast too, and it can be killed); `Stage.process` by `python -m phasegate`, as a user does.
"""

import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from phasegate.doors.run_store import RunStore
from repositories import git, make_repository

if TYPE_CHECKING:
    from phasegate.phases.setting import Setting

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
SECONDS = 30.0
"""How long a test waits for something that takes a moment."""

Scene = dict[str, object]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["anthropic", "genai_prices", "rich.live", "phasegate.cli.main", "phasegate.rehearsal.server"]
)


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Asked:
    """One request that the model got: scene and turn that answered it, and what was sent."""

    scene: str | None
    turn: int | None
    status: int
    raw: str
    error: str | None

    @property
    def body(self) -> dict:
        """The request as the model got it."""
        return json.loads(self.raw)

    @property
    def tools(self) -> set[str]:
        """The names of the tools that were offered."""
        return {tool["name"] for tool in self.body.get("tools", ())}


@dataclass
class Started:
    """A command in a process of its own, with its output in files."""

    process: multiprocessing.process.BaseProcess
    out_file: Path
    err_file: Path

    @property
    def err(self) -> str:
        """What it has written to standard error so far."""
        return self.err_file.read_text("utf-8")

    def send(self, number: int) -> None:
        """Send a signal to the process alone, not to its children."""
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self.send(signal.SIGKILL)
        self.process.join(SECONDS)
        assert self.process.exitcode == -signal.SIGKILL

    def end(self) -> Outcome:
        """Wait until it has ended."""
        self.process.join(SECONDS)
        assert self.process.exitcode is not None, f"it does not end:\n{self.err}"
        return Outcome(self.process.exitcode, self.out_file.read_text("utf-8"), self.err)


@dataclass
class Stage:
    """A repository, a script, and places for what a run must not leave behind."""

    directory: Path
    repository: Path
    no_sandbox: bool = False
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the directories that a command sees as its home and its place for temporary files."""
        for directory in (self.home, self.temporary):
            directory.mkdir(parents=True, exist_ok=True)

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def temporary(self) -> Path:
        return self.directory / "tmp"

    @property
    def script(self) -> Path:
        return self.directory / "script.yml"

    def write_script(self, scenes: Iterable[Scene], **settings: object) -> None:
        """Write the rehearsal that the next command plays."""
        write_script(self.script, scenes, **settings)

    def surroundings(self) -> dict[str, str]:
        """The environment of a command: nothing of whoever runs the tests."""
        known = {"PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.temporary), "COLUMNS": "200"}
        return known | {"GIT_CONFIG_NOSYSTEM": "1", "LANG": "C.UTF-8"} | self.environ

    def arguments(self, *words: str) -> list[str]:
        """A command line for this repository; those that can play the script get it."""
        verb, *rest = words
        options = ["--repo", str(self.repository)] if verb != "schema" else []
        if verb in {"run", "primer", "resume", "approve", "revise", "answer", "adopt"} and self.script.exists():
            options += ["--rehearse", str(self.script)]
            options += ["--no-sandbox"] if self.no_sandbox and verb != "primer" else []
        return [verb, *rest, *options]

    def cli(self, *words: str) -> Outcome:
        """Run a command in this process."""
        return run_here(self.arguments(*words), self.surroundings())

    def start(self, *words: str) -> Started:
        """Start a command in a forked process."""
        number = len(list(self.directory.glob("*.err")))
        out, err = self.directory / f"{number}.out", self.directory / f"{number}.err"
        for file in (out, err):
            file.touch()
        arguments = (self.arguments(*words), self.surroundings(), str(self.repository), str(out), str(err))
        process = _FORKS.Process(target=run_forked, args=arguments)
        process.start()
        return Started(process, out, err)

    def process(self, *words: str) -> Outcome:
        """Run a command as a user does."""
        command = [sys.executable, "-m", "phasegate", *self.arguments(*words)]
        environ = self.surroundings()
        done = subprocess.run(command, env=environ, cwd=self.directory, capture_output=True, text=True, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def store(self, run: str = "L1") -> RunStore:
        """The files of a run."""
        return RunStore(self.repository / ".git/phasegate/runs" / run)

    def asked(self, run: str = "L1") -> list[Asked]:
        """Every request to the model in a run, in order; those for a model's record are left out."""
        return [one for one in asked_in(self.store(run).directory) if one.scene or one.status != 200]

    def scenes(self, run: str = "L1") -> list[str]:
        """The scenes of a run in the order in which they first came up."""
        return list(dict.fromkeys(one.scene for one in self.asked(run) if one.scene))

    def branch_tree(self, run: str = "L1") -> str:
        """The tree of the run's branch."""
        return git(self.repository, "rev-parse", f"phasegate/{run}^{{tree}}")

    def file(self, path: str, run: str = "L1") -> str:
        """A file of the run's branch."""
        return git(self.repository, "show", f"phasegate/{run}:{path}")

    def left_behind(self) -> list[str]:
        """What a command should have removed: temporary files, locks, notes of them."""
        runs = self.repository / ".git/phasegate/runs"
        found = [*self.temporary.iterdir(), *runs.glob("*/scratch"), *runs.glob("*/tmp*"), *runs.glob("*/*/tmp*")]
        found += self.repository.glob(".git/**/*.lock")
        return [str(path) for path in found]


@contextmanager
def opened(stage: Stage, run: str = "L1") -> Iterator["Setting"]:
    """The setting of a run, locked as a command locks it, with the stage's script for a model."""
    from phasegate.surroundings import RunOptions, Surroundings  # noqa: PLC0415 -- as below

    rehearse = str(stage.script) if stage.script.exists() else None
    with patch.dict(os.environ, stage.surroundings(), clear=True):
        around = Surroundings.find(stage.repository)
        options = RunOptions(rehearse=rehearse, no_sandbox=stage.no_sandbox)
        with around.setting(around.forge.run(run), options, lambda *_: None, lambda _: None) as setting:
            yield setting


def demo_stage(directory: Path) -> Stage:
    """The stage of `make demo`."""
    sample = DEMO / "sample"
    files = {
        path.relative_to(sample).as_posix(): path.read_bytes()
        for path in sorted(sample.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    stage = Stage(directory, make_repository(directory / "repository", files))
    shutil.copy(DEMO / "rehearsal.yml", stage.script)
    return stage


def write_script(path: Path, scenes: Iterable[Scene], **settings: object) -> None:
    """Write a rehearsal; JSON is YAML too."""
    path.write_text(json.dumps({"rehearsal": 1, **settings, "scenes": list(scenes)}, indent=1), "utf-8")


def asked_in(run: Path) -> list[Asked]:
    """Every request that the log of a run's rehearsals holds, those for a model's record too."""
    log = run / "rehearsal.jsonl"
    text = log.read_text("utf-8") if log.exists() else ""
    records = [json.loads(line) for line in text.split("\n")[:-1]]  # the last one may just be written
    return [Asked(one["scene"], one["turn"], one["status"], one["body"], one["error"]) for one in records]


def run_here(arguments: Sequence[str], environ: Mapping[str, str]) -> Outcome:
    """Run a command in this process, with this environment and nothing to read from."""
    from phasegate.cli.main import main  # noqa: PLC0415 -- forked processes import this module, and have it already

    out, err, code = io.StringIO(), io.StringIO(), 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    temporary = environ.get("TMPDIR")
    with (
        patch.dict(os.environ, environ, clear=True),
        patch.object(sys, "argv", ["phasegate", *arguments]),
        patch.object(sys, "stdin", io.StringIO()),
        patch.object(tempfile, "tempdir", temporary),
        patch.object(os, "fsync", lambda _: None),  # a power cut is not what is tested here, and waiting for it is slow
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return Outcome(code, out.getvalue(), err.getvalue())


def run_forked(arguments: list[str], environ: dict[str, str], cwd: str, out: str, err: str) -> None:
    """Be a fresh process of the command line; called in a forked one."""
    from phasegate.cli.main import main  # noqa: PLC0415 -- as above

    os.setsid()
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    for number, (path, flags) in enumerate(((os.devnull, os.O_RDONLY), (out, os.O_WRONLY), (err, os.O_WRONLY))):
        os.dup2(os.open(path, flags), number)
    sys.argv = ["phasegate", *arguments]
    os.fsync = lambda _: None  # type: ignore[assignment] # as above
    main()


def wait_until(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def running(mark: str) -> list[str]:
    """The command lines of all processes that hold a mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if mark in line and int(process.parent.name) != os.getpid():
                found.append(line)
    return found


def identity(stage: Stage, name: str = "Ann Author", address: str = "ann@example.com") -> None:
    """Say in the user's own configuration of git who they are."""
    (stage.home / ".gitconfig").write_text(f"[user]\n\tname = {name}\n\temail = {address}\n")
