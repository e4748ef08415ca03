"""What is said twice is checked: README, CLI, configuration, requirements, the wheel."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from phasegate import __version__
from phasegate.cli.main import app
from phasegate.errors import ExitCode
from phasegate.policy.config import Config
from phasegate.policy.config_file import parse_config

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def _commands() -> set[str]:
    return {command.name for command in app.registered_commands if command.name}


def test_the_readme_names_every_command_and_no_other():
    table = README.split("## Commands")[1].split("## Configuration")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {name for cell in cells for name in re.findall(r"`(?:phasegate )?([a-z]+)", cell)}

    assert named == _commands()


def test_every_command_has_an_example_in_its_help():
    assert all(
        command.epilog and command.epilog.startswith("Example: phasegate ") for command in app.registered_commands
    )


def test_the_readme_names_every_exit_code():
    said = README.split("Exit codes:")[1].split("\n\n")[0]

    assert {int(code) for code in re.findall(r"(?:^|· |\s)(\d+) ", said)} == {int(code) for code in ExitCode}


def test_the_configuration_in_the_readme_is_valid():
    example = README.split("```yaml")[1].split("```")[0]

    assert parse_config(example).gates is not None


def test_the_readme_names_the_default_models():
    models = Config().models
    for tier in (models.research, models.implement, models.scout):
        assert f"`{tier.model}`" in README


def test_links_between_our_own_pages_lead_somewhere():
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_requirements_are_pinned_with_hashes_and_without_addresses(name):
    text = (ROOT / "requirements" / name).read_text("utf-8")
    pins = re.findall(r"^[a-z0-9].*?==.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)

    assert len(pins) > 20
    assert all("--hash=sha256:" in pin for pin in pins)
    assert "://" not in text
    assert "index-url" not in text


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = {
        line.split("==")[0] for line in (ROOT / "requirements/run.txt").read_text("utf-8").splitlines() if "==" in line
    }

    assert {re.split(r"[>=<\[]", name)[0] for name in project["dependencies"]} <= pinned


def test_the_wheel_carries_the_templates_and_works_from_there(tmp_path):
    """An installed package finds its templates inside itself, not at the root of a checkout."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        carried = set(archive.namelist())
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "templates").rglob("*") if path.is_file()}
    asked = "from phasegate.doors.templates import *; print(Templates(template_directory()).render('prompts/scout.j2'))"
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {asked}"
    shown = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)

    assert {f"phasegate/{name}" for name in templates} <= carried
    assert "You are a scout" in shown.stdout
    assert __version__ in wheel.name
