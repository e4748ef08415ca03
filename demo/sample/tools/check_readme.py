"""Fails when the README's table lacks an option of the command line."""

import re
import sys
from pathlib import Path

options = re.findall(r'add_argument\("(--[a-z-]+)"', Path("tally/cli.py").read_text("utf-8"))
readme = Path("README.md").read_text("utf-8")
missing = [option for option in options if f"| `{option}` |" not in readme]
for option in missing:
    print(f"README.md: the table of options has no row for `{option}`")
sys.exit(1 if missing else 0)
