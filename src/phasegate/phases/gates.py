"""Quality gates: a command of the repository, in the sandbox, on a work tree; the verdict comes from outside of it."""

import re
import unicodedata

from phasegate.documents.gate_report import TAIL_BYTES, GateResult
from phasegate.doors.processes import Execution
from phasegate.doors.sandbox.choice import Sandbox
from phasegate.doors.work_tree import WorkTree
from phasegate.errors import RefusedError, UserError
from phasegate.phases.setting import Setting, Worker, WorkerEnded, WorkerStarted
from phasegate.policy.config import Gate

NO_GATES = "there are no quality gates: nothing was tested"
_CANNOT_RUN = frozenset({126, 127})
"""The shell's words for a command that is not executable, or not there (POSIX, Shell Command Language 2.8.2)."""
_COLOUR = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
"""What terminals take for colours and cursor movements (ECMA-48, control sequences)."""


def run_gate(setting: Setting, name: str, tree: WorkTree, worker: Worker) -> GateResult:
    """Return what one gate says of a work tree.

    Raises `RefusedError` when there is no sandbox to run it in, `UserError` when it cannot be run at the base either.
    """
    gate = setting.gates[name]
    setting.check_stop()
    setting.watch(worker, WorkerStarted(gate.run, None))
    done = _execute(setting, gate, tree)
    if done.exit_code in _CANNOT_RUN:
        _check_at_base(setting, name)
    setting.check_stop()  # Ctrl-C ends what was running: that is no verdict
    result = GateResult(
        name=name,
        command=gate.run,
        required=gate.required,
        exit_code=done.exit_code,
        timed_out=done.timed_out,
        seconds=round(done.seconds, 3),
        tail=_tail(done.output),
    )
    setting.watch(worker, WorkerEnded(result.passed, describe(result)))
    return result


def _execute(setting: Setting, gate: Gate, tree: WorkTree) -> Execution:
    root, limit = tree.workspace.root, 4 * TAIL_BYTES
    return sandbox_of(setting).run(gate.run, root=root, timeout=gate.minutes * 60.0, output_limit=limit)


def _check_at_base(setting: Setting, name: str) -> None:
    """Raise `UserError` when a gate's command is missing without any change too: then nobody's work is to blame."""
    gate = setting.gates[name]
    with setting.work_tree(setting.store.progress.base_sha) as base:
        done = _execute(setting, gate, base)
    if done.exit_code in _CANNOT_RUN:
        said = " ".join(_plain(done.output)[-200:].split())
        raise UserError(
            f"The gate {name} cannot be run: `{gate.run}` ended with exit code {done.exit_code}. {said}",
            cause="Its command does not exist, or is not visible in the sandbox.",
            mend="Correct `gates:` in .github/phasegate.yml and start a new run, or install the command.",
        )


def sandbox_of(setting: Setting) -> Sandbox:
    """Return the sandbox. Raises `RefusedError` when none works here."""
    if setting.sandbox is None:
        raise RefusedError(
            "There is no sandbox on this machine that passes its self-test, so nothing of the repository is executed.",
            cause="Neither bubblewrap nor user namespaces work here.",
            mend="Install bubblewrap, or say `--no-sandbox` to run the quality gates unconfined, as you.",
        )
    return setting.sandbox


def describe(result: GateResult) -> str:
    """Return one line on how a gate ended."""
    if result.timed_out:
        return f"{result.name}: timed out after {result.seconds:.0f} s"
    return f"{result.name}: exit code {result.exit_code} after {result.seconds:.1f} s"


def _plain(output: str) -> str:
    """Return output without colours, and without what a document or a terminal could not carry."""
    text = _COLOUR.sub("", output)
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} else "\ufffd" for c in text)


def _tail(output: str) -> str:
    content = _plain(output).encode("utf-8", "replace")
    if len(content) <= TAIL_BYTES:
        return content.decode()
    return "[…]\n" + content[-TAIL_BYTES + 16 :].decode("utf-8", "ignore")
