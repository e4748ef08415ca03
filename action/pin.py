"""Lets the workflow name the action at the last commit: the step of a release before its own last commit (`make pin`).

A workflow cannot name the commit that it is in, so the commit with the action comes first and this one after it.
"""

import re
import subprocess
from pathlib import Path

from phasegate import ACTION
from phasegate.doors.templates import Templates, template_directory

ROOT = Path(__file__).resolve().parent.parent
NAMED = ROOT / "src/phasegate/__init__.py"
WORKFLOW = ROOT / ".github/workflows/phasegate.yml"


def main() -> None:
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    text = re.sub(r"(?<=phasegate@)[0-9a-f]{40}", head.stdout.strip(), NAMED.read_text("utf-8"))
    NAMED.write_text(text, "utf-8")
    action = re.sub(r"[0-9a-f]{40}", head.stdout.strip(), ACTION)
    workflow = Templates(template_directory()).render("install/workflow.yml.j2", action=action)
    WORKFLOW.write_text(workflow.rstrip("\n") + "\n", "utf-8")


if __name__ == "__main__":
    main()
