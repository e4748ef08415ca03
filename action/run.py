"""Runs phasegate from the source beside this file, in an environment that has its packages but not itself.

Started as `python -I`, so neither the working directory nor a variable adds to where modules come from.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from phasegate.jobs.entry import main

if __name__ == "__main__":
    main()
