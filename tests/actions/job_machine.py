"""The machine of one job: an empty directory tree, a bare environment, and processes that end with it."""

import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FILE_COMMANDS = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
# How long a step that is to stop may go on after SIGINT and after SIGTERM, in minutes (7.5 s and 2.5 s).
GRACE = ((signal.SIGINT, 7.5 / 60), (signal.SIGTERM, 2.5 / 60))


class MachineLostError(Exception):
    """The machine died: what the job did remains, what it had to say does not."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended: its exit code, or that its time was up."""

    exit_code: int
    timed_out: bool = False


@dataclass
class Machine:
    """Directories and processes of one job. `minute` is how many seconds a minute lasts here."""

    directory: Path
    minute: float = 60.0
    path: str = SYSTEM_PATH
    lost: Exception | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for directory in (self.workspace, self.temp, self.tool_cache, self.home, self.files):
            directory.mkdir(parents=True)

    @property
    def workspace(self) -> Path:
        return self.directory / "work" / "repository" / "repository"

    @property
    def temp(self) -> Path:
        return self.directory / "work" / "_temp"

    @property
    def files(self) -> Path:
        return self.temp / "_runner_file_commands"

    @property
    def tool_cache(self) -> Path:
        return self.directory / "tools"

    @property
    def home(self) -> Path:
        return self.directory / "home"

    def environ(self) -> dict[str, str]:
        """What every process finds, whatever the workflow says; the rest of this machine's environment is not in it."""
        return {"PATH": self.path, "HOME": str(self.home), "LANG": "C.UTF-8", "USER": "runner", "SHELL": "/bin/bash"}

    def runner_context(self) -> dict[str, str]:
        return {
            "os": "Linux",
            "arch": "X64",
            "name": "Local runner",
            "environment": "self-hosted",  # not "github-hosted": this machine is nobody's to change
            "temp": str(self.temp),
            "tool_cache": str(self.tool_cache),
            "workspace": str(self.workspace.parent),
        }

    def command_files(self) -> dict[str, Path]:
        """Fresh, empty files for one step, by the variable that names each."""
        mark = uuid.uuid4().hex
        paths = {name: self.files / f"{name.removeprefix('GITHUB_').lower()}_{mark}" for name in FILE_COMMANDS}
        for path in paths.values():
            path.touch()
        return paths

    def run(
        self,
        command: list[str],
        *,
        environ: Mapping[str, str],
        directory: Path,
        minutes: float,
        each_line: Callable[[str], None],
    ) -> Finished:
        """Runs a process and gives each line it prints to `each_line`. When that raises, the machine is lost."""
        process = subprocess.Popen(
            command,
            env=dict(environ),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        reader = threading.Thread(target=self._read, args=(process, each_line), daemon=True)
        reader.start()
        try:
            return self._wait(process, minutes * self.minute)
        finally:
            _kill_group(process)  # also what the step left running in the background
            reader.join()
            process.stdout.close()
            if self.lost:
                raise self.lost

    def _read(self, process: subprocess.Popen, each_line: Callable[[str], None]) -> None:
        for line in process.stdout:
            try:
                each_line(line.decode("utf-8", "replace").rstrip("\r\n"))
            except Exception as error:  # noqa: BLE001 - whatever it is, the job's thread has to learn of it
                self.lost = error
                _kill_group(process)
                return

    def _wait(self, process: subprocess.Popen, seconds: float) -> Finished:
        try:
            return Finished(process.wait(seconds))
        except subprocess.TimeoutExpired:
            for number, minutes in GRACE:
                process.send_signal(number)
                if _ended_within(process, minutes * self.minute):
                    break
            return Finished(-signal.SIGKILL, timed_out=True)


def _ended_within(process: subprocess.Popen, seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill_group(process: subprocess.Popen) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
