"""The setup of the shipped action works with packages that are there already, through the runner."""

from pathlib import Path

from actions.job_machine import SYSTEM_PATH
from actions.packages_on_hand import path_of_python

ROOT = Path(__file__).resolve().parent.parent.parent


def test_setup_gives_an_environment_without_a_network(scenery):
    path = f"{path_of_python(scenery.directory / 'stand-in')}:{SYSTEM_PATH}"
    job = scenery.play_steps(
        f"""
        - run: bash {ROOT}/action/setup.sh
          shell: bash
          env: {{PHASEGATE_STEP: research}}
        - run: cd "$RUNNER_TEMP/phasegate"; ls; env/bin/python -I -c 'import pydantic; print("has packages")'
        - run: python3 -c 'print("the real interpreter")'
        """,
        path=path,
    ).jobs["only"]

    assert job.result == "success"
    assert "env\nin\nout\nhas packages\nthe real interpreter" in "\n".join(
        line for line in job.log.splitlines() if not line.startswith(("#", " ", "cd", "shell", "bash", "python3"))
    )
