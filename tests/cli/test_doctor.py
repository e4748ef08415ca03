"""`phasegate doctor` against a fake GitHub and a rehearsed model: each thing that can be wrong, and its fix."""

import json
import os
from unittest.mock import patch

import pytest

from fakehub import FakeHub
from fakehub.state import Label
from phasegate import __version__
from phasegate.cli import access
from phasegate.cli.shipping import shipped_files
from phasegate.policy.installation import WORKFLOW_PATH, stamped
from phasegate.policy.labels import DESCRIPTIONS
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer
from repositories import commit_files, git, make_repository, write_file
from stage import run_here

KEY = "sk-ant-secret-of-the-user"
INSTALLED = {one.path: stamped(one, __version__) for one in shipped_files(server=True)}
FILES = {**INSTALLED, "Makefile": "test:\n\ttrue\n", ".claude/PRIMER.md": "# Ours\n"}


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub", files=FILES) as made:
        made.add_user("mona", "admin")
        made.main.secrets.add("ANTHROPIC_API_KEY")
        for number, name in enumerate(DESCRIPTIONS):
            made.main.labels[name] = Label(10_000 + number, name)
        yield made


@pytest.fixture
def server():
    """A model that answers for its record alone; nothing is asked of it."""
    script = {
        "rehearsal": 1,
        "scenes": [{"name": "all", "turns": [{"say": "x"}]}],
        "models": {
            "claude-haiku-5-5": {"lifecycle": "deprecated"},
            "claude-gone": {"lifecycle": "retired"},
            "claude-opus-5": {},
        },
    }
    with RehearsalServer(load_script(json.dumps(script), source="script.yml")) as made:
        yield made


@pytest.fixture
def repository(tmp_path):
    made = make_repository(tmp_path / "repository", FILES)
    git(made, "remote", "add", "origin", "git@github.com:octo/hello.git")
    return made


@pytest.fixture
def at_hub(repository, hub):
    """The repository as a clone of the one at the hub, and what the environment needs to ask there."""
    git(repository, "remote", "set-url", "origin", f"{hub.url}/octo/widgets.git")
    labels = hub.issue_token(None, login="mona")
    return {"GITHUB_SERVER_URL": hub.url, "GITHUB_API_URL": hub.api_url, "GITHUB_TOKEN": labels}


def doctor(repository, *words, **more):
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COLUMNS": "200", "GIT_CONFIG_NOSYSTEM": "1", **more}
    with patch.object(access.time, "sleep", lambda _: None):
        return run_here(["doctor", "--repo", str(repository), *words], environ)


def checks(repository, **more):
    """The verdicts by check: (level, what)."""
    outcome = doctor(repository, "--json", **more)
    found = {}
    for one in outcome.json["checks"]:
        found.setdefault(one["check"], []).append((one["level"], one["what"], one["mend"]))
    return found


def levels(found):
    return {check: [level for level, _, _ in told] for check, told in found.items()}


def test_a_repository_that_is_set_up_has_no_problem(repository, hub, at_hub, server):
    found = checks(repository, **at_hub, ANTHROPIC_API_KEY=KEY, PHASEGATE_MODEL_URL=server.url)

    assert levels(found) | {"sandbox": None} == {
        "git": ["ok"],
        "remote": ["ok"],
        "repository": ["ok"],
        "pull requests": ["ok"],
        "default token": ["ok"],
        "secret": ["ok"],
        "labels": ["ok"],
        "branches": ["ok"],
        "workflow": ["ok"],
        "configuration": ["ok"],
        "gates": ["ok"],
        "primer": ["ok"],
        "model": ["ok", "ok", "warning"],
        "sandbox": None,
    }, found


@pytest.mark.parametrize(
    ("change", "check", "level", "words"),
    [
        (lambda main: main.secrets.clear(), "secret", "problem", "ANTHROPIC_API_KEY is missing"),
        (lambda main: main.labels.clear(), "labels", "problem", "Missing labels: phasegate,"),
        (lambda main: setattr(main, "actions_may_create_pulls", False), "pull requests", "problem", "may not open"),
        (lambda main: setattr(main, "default_workflow_permissions", "write"), "default token", "warning", "may write"),
        (lambda main: setattr(main, "archived", True), "repository", "problem", "archived"),
        (lambda main: main.variables.update(PHASEGATE_APP_ID="1"), "app", "problem", "set up by half"),
    ],
)
def test_each_setting_that_is_wrong_is_told_with_its_fix(repository, hub, at_hub, change, check, level, words):
    change(hub.main)
    [(found, what, mend)] = checks(repository, **at_hub)[check]

    assert found == level
    assert words in what
    assert mend


def test_a_rule_for_the_branches_of_runs_is_told(repository, hub, at_hub):
    source = {"ruleset_source_type": "Repository", "ruleset_source": "octo/widgets", "ruleset_id": 1}
    hub.main.rules["phasegate/issue-1"] = [{"type": "creation"} | source]

    [(level, what, _)] = checks(repository, **at_hub)["branches"]
    assert (level, "creating it" in what) == ("problem", True)


def test_the_exit_code_tells_whether_there_is_a_problem(repository, hub, at_hub, server):
    fine = doctor(repository, **at_hub, ANTHROPIC_API_KEY=KEY, PHASEGATE_MODEL_URL=server.url)
    hub.main.secrets.clear()
    bad = doctor(repository, **at_hub)

    assert fine.code == 0, fine.out
    assert "\n0 problems, " in fine.out
    assert bad.code == 1
    assert "\n1 problem, " in bad.out
    assert "→ gh secret set ANTHROPIC_API_KEY" in bad.out


def test_no_secret_is_printed(repository, at_hub, server):
    outcome = doctor(repository, **at_hub, ANTHROPIC_API_KEY=KEY, PHASEGATE_MODEL_URL=server.url)

    assert KEY not in outcome.out + outcome.err
    assert at_hub["GITHUB_TOKEN"] not in outcome.out + outcome.err


def test_what_cannot_be_checked_is_skipped_and_never_looks_like_success(repository):
    found = levels(checks(repository))

    for check in ("repository", "pull requests", "default token", "secret", "labels", "branches", "model"):
        assert found[check] == ["skipped"], check
    assert "7 not checked." in doctor(repository).out


def test_what_a_token_may_not_read_is_skipped_with_a_reason(repository, hub, at_hub):
    found = checks(repository, **at_hub | {"GITHUB_TOKEN": hub.issue_token({"contents": "read", "issues": "read"})})

    for check in ("pull requests", "default token", "secret"):
        assert [level for level, _, _ in found[check]] == ["skipped"]
        assert "may not be read" in found[check][0][1]
    assert levels(found)["labels"] == ["ok"]


@pytest.mark.parametrize("token", ["ghp_nobody_s", "bad token"])
def test_a_token_that_is_not_accepted_is_a_problem(repository, at_hub, token):
    found = checks(repository, **at_hub | {"GITHUB_TOKEN": token})

    assert levels(found)["repository"] == ["problem"]
    assert levels(found)["labels"] == ["skipped"]


def test_a_token_for_github_goes_nowhere_else(repository, hub, at_hub):
    """Whoever made somebody clone from their server must not get a token by way of `doctor`."""
    elsewhere = {"GH_TOKEN": "secret", "GITHUB_TOKEN": "secret", "GITHUB_API_URL": hub.api_url}
    found = checks(repository, **elsewhere)

    assert levels(found)["repository"] == ["skipped"]
    assert hub.calls == []


def test_without_a_remote_there_is_no_github(repository):
    git(repository, "remote", "remove", "origin")
    found = checks(repository)

    [(level, what, mend)] = found["remote"]
    assert (level, what) == ("problem", "There is no remote `origin`.")
    assert mend.startswith("git remote add origin ")
    assert "workflow" not in found
    assert levels(found)["configuration"] == ["ok"]


def test_the_workflow_on_the_default_branch_counts(repository, hub, at_hub):
    weaker = INSTALLED[WORKFLOW_PATH].replace("permissions: {}", "permissions: write-all")
    hub.push("mona", "main", {WORKFLOW_PATH: weaker})
    found = checks(repository, **at_hub)

    assert ("problem", "permissions" in found["workflow"][0][1]) == (found["workflow"][0][0], True)
    assert levels(found)["installed"] == ["warning"]


@pytest.mark.parametrize(
    ("label", "level", "words"),
    [("ubuntu-latest", "ok", ", apart from runs-on."), ("self-hosted", "warning", "Jobs run on `self-hosted`.")],
)
def test_machines_that_a_repository_chose_are_told(repository, hub, at_hub, label, level, words):
    hub.push("mona", "main", {WORKFLOW_PATH: INSTALLED[WORKFLOW_PATH].replace("ubuntu-24.04", label)})
    [(found, what, _)] = checks(repository, **at_hub)["workflow"]

    assert found == level
    assert what.endswith(words)


def test_steps_that_install_what_gates_need_are_a_warning_and_no_problem(repository, hub, at_hub):
    head, job, rest = INSTALLED[WORKFLOW_PATH].partition("\n  verify:\n")
    mine = rest.replace("    steps:\n", "    steps:\n      - run: pip install pytest\n", 1)
    hub.push("mona", "main", {WORKFLOW_PATH: head + job + mine})
    [(level, what, _)] = checks(repository, **at_hub)["workflow"]

    assert (level, "The job `verify` runs steps of yours first (run)" in what) == ("warning", True)


def test_a_workflow_that_is_not_there_yet_is_a_problem(repository, hub, at_hub):
    hub.push("mona", "main", {WORKFLOW_PATH: None})
    found = checks(repository, **at_hub)

    assert f"There is no {WORKFLOW_PATH} on main." in found["workflow"][0][1]
    assert "is not yet on main" in found["installed"][0][1]


def test_without_a_token_the_workflow_of_the_checkout_is_looked_at(repository):
    write_file(repository, WORKFLOW_PATH, INSTALLED[WORKFLOW_PATH].replace("phasegate/ghes@", "phasegate/ghes@v1 #"))
    git(repository, "remote", "set-url", "origin", "https://git.acme.example/octo/hello")

    assert set(levels(checks(repository))["workflow"]) == {"problem"}


def test_a_bad_configuration_is_told_and_no_model_is_asked(repository):
    write_file(repository, ".github/phasegate.yml", "modles: {}\n")
    found = checks(repository)

    [(level, what, mend)] = found["configuration"]
    assert level == "problem"
    assert ".github/phasegate.yml:1:1" in what
    assert "phasegate schema" in mend
    assert "model" not in found


def test_a_file_that_is_a_link_is_told(repository):
    (repository / ".github/phasegate.yml").unlink()
    (repository / ".github/phasegate.yml").symlink_to("/etc/passwd")

    assert "symbolic link" in checks(repository)["files"][0][1]


@pytest.mark.parametrize(
    ("model", "level", "words"),
    [
        ("claude-gone", "problem", "price of the model claude-gone is not known"),
        ("claude-nowhere", "problem", "claude-nowhere"),
        ("claude-opus-5", "ok", "claude-opus-5 (plan)"),
    ],
)
def test_each_model_is_looked_up(repository, server, model, level, words):
    write_file(repository, ".github/phasegate.yml", f"models: {{plan: {{model: {model}}}}}\n")
    told = checks(repository, ANTHROPIC_API_KEY=KEY, PHASEGATE_MODEL_URL=server.url)["model"]

    assert any(found == level and words in what for found, what, _ in told), told


def test_a_retired_model_with_a_price_is_a_problem(repository, server):
    price = "prices: {claude-gone: {input: 1, output: 1, cache_read: 1, cache_write: 1}}\n"
    write_file(repository, ".github/phasegate.yml", f"models: {{plan: {{model: claude-gone}}}}\n{price}")
    told = checks(repository, ANTHROPIC_API_KEY=KEY, PHASEGATE_MODEL_URL=server.url)["model"]

    assert any(level == "problem" and "The model claude-gone is retired" in what for level, what, _ in told)


def test_a_key_that_cannot_be_one_is_a_problem(repository):
    [(level, what, _)] = checks(repository, ANTHROPIC_API_KEY="two words")["model"]

    assert (level, "cannot be one" in what) == ("problem", True)


def test_a_model_that_cannot_be_reached_is_told_once_and_without_a_run_to_resume(repository):
    told = checks(repository, ANTHROPIC_API_KEY=KEY, PHASEGATE_MODEL_URL="http://127.0.0.1:9")["model"]

    [(level, what, mend)] = told
    assert level == "problem"
    assert "claude-opus-5-5 (research, plan, review, correct), claude-sonnet-5-5 (implement)" in what
    assert "The model cannot be reached" in what
    assert "resume" not in mend


def test_a_directory_that_is_not_there_is_called_none(tmp_path):
    outcome = doctor(tmp_path / "nope")

    assert outcome.code == 2
    assert f"{tmp_path / 'nope'} is no directory." in outcome.err


def test_a_primer_as_init_wrote_it_says_nothing(repository):
    commit_files(repository, {".claude/PRIMER.md": INSTALLED[".claude/PRIMER.md"]})

    assert levels(checks(repository))["primer"] == ["warning"]
