"""The action: what its files promise, and its scripts at work with stand-ins for everything they would fetch."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from action_stand_ins import stand_in_tools, write_program

ROOT = Path(__file__).resolve().parent.parent
ACTIONS = ("action.yml", "ghes/action.yml")
YAML_FILES = (*ACTIONS, *(f".github/workflows/{path.name}" for path in (ROOT / ".github" / "workflows").iterdir()))
MODEL_STEPS = ("scout", "research", "plan", "task", "implement", "review")
OTHER_STEPS = ("decide", "acknowledge", "publish-plan", "verify", "publish", "report")
SECRETS = {"github-token", "model-key", "app-private-key"}
BASH = shutil.which("bash") or "/bin/bash"


def load(name):
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def steps_of(name):
    content = load(name)
    if "runs" in content:
        return content["runs"]["steps"]
    return [step for job in content["jobs"].values() for step in job["steps"]]


def run_step(name):
    (step,) = [step for step in load(name)["runs"]["steps"] if step.get("id") == "run"]
    return step


@pytest.mark.parametrize("name", YAML_FILES)
def test_nothing_is_written_into_a_script(name):
    """What the runner would put there it puts unescaped: an input, a title, a branch could then be a command."""
    runs = [step["run"] for step in steps_of(name) if "run" in step]

    assert [run for run in runs if "${{" in run] == []


@pytest.mark.parametrize("name", YAML_FILES)
def test_every_foreign_action_is_pinned_to_a_commit_with_its_version_beside_it(name):
    used = [line.strip() for line in (ROOT / name).read_text("utf-8").splitlines() if "uses:" in line]
    pinned = re.compile(r"(- )?uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+(-\w+)?")

    assert [line for line in used if not pinned.fullmatch(line)] == []


def test_one_action_has_one_version_wherever_it_is_used():
    pins = {}
    for name in set(YAML_FILES) - {"ghes/action.yml"}:
        for action, commit in re.findall(r"uses: ([\w/-]+)@(\S+ # \S+)", (ROOT / name).read_text("utf-8")):
            pins.setdefault(action, set()).add(commit)

    assert {action: commits for action, commits in pins.items() if len(commits) > 1} == {}


def test_the_action_for_enterprise_server_differs_in_the_artifact_actions_alone():
    ours, theirs = ((ROOT / name).read_text("utf-8").partition("name: phasegate")[2] for name in ACTIONS)
    for new, old in {
        "download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1": (
            "download-artifact@ad191675b41f6a5b46da9a048cb6893812da158b # v3.1.0-node20"
        ),
        "upload-artifact@043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1": (
            "upload-artifact@c24449f33cd45d4826c6702db7e49f7cdb9b551d # v3.2.1-node20"
        ),
        "        pattern: phasegate-*\n": "",
        "        overwrite: true\n": "",
        "$GITHUB_ACTION_PATH/action/": "$GITHUB_ACTION_PATH/../action/",
    }.items():
        assert new in ours
        ours = ours.replace(new, old)

    assert ours == theirs


def test_github_com_is_never_shown_the_artifact_actions_that_it_refuses():
    assert "# v3" not in (ROOT / "action.yml").read_text("utf-8")


@pytest.mark.parametrize("name", ACTIONS)
def test_every_input_reaches_the_program_by_its_variable(name):
    given = {"step", "hand-over", "hand-overs", "part", "jobs", "github-token", "model-key", "model-url"}
    names = {"github-token": "token"}
    inputs = load(name)["inputs"]

    assert set(inputs) == given | {"app-id", "app-private-key", "cloud"}
    assert run_step(name)["env"] == {
        f"PHASEGATE_{names.get(key, key).upper().replace('-', '_')}": f"${{{{ inputs.{key} }}}}"
        for key in inputs
        if key != "cloud"  # which packages are there is the set-up's business
    }


@pytest.mark.parametrize("name", ACTIONS)
def test_no_secret_is_there_before_the_program_runs(name):
    others = [step for step in steps_of(name) if step.get("id") != "run"]

    assert not [secret for secret in SECRETS if f"inputs.{secret}" in str(others)]


@pytest.mark.parametrize("name", ACTIONS)
def test_every_output_is_the_programs(name):
    outputs = load(name)["outputs"]

    assert set(outputs) == {"next", "run", "hand-over", "parts"}
    assert {key: value["value"] for key, value in outputs.items()} == {
        key: f"${{{{ steps.run.outputs.{key} }}}}" for key in outputs
    }


@pytest.mark.parametrize("name", ACTIONS)
def test_every_input_and_output_is_described_and_only_the_step_must_be_given(name):
    content = load(name)

    assert all(value["description"] for value in [*content["inputs"].values(), *content["outputs"].values()])
    assert [key for key, value in content["inputs"].items() if value.get("required")] == ["step"]
    assert {value.get("default") for key, value in content["inputs"].items() if key != "step"} == {""}


@pytest.fixture
def tools(tmp_path):
    return stand_in_tools(tmp_path)


@pytest.fixture
def set_up(tmp_path, tools):
    """Runs the set-up as a job of a hostile workspace does."""
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    workspace.mkdir()
    temp.mkdir()
    (workspace / "sys.py").write_text("raise SystemExit('the workspace was imported')")

    def run(*, path=None, **variables):
        environ = {"PATH": path or f"{tools}:{os.defpath}", "RUNNER_TEMP": str(temp), "HOME": str(tmp_path)}
        command = [BASH, "--noprofile", "--norc", "-eo", "pipefail", str(ROOT / "action" / "setup.sh")]
        return subprocess.run(
            command, cwd=workspace, env=environ | variables, capture_output=True, text=True, check=False
        )

    return run


def calls(tools):
    return (tools / "calls").read_text().splitlines()


@pytest.mark.parametrize(
    ("step", "requirements"),
    [
        *((step, "run.txt") for step in MODEL_STEPS),
        *((step, "decide.txt") for step in OTHER_STEPS),
    ],
)
def test_a_step_gets_the_packages_that_it_needs_checked_by_their_hashes(set_up, tools, tmp_path, step, requirements):
    done = set_up(PHASEGATE_STEP=step, PHASEGATE_HAND_OVER="a" * 64, PHASEGATE_PART="S1")

    assert done.returncode == 0, done.stdout + done.stderr
    _, pip, venv, sync = calls(tools)
    assert pip.startswith("python3 -I -m pip install ")
    assert {"--require-hashes", "--only-binary", "--no-deps"} <= set(pip.split())
    assert pip.split()[-1] == str(ROOT / "requirements" / "setup.txt")
    assert "--no-config" in venv.split()
    assert {"--no-config", "--require-hashes", "--no-build"} <= set(sync.split())
    assert sync.split()[-1] == str(ROOT / "requirements" / requirements)
    assert sorted(path.name for path in (tmp_path / "temp" / "phasegate").iterdir()) == ["env", "in", "out"]


def test_what_an_earlier_job_left_is_gone(set_up, tmp_path):
    left = tmp_path / "temp" / "phasegate" / "in" / "hand-over.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")

    assert set_up(PHASEGATE_STEP="decide").returncode == 0
    assert not left.exists()
    assert (tmp_path / "temp" / "phasegate" / "out" / "transcripts").is_dir()


def test_no_variable_of_python_reaches_python(set_up, tools):
    done = set_up(
        PHASEGATE_STEP="decide", PYTHONPATH="/evil", PYTHONSTARTUP="/evil", PIP_TARGET="/evil", PYTHONHOME="/evil"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in calls(tools) if line.startswith("PYTHON")] == []


@pytest.mark.parametrize(
    ("variables", "title"),
    [
        ({}, "unknown step"),
        ({"PHASEGATE_STEP": ""}, "unknown step"),
        ({"PHASEGATE_STEP": "decide::add-mask::e"}, "unknown step"),
        ({"PHASEGATE_STEP": "DECIDE"}, "unknown step"),
        ({"PHASEGATE_STEP": "correct"}, "unknown step"),
        ({"PHASEGATE_STEP": "plan", "PHASEGATE_HAND_OVER": "../../x"}, "bad hand-over"),
        ({"PHASEGATE_STEP": "plan", "PHASEGATE_HAND_OVER": "A" * 64}, "bad hand-over"),
        ({"PHASEGATE_STEP": "plan", "PHASEGATE_HAND_OVER": "a" * 64 + "\n::error::x"}, "bad hand-over"),
        ({"PHASEGATE_STEP": "task", "PHASEGATE_PART": "a/b"}, "bad part"),
        ({"PHASEGATE_STEP": "task", "PHASEGATE_PART": "x" * 65}, "bad part"),
        ({"PHASEGATE_STEP": "task", "PHASEGATE_PART": "x\n::error::x"}, "bad part"),
        ({"PHASEGATE_STEP": "task", "RUNNER_TEMP": ""}, "no runner"),
        ({"PHASEGATE_STEP": "task", "RUNNER_TEMP": "here"}, "no runner"),
    ],
)
def test_inputs_that_are_not_of_their_form_are_refused_before_anything_is_fetched(set_up, tools, variables, title):
    done = set_up(**variables)

    assert done.returncode == 2
    assert re.fullmatch(rf"::error title=phasegate: {title}::[^\n]+\n", done.stdout)
    assert calls(tools) == []


@pytest.mark.parametrize("condition", ["sys.version_info = (3, 10)", "sys.modules['pip'] = None"])
def test_a_machine_without_a_python_that_will_do_is_told_what_to_do(set_up, tools, condition):
    wrapped = f'#!/bin/bash\nexec {sys.executable} -c "import sys; {condition}; exec(sys.argv[3])" "$@"\n'
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        write_program(tools / name, wrapped)
    done = set_up(PHASEGATE_STEP="decide")

    assert done.returncode == 2
    assert "actions/setup-python" in done.stdout


def test_a_newer_python_is_found_under_its_own_name(set_up, tools):
    (tools / "python3").rename(tools / "python3.12")
    write_program(tools / "python3", "#!/bin/bash\nexit 1\n")

    assert set_up(PHASEGATE_STEP="decide").returncode == 0


def test_when_packages_cannot_be_had_the_log_says_why_and_gives_no_orders(set_up, tools):
    write_program(
        tools / "uv-stand-in", "#!/bin/bash\necho 'no index ##[add-mask]x'; echo ' ::add-mask::e' >&2; exit 1\n"
    )
    done = set_up(PHASEGATE_STEP="decide")

    assert done.returncode == 2
    assert done.stdout.startswith("no index ## [add-mask]x\n : :add-mask: :e\n::error title=phasegate: no packages::")


def test_packages_are_not_fetched_from_within_the_workspace(set_up, tools, tmp_path):
    write_program(tools / "uv-stand-in", f"#!/bin/bash\npwd >{tmp_path}/where; exit 1\n")
    set_up(PHASEGATE_STEP="decide")

    assert (tmp_path / "where").read_text() == f"{tmp_path}/temp/phasegate\n"


def test_the_program_is_ours_whatever_lies_in_the_working_directory_or_in_variables(tmp_path):
    (tmp_path / "phasegate").mkdir()
    (tmp_path / "phasegate" / "__init__.py").write_text("raise SystemExit('imported from the wrong place')")
    (tmp_path / "typing.py").write_text("raise SystemExit('imported from the wrong place')")
    command = [sys.executable, "-I", str(ROOT / "action" / "run.py")]
    environ = {"PYTHONPATH": str(tmp_path), "PHASEGATE_STEP": "dance"}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "'dance' is no step" in done.stdout + done.stderr


@pytest.fixture
def machine(tmp_path):
    """A machine with little on it, where what `sudo` is asked for happens only on paper."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "cat", "tee", "touch"):
        (programs / name).symlink_to(shutil.which(name))

    def run(environment, *, sudo="exit 1", bwrap=None):
        write_program(programs / "sudo", f'#!{BASH}\nprintf "%s\\n" "$*" >>{tmp_path}/asked\n{sudo}\n')
        if bwrap is not None:
            write_program(programs / "bwrap", f"#!{BASH}\n{bwrap}\n")
        done = subprocess.run(
            [BASH, str(ROOT / "action" / "sandbox.sh")],
            env={"PATH": str(programs), "RUNNER_ENVIRONMENT": environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0
        asked = tmp_path / "asked"
        return done.stdout, asked.read_text().splitlines() if asked.exists() else []

    return run


@pytest.mark.parametrize("environment", ["github-hosted", "self-hosted"])
def test_a_machine_whose_sandbox_works_is_left_as_it_is(machine, environment):
    said, asked = machine(environment, bwrap="exit 0")

    assert "worked as it was" in said
    assert asked == []


@pytest.mark.parametrize("environment", ["self-hosted", ""])
def test_a_machine_of_somebodys_own_is_never_changed(machine, environment):
    said, asked = machine(environment, bwrap="exit 1")

    assert "not ours to change" in said
    assert asked == []


def test_a_machine_of_githubs_gets_the_package_and_no_more_when_that_is_enough(machine, tmp_path):
    install = f"printf '#!{BASH}\\nexit 0\\n' >{tmp_path}/bin/bwrap; {shutil.which('chmod')} +x {tmp_path}/bin/bwrap"
    said, asked = machine("github-hosted", sudo=install)

    assert "bubblewrap was installed" in said
    assert [line.split()[:3] for line in asked] == [["-n", "apt-get", "install"]]


def test_the_switch_for_the_whole_machine_comes_last(machine, tmp_path):
    switch = f'case "$*" in *sysctl*) touch {tmp_path}/on ;; *apparmor_parser*) exit 1 ;; *tee*) cat >/dev/null ;; esac'
    said, asked = machine("github-hosted", sudo=switch, bwrap=f"[ -e {tmp_path}/on ]")

    assert "every program" in said
    assert asked[-1] == "-n sysctl --quiet --write kernel.apparmor_restrict_unprivileged_userns=0"
    assert not [line for line in asked if "apt-get" in line], "bubblewrap is there already"


def test_without_any_sandbox_the_step_goes_on_and_leaves_it_to_the_program(machine):
    said, asked = machine("github-hosted")

    assert "could not be made to work" in said
    assert asked


def pins(name):
    """Package, version and hashes of a requirements file, which holds nothing else."""
    lines = (ROOT / "requirements" / name).read_text("utf-8").replace("\\\n", " ").splitlines()
    found = {}
    for line in lines:
        pinned, *hashes = line.split(" --hash=sha256:")
        name, version = pinned.partition(";")[0].strip().split("==")
        assert hashes
        assert all(re.fullmatch(r"[0-9a-f]{64} *", value) for value in hashes), line
        found[name] = version
    return found


@pytest.mark.parametrize("name", ["run.txt", "decide.txt", "setup.txt", "dev.txt"])
def test_every_requirement_is_pinned_by_hash_and_names_no_address(name):
    assert pins(name)
    assert "://" not in (ROOT / "requirements" / name).read_text("utf-8")


def test_the_sets_of_requirements_agree():
    run, decide, dev = pins("run.txt"), pins("decide.txt"), pins("dev.txt")

    assert decide.items() < run.items() < dev.items()
    assert "anthropic" in run
    assert "anthropic" not in decide
    assert set(pins("setup.txt")) == {"uv"}


def test_the_steps_without_a_model_have_all_that_the_program_needs_but_the_models_library():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = {re.split(r"[\[<>=!~ ]", line)[0] for line in project["project"]["dependencies"]}

    assert set(project["dependency-groups"]["decide"]) == needed - {"anthropic"}
