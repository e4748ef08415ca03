"""boltons: a change that first breaks a test of boltons, which the gate finds, and is repaired."""

import pytest

from phasegate.documents.change_set import TaskResult
from phasegate.documents.gate_report import GateReport
from phasegate.documents.progress import PhaseName
from real.delivery import check_delivery, last_report
from real.package_run import BRANCH, Counts, PackageRun
from repositories import user_state

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

SUITE = "python3 -m pytest -q"
BROKEN_TEST = "tests/test_strutils.py::test_bytes2human"


def test_a_change_that_breaks_a_test_of_boltons_is_repaired(shelf, tmp_path):
    files = shelf.files("boltons")
    assert b"def test_bytes2human():" in files["tests/test_strutils.py"]
    run = PackageRun.make("boltons", files, tmp_path, suite=SUITE, config="research: {scouts: 1}\n")
    before, at_first = user_state(run.repository), run.own_tests("main")
    assert at_first.passed > 500
    assert at_first.failed == 0

    done = run.start("--yes")

    assert done.returncode == 0, done.stderr
    changed = {"boltons/strutils.py": "M", "tests/test_strutils.py": "M", "CHANGELOG.md": "M"}
    check_delivery(run, before, changed=changed, tests=at_first.passed + 1)
    assert [task.id for task in run.progress.tasks] == ["T1", "T2", "R1"]
    assert run.progress.phase(PhaseName.VERIFY).attempts == 2
    _check_the_evidence(run, at_first)
    _check_that_it_works(run)


def _check_the_evidence(run: PackageRun, at_first: Counts) -> None:
    """The failed report is kept, tells what broke, and is what the repair was made from."""
    [failed] = [report for report in run.documents(GateReport) if not report.payload.passed]
    [gate] = failed.payload.gates
    [repair] = [result for result in run.documents(TaskResult) if result.payload.task == "R1"]

    assert gate.exit_code == 1
    assert Counts.of(gate.tail) == Counts(passed=at_first.passed, failed=1)
    assert f"FAILED {BROKEN_TEST} - AssertionError: assert '1024B' == '1K'" in gate.tail
    assert failed.digest in repair.parents
    assert failed.payload.change_set != last_report(run).payload.change_set


def _check_that_it_works(run: PackageRun) -> None:
    """The commits say the same outside: broken before the repair, whole after it."""
    commits = {task.id: task.commit for task in run.progress.tasks}
    asked = "from boltons.strutils import bytes2human as b2h; print(b2h(1024), b2h(10**6, base=1000), b2h(1024**8))"
    broken = run.call(commits["T2"], "python3", "-m", "pytest", "-q", "tests/test_strutils.py")

    assert Counts.of(broken.stdout).failed == 1
    assert f"FAILED {BROKEN_TEST}" in broken.stdout
    assert run.call(BRANCH, "python3", "-c", asked).stdout == "1K 1M 1Y\n"
    assert ">= base" in run.shows("boltons/strutils.py")
