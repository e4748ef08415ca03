"""Templates render strictly, and change nothing of what goes in."""

import jinja2
import pytest

from phasegate.doors.templates import Templates, template_directory


@pytest.fixture
def render(tmp_path):
    def run(text, **values):
        (tmp_path / "t.j2").write_text(text)
        return Templates(tmp_path).render("t.j2", **values)

    return run


def test_the_templates_of_a_checkout_are_at_its_root():
    directory = template_directory()

    assert (directory / "prompts" / "plan.j2").is_file()
    assert directory.parent.joinpath("pyproject.toml").is_file()


@pytest.mark.parametrize("text", ["{{ name }}", "{% if name %}{% endif %}", "{% for a in name %}{% endfor %}"])
def test_a_variable_that_is_not_given_is_an_error(render, text):
    with pytest.raises(jinja2.UndefinedError, match="name"):
        render(text, other=1)


def test_an_attribute_that_is_not_there_is_an_error(render):
    with pytest.raises(jinja2.UndefinedError, match="nothing"):
        render("{{ name.nothing }}", name="x")


@pytest.mark.parametrize(
    "value", ["<b> & \"'", "{{ 7 * 7 }}", "{% if x %}", "{# no comment #}", "a\n\nb\n", "größe 😀"]
)
def test_what_goes_in_comes_out_as_it_is(render, value):
    """No escaping, and nothing in a value is taken for a template."""
    assert render("[{{ value }}]", value=value) == f"[{value}]"


def test_blocks_leave_no_lines_behind(render):
    text = "a\n  {% if yes %}\nb\n  {% endif %}\nc\n"

    assert render(text, yes=True) == "a\nb\nc"
    assert render(text, yes=False) == "a\nc"


def test_a_template_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(jinja2.TemplateNotFound):
        Templates(tmp_path).render("../etc/passwd")
