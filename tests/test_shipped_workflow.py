"""The shipped workflow, held against the table of steps, the rules of `doctor`, the action, and the template."""

import re
import subprocess

import pytest
import yaml

from phasegate import ACTION
from phasegate.documents.base import Step
from phasegate.doors.templates import Templates, template_directory
from phasegate.jobs.inputs import MOST_SLOTS, Inputs
from phasegate.jobs.performing import JOBS as PERFORMED
from phasegate.policy.commands import parse_command
from phasegate.policy.events import START_LABELS
from phasegate.policy.workflow_rules import APP_KEY, JOBS, MODEL_KEY, TRIGGERS
from phasegate.steps import STEPS, Power
from stage import ROOT

TEXT = (ROOT / ".github/workflows/phasegate.yml").read_text("utf-8")
WORKFLOW = yaml.safe_load(TEXT)
ACTION_FILE = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
VERBS = ("approve", "revise", "replan", "reject", "answer", "adopt", "manual", "retry", "status", "cost", "cancel")
FOLLOWS = {
    "acknowledge": {"decide"},
    "scout": {"decide"},
    "research": {"decide", "scout"},
    "plan": {"decide", "research"},
    "publish-plan": {"decide", "acknowledge", "research", "plan"},
    "task": {"decide"},
    "implement": {"decide", "task"},
    "verify": {"decide", "implement"},
    "review": {"decide", "verify"},
    "publish": {"decide", "acknowledge", "implement", "verify", "review"},
}


def jobs():
    return WORKFLOW["jobs"].items()


def test_the_workflow_is_the_template_that_init_installs():
    rendered = Templates(template_directory()).render("install/workflow.yml.j2", action=ACTION)

    assert rendered.strip() == TEXT.strip()


def test_every_step_but_correct_has_one_job_of_its_name_in_the_order_of_the_table():
    in_order = [str(step) for step in STEPS if step is not Step.CORRECT]

    assert sorted(WORKFLOW["jobs"]) == sorted(in_order)
    assert {str(step) for step in PERFORMED} == set(in_order)
    assert [job["steps"][-1]["with"]["step"] for _, job in jobs()] == list(WORKFLOW["jobs"])


@pytest.mark.parametrize("name", WORKFLOW["jobs"])
def test_a_job_is_one_step_that_uses_the_pinned_action_and_nothing_else(name):
    (step,) = WORKFLOW["jobs"][name]["steps"]

    assert f"{step['uses']} # v" in ACTION
    assert re.search(r"@[0-9a-f]{40}$", step["uses"])
    assert step.keys() <= {"id", "uses", "with"}
    assert set(step["with"]) <= set(ACTION_FILE["inputs"])


@pytest.mark.parametrize("name", WORKFLOW["jobs"])
def test_a_job_has_the_permissions_and_the_secrets_of_its_rules_and_of_its_power(name):
    job, rules = WORKFLOW["jobs"][name], JOBS[name]
    secrets = set(re.findall(r"secrets\.(\w+)", str(job)))
    power = STEPS[Step(name)].power

    assert job["permissions"] == rules.permissions
    assert secrets == rules.secrets
    assert (MODEL_KEY in secrets) == (power is Power.MODEL_KEY)
    assert ("write" in job["permissions"].values()) == (power is Power.WRITE)
    assert APP_KEY not in secrets or power is Power.WRITE


def test_nothing_is_allowed_beyond_the_jobs():
    assert WORKFLOW["permissions"] == {}
    assert "env" not in WORKFLOW
    triggers = {name: tuple((rule or {}).get("types", ())) for name, rule in WORKFLOW[True].items()}
    assert triggers == TRIGGERS


@pytest.mark.parametrize("name", WORKFLOW["jobs"])
def test_every_job_ends_in_time_and_none_cancels_another(name):
    job = WORKFLOW["jobs"][name]

    assert 0 < job["timeout-minutes"] <= 350
    assert job.get("concurrency", {}).get("cancel-in-progress", False) is False
    assert name == "decide" or "concurrency" not in job or "needs.decide.outputs.run" in job["concurrency"]["group"]


@pytest.mark.parametrize(("name", "before"), FOLLOWS.items())
def test_a_job_waits_for_those_whose_work_it_takes(name, before):
    needs = WORKFLOW["jobs"][name]["needs"]

    assert {needs} if isinstance(needs, str) else set(needs) == before


def test_the_report_comes_last_whatever_happened():
    assert set(WORKFLOW["jobs"]["report"]["needs"]) == set(WORKFLOW["jobs"]) - {"report"}
    assert WORKFLOW["jobs"]["report"]["if"].startswith("always()")


def test_the_cheap_filter_knows_every_command_and_every_label():
    condition = WORKFLOW["jobs"]["decide"]["if"]

    assert set(re.findall(r"startsWith\(github\.event\.comment\.body, '/(\w+)'\)", condition)) == set(VERBS)
    assert all(parse_command(f"/{verb}") is not None for verb in VERBS)
    (labels,) = re.findall(r"fromJSON\('(\[.*?\])'\)", condition)
    assert set(yaml.safe_load(labels)) == set(START_LABELS)


@pytest.mark.parametrize("name", ["scout", "task"])
def test_each_slot_of_a_matrix_has_an_output_of_its_own(name):
    outputs = WORKFLOW["jobs"][name]["outputs"]

    assert list(outputs) == [f"slot-{number}" for number in range(1, MOST_SLOTS + 1)]
    for slot, value in outputs.items():
        assert f"matrix.slot == {slot.removeprefix('slot-')} &&" in value


def test_every_output_that_a_job_passes_on_is_one_of_the_action():
    passed = set(re.findall(r"steps\.run\.outputs\.([\w-]+)", TEXT))

    assert passed <= set(ACTION_FILE["outputs"])


def test_the_readme_lists_every_input_and_output_of_the_action_in_its_words():
    table = (ROOT / "README.md").read_text("utf-8").split("## The action")[1]

    for kind in ("inputs", "outputs"):
        for name, told in ACTION_FILE[kind].items():
            required = " (required)" if told.get("required") else ""
            assert f"| `{name}` | {told['description'].rstrip('.')}{required} |" in table


def test_every_input_of_the_action_but_what_only_the_set_up_needs_is_read_by_the_program():
    given = {name for step in ACTION_FILE["runs"]["steps"] if step.get("id") == "run" for name in step["env"]}

    assert given == {f"PHASEGATE_{'TOKEN' if name == 'github-token' else name.upper().replace('-', '_')}"
                     for name in ACTION_FILE["inputs"] if name != "cloud"}  # fmt: skip
    environ = dict.fromkeys(given, "") | {"PHASEGATE_STEP": "decide"}
    Inputs.taken_from(environ)
    assert environ == {}


def test_the_pinned_commit_has_the_action_and_the_program():
    """Where the history is there; a copy of the files alone, or a shallow clone, cannot tell."""
    pinned = re.search(r"@([0-9a-f]{40})", ACTION)[1]
    needed = ("action.yml", "ghes/action.yml", "action/setup.sh", "requirements/run.txt", "src/phasegate/jobs/entry.py")
    command = ["git", "ls-tree", "-r", "--name-only", pinned, "--", *needed]

    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert listed.returncode != 0 or set(listed.stdout.split()) == set(needed)
