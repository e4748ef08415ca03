"""What keeps foreign words out of what is published, however the code grows: rules on the source and the templates."""

import ast
import re
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import phasegate
from phasegate.doors.templates import template_directory

SOURCE = Path(phasegate.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
TEMPLATES = sorted(path for folder in ("comments", "report") for path in (template_directory() / folder).rglob("*.j2"))
MAKES_SAFE = {"safe_markdown", "page", "run_page"}
"""Where a `Safe` may be made of a text: the sanitiser, addresses that are checked, and hexadecimal digests."""
HARMLESS_ROWS = {
    "gate.name",
    "gate.icon",
    "gate.command",
    "gate.ended",
    "gate.time",
    "gate.minutes",
    "model.left",
    "model.right",
    "phase.name",
    "phase.icon",
    "phase.status",
    "phase.model",
    "phase.cost.sent",
    "phase.cost.cached",
    "phase.cost.answered",
    "phase.cost.turns",
    "phase.cost.usd",
    "phase.cost.time",
    "total.sent",
    "total.cached",
    "total.answered",
    "total.turns",
    "total.usd",
    "total.time",
}
"""What stands in tables: made by `cell` or `inline`, in which no bar ends a cell."""


def calls(name):
    """Yield every call of a name in the package, with the module's name."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield path.stem, node


def values_in(template):
    return re.findall(r"{{(.*?)}}", template)


def test_a_text_becomes_publishable_in_one_place_only():
    assert {module for module, _ in calls("SafeMarkdown")} == {"safe_markdown"}
    assert {module for module, _ in calls("Safe")} <= MAKES_SAFE


def test_our_own_words_are_literals():
    made = [node for _, node in calls("ours")]

    assert made
    assert all(len(node.args) == 1 and isinstance(node.args[0], ast.Constant) for node in made)


def test_there_are_templates_to_look_at():
    assert len(TEMPLATES) > 15


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_changes_nothing_in_what_it_is_given(path):
    """A filter, a slice or a method could undo an escape."""
    tree = Environment(autoescape=True).parse(path.read_text())

    assert not list(tree.find_all((nodes.Filter, nodes.Slice, nodes.Call, nodes.Concat, nodes.Add, nodes.Mod)))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_puts_no_value_into_a_tag(path):
    """Within HTML there is no Markdown: an escape would not be one."""
    assert not [line for line in path.read_text().split("\n") if re.search(r"</?[a-z]", line) and "{{" in line]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_links_only_to_addresses(path):
    targets = re.findall(r"\]\((.*?)\)", path.read_text())

    assert all(re.fullmatch(r"{{ (\w+\.)?(\w+_)?(address|tree) }}", target) for target in targets)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_puts_no_value_behind_a_sign_that_would_join_it(path):
    """`@` and a login would be a mention, `#` and a number a reference: only numbers that are ours stand there."""
    joined = re.findall(r"(?:@|#|://|GH-|\$){{ (.*?) }}", path.read_text())

    assert set(joined) <= {"issue", "pull"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_only_values_in_tables_that_end_no_cell(path):
    rows = [line for line in path.read_text().split("\n") if line.startswith("|")]

    values = {value.strip() for row in rows for value in values_in(row)}
    assert {value for value in values if " if " not in value} <= HARMLESS_ROWS


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_one_line_for_each_paragraph(path):
    """GitHub breaks the lines of a comment where they break in the source."""
    lines = path.read_text().split("\n")

    assert not [line for line in lines if re.match(r"[a-z]", line) and not line.startswith("flowchart")]
