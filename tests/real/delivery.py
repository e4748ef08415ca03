"""What every finished run on a real package has to have left, whatever happened on its way."""

from collections.abc import Mapping

from phasegate.documents.gate_report import GateReport
from phasegate.documents.progress import PhaseName, RunState
from real.package_run import APPROVER, BRANCH, Counts, PackageRun
from repositories import UserState, git, user_state

PAID = (PhaseName.RESEARCH, PhaseName.PLAN, PhaseName.IMPLEMENT, PhaseName.REVIEW)


def check_delivery(run: PackageRun, before: UserState, *, changed: Mapping[str, str], tests: int) -> None:
    """Hold a finished run to its branch, its record, its costs and its cleanliness.

    `changed` is what the branch may differ in (A, M, D by path), `tests` how many of the package's tests pass there.
    """
    progress = run.progress
    assert progress.state is RunState.DONE
    assert run.changed() == changed
    assert user_state(run.repository) == before
    assert git(run.repository, "worktree", "list").count("\n") == 0
    assert not (run.store.directory / "scratch").exists()
    _check_record(run)
    _check_costs(run)
    _check_commits(run)
    assert Counts.of(last_report(run).payload.gates[0].tail) == Counts(passed=tests, failed=0)
    assert run.own_tests(BRANCH) == Counts(passed=tests, failed=0)


def last_report(run: PackageRun) -> GateReport:
    """Return the gate report that the run ended with."""
    return run.store.get(run.progress.phase(PhaseName.VERIFY).document or "", GateReport)


def _check_record(run: PackageRun) -> None:
    audit, report = run.audited(), last_report(run)
    assert (audit.intact, audit.faults) == (True, ())
    assert audit.documents == len(run.store.stored())
    assert report.payload.passed
    assert report.payload.definitions_from == run.progress.base_sha
    assert report.payload.sandbox in {"bubblewrap", "unshare"}
    assert [(gate.name, gate.command) for gate in report.payload.gates] == [("suite", run.suite)]


def _check_costs(run: PackageRun) -> None:
    progress, shown = run.progress, run.shown()
    for name in PAID:
        spent = progress.phase(name).spent
        assert min(spent.usd, spent.turns, spent.usage.output_tokens, spent.seconds) > 0, name
    tested = progress.phase(PhaseName.VERIFY).spent
    assert (tested.usd, tested.turns) == (0, 0)
    assert tested.seconds > 0
    assert all(task.spent.usd > 0 for task in progress.tasks)
    booked, whole = sum(task.spent.usd for task in progress.tasks), progress.phase(PhaseName.IMPLEMENT).spent.usd
    assert booked == whole
    assert shown.usd == sum(phase.spent.usd for phase in progress.phases)


def _check_commits(run: PackageRun) -> None:
    messages = {task.id: git(run.repository, "show", "-s", "--format=%B", task.commit) for task in run.progress.tasks}
    for task, message in messages.items():
        assert f"Phasegate-Task: {task}" in message
        assert f"Approved-by: {APPROVER}" in message
        assert "Implemented-by: claude-sonnet-5-5\nReviewed-by: claude-opus-5-5" in message
