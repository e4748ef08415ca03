from itertools import product

import pytest

import examples
from phasegate.documents.base import Step, digest_of
from phasegate.documents.progress import (
    PhaseName,
    PhaseProgress,
    PhaseStatus,
    RunState,
    WaitingFor,
    WorkProgress,
    WorkStatus,
)
from phasegate.policy.flow import next_step

APPROVAL = digest_of(b"approval")
ORDER = (PhaseName.RESEARCH, PhaseName.PLAN, PhaseName.IMPLEMENT, PhaseName.VERIFY, PhaseName.REVIEW)


def run(*done: PhaseName, approval: str | None = APPROVAL, blocked: bool = False, **statuses: str):
    """A run in which these phases are done, and others stand as the keywords say."""
    known = dict.fromkeys(done, PhaseStatus.DONE) | {PhaseName(name): PhaseStatus(s) for name, s in statuses.items()}
    phases = tuple(PhaseProgress(id=name, status=known.get(name, PhaseStatus.PENDING)) for name in PhaseName)
    status = WorkStatus.BLOCKED if blocked else WorkStatus.DONE
    tasks = (WorkProgress(id="T1", title="one", status=status), WorkProgress(id="T2", title="two"))
    return examples.progress(phases=phases, approval=approval, tasks=tasks)


@pytest.mark.parametrize(
    ("progress", "step"),
    [
        (run(approval=None), Step.RESEARCH),
        (run(research="skipped", approval=None), Step.PLAN),
        (run(*ORDER[:1], approval=None), Step.PLAN),
        (run(*ORDER[:2], approval=None), Step.PUBLISH_PLAN),
        (run(*ORDER[:2]), Step.IMPLEMENT),
        (run(*ORDER[:2], blocked=True), Step.CORRECT),
        (run(*ORDER[:2], approval=None, blocked=True), Step.PUBLISH_PLAN),
        (run(*ORDER[:3], PhaseName.CORRECT), Step.VERIFY),
        (run(*ORDER[:4]), Step.REVIEW),
        (run(*ORDER[:3], verify="skipped", review="skipped"), Step.PUBLISH),
        (run(*ORDER), Step.PUBLISH),
        (run(*ORDER, blocked=True), Step.CORRECT),
        (run(PhaseName.PLAN, PhaseName.IMPLEMENT), Step.RESEARCH),
    ],
)
def test_what_comes_next(progress, step):
    assert next_step(progress) is step


@pytest.mark.parametrize(("number", "status"), list(product(range(len(ORDER)), ("pending", "running", "failed"))))
def test_nothing_jumps_over_an_unfinished_phase(number, status):
    progress = run(*ORDER[:number], *ORDER[number + 1 :], **{ORDER[number]: status})
    assert next_step(progress) is Step(ORDER[number])


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.ACTIVE])
def test_nothing_comes_next_when_a_run_waits_or_is_over(state):
    waiting_for = WaitingFor.APPROVAL if state is RunState.WAITING else None
    assert next_step(examples.progress(state=state, waiting_for=waiting_for)) is None
