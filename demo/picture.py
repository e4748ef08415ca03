"""Draws docs/run.svg: what a run of the demo looks like on a terminal, without the length of the plan."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parent / "docs" / "run.svg"
WIDTH = 110
PLAN_LINES = 14


def played() -> list[str]:
    """Return the lines of a run, with their colours."""
    environ = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "CI": "true"}
    command = [sys.executable, str(HERE / "play.py")]
    done = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout.splitlines()


def plain(line: str) -> str:
    """Return a line without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def shortened(lines: list[str]) -> list[str]:
    """Return what a reader wants to see: the run, the head of the plan, the end; not every turn."""
    first = next(number for number, line in enumerate(lines) if "research" in line and "begins" in line)
    last = next(number for number, line in enumerate(lines) if plain(line).startswith("Next: git switch"))
    kept = [line for line in lines[first : last + 1] if not re.search(r" turn \d+, ", plain(line))]
    top = next(number for number, line in enumerate(kept) if plain(line).startswith("╭"))
    bottom = next(number for number, line in enumerate(kept) if plain(line).startswith("╰"))
    more = (
        f"│ … {bottom - top - PLAN_LINES} more lines: tasks with files and success criteria, edge cases, verification"
    )
    return [*kept[: top + PLAN_LINES], f"{more:<{WIDTH - 1}}│", *kept[bottom:]]


def main() -> None:
    """Play the demo and draw it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ phasegate run --issue issue.md"))
    for line in shortened(played()):
        console.print(Text.from_ansi(line), no_wrap=True, overflow="crop")
    svg = console.export_svg(title="phasegate run", unique_id="run")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL).replace("Fira Code", "ui-monospace")
    PICTURE.write_text(svg, "utf-8")


if __name__ == "__main__":
    main()
