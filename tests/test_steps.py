"""The table of steps, held against the documents, the pipeline and what a step is given."""

from dataclasses import replace

import pytest

import scenes
from phasegate import pipeline
from phasegate.documents.approval import Approver
from phasegate.documents.base import Step
from phasegate.documents.chain import KINDS
from phasegate.doors.model import ModelError, NoModel
from phasegate.phases.human import approve
from phasegate.policy.config_file import parse_config
from phasegate.policy.flow import next_step
from phasegate.steps import STEPS, Power
from repositories import make_repository
from stage import Stage, opened

ORDER = list(STEPS)


def test_every_step_stands_in_the_table_in_the_order_of_the_pipeline():
    assert list(Step) == ORDER


def test_what_is_needed_and_made_are_documents_and_every_kind_has_a_maker():
    made = {kind for facts in STEPS.values() for kind in facts.makes}

    assert made == set(KINDS)
    assert {kind for facts in STEPS.values() for kind in facts.needs} <= made


@pytest.mark.parametrize("step", Step)
def test_what_a_step_needs_was_made_by_a_step_before_it(step):
    before = {kind for earlier in ORDER[: ORDER.index(step)] for kind in STEPS[earlier].makes}

    assert set(STEPS[step].needs) <= before


def test_every_step_of_the_pipeline_stands_in_the_table_and_the_others_are_the_forge_s():
    assert set(STEPS) - set(pipeline._STEPS) == {Step.DECIDE, Step.ACKNOWLEDGE, Step.SCOUT, Step.TASK, Step.REPORT}


@pytest.mark.parametrize("step", Step)
def test_code_runs_only_below_steps_that_are_sandboxed(step):
    """Implement drives a model and has code executed, in processes of their own: the sandbox has no key."""
    facts = STEPS[step]

    assert facts.sandboxed == (step in {Step.TASK, Step.IMPLEMENT, Step.VERIFY})
    assert facts.power is not Power.EXECUTE or facts.sandboxed


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """The setting of a run that waits for approval, with a model and a sandbox."""
    directory = tmp_path_factory.mktemp("steps")
    stage = Stage(directory, make_repository(directory / "repository", scenes.SMALL), no_sandbox=True)
    stage.write_script(scenes.simple())
    assert stage.cli("run", scenes.ISSUE).code == 4
    with opened(stage) as given:
        yield given


@pytest.mark.parametrize("step", sorted(pipeline._STEPS))
def test_a_step_is_given_what_its_power_allows_and_nothing_else(setting, step):
    given = pipeline.with_power_of(step, setting)
    facts = STEPS[step]

    assert (given.model is setting.model) == (facts.power is Power.MODEL_KEY)
    assert (given.sandbox is setting.sandbox) == facts.sandboxed
    assert facts.power is Power.MODEL_KEY or isinstance(given.model, NoModel)
    assert facts.sandboxed or given.sandbox is None


@pytest.mark.parametrize("step", [Step.PUBLISH_PLAN, Step.VERIFY, Step.PUBLISH])
def test_a_step_without_the_key_cannot_ask_a_model(setting, step):
    with pytest.raises(ModelError, match=f"The step {step} may not ask a model"):
        pipeline.with_power_of(step, setting).model.limits(scenes.OPUS)


def test_steps_that_follow_an_approval_do_nothing_without_one_that_holds(setting):
    """Another configuration than the approved one: nothing is executed, and the run waits for a human again."""
    approve(setting, Approver(id="1", login="ann", permission="admin"))
    assert next_step(setting.store.progress) is Step.IMPLEMENT
    changed = parse_config("implement: {parallel: 1}")

    progress = pipeline.go_on(replace(setting, config=changed))

    assert (progress.state, progress.waiting_for) == ("waiting", "approval")
    assert progress.reason == "The approval does not hold any more: the configuration has changed."
    assert progress.approval is None
