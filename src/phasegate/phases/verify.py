"""Verify: base and change set on a clean copy, the repository's own gates, and nobody's word."""

from pydantic import ValidationError

from phasegate.documents.base import Step
from phasegate.documents.change_set import ChangeSet, ChangeSetPayload
from phasegate.documents.gate_report import GateReport, GateReportPayload
from phasegate.documents.parsing import field_errors
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, Spent
from phasegate.documents.progress_events import Paid
from phasegate.errors import GateFailedError
from phasegate.phases.branch import plan_path
from phasegate.phases.changes import entries_between, file_changes
from phasegate.phases.gates import run_gate, sandbox_of
from phasegate.phases.implement import results_of
from phasegate.phases.setting import Setting, Worker
from phasegate.policy.scope import Scope
from phasegate.policy.validation import check_change


def change_set(setting: Setting, plan: Plan) -> ChangeSet:
    """Return all that was done, as one document. Raises `GateFailedError` if it is more than the plan allows."""
    progress = setting.store.progress
    results = results_of(setting)
    own = frozenset({plan_path(setting.store)})
    entries = entries_between(setting.git, progress.base_sha, progress.head_sha, leave_out=own)
    problems = check_change(entries, scope=Scope.of(plan.payload.tasks), protected=setting.protected)
    if problems:
        raise GateFailedError("The change is not what was approved: " + "; ".join(problems) + ".")
    approval = [progress.approval] if progress.approval else []
    try:
        return ChangeSet(
            run=progress.run,
            parents=(plan.digest, *approval, *(result.digest for result in results)),
            made_by=setting.made_by(Step.IMPLEMENT, None),
            payload=ChangeSetPayload(
                base_sha=progress.base_sha,
                head_sha=progress.head_sha,
                plan=plan.digest,
                entries=tuple(entries),
                tasks=tuple(result.payload for result in results),
            ),
        )
    except ValidationError as error:
        raise GateFailedError("The change is too large: " + "; ".join(field_errors(error)) + ".") from None


def verify(setting: Setting, change: ChangeSet) -> GateReport:
    """Return what the gates say of the base with the change set applied. Raises `RefusedError` without a sandbox."""
    results = []
    for name in setting.gates:
        with setting.work_tree(change.payload.base_sha) as tree:
            tree.apply(file_changes(change.payload.entries))
            result = run_gate(setting, name, tree, Worker(PhaseName.VERIFY, name))
        setting.store.advance(Paid(PhaseName.VERIFY, Spent(seconds=result.seconds)))
        results.append(result)
    return GateReport(
        run=change.run,
        parents=(change.digest,),
        made_by=setting.made_by(Step.VERIFY, None),
        payload=GateReportPayload(
            change_set=change.digest,
            gates=tuple(results),
            definitions_from=change.payload.base_sha,
            sandbox=sandbox_of(setting).name if results else "none",
        ),
    )
