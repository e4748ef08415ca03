"""Quality gates: a command of the repository, in the sandbox, on a work tree; the verdict comes from outside of it."""

from phasegate.documents.gate_report import TAIL_BYTES, GateResult
from phasegate.doors.sandbox import Sandbox
from phasegate.doors.work_tree import WorkTree
from phasegate.errors import RefusedError, UserError
from phasegate.phases.setting import Setting, Worker, WorkerEnded, WorkerStarted

_CANNOT_RUN = frozenset({126, 127})
"""The shell's words for a command that is not executable, or not there (POSIX, Shell Command Language 2.8.2)."""


def run_gate(setting: Setting, name: str, tree: WorkTree, worker: Worker) -> GateResult:
    """Return what one gate says of a work tree. Raises `RefusedError` when there is no sandbox to run it in."""
    gate = setting.gates[name]
    setting.watch(worker, WorkerStarted(gate.run, None))
    root = tree.workspace.root
    done = sandbox_of(setting).run(gate.run, root=root, timeout=gate.minutes * 60.0, output_limit=4 * TAIL_BYTES)
    if done.exit_code in _CANNOT_RUN:
        raise UserError(
            f"The gate {name} cannot be run: `{gate.run}` ended with exit code {done.exit_code}. {done.output[-200:]}",
            cause="Its command does not exist, or is not visible in the sandbox.",
            mend="Correct `gates:` in .github/phasegate.yml, or show the tool with `sandbox: {expose: […]}`.",
        )
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


def _tail(output: str) -> str:
    content = output.encode("utf-8", "replace")
    if len(content) <= TAIL_BYTES:
        return content.decode()
    return "[…]\n" + content[-TAIL_BYTES + 16 :].decode("utf-8", "ignore")
