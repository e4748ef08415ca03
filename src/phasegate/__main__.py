"""The way in: `phasegate`, and `python -m phasegate`. Ctrl-C ends it quietly, also while it is still loading."""

import sys
from typing import NoReturn

from phasegate.doors.process_memory import hide_memory


def main() -> NoReturn:
    """Run the command line and exit."""
    hide_memory()
    try:
        from phasegate.cli.main import main as run  # noqa: PLC0415 -- half a second in which Ctrl-C can come

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
