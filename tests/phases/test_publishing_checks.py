"""Publishing checks everything once more, whatever the steps before it have booked."""

from unittest.mock import patch

import pytest

import examples
import scenes
from phasegate import pipeline
from phasegate.documents.base import Step
from phasegate.documents.gate_report import GateReport
from phasegate.documents.progress import PhaseName, PhaseProgress, PhaseStatus, Verdict
from phasegate.documents.review import Review
from phasegate.doors.git.repository import FileChange
from phasegate.errors import RefusedError
from phasegate.phases.branch import built, move
from phasegate.phases.publish import publish_change
from phasegate.policy.flow import next_step
from repositories import git, make_repository
from stage import Stage, opened


@pytest.fixture
def setting(tmp_path):
    """A run in which only publishing is left to be done."""
    stage = Stage(tmp_path, make_repository(tmp_path / "repository", scenes.SMALL), no_sandbox=True)
    stage.write_script(scenes.simple())
    steps = dict(pipeline._STEPS) | {Step.PUBLISH: _stop}
    with patch.object(pipeline, "_STEPS", steps):
        assert stage.cli("run", scenes.ISSUE, "--yes").code == 3
    with opened(stage) as given:
        assert next_step(given.store.progress) is Step.PUBLISH
        yield given


def _stop(_setting):
    raise RefusedError("not yet")


def book(setting, name, document):
    """Write another document into the progress, as a tampered run would have it."""
    digest = setting.store.put(document)
    progress = setting.store.progress
    phases = tuple(
        phase.model_copy(update={"document": digest}) if phase.id is name else phase for phase in progress.phases
    )
    setting.store.begin(progress.model_copy(update={"phases": phases}))


def test_what_fits_together_is_published(setting):
    publish_change(setting)

    assert setting.store.progress.state == "done"
    assert "Reviewed-by" in git(setting.git.top, "log", "-1", "--format=%B", "phasegate/L1")


def refused(setting, *what):
    before = git(setting.git.top, "rev-parse", "phasegate/L1")
    with pytest.raises(RefusedError, match="The branch cannot be delivered: ") as told:
        publish_change(setting)
    assert git(setting.git.top, "rev-parse", "phasegate/L1") == before
    assert all(part in told.value.what for part in what), told.value.what


def test_a_gate_report_that_did_not_pass(setting):
    report = setting.store.get(setting.store.progress.phase(PhaseName.VERIFY).document, GateReport)
    payload = report.payload.model_copy(update={"gates": (examples.gate_result(exit_code=1),)})
    book(setting, PhaseName.VERIFY, report.model_copy(update={"payload": payload}))

    refused(setting, "a required gate has not passed", "the review saw another change, or other gates")


def test_a_gate_report_on_something_else(setting):
    book(setting, PhaseName.VERIFY, examples.gate_report())

    refused(setting, "the gates saw another change")


def test_a_review_that_wants_changes(setting):
    review = setting.store.get(setting.store.progress.phase(PhaseName.REVIEW).document, Review)
    findings = examples.review().payload.findings
    payload = review.payload.model_copy(update={"verdict": "changes", "findings": findings})
    book(setting, PhaseName.REVIEW, review.model_copy(update={"payload": payload}))

    refused(setting, "the review wants changes")


def test_a_commit_that_nobody_verified(setting):
    move(setting, built(setting, [FileChange("late.txt", b"late\n")], "Late\n"))

    refused(setting, "the branch is not what was verified")


def test_a_branch_that_somebody_moved(setting):
    mine = git(setting.git.top, "commit-tree", "phasegate/L1^{tree}", "-p", "phasegate/L1", "-m", "mine")
    git(setting.git.top, "branch", "--force", "phasegate/L1", mine)

    with pytest.raises(RefusedError, match="is not where run L1 left it"):
        publish_change(setting)

    assert git(setting.git.top, "rev-parse", "phasegate/L1") == mine
    assert setting.store.progress.state == "active"


@pytest.mark.parametrize("name", [PhaseName.VERIFY, PhaseName.REVIEW])
def test_the_flow_does_not_jump_over_a_phase_that_its_gate_refused(name):
    """Booked as done, and refused: whoever resumes such a run has that phase done again."""
    no = Verdict(passed=False, reason="the gate failed")
    phases = tuple(
        PhaseProgress(id=phase, status=PhaseStatus.DONE, validation=no if phase is name else None)
        for phase in PhaseName
    )

    assert next_step(examples.progress(phases=phases, approval="a" * 64)) is Step(name)
