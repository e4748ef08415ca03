"""Rounds: how often something has been sent back under the approval that holds now, so that it comes to an end.

What is counted are change sets, not reports: a gate that is asked again after an interruption uses up no round.
"""

from phasegate.documents.base import Digest
from phasegate.documents.change_set import Blocked, ChangeSet
from phasegate.documents.gate_report import GateReport
from phasegate.documents.plan import Plan
from phasegate.documents.review import Review
from phasegate.phases.setting import Setting


def corrections(setting: Setting) -> int:
    """Return how many corrections of the plan were made."""
    approval = setting.store.progress.approval
    reports = {blocked.digest for blocked in setting.store.all(Blocked) if approval in blocked.parents}
    return sum(not reports.isdisjoint(plan.parents) for plan in setting.store.all(Plan))


def refused_by_gates(setting: Setting) -> int:
    """Return how many change sets did not pass the quality gates."""
    failed = {report.payload.change_set for report in setting.store.all(GateReport) if not report.payload.passed}
    return len(failed & _change_sets(setting))


def refused_by_review(setting: Setting) -> int:
    """Return how many change sets the reviewer has sent back."""
    wanting = [review for review in setting.store.all(Review) if review.payload.verdict == "changes"]
    return len({parent for review in wanting for parent in review.parents} & _change_sets(setting))


def _change_sets(setting: Setting) -> set[Digest]:
    approval = setting.store.progress.approval
    return {change.digest for change in setting.store.all(ChangeSet) if approval in change.parents}
