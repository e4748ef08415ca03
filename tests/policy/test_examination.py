"""What `doctor` makes of the facts."""

import pytest

from phasegate.policy import examination
from phasegate.policy.config import Provider
from phasegate.policy.events import START_LABELS
from phasegate.policy.installation import WORKFLOW_PATH, Care, Shipped, stamped
from phasegate.policy.verdict import Level, skipped

ACTION = "phasegate/phasegate"
OURS, OTHER = f"{ACTION}@{'0' * 40}", f"{ACTION}@{'1' * 40}"
BODY = f"jobs: {{decide: {{if: x, steps: [{{uses: {OURS}}}]}}}}\n"
SHIPPED = Shipped(WORKFLOW_PATH, BODY, Care.MERGED)


def said(*verdicts):
    return [(verdict.level, verdict.what) for verdict in verdicts]


@pytest.mark.parametrize(
    ("archived", "issues", "level"),
    [(False, True, Level.OK), (True, True, Level.PROBLEM), (False, False, Level.PROBLEM)],
)
def test_a_repository_can_be_written_and_has_issues(archived, issues, level):
    verdict = examination.rights_verdict("ann", ["push", "pull"], archived=archived, issues=issues)

    assert verdict.level is level


def test_whose_token_it_is_is_told_if_it_can_be():
    assert (
        "as ann; the token may: pull, push."
        in examination.rights_verdict("ann", {"push", "pull"}, archived=False, issues=True).what
    )
    assert (
        examination.rights_verdict(None, (), archived=False, issues=True).what == "GitHub answers; the token may: read."
    )


@pytest.mark.parametrize(
    ("default", "pulls", "app", "levels"),
    [
        ("read", True, False, [Level.OK, Level.OK]),
        ("read", False, True, [Level.OK, Level.OK]),
        ("read", False, False, [Level.PROBLEM, Level.OK]),
        ("write", True, False, [Level.OK, Level.WARNING]),
    ],
)
def test_workflows_may_open_pull_requests_and_little_else(default, pulls, app, levels):
    verdicts = examination.actions_verdicts(default, may_open_pulls=pulls, has_app=app)

    assert [verdict.level for verdict in verdicts] == levels


@pytest.mark.parametrize(
    ("names", "provider", "level"),
    [
        (["ANTHROPIC_API_KEY"], "anthropic", Level.OK),
        (["OTHER"], "anthropic", Level.PROBLEM),
        ([], "bedrock", Level.OK),
    ],
)
def test_the_key_has_to_be_there_unless_a_cloud_serves_the_models(names, provider, level):
    assert examination.secret_verdict(names, Provider(name=provider)).level is level


@pytest.mark.parametrize(
    ("secrets", "variables", "expected"),
    [
        ([], [], []),
        (["PHASEGATE_APP_PRIVATE_KEY"], ["PHASEGATE_APP_ID"], [Level.OK]),
        ([], ["PHASEGATE_APP_ID"], [Level.PROBLEM]),
        (["PHASEGATE_APP_PRIVATE_KEY"], [], [Level.PROBLEM]),
    ],
)
def test_an_app_is_set_up_whole_or_not_at_all(secrets, variables, expected):
    assert [verdict.level for verdict in examination.app_verdicts(secrets, variables)] == expected


def test_missing_labels_are_named():
    assert examination.labels_verdict([name.upper() for name in START_LABELS]).level is Level.OK
    assert "phasegate:research, phasegate:plan." in examination.labels_verdict(["phasegate"]).what


@pytest.mark.parametrize(
    ("rules", "level", "word"),
    [
        ([], Level.OK, "No rule"),
        (["deletion", "required_linear_history"], Level.OK, "No rule"),
        (["non_fast_forward", "creation"], Level.PROBLEM, "creating it, force-pushing to it"),
        (["commit_message_pattern"], Level.WARNING, "commit_message_pattern"),
    ],
)
def test_rules_for_branches_may_be_in_the_way(rules, level, word):
    verdict = examination.branch_verdict(rules)

    assert verdict.level is level
    assert word in verdict.what


def workflow(text, provider="anthropic"):
    return said(
        *examination.workflow_verdicts(
            text, SHIPPED, version="0.2.0", action=ACTION, provider=Provider(name=provider), where="here"
        )
    )


def beyond_the_rules(found):
    """Without what the small workflow of these tests lacks anyway."""
    common = set(workflow(stamped(SHIPPED, "0.2.0")))
    return [one for one in found if one not in common]


def test_a_missing_workflow_is_a_problem():
    [(level, what)] = workflow(None)

    assert level is Level.PROBLEM
    assert f"There is no {WORKFLOW_PATH} here." in what


def test_a_workflow_that_is_no_yaml_is_a_problem():
    [(level, what)] = workflow("a: [")

    assert level is Level.PROBLEM
    assert "cannot be used" in what


@pytest.mark.parametrize(
    ("version", "words"), [("0.1.0", "is from phasegate 0.1.0; this is 0.2.0"), ("0.3.0", "only 0.2.0")]
)
def test_another_version_is_told_and_its_differences_are_not(version, words):
    older = Shipped(WORKFLOW_PATH, BODY.replace("if: x", "if: y"), Care.MERGED)

    [(level, what)] = beyond_the_rules(workflow(stamped(older, version)))

    assert level is Level.WARNING
    assert words in what


def test_an_edit_is_told_with_or_without_the_first_line():
    mine = BODY.replace("if: x", "if: y")
    for text in (mine, stamped(SHIPPED, "0.2.0", mine)):
        [(level, what)] = beyond_the_rules(workflow(text))

        assert level is Level.WARNING
        assert "`jobs.decide.if`" in what
    assert beyond_the_rules(workflow(BODY)) == []


def test_another_commit_of_the_action_is_a_problem():
    [(level, what)] = beyond_the_rules(workflow(BODY.replace(OURS, OTHER)))

    assert level is Level.PROBLEM
    assert OTHER in what


def test_at_a_cloud_other_rules_hold_for_jobs_that_ask_a_model():
    text = f"jobs: {{plan: {{permissions: {{id-token: write, contents: read}}, if: x, steps: [{{uses: {OURS}}}]}}}}"

    assert any("id-token" in what for _, what in workflow(text))
    assert not any("id-token" in what for _, what in workflow(text, "bedrock"))


@pytest.mark.parametrize(
    ("lifecycle", "level"), [("active", Level.OK), ("deprecated", Level.WARNING), ("unknown", Level.SKIPPED)]
)
def test_a_model_tells_of_its_life(lifecycle, level):
    verdict = examination.model_verdict("claude-x", lifecycle, ["plan", "review"])

    assert verdict.level is level
    assert "claude-x (plan, review)" in verdict.what


def test_without_a_gate_nothing_checks_a_change():
    assert examination.gates_verdict({}).level is Level.WARNING
    assert examination.gates_verdict({"test": 1, "lint": 2}).what == "Quality gates: test, lint."


@pytest.mark.parametrize(
    ("content", "level", "word"),
    [
        (b"# Primer\n", Level.WARNING, "says nothing"),
        (b"# Primer\r\n", Level.WARNING, "says nothing"),
        (b"# Ours\n", Level.OK, "is there"),
        (b"x" * 8193, Level.WARNING, "8193 bytes"),
    ],
)
def test_a_primer_is_short_and_says_something(content, level, word):
    verdict = examination.primer_verdict(content, "# Primer\n")

    assert verdict.level is level
    assert word in verdict.what


def test_what_was_skipped_says_so():
    assert skipped("x", "why").level is Level.SKIPPED
