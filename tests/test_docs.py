"""The pages of `docs/`: what they say twice is checked against what holds."""

import re
from pathlib import Path

import pytest
import yaml

import stage
from phasegate.cli.main import app
from phasegate.cli.shipping import shipped_workflow
from phasegate.policy.codes import CODES
from phasegate.policy.commands import Verb
from phasegate.policy.config import config_schema
from phasegate.policy.config_file import parse_config
from phasegate.policy.events import START_LABELS
from phasegate.policy.installation import CARE
from phasegate.policy.scope import PROTECTED
from phasegate.policy.verdict import Level
from phasegate.policy.workflow_file import read_workflow
from phasegate.policy.workflow_rules import broken_rules
from phasegate.publishing.configuration_page import configuration_page

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def page(name):
    return (DOCS / f"{name}.md").read_text("utf-8")


def cells(text):
    """The rows of all tables, as lists of cells."""
    rows = (line for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_reference_of_the_configuration_is_what_the_command_prints(tmp_path):
    """To make it anew: `phasegate schema --markdown > docs/configuration.md`."""
    assert page("configuration") == configuration_page()
    assert stage.run_here(["schema", "--markdown"], {}).out == configuration_page()


def test_the_reference_names_every_key_with_a_meaning():
    rows = [row for row in cells(page("configuration")) if row[0].startswith("`")]
    sections = {row[0].strip("`").split(".")[0] for row in rows}

    assert sections == set(config_schema()["properties"])
    assert all(len(row) == 4 and all(row) for row in rows)
    assert {"`review.rounds`": "`1`", "`verify.rounds`": "`2`"}.items() <= {row[0]: row[2] for row in rows}.items()
    assert "`gates.NAME.run`" in {row[0] for row in rows}


def test_the_reference_names_the_paths_that_are_protected_anyway():
    [line] = re.findall(r"(?m)^Built in: (.*)\.$", page("configuration"))

    assert tuple(re.findall(r"`([^`]+)`", line)) == PROTECTED


def test_every_reason_code_is_explained_in_its_own_words():
    rows = {row[0].strip("`"): row for row in cells(page("troubleshooting").split("## Reason codes")[1])}

    told = {code: row[1] for code, row in rows.items() if code not in {"code", "---"}}
    assert told == dict(CODES)
    assert all(row[2] for row in rows.values())


def test_every_command_of_a_comment_is_explained():
    named = set(re.findall(r"`/([a-z]+)", page("approval")))

    assert named == set(Verb.__args__)


def test_the_page_on_installing_names_what_init_writes_and_the_labels():
    text = page("install")

    assert {cell[0].strip("`") for cell in cells(text.split("## 2.")[0])} >= set(CARE)
    assert all(f"`{label}`" in text for label in START_LABELS)


def test_examples_of_the_configuration_are_valid():
    blocks = re.findall(r"(?m)^    ((?:provider|gates):.*\n(?:    .*\n)*)", page("install"))
    gates, provider = (parse_config(block.replace("\n    ", "\n")) for block in blocks)

    assert gates.gates["test"].run.endswith("npm test")
    assert provider.provider.name == "bedrock"


def test_steps_that_install_what_gates_need_are_no_problem_for_doctor():
    text = page("install").split("## What your gates need")[1].split("## What a run")[0]
    blocks = re.findall(r"(?m)^    (steps:\n(?:    .*\n)*)", text)
    for block in blocks:
        steps = yaml.load(block.replace("\n    ", "\n"), Loader=yaml.BaseLoader)["steps"]
        shipped = shipped_workflow(server=False).body
        mine = yaml.load(shipped, Loader=yaml.BaseLoader)
        mine["jobs"]["verify"]["steps"] = [*steps[:-1], *mine["jobs"]["verify"]["steps"]]
        workflow = read_workflow(yaml.safe_dump(mine, width=1000), source="w.yml")

        [verdict] = broken_rules(workflow, action="phasegate/phasegate")
        assert verdict.level is Level.WARNING
    assert len(blocks) == 2


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_commands_named_on_a_page_are_there(path):
    verbs = {command.name for command in app.registered_commands}
    named = re.findall(r"(?:`|^    |\"\)\" |… )phasegate ([a-z]+)", path.read_text("utf-8"), re.MULTILINE)

    assert set(named) <= verbs | {"step"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_to_headings_lead_somewhere(path):
    for target, anchor in re.findall(r"\]\(([a-z]*\.md)?#([^)]+)\)", path.read_text("utf-8")):
        text = (DOCS / target).read_text("utf-8") if target else path.read_text("utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        assert anchor in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}, anchor
