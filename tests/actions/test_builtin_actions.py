"""Artifacts, checkout and Python as GitHub's own actions do them."""

import subprocess
from pathlib import Path

import pytest

from actions.workflow_language import UnsupportedError
from actions.workflow_settings import Hooks
from repositories import commit_files, git

FILES = "mkdir -p out/deep; echo 1 > out/a.txt; echo 2 > out/deep/b.txt; echo h > out/.hidden; chmod +x out/a.txt"


def upload(scenery, inputs, prepare=FILES, **settings):
    steps = f"- {{run: '{prepare}'}}\n- {{id: up, uses: actions/upload-artifact@{'0' * 40}, with: {inputs}}}\n"
    return scenery.play_steps(steps, **settings)


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ("{path: out}", {"a.txt", "deep/b.txt"}),
        ("{path: out/}", {"a.txt", "deep/b.txt"}),
        ("{path: out/a.txt}", {"a.txt"}),
        ("{path: 'out/*.txt'}", {"a.txt"}),
        ("{path: 'out/**/*.txt'}", {"a.txt", "deep/b.txt"}),
        ('{path: "out/a.txt\\nout/deep"}', {"a.txt", "deep/b.txt"}),
        ('{path: "out\\n!out/deep"}', {"a.txt"}),
        ("{path: out, include-hidden-files: true}", {"a.txt", "deep/b.txt", ".hidden"}),
        ("{path: '${{ github.workspace }}/out/deep'}", {"b.txt"}),
    ],
)
def test_an_upload_takes_the_files_that_its_path_means(scenery, inputs, names):
    run = upload(scenery, inputs)

    assert set(run.artifacts["artifact"].files()) == names


@pytest.mark.parametrize(
    ("mode", "result", "levels"),
    [("warn", "success", ["warning"]), ("ignore", "success", []), ("error", "failure", ["error"])],
)
def test_an_upload_of_nothing(scenery, mode, result, levels):
    run = upload(scenery, f"{{path: missing, if-no-files-found: {mode}}}")

    assert run.result == result
    assert [note.level for note in run.annotations] == levels
    assert len(run.artifacts) == 0


def test_an_artifact_is_immutable_and_has_outputs(scenery):
    run = scenery.play_jobs(
        """
        a:
          runs-on: x
          outputs: {digest: "${{ steps.up.outputs.artifact-digest }}", id: "${{ steps.up.outputs.artifact-id }}"}
          steps:
            - {run: echo 1 > f}
            - {id: up, uses: actions/upload-artifact@v7, with: {name: one, path: f, retention-days: 3}}
        b:
          needs: a
          runs-on: x
          steps:
            - {run: echo 2 > f}
            - {uses: actions/upload-artifact@v7, with: {name: two, path: f}}
            - {uses: actions/upload-artifact@v7, with: {name: two, path: f, overwrite: true}}
            - {uses: actions/upload-artifact@v7, with: {name: one, path: f}}
        """
    )
    artifact = run.artifacts["one"]

    assert run.jobs["a"].outputs == {"digest": artifact.digest, "id": str(artifact.id)}
    assert (artifact.retention_days, artifact.job, artifact.files()) == (3, "a", {"f": b"1\n"})
    assert [step.outcome for step in run.jobs["b"].steps] == ["success", "success", "success", "failure"]
    assert "(409) Conflict" in run.jobs["b"].annotations[0].message


@pytest.mark.parametrize("name", ["a/b", "a:b", "a*", ""])
def test_an_upload_under_a_name_that_is_not_valid_fails(scenery, name):
    assert upload(scenery, f"{{path: out, name: '{name}'}}").result == "failure"


def download(scenery, inputs, names, hooks=None):
    uploads = "".join(
        f"\n    - {{run: 'echo {name} > {name}.txt'}}"
        f"\n    - {{uses: actions/upload-artifact@v7, with: {{name: {name}, path: {name}.txt}}}}"
        for name in names
    )
    get = f"{{id: get, uses: actions/download-artifact@v8, with: {inputs}}}"
    jobs = (
        f"a:\n  runs-on: x\n  steps:\n    - {{run: 'true'}}{uploads}\n"
        f"b:\n  needs: a\n  runs-on: x\n  steps:\n    - {get}\n    - {{run: 'find . -type f | sort'}}\n"
    )
    return scenery.play_jobs(jobs, hooks=hooks or Hooks()).jobs["b"]


@pytest.mark.parametrize(
    ("names", "inputs", "found"),
    [
        (["p-1", "p-2"], "{name: p-1}", ["./p-1.txt"]),
        (["p-1", "p-2"], "{name: p-1, path: in}", ["./in/p-1.txt"]),
        (["p-1", "p-2", "q"], "{pattern: p-*, path: in}", ["./in/p-1/p-1.txt", "./in/p-2/p-2.txt"]),
        (["p-1", "p-2", "q"], "{pattern: p-*, merge-multiple: true}", ["./p-1.txt", "./p-2.txt"]),
        (["p-1", "q"], "{pattern: p-*, path: in}", ["./in/p-1.txt"]),
        (["p-1", "q"], "{}", ["./p-1/p-1.txt", "./q/q.txt"]),
        (["q"], "{pattern: p-*}", []),
    ],
)
def test_a_download_puts_files_where_the_action_does(scenery, names, inputs, found):
    """The trap: a single match lies in the path itself, several lie in directories of their names."""
    job = download(scenery, inputs, names)

    assert job.result == "success"
    assert [line for line in job.steps[1].log if line.startswith("./")] == found


def test_a_download_of_what_is_not_there_fails(scenery):
    job = download(scenery, "{name: other}", ["one"])

    assert job.result == "failure"
    assert "Artifact not found for name: other" in job.annotations[0].message


def test_a_test_can_tamper_between_jobs(scenery):
    def tamper(run, name):
        if name == "b":
            (run.artifacts["one"].directory / "one.txt").write_text("tampered")

    job = download(scenery, "{name: one}", ["one"], Hooks(before_job=tamper))
    workspace = Path(job.environment["GITHUB_WORKSPACE"])

    assert (workspace / "one.txt").read_text() == "tampered"


def test_an_artifact_can_expire(scenery):
    def expire(run, name):
        if name == "b":
            run.artifacts.remove("one")

    assert download(scenery, "{name: one}", ["one"], Hooks(before_job=expire)).result == "failure"


def test_permissions_of_files_do_not_survive(scenery):
    run = upload(scenery, "{path: out/a.txt}")

    assert not (run.artifacts["artifact"].directory / "a.txt").stat().st_mode & 0o111


def test_artifacts_survive_into_the_next_attempt(scenery):
    run = scenery.play_jobs(
        """
        a:
          runs-on: x
          steps: [{run: echo 1 > f}, {uses: actions/upload-artifact@v7, with: {path: f}}]
        b:
          needs: a
          runs-on: x
          steps: [{uses: actions/download-artifact@v8}, {run: 'cat f; test "$GITHUB_RUN_ATTEMPT" = 2'}]
        """
    )

    assert run.rerun_failed().results == {"a": "success", "b": "success"}


def test_an_input_that_nobody_built_stops_the_test(scenery):
    with pytest.raises(UnsupportedError, match="run-id"):
        scenery.play_steps("- {uses: actions/download-artifact@v8, with: {run-id: 5}}")


def test_a_checkout_is_of_the_runs_commit_or_of_what_is_asked_for(scenery):
    first = git(scenery.clone, "rev-parse", "HEAD")
    second = commit_files(scenery.clone, {"README.md": "Later\n"})
    job = scenery.play_steps(f"""
        - {{id: here, uses: actions/checkout@v7, with: {{persist-credentials: false}}}}
        - {{uses: actions/checkout@v7, with: {{ref: {first}, path: old, fetch-depth: 0}}}}
        - run: cat README.md old/README.md; git rev-list --count HEAD; cat .git/config
        - {{uses: actions/checkout@v7, with: {{ref: no-such-branch, path: none}}}}
    """).jobs["only"]

    assert job.steps[0].outputs["commit"] == second
    assert [line for line in job.steps[2].log if line in {"Later", "Hello", "1"}] == ["Later", "Hello", "1"]
    assert "extraheader" not in "".join(job.steps[2].log)
    assert job.steps[3].outcome == "failure"


def test_a_checkout_leaves_credentials_unless_told_not_to(scenery):
    job = scenery.play_steps("- {uses: actions/checkout@v7}\n- {run: cat .git/config}").jobs["only"]
    config = (Path(job.environment["GITHUB_WORKSPACE"]) / ".git" / "config").read_text()

    assert "extraheader" in config
    assert "AUTHORIZATION: basic ***" in job.log


def test_a_local_action_works_after_a_checkout(scenery):
    text = "name: a\ndescription: a\nruns: {using: composite, steps: [{run: echo from here, shell: bash}]}\n"
    commit_files(scenery.clone, {"tools/act/action.yml": text})
    job = scenery.play_steps("- {uses: actions/checkout@v7}\n- {uses: ./tools/act}").jobs["only"]

    assert "from here" in job.log


def test_python_is_there_without_the_packages_of_the_tests(scenery):
    job = scenery.play_steps("""
        - {id: py, uses: actions/setup-python@v6, with: {python-version: "3.11"}}
        - {run: "import sys; print(sys.flags.ignore_environment, 'pytest' in sys.modules)", shell: python}
        - {run: "python -c 'import pytest' || echo no packages"}
    """).jobs["only"]

    assert job.result == "success"
    assert "no packages" in job.log
    assert subprocess.run([job.steps[0].outputs["python-path"], "-V"], check=True, capture_output=True).stdout
