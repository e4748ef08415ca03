"""The command for jobs: step."""

import os
import sys

import typer

from phasegate.jobs.entry import run_step


def step() -> None:
    """Do one step of the pipeline, as a job of the workflow: PHASEGATE_STEP and its kin say which.

    The action calls this; on your own machine `phasegate run` does all steps.
    """
    raise typer.Exit(run_step(os.environ, sys.stdout))
