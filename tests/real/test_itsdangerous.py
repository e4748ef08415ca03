"""itsdangerous: a plan that proves wrong; its correction needs one more file, so a human is asked again.

Its suite needs a package that phasegate does not have: the sandbox shows it, by `sandbox: {expose: …}`.
"""

import json

import pytest

from phasegate.documents.approval import Approval
from phasegate.documents.change_set import Blocked, TaskResult
from phasegate.documents.plan import Operation, Plan, PlannedFile
from phasegate.documents.progress import PhaseName, RunState, WaitingFor
from real.delivery import check_delivery
from real.package_run import APPROVER, BRANCH, RUN, Counts, PackageRun
from real.sdists import Shelf
from repositories import git, user_state

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

EXCEPTION = "src/itsdangerous/exc.py"
TRUTH = "got an unexpected keyword argument 'age'"
ASKED = """
import time
from itsdangerous import SignatureExpired, TimestampSigner
signer = TimestampSigner("secret")
token = signer.sign("value")
signer.get_timestamp = lambda: int(time.time()) + 3600
try:
    signer.unsign(token, max_age=60)
except SignatureExpired as error:
    print(3600 <= error.age < 4000)
"""


@pytest.fixture
def run(shelf: Shelf, tmp_path) -> PackageRun:
    suite = f"PYTHONPATH=src:{shelf.tools} python3 -m pytest -q"
    config = f"research: {{scouts: 1}}\nsandbox: {{expose: [{json.dumps(str(shelf.tools))}]}}\n"
    return PackageRun.make("itsdangerous", shelf.files("itsdangerous"), tmp_path, suite=suite, config=config)


def test_a_plan_that_proves_wrong_is_corrected_and_approved_again(run):
    before, at_first = user_state(run.repository), run.own_tests("main")
    assert at_first.passed > 250
    assert at_first.failed == 0

    first = _wait_for_the_plan(run)
    second = _wait_for_the_correction(run, first)
    _refuse_what_was_approved_before(run, first, second)
    done = run.phasegate("approve", RUN, second.digest[:12])

    assert done.returncode == 0, done.stderr
    changed = dict.fromkeys([EXCEPTION, "src/itsdangerous/timed.py", "tests/test_itsdangerous/test_timed.py"], "M")
    check_delivery(run, before, changed=changed | {"CHANGES.rst": "M"}, tests=at_first.passed + 2)
    assert run.progress.phase(PhaseName.CORRECT).spent.usd > 0
    assert {approval.payload.subject for approval in run.documents(Approval)} == {first.digest, second.digest}
    assert {approval.payload.approver.login for approval in run.documents(Approval)} == {APPROVER}
    checks = {result.payload.task: result.payload.check for result in run.documents(TaskResult)}
    assert Counts.of(checks["T1"].tail) == Counts(at_first.passed + 2, 0)
    assert run.call(BRANCH, "env", "PYTHONPATH=src", "python3", "-c", ASKED).stdout == "True\n"


def _wait_for_the_plan(run: PackageRun) -> Plan:
    waiting = run.start()
    assert waiting.returncode == 4, waiting.stderr
    [plan] = run.documents(Plan)

    assert run.progress.waiting_for is WaitingFor.APPROVAL
    assert run.shown().plan_digest == plan.digest
    assert f"phasegate approve {RUN} {plan.digest[:12]}" in waiting.stderr
    return plan


def _wait_for_the_correction(run: PackageRun, approved: Plan) -> Plan:
    """The task is blocked, with true evidence, and the run comes back to the human with another plan."""
    waiting = run.phasegate("approve", RUN, approved.digest[:12])
    assert waiting.returncode == 4, waiting.stderr
    [blocked] = run.documents(Blocked)
    corrected = run.store.get(run.progress.plan or "", Plan)

    assert "needs more than what was approved" in waiting.stderr
    assert run.progress.state is RunState.WAITING
    assert (blocked.payload.task, blocked.payload.plan) == ("T1", approved.digest)
    assert TRUTH in blocked.payload.blocked.evidence
    assert _seen(run, "bash").count(TRUTH) == 1
    assert corrected.parents == (approved.digest, blocked.digest)
    assert corrected.scope - approved.scope == {PlannedFile(path=EXCEPTION, op=Operation.MODIFY)}
    assert corrected.payload.task("T2") == approved.payload.task("T2")
    assert run.changed() == {"CHANGES.rst": "M"}
    return corrected


def _refuse_what_was_approved_before(run: PackageRun, approved: Plan, corrected: Plan) -> None:
    """A yes to the plan before is no yes to this one, and going on without a yes changes nothing."""
    tip = git(run.repository, "rev-parse", BRANCH)
    refused, waiting = run.phasegate("approve", RUN, approved.digest[:12]), run.phasegate("resume", RUN)

    assert (refused.returncode, waiting.returncode) == (3, 4), refused.stderr + waiting.stderr
    assert f"The plan in force is {corrected.digest[:12]}, not {approved.digest[:12]}" in refused.stderr
    assert git(run.repository, "rev-parse", BRANCH) == tip
    assert len(run.documents(Approval)) == 1


def _seen(run: PackageRun, tool: str) -> str:
    """Return what the executor of T1 was shown by a tool."""
    entries = [json.loads(line) for line in run.transcript("implement-T1").splitlines()]
    return "\n".join(entry["output"] for entry in entries if entry.get("tool") == tool)
