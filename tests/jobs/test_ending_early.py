"""A job that is cancelled, or whose time is over, hands over what is finished."""

import io
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

import scenes
from fakehub import FakeHub
from phasegate.documents.base import Step
from phasegate.documents.hand_over import HandOver, Origin
from phasegate.documents.progress import RunState
from phasegate.doors.git.repository import Git
from phasegate.errors import ExitCode
from phasegate.jobs import working
from phasegate.jobs.carrying import packed, read_hand_over
from phasegate.jobs.entry import run_step
from phasegate.phases.human import resume
from repositories import git
from stage import Stage, opened

KEY = "sk-ant-canary"


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub", files=dict(scenes.SMALL)) as hub:
        yield hub


@pytest.fixture
def job(hub, tmp_path):
    """The environment of a job that plans, with the hand-over of a run whose research is done."""
    stage = Stage(tmp_path / "stage", tmp_path / "repository", no_sandbox=True)
    git(tmp_path, "clone", "-q", str(hub.main.git.path), str(stage.repository))
    stage.write_script([scenes.scout(), scenes.research()])  # nobody plans: the run fails after research
    assert stage.cli("run", scenes.ISSUE).code != 0
    with opened(stage) as setting:
        resume(setting.store)
        before = HandOver(run="L1", made_by=Step.DECIDE, origin=ORIGIN)
        hand_over = packed(setting.store, Git.open(stage.repository, environ=dict(os.environ)), before, Step.RESEARCH)
    temp = tmp_path / "temp"
    (temp / "phasegate/in").mkdir(parents=True)
    (temp / "phasegate/in/hand-over.json").write_bytes(hand_over.to_bytes())
    (tmp_path / "event.json").write_text("{}")
    return hub.environment | {
        "PATH": os.environ["PATH"],
        "PHASEGATE_STEP": "plan",
        "PHASEGATE_HAND_OVER": hand_over.digest,
        "PHASEGATE_TOKEN": hub.issue_token({"contents": "read"}),
        "PHASEGATE_MODEL_KEY": KEY,
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "mia",
        "GITHUB_EVENT_NAME": "issues",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": "7",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "GITHUB_WORKFLOW_REF": f"{hub.main.full_name}/.github/workflows/phasegate.yml@refs/heads/main",
        "RUNNER_ENVIRONMENT": "self-hosted",
        "RUNNER_TEMP": str(temp),
    }


ORIGIN = Origin(
    event="issues", actor="mia", actor_id=7, permission="write", at=datetime(2026, 1, 2, tzinfo=UTC), number=1
)


def test_a_job_that_is_told_to_end_leaves_the_run_so_that_it_can_go_on(job, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setitem(working._WORK, Step.PLAN, interrupted)
    out, temp = io.StringIO(), Path(job["RUNNER_TEMP"])

    code = run_step(job, out)

    assert code is ExitCode.INTERRUPTED, out.getvalue()
    assert "told to end" in out.getvalue()
    assert KEY not in out.getvalue().replace(f"::add-mask::{KEY}", "")
    outputs = Path(job["GITHUB_OUTPUT"]).read_text("utf-8").split("\n")
    digest = next(line for line in outputs if len(line) == 64)
    left = read_hand_over(temp / "phasegate/out/hand-over.json", digest)
    assert left.progress.state is RunState.ACTIVE
    assert left.made_by is Step.PLAN
    assert not [name for name in job if name.startswith("PHASEGATE_")]
