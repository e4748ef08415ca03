"""sqlparse: a change that passes sqlparse's own tests at once."""

import pytest

from phasegate.documents.change_set import TaskResult
from phasegate.documents.findings import ScoutReport
from phasegate.documents.gate_report import GateReport
from real.delivery import check_delivery
from real.package_run import BRANCH, Counts, PackageRun
from repositories import user_state

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

# Without the tests that measure speed: on a busy machine they fail.
SUITE = "python3 -m pytest -q -k 'not under_1s'"
QUERY = "echo 'select a, b' | python3 -m sqlparse -r --comma_first False -"


def test_a_fix_passes_the_tests_of_sqlparse_at_once(shelf, tmp_path):
    run = PackageRun.make("sqlparse", shelf.files("sqlparse"), tmp_path, suite=SUITE)
    before, at_first = user_state(run.repository), run.own_tests("main")
    assert at_first.passed > 500
    assert at_first.failed == 0

    done = run.start("--yes")

    assert done.returncode == 0, done.stderr
    files = {"sqlparse/cli.py": "M", "tests/test_cli.py": "M", "CHANGELOG": "M"}
    check_delivery(run, before, changed=files, tests=at_first.passed + 19)
    [report] = run.documents(GateReport)
    assert report.payload.passed
    assert [task.id for task in run.progress.tasks] == ["T1", "T2"]
    assert len(run.documents(ScoutReport)) == 3
    _check_that_a_task_was_checked_by_the_suite(run, at_first)
    _check_that_it_works(run)


def _check_that_a_task_was_checked_by_the_suite(run: PackageRun, at_first: Counts) -> None:
    checks = {result.payload.task: result.payload.check for result in run.documents(TaskResult)}

    assert checks["T2"] is None
    assert Counts.of(checks["T1"].tail) == Counts(at_first.passed + 19, 0)


def _check_that_it_works(run: PackageRun) -> None:
    assert run.call("main", "sh", "-c", QUERY).stdout == "select a\n     , b"
    assert run.call(BRANCH, "sh", "-c", QUERY).stdout == "select a,\n       b"
    assert run.shows("CHANGELOG").startswith("Development Version\n")
