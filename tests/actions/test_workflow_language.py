"""GitHub's parser and evaluator answer as GitHub does; where its published code does not, ours repairs it."""

import json
import shutil
from pathlib import Path

import pytest

from actions.workflow_language import ExpressionError, Status, WorkflowError, as_text, missing_part

JOB = "jobs:\n  a:\n    runs-on: x\n    steps:\n      - {step}\n"


def expression(text, *allowed):
    return {"${{ }}": text, "allowed": ["github", "needs", *allowed]}


def parsed(language, tmp_path, text):
    path = tmp_path / "w.yml"
    path.write_text(text)
    return language.workflow(path)["document"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.actor", "alice"),
        ("GitHub.Actor == 'ALICE'", True),
        ("github.missing.key", None),
        ("github.missing.key == ''", True),
        ("contains(fromJSON('[\"a\", \"b\"]'), 'b')", True),
        ("startsWith(github.body, '/APPROVE')", True),
        ("github.labels.*.name", ["x", "y"]),
        ("join(github.labels.*.name, '+')", "x+y"),
        ("github.count + 1", ExpressionError),
        ("github.count >= 2", True),
        ("'it''s' == 'it''s'", True),
        ("format('''{0}'' and ''{1}''', 'a', 'b')", "'a' and 'b'"),
        ("format('{{{0}}}', 'a')", "{a}"),
        ("fromJSON('{\"a\": 1.5}').a", 1.5),
        ("fromJSON('not')", ExpressionError),
        ("toJSON(github.labels[0])", '{\n  "name": "x"\n}'),
        ("github.count && 'yes' || 'no'", "yes"),
        ("!github.missing", True),
        ("secrets.KEY", ExpressionError),
        ("nothing(1)", ExpressionError),
    ],
)
def test_expressions_give_what_github_gives(language, text, value):
    contexts = {"github": {"actor": "alice", "count": 2, "body": "/approve", "labels": [{"name": "x"}, {"name": "y"}]}}
    if value is ExpressionError:
        with pytest.raises(ExpressionError):
            language.evaluate(expression(text), contexts)
    else:
        assert language.evaluate(expression(text), contexts) == value


@pytest.mark.parametrize(
    ("text", "status", "holds"),
    [
        ("success()", Status(), True),
        ("success()", Status(success=False), False),
        ("failure()", Status(success=False, failure=True), True),
        ("always()", Status(success=False, cancelled=True), True),
        ("!cancelled()", Status(cancelled=True), False),
        ("'any text'", Status(), True),
        ("''", Status(), False),
        ("0", Status(), False),
    ],
)
def test_conditions_hold_by_status_and_truth(language, text, status, holds):
    functions = ("success(0,0)", "failure(0,0)", "always(0,0)", "cancelled(0,0)")

    assert language.decide(expression(text, *functions), {"github": {}}, status) is holds


@pytest.mark.parametrize(
    ("condition", "becomes"),
    [
        ("github.actor == 'a'", "success() && (github.actor == 'a')"),
        ("${{ github.actor == 'a' }}", "success() && (github.actor == 'a')"),
        ("always() && github.actor == 'a'", "always() && github.actor == 'a'"),
        ("contains('failure()', 'x')", "success() && (contains('failure()', 'x'))"),
    ],
)
def test_a_condition_without_status_function_asks_for_success(language, tmp_path, condition, becomes):
    text = f'on: push\njobs:\n  a:\n    if: "{condition}"\n    runs-on: x\n    steps: [{{run: "true"}}]\n'

    assert parsed(language, tmp_path, text)["jobs"]["a"]["if"]["${{ }}"] == becomes


@pytest.mark.parametrize(
    ("block", "value"),
    [
        (
            "|\n          a 'b' {c} ${{ github.x }}\n            deeper\n\n          end",
            "a 'b' {c} X\n  deeper\n\nend\n",
        ),
        ("|-\n          ${{ github.x }}\n          end", "X\nend"),
        (">-\n          a ${{ github.x }}\n          b", "a X b"),
        ('"two ${{ github.x }}\n          lines"', "two X lines"),
        ("'single ''${{ github.x }}'''", "single 'X'"),
        ("${{ github.x }}", "X"),
        ("no expression", "no expression"),
    ],
)
def test_texts_of_several_lines_are_read_as_yaml_reads_them(language, tmp_path, block, value):
    document = parsed(language, tmp_path, "on: push\n" + JOB.replace("{step}", f"run: {block}"))
    [step] = document["jobs"]["a"]["steps"]

    assert language.evaluate(step["run"], {"github": {"x": "X"}}) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("on: push\njobs: {a: {steps: []}}", "Required property is missing: runs-on"),
        ("on: push\n" + JOB.replace("{step}", "{runs: x}"), "Unexpected value 'runs'"),
        ("on: push\n" + JOB.replace("{step}", "{run: x, if: gthub.actor}"), "Unrecognized named-value: 'gthub'"),
        ("on: push\n" + JOB.replace("{step}", "{run: x, if: secrets.KEY}"), "Unrecognized named-value: 'secrets'"),
        ("on: push\n" + JOB.replace("{step}", '{run: "${{ nothing() }}"}'), "Unrecognized function: 'nothing'"),
        ("on: push\n" + JOB.replace("{step}", "run: x") + "  b: {needs: c, runs-on: x, steps: [{run: x}]}", "job 'c'"),
    ],
)
def test_an_invalid_workflow_is_refused_in_githubs_words(language, tmp_path, text, said):
    with pytest.raises(WorkflowError, match="Line: ") as refused:
        parsed(language, tmp_path, text)
    assert said in str(refused.value)


def test_an_action_has_no_secrets(language, tmp_path):
    path = tmp_path / "action.yml"
    steps = '[{run: "echo ${{ secrets.KEY }}", shell: bash}]'
    path.write_text(f"name: a\ndescription: b\nruns: {{using: composite, steps: {steps}}}\n")

    with pytest.raises(WorkflowError, match="Unrecognized named-value: 'secrets'"):
        language.action(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (False, "false"), (2, "2"), (2.0, "2"), (1.5, "1.5"), ([], "Array"), ({}, "Object")],
)
def test_values_become_text_as_on_github(value, text):
    assert as_text(value) == text


def test_a_missing_node_is_said_in_one_line(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)

    assert missing_part() == "Node is missing: workflow tests are skipped"


def test_the_lock_file_names_no_address():
    lock = json.loads((Path(__file__).parent / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]

    assert all(package["integrity"].startswith("sha512-") for package in packages)
    assert not any("resolved" in package for package in packages)
