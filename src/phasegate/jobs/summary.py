"""What a job says of the run on its page."""

from decimal import Decimal
from typing import TypeVar

from phasegate.documents.base import Digest, Document
from phasegate.documents.gate_report import GateReport
from phasegate.documents.plan import Plan
from phasegate.documents.progress import PhaseName, PhaseStatus
from phasegate.documents.review import Review
from phasegate.doors.prices import Prices
from phasegate.doors.run_store import RunStore
from phasegate.errors import UserError
from phasegate.jobs.job import Job
from phasegate.phases.setting import Setting
from phasegate.policy.config import Config
from phasegate.policy.estimate import expected_usage
from phasegate.publishing.step_summary import step_summary

_Doc = TypeVar("_Doc", bound=Document)


def summarise(job: Job, setting: Setting, *, note: str = "") -> None:
    """Write the step's summary: where the run is, what it cost, what the gates and the review said."""
    store = setting.store
    text = step_summary(
        job.templates.render,
        progress=store.progress,
        plan=plan_of(store),
        report=report_of(store),
        review=review_of(store),
        estimate=estimate(store, setting.config),
        page=job.page,
        note=note,
    )
    job.runner.summary(text.text)


def plan_of(store: RunStore) -> Plan | None:
    """Return the plan in force, if there is one."""
    progress = store.progress
    return store.get(progress.plan, Plan) if progress.plan and progress.purpose == "change" else None


def report_of(store: RunStore) -> GateReport | None:
    """Return what the gates said last, if they have run on what is there now."""
    return _latest(store, PhaseName.VERIFY, GateReport)


def review_of(store: RunStore) -> Review | None:
    """Return the last review, if it is of what is there now."""
    return _latest(store, PhaseName.REVIEW, Review)


def _latest(store: RunStore, name: PhaseName, kind: type[_Doc]) -> _Doc | None:
    phase = store.progress.phase(name)
    known: Digest | None = phase.document if phase.status is not PhaseStatus.SKIPPED else None
    return store.get(known, kind) if known else None


def estimate(store: RunStore, config: Config) -> Decimal | None:
    """Return what carrying out the plan is expected to cost, in US dollars; None without a plan or a price."""
    plan = plan_of(store)
    if plan is None:
        return None
    try:
        return Prices(config.prices).cost(config.models.implement.model, expected_usage(plan.payload.estimate.turns))
    except UserError:
        return None
