"""The command line."""

import argparse
from pathlib import Path

from tally.counting import count_words
from tally.report import render


def main(argv: list[str]) -> int:
    """Print the report of a file; return the exit code."""
    parser = argparse.ArgumentParser(prog="tally")
    parser.add_argument("file", type=Path)
    parser.add_argument("--top", type=int, metavar="N")
    options = parser.parse_args(argv)
    try:
        text = options.file.read_text("utf-8")
    except OSError as error:
        print(f"tally: {options.file}: {error.strerror}")
        return 1
    print(render(count_words(text), options.top))
    return 0
