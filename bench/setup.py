"""How long the action takes to set itself up: with empty caches, with full ones, and what plain pip takes for the same.

Prints the medians of a few rounds, action and pip taking turns, so that a busy machine slows both.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STEPS = {"decide": "requirements/decide.txt", "implement": "requirements/run.txt"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"{'step':12}{'':8}{'cold s':>8}{'warm s':>8}{'cold/warm':>11}")
    for step, requirements in STEPS.items():
        action, pip = _measured(rounds, step, requirements)
        _print(step, "action", action)
        _print(step, "pip", pip)
        print(f"{step:12}{'pip/action':>12}{pip[0] / action[0]:4.1f}{pip[1] / action[1]:8.1f}")


def _measured(rounds: int, step: str, requirements: str) -> tuple[tuple[float, float], tuple[float, float]]:
    times: dict[str, list[float]] = {"action cold": [], "action warm": [], "pip cold": [], "pip warm": []}
    for _ in range(rounds):
        for name, run in (("action", lambda scratch: _action(scratch, step)), ("pip", lambda s: _pip(s, requirements))):
            with tempfile.TemporaryDirectory() as directory:
                for state in ("cold", "warm"):
                    times[f"{name} {state}"].append(_seconds(run, Path(directory)))
    median = {name: statistics.median(values) for name, values in times.items()}
    return (median["action cold"], median["action warm"]), (median["pip cold"], median["pip warm"])


def _seconds(run: Callable[[Path], None], scratch: Path) -> float:
    shutil.rmtree(scratch / "temp", ignore_errors=True)
    (scratch / "temp").mkdir()
    started = time.monotonic()
    run(scratch)
    return time.monotonic() - started


def _action(scratch: Path, step: str) -> None:
    variables = {"RUNNER_TEMP": str(scratch / "temp"), "PHASEGATE_STEP": step}
    _run(["bash", str(ROOT / "action" / "setup.sh")], scratch, variables)


def _pip(scratch: Path, requirements: str) -> None:
    python = scratch / "temp" / "env" / "bin" / "python"
    _run([sys.executable, "-m", "venv", str(python.parent.parent)], scratch, {})
    options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(ROOT / requirements)]
    _run([str(python), "-I", "-m", "pip", "install", *options], scratch, {})


def _run(command: list[str], scratch: Path, variables: dict[str, str]) -> None:
    caches = {"PIP_CACHE_DIR": str(scratch / "pip"), "UV_CACHE_DIR": str(scratch / "uv")}
    done = subprocess.run(
        command, env=os.environ | caches | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        sys.exit(done.stdout.decode())


def _print(step: str, name: str, seconds: tuple[float, float]) -> None:
    print(f"{step:12}{name:8}{seconds[0]:8.2f}{seconds[1]:8.2f}{seconds[0] / seconds[1]:11.2f}")


if __name__ == "__main__":
    main()
