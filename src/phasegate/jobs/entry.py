"""Where a job begins: the step is found, done, and its errors are told where they are read.

An event that is not ours is recognised before anything heavy is imported.
"""

import os
import sys
import traceback
from collections.abc import MutableMapping
from typing import NoReturn, TextIO

from phasegate import interruption
from phasegate.documents.base import Step
from phasegate.doors.process_memory import hide_memory
from phasegate.doors.runner.output import Runner, RunnerContext
from phasegate.errors import ExitCode, UserError
from phasegate.jobs.inputs import Inputs
from phasegate.policy.events import Foreign, parse_event


def main() -> NoReturn:
    """Do the step that the environment names, and exit with its code."""
    hide_memory()
    interruption.listen()
    sys.exit(run_step(os.environ, sys.stdout))


def run_step(environ: MutableMapping[str, str], out: TextIO) -> ExitCode:
    """Do a step of the pipeline on a runner; return how it ended. What fails is told as an annotation."""
    try:
        inputs = Inputs.taken_from(environ)
        runner = Runner.from_environ(environ, out)
    except UserError as error:
        out.write(f"{error}\n")
        return error.exit_code
    for secret in inputs.secrets:
        runner.mask(secret)
    try:
        _do(RunnerContext.read(environ), runner, inputs, environ)
    except UserError as error:
        runner.error(str(error), title=f"phasegate {inputs.step}")
        return error.exit_code
    except KeyboardInterrupt:
        runner.error("The job was told to end before it was done.", title=f"phasegate {inputs.step}")
        return ExitCode.INTERRUPTED
    except Exception:  # noqa: BLE001 -- the last handler: whatever comes here is our own mistake
        runner.log(traceback.format_exc())
        runner.error("This is a bug in phasegate. Please report the lines above.", title=f"phasegate {inputs.step}")
        return ExitCode.BUG
    return ExitCode.DONE


def _do(context: RunnerContext, runner: Runner, inputs: Inputs, environ: MutableMapping[str, str]) -> None:
    if inputs.step is Step.DECIDE:
        event = parse_event(context.event_name, context.event)
        if isinstance(event, Foreign):
            runner.log(f"Nothing to do: {event.why}")
            runner.output("next", "")
            return
    from phasegate.jobs.performing import perform_job  # noqa: PLC0415 -- half a second, see above

    perform_job(context, runner, inputs, environ)
