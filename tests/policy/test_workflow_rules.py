"""The rules for the workflow: the shipped one keeps them, and each way to weaken it is told."""

from copy import deepcopy

import pytest
import yaml

from phasegate.cli.shipping import action_for, shipped_workflow
from phasegate.policy.verdict import Level
from phasegate.policy.workflow_file import Workflow, read_workflow
from phasegate.policy.workflow_rules import JOBS, MODEL_KEY, broken_rules, chosen, differences, machines
from phasegate.policy.workflow_steps import PREPARED, without_first_steps
from phasegate.steps import STEPS, Power

ACTION = "phasegate/phasegate"
SHIPPED = shipped_workflow(server=False).body
COMMIT = "0123456789012345678901234567890123456789"


def read(text):
    return read_workflow(text, source="w.yml")


TREE = yaml.load(SHIPPED, Loader=yaml.BaseLoader)


def flat(tree, place=()):
    """The scalars of a tree by their places, as `read_workflow` has them."""
    below = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    if not below or not tree:
        return {place: tree or ""}
    return {where: leaf for key, child in below for where, leaf in flat(child, (*place, key)).items()}


def test_the_tests_read_a_workflow_as_the_program_does():
    assert flat(TREE) == read(SHIPPED).leaves


def changed(*place, to=None, drop=False):
    """The shipped workflow with one place changed."""
    tree = deepcopy(TREE)
    below = tree
    for part in place[:-1]:
        below = below[part]
    if drop:
        del below[place[-1]]
    elif isinstance(below, list) and place[-1] == len(below):
        below.append(to)
    else:
        below[place[-1]] = to
    return Workflow(flat(tree))


def told(workflow, **more):
    return [f"{verdict.level}: {verdict.what}" for verdict in broken_rules(workflow, action=ACTION, **more)]


@pytest.mark.parametrize("server", [False, True])
def test_the_shipped_workflow_keeps_every_rule(server):
    action = action_for(server=server).partition("@")[0]

    assert broken_rules(read(shipped_workflow(server=server).body), action=action) == ()


def test_no_job_holds_two_powers():
    for name, rules in JOBS.items():
        writes = "write" in rules.permissions.values()
        assert not (writes and MODEL_KEY in rules.secrets), name


def test_the_rules_agree_with_the_powers_of_the_steps():
    for step, facts in STEPS.items():
        rules = JOBS.get(step.value)
        if rules is not None:
            assert (MODEL_KEY in rules.secrets) is (facts.power is Power.MODEL_KEY), step
            assert ("write" in rules.permissions.values()) is (facts.power is Power.WRITE), step


def test_code_of_the_repository_runs_in_the_jobs_that_may_be_prepared():
    sandboxed = {step.value for step, facts in STEPS.items() if facts.sandboxed}

    assert sandboxed & JOBS.keys() == PREPARED


PLAN, PUBLISH = ("jobs", "plan"), ("jobs", "publish")
STEP = (*PLAN, "steps", 0)


@pytest.mark.parametrize(
    ("place", "to", "words"),
    [
        (("on", "push"), {}, "started by `push`"),
        (("on", "pull_request_target"), {}, "started by `pull_request_target`"),
        (("on", "issues", "types"), ["labeled", "opened"], "`issues` starts it on opened"),
        (("on", "issues"), "", "`issues` starts it on every type"),
        (("on", "repository_dispatch"), "", "`repository_dispatch` starts it on every type"),
        (("permissions",), "write-all", "`permissions: {}` is not at its top"),
        (("permissions",), {"contents": "read"}, "`permissions: {}` is not at its top"),
        (("env",), {"KEY": "${{ secrets.ANTHROPIC_API_KEY }}"}, "every job gets ANTHROPIC_API_KEY by `env`"),
        ((*PLAN, "permissions", "contents"), "write", "the job `plan` may do more than it needs (contents: write)"),
        ((*PLAN, "permissions", "actions"), "read", "(actions: read)"),
        ((*PLAN, "permissions", "contents"), "odd", "(contents: odd)"),
        ((*PLAN, "permissions"), "write-all", "(all: write)"),
        ((*PLAN, "permissions"), "read-all", "(all: read)"),
        ((*PLAN, "permissions"), {"contents": "read", "id-token": "write"}, "(id-token: write)"),
        (
            ("jobs", "verify", "env"),
            {"K": "${{ secrets.ANTHROPIC_API_KEY }}"},
            "the job `verify` gets ANTHROPIC_API_KEY",
        ),
        (("jobs", "verify", "env"), {"K": "${{ secrets['anthropic_api_key'] }}"}, "gets ANTHROPIC_API_KEY"),
        (("jobs", "verify", "env"), {"K": "${{ toJSON(secrets) }}"}, "gets ALL OF THEM"),
        (("jobs", "verify", "env"), {"K": "${{ secrets[format('{0}', 'X')] }}"}, "gets ALL OF THEM"),
        (("jobs", "verify", "secrets"), "inherit", "gets ALL OF THEM"),
        (("jobs", "verify", "if"), "secrets.MORE != ''", "gets MORE"),
        (
            (*PUBLISH, "steps", 0, "with", "model-key"),
            "${{ secrets.ANTHROPIC_API_KEY }}",
            "`publish` gets ANTHROPIC_API_KEY",
        ),
        (
            (*PLAN, "concurrency", "cancel-in-progress"),
            "true",
            "The job `plan` of the installed workflow can be cancelled",
        ),
        ((*STEP, "uses"), f"evil/action@{COMMIT}", "does not have exactly one step with phasegate/phasegate"),
        ((*STEP, "uses"), f"{ACTION}@v1", "by something that can be moved"),
        ((*STEP, "uses"), f"{ACTION}@main", "by something that can be moved"),
        ((*STEP, "with", "step"), "publish", "does another step than its own"),
        ((*STEP, "with", "github-token"), "${{ secrets.MY_TOKEN }}", "works with another token"),
        ((*STEP, "continue-on-error"), "true", "goes on after a failure"),
        ((*PLAN, "steps", 1), {"run": "curl x"}, "has a step of its own (run)"),
        ((*PLAN, "steps", 1), {"uses": f"actions/checkout@{COMMIT}"}, "has a step of its own (actions/checkout@"),
        (("jobs", "mine"), {"env": {"K": "${{ secrets.K }}"}}, "the job `mine`, which is not ours, gets K"),
        (("jobs", "mine"), {"permissions": {"contents": "write"}}, "which is not ours, may write (contents: write)"),
        (("jobs", "mine"), {"permissions": "write-all"}, "which is not ours, may write (all: write)"),
    ],
)
def test_what_weakens_it_is_a_problem(place, to, words):
    found = told(changed(*place, to=to))

    assert any(line.startswith("problem: ") and words in line for line in found), found


@pytest.mark.parametrize(
    ("place", "level", "words"),
    [
        (("on", "workflow_dispatch"), "warning", "is not started by `workflow_dispatch`"),
        (("jobs", "verify"), "problem", "has no job `verify`"),
        (("jobs", "decide", "if"), "problem", "the job `decide` has no `if:`"),
        ((*PUBLISH, "permissions", "contents"), "problem", "lacks contents: write"),
        ((*PLAN, "permissions"), "problem", "The job `plan` of the installed workflow lacks contents: read"),
        (("permissions",), "problem", "`permissions: {}` is not at its top"),
        ((*STEP, "with", "github-token"), "problem", "works with another token"),
        ((*PLAN, "steps"), "problem", "does not have exactly one step"),
    ],
)
def test_what_is_missing_is_told(place, level, words):
    [line] = told(changed(*place, drop=True))

    assert line.startswith(f"{level}: ")
    assert words in line


def test_a_harmless_job_of_its_own_is_only_told():
    [line] = told(changed("jobs", "mine", to={"runs-on": "x", "permissions": {"contents": "read"}}))

    assert line == "warning: The installed workflow has a job `mine` of its own."


def test_the_token_of_the_job_is_no_secret():
    assert told(changed(*STEP, "with", "github-token", to="${{secrets.GITHUB_TOKEN}}")) == []


@pytest.mark.parametrize("text", ["needs.secrets.outputs.x", "secrets_of_ours"])
def test_what_only_looks_like_the_secrets_is_none(text):
    assert told(changed("jobs", "verify", "env", to={"K": f"${{{{ {text} }}}}", "L": "secrets.X"})) == []


def test_at_a_cloud_jobs_that_ask_a_model_may_log_in():
    tree = deepcopy(TREE)
    plan = tree["jobs"]["plan"]
    plan["permissions"]["id-token"] = "write"
    plan["env"] = {"ROLE": "${{ secrets.AWS_ROLE }}"}
    plan["steps"].insert(0, {"uses": f"aws-actions/configure-aws-credentials@{COMMIT}"})
    at_cloud = Workflow(flat(tree))

    assert told(at_cloud, cloud=True) == []
    assert len(told(at_cloud)) == 3
    plan["steps"][0]["uses"] = "aws-actions/configure-aws-credentials@v4"
    assert len(told(Workflow(flat(tree)), cloud=True)) == 1
    tree["jobs"]["verify"]["permissions"]["id-token"] = "write"
    assert len(told(Workflow(flat(tree)), cloud=True)) == 2


CHECKOUT = {"uses": f"actions/checkout@{COMMIT}", "with": {"persist-credentials": "false"}}
INSTALL = {"run": "pip install -r requirements-dev.txt", "env": {"CACHE": "${{ github.workspace }}/${{ runner.os }}"}}


def prepared(job, *steps, after=(), env=None):
    """The shipped workflow with steps before the one of phasegate."""
    tree = deepcopy(TREE)
    tree["jobs"][job]["steps"] = [*steps, *tree["jobs"][job]["steps"], *after]
    if env:
        tree["jobs"][job]["env"] = env
    return Workflow(flat(tree))


@pytest.mark.parametrize("job", sorted(PREPARED))
def test_what_gates_need_may_be_installed_before_our_step_and_is_told(job):
    workflow = prepared(job, CHECKOUT, INSTALL)

    [line] = told(workflow)
    assert line.startswith(f"warning: The job `{job}` runs steps of yours first (actions/checkout@")
    assert line.endswith(", run); they are yours to trust.")
    assert differences(without_first_steps(workflow, ACTION), read(SHIPPED)) == ()


@pytest.mark.parametrize(
    ("workflow", "words"),
    [
        (prepared("plan", INSTALL), "has a step of its own (run) beside"),
        (prepared("verify", after=[INSTALL]), "has a step of its own (run) beside"),
        (prepared("verify", {"uses": "actions/setup-python@v6"}), "by something that can be moved"),
        (prepared("verify", {"uses": "./.github/actions/mine"}), "by something that can be moved"),
        (prepared("verify", {"run": "x", "env": {"K": "${{ secrets.GITHUB_TOKEN }}"}}), "gets a secret, a token"),
        (prepared("verify", {"run": "x ${{ github.token }}"}), "gets a secret, a token"),
        (prepared("verify", {"run": "x ${{ toJSON(github) }}"}), "gets a secret, a token"),
        (prepared("verify", {"run": "x ${{ github.event.comment.body }}"}), "what others wrote"),
        (prepared("implement", INSTALL, env={"K": "${{ secrets.ANTHROPIC_API_KEY }}"}), "gets a secret, a token"),
        (prepared("verify", {"uses": f"actions/checkout@{COMMIT}"}), "leaves a token behind"),
        (prepared("verify", INSTALL, after=TREE["jobs"]["verify"]["steps"]), "does not have exactly one step"),
    ],
)
def test_other_steps_beside_ours_stay_a_problem(workflow, words):
    found = told(workflow)

    assert any(line.startswith("problem: ") and words in line for line in found), found


def test_what_comes_after_our_step_stays_a_difference():
    [verdict] = differences(without_first_steps(prepared("verify", after=[INSTALL]), ACTION), read(SHIPPED))

    assert "`jobs.verify.steps`" in verdict.what


def test_what_a_repository_chose_for_itself_is_named():
    assert chosen(changed("jobs", "plan", "timeout-minutes", to="9"), read(SHIPPED)) == ("timeout-minutes",)
    assert chosen(read(SHIPPED), read(SHIPPED)) == ()


def test_machines_that_may_be_one_s_own_are_told():
    assert machines(changed("jobs", "plan", "runs-on", to="ubuntu-latest")) == ()
    [verdict] = machines(changed("jobs", "plan", "runs-on", to=["self-hosted", "linux"]))

    assert verdict.level is Level.WARNING
    assert verdict.what == "Jobs run on `linux`, `self-hosted`."
    assert "keep what a job leaves" in verdict.mend


def test_a_workflow_that_is_no_mapping_lacks_everything():
    levels = {verdict.level for verdict in broken_rules(read("[]"), action=ACTION)}

    assert levels == {Level.PROBLEM, Level.WARNING}


@pytest.mark.parametrize(
    "place", [("jobs", "plan", "runs-on"), ("jobs", "plan", "timeout-minutes"), ("jobs", "plan", "name")]
)
def test_what_every_repository_may_choose_is_no_difference(place):
    assert differences(changed(*place, to="other"), read(SHIPPED)) == ()


def test_other_differences_are_told_with_their_place():
    [verdict] = differences(changed("jobs", "decide", "if", to="true"), read(SHIPPED))

    assert verdict.level is Level.WARNING
    assert "`jobs.decide.if`" in verdict.what


def test_of_many_differences_a_few_are_told():
    [verdict] = differences(read("jobs: {plan: {if: x, needs: y}}"), read(SHIPPED))

    assert verdict.what.endswith(" and more.")


def test_layout_and_comments_make_no_difference():
    assert differences(read(yaml.safe_dump(TREE, width=1000)), read(SHIPPED)) == ()
