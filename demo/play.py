"""The demo: makes a git repository of the sample and lets phasegate run on it, with a rehearsed model."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from phasegate.doors.sandbox.choice import choose_sandbox

HERE = Path(__file__).resolve().parent
STAGE = HERE.parent / "demo-run"
GIT = ("git", "-c", "user.name=Demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false")


def make_repository(stage: Path) -> Path:
    """Copy the sample to `stage`, make a git repository of it with one commit, and return its path."""
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(HERE / "sample", stage, ignore=shutil.ignore_patterns("__pycache__"))
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "tally, as it is today")):
        subprocess.run([*GIT, *command], cwd=stage, check=True)
    return stage


def main() -> int:
    """Play the demo; return phasegate's exit code."""
    stage = make_repository(STAGE)
    print(f"A sample repository was made in {stage.name}/. The issue:\n")
    print("    " + (HERE / "issue.md").read_text("utf-8").replace("\n", "\n    ").rstrip() + "\n")
    command = [sys.executable, "-m", "phasegate", "run", "--issue", str(HERE / "issue.md"), "--repo", str(stage)]
    command += ["--rehearse", str(HERE / "rehearsal.yml"), "--yes"]
    if choose_sandbox(environ=os.environ, home=Path.home()).sandbox is None:
        print("No sandbox works on this machine; the rehearsed commands are harmless, so they run without one.")
        command.append("--no-sandbox")
    code = subprocess.run(command, check=False).returncode
    print("\nTo try the lines above, and later on a repository of yours:")
    print(f'    cd {stage.name}; export PATH="$PWD/../.venv/bin:$PATH"')
    print('    export ANTHROPIC_API_KEY=…; phasegate run "What you want"')
    return code


if __name__ == "__main__":
    sys.exit(main())
