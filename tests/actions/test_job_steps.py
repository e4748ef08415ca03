"""Steps of one job: scripts, their files and environment, composite actions, time limits."""

import os
from pathlib import Path

import pytest

from actions.job_machine import MachineLostError
from actions.workflow_language import UnsupportedError, WorkflowError
from actions.workflow_settings import Hooks

COMPOSITE = """
    name: greet
    description: greets
    inputs:
      who: {description: x, required: true}
      greeting: {description: x, default: "Hello from ${{ github.repository }}"}
    outputs:
      said: {description: x, value: "${{ steps.say.outputs.said }}"}
    runs:
      using: composite
      steps:
        - id: say
          shell: bash
          env: {WHO: "${{ inputs.who }}", GREETING: "${{ inputs.greeting }}"}
          run: |
            echo "said=$GREETING, $WHO" >> "$GITHUB_OUTPUT"
            test "$WHO" != nobody
            test -f "$GITHUB_ACTION_PATH/action.yml"
        - if: always()
          shell: bash
          run: echo "status of the job is ${{ job.status }}, steps so far ${{ steps.say.outcome }}"
        - if: failure()
          shell: bash
          run: echo only after a failure
    """


def only(run):
    return run.jobs["only"]


def outcomes(record):
    return [(step.outcome, step.conclusion) for step in record.steps]


def test_bash_runs_as_on_github(scenery):
    """Strict when asked for by name, less strict otherwise."""
    job = only(
        scenery.play_steps("""
            - {run: "false | true"}
            - {run: "false | true", shell: bash, continue-on-error: true}
            - {run: "echo $0 | grep -q '[.]sh$'"}
            - {run: "import sys; sys.exit(len(sys.argv) - 1)", shell: python}
            - {run: "exit 3"}
            - {run: "echo never"}
        """)
    )

    assert outcomes(job) == [
        ("success", "success"),
        ("failure", "success"),
        ("success", "success"),
        ("success", "success"),
        ("failure", "failure"),
        ("skipped", "skipped"),
    ]
    assert job.result == "failure"
    assert "Process completed with exit code 3." in [note.message for note in job.annotations]


def test_conditions_of_steps_see_steps_and_status(scenery):
    job = only(
        scenery.play_steps("""
            - {id: a, run: "echo v=1 >> $GITHUB_OUTPUT"}
            - {if: "steps.a.outputs.v == '1'", run: "true"}
            - {if: "steps.a.outputs.v == '2'", run: "false"}
            - {if: "env.WANTED == 'yes'", run: "false", env: {WANTED: "yes"}}
            - {if: "failure()", run: "true"}
            - {if: "always()", run: "true"}
            - {if: "steps.a.outcome == 'success'", run: "true"}
        """)
    )

    assert [step.outcome for step in job.steps] == [
        *("success", "success", "skipped", "failure", "success", "success", "skipped")
    ]


def test_files_of_the_runner_reach_later_steps(scenery):
    job = only(
        scenery.play_steps("""
            - id: a
              run: |
                mkdir bin; printf '#!/bin/sh\\necho found' > bin/tool; chmod +x bin/tool
                echo "$PWD/bin" >> "$GITHUB_PATH"
                printf 'LINES<<E\\none\\ntwo\\nE\\nGITHUB_SHA=mine\\n' >> "$GITHUB_ENV"
                echo "# Summary" >> "$GITHUB_STEP_SUMMARY"
            - run: |
                tool
                echo "${LINES}|${{ env.LINES }}"
                test "$GITHUB_SHA" = "${{ github.sha }}"
                test ! -s "$GITHUB_OUTPUT"
        """)
    )

    assert job.result == "success"
    assert "found\none\ntwo|one\ntwo" in job.log
    assert job.summary == "# Summary\n"


def test_variables_of_the_runner_cannot_be_replaced(scenery):
    env = "{GITHUB_SHA: mine, RUNNER_OS: mine, GITHUB_OWN: mine, CI: 'no'}"
    job = only(scenery.play_steps(f"- {{run: 'true', env: {env}}}"))
    seen = job.environment

    assert seen["GITHUB_SHA"] != "mine"
    assert (seen["RUNNER_OS"], seen["GITHUB_OWN"], seen["CI"]) == ("Linux", "mine", "no")


def test_an_output_that_cannot_be_read_fails_the_step(scenery):
    job = only(scenery.play_steps('- {run: "echo nonsense >> $GITHUB_OUTPUT"}'))

    assert job.result == "failure"
    assert "Invalid format 'nonsense'" in job.annotations[0].message


def test_a_process_finds_only_what_github_gives(scenery, monkeypatch):
    monkeypatch.setenv("AMBIENT", "leaks")
    job = only(scenery.play_steps('- {run: "env -0 > all; pwd", env: {MINE: "1"}}', secrets={"KEY": "sesame"}))
    given = job.environment
    workspace = Path(given["GITHUB_WORKSPACE"])
    seen = dict(pair.split("=", 1) for pair in (workspace / "all").read_text().split("\0") if pair)

    assert {name for name in seen if not name.startswith(("GITHUB_", "RUNNER_"))} - {"PWD", "SHLVL", "_"} == {
        *("CI", "HOME", "LANG", "MINE", "PATH", "SHELL", "USER")
    }
    assert seen["GITHUB_EVENT_NAME"] == "issues"
    assert seen["GITHUB_REPOSITORY"] == "octo/hello"
    assert seen["GITHUB_ACTOR"] == "alice"
    assert seen["CI"] == seen["GITHUB_ACTIONS"] == "true"
    assert "GITHUB_TOKEN" not in seen
    assert not any("sesame" in value or "leaks" in value for value in given.values())
    assert [path.name for path in workspace.iterdir()] == ["all"]
    assert "alice" in Path(given["GITHUB_EVENT_PATH"]).read_text()


def test_secrets_are_where_the_workflow_puts_them_and_not_in_the_log(scenery):
    job = only(
        scenery.play_steps(
            """
            - {run: 'echo "$KEY"; echo "::notice::$KEY"', env: {KEY: "${{ secrets.KEY }}"}}
            - {run: 'echo "again ${{ secrets.KEY }}, missing [${{ secrets.OTHER }}]"'}
            - {run: 'echo "token ${{ github.token }} ${{ secrets.GITHUB_TOKEN }}"'}
            """,
            secrets={"KEY": "sesame"},
        )
    )

    assert "sesame" not in job.log
    assert "again ***, missing []" in job.log
    assert "token *** ***" in job.log
    assert job.annotations[0].message == "***"
    assert job.steps[0].environment["KEY"] == "sesame"
    assert "KEY" not in job.steps[1].environment


def test_a_composite_action_has_inputs_outputs_and_a_status_of_its_own(scenery):
    action = scenery.action("greet", COMPOSITE)
    run = scenery.play_steps(
        f"""
        - {{id: hi, uses: octo/greet@{"a" * 40}, with: {{who: you}}}}
        - run: echo "${{{{ steps.hi.outputs.said }}}}"
        - {{id: no, uses: octo/greet@v1, with: {{WHO: nobody, greeting: Bye}}}}
        - if: always()
          run: echo "${{{{ steps.no.outputs.said }}}} ${{{{ steps.no.outcome }}}} [${{{{ inputs.who }}}}]"
        """,
        actions={"octo/greet": action},
    )
    job = only(run)

    assert "Hello from octo/hello, you" in job.steps[1].log
    assert "Bye, nobody failure []" in job.steps[3].log
    assert [step.outcome for step in job.steps[0].steps] == ["success", "success", "skipped"]
    assert [step.outcome for step in job.steps[2].steps] == ["failure", "success", "success"]
    assert "status of the job is success, steps so far failure" in job.log
    assert job.result == "failure"


def test_a_composite_action_sees_no_environment_but_its_callers(scenery):
    action = scenery.action("greet", COMPOSITE)
    job = only(
        scenery.play_steps(
            "- {uses: octo/greet@v1, with: {who: you}, env: {OUTER: '1'}}", actions={"octo/greet": action}
        )
    )
    inner = job.steps[0].steps[0].environment

    assert inner["OUTER"] == "1"
    assert inner["GITHUB_ACTION_PATH"] == str(action)
    assert not any(name.startswith("INPUT_") for name in inner)
    assert "GITHUB_ACTION_PATH" not in job.steps[0].environment


@pytest.mark.parametrize(
    ("inputs", "said"),
    [("{}", "Required input(s) not given: ['who']"), ("{who: x, whom: y}", "Unexpected input(s) ['whom']")],
)
def test_wrong_inputs_are_said(scenery, inputs, said):
    action = scenery.action("greet", COMPOSITE)
    job = only(scenery.play_steps(f"- {{uses: octo/greet@v1, with: {inputs}}}", actions={"octo/greet": action}))

    assert said in job.annotations[0].message
    assert job.result == ("failure" if "Required" in said else "success")


def test_actions_use_each_other_and_local_ones_need_a_checkout(scenery):
    inner = scenery.action("inner", COMPOSITE)
    outer = scenery.action(
        "outer",
        """
        name: outer
        description: uses another
        runs:
          using: composite
          steps: [{uses: octo/inner@v1, with: {who: deep}}]
        """,
    )
    actions = {"octo/inner": inner, "octo/outer": outer}
    job = only(scenery.play_steps("- {uses: octo/outer@v1}\n- {uses: ./}", actions=actions))

    assert [step.outcome for step in job.all_steps()] == [*["success"] * 4, "skipped", "failure"]
    assert "Can't find 'action.yml'" in job.annotations[-1].message


def test_an_action_that_uses_itself_ends(scenery):
    text = "name: a\ndescription: a\nruns: {using: composite, steps: [{uses: octo/a@v1}]}\n"
    job = only(scenery.play_steps("- {uses: octo/a@v1}", actions={"octo/a": scenery.action("a", text)}))

    assert job.result == "failure"


@pytest.mark.parametrize("uses", ["octo/unknown@v1", "docker://alpine", "actions/cache@v4"])
def test_what_is_not_built_stops_the_test(scenery, uses):
    with pytest.raises(UnsupportedError):
        scenery.play_steps(f"- {{uses: '{uses}'}}")


def test_an_invalid_action_fails_its_step(scenery):
    broken = scenery.action("broken", "name: a\ndescription: a\nruns: {using: composite, steps: [{run: x}]}\n")
    job = only(scenery.play_steps("- {uses: octo/b@v1}", actions={"octo/b": broken}))

    assert "Required property is missing: shell" in job.annotations[0].message


def test_an_invalid_workflow_never_starts(scenery):
    with pytest.raises(WorkflowError):
        scenery.play_steps("- {uses: a@b, run: x}")


def test_a_step_over_its_time_fails_and_a_job_over_its_time_is_cancelled(scenery):
    run = scenery.play_jobs(
        """
        step:
          runs-on: x
          steps:
            - {run: exec sleep 600, timeout-minutes: 1}
            - {if: failure(), run: echo after}
        job:
          runs-on: x
          timeout-minutes: 1
          steps:
            - {run: exec sleep 600}
            - {if: "failure()", run: "true"}
            - {if: "cancelled()", run: "true"}
            - {if: "always()", run: "true"}
        after:
          needs: job
          if: "!success() && !failure() && needs.job.result == 'cancelled'"
          runs-on: x
          steps: [{run: "true"}]
        """,
        minute=1.0,
    )

    assert [step.outcome for step in run.jobs["step"].steps] == ["failure", "success"]
    assert [step.outcome for step in run.jobs["job"].steps] == ["cancelled", "skipped", "success", "success"]
    assert run.results == {"step": "failure", "job": "cancelled", "after": "success"}


def test_a_process_may_end_orderly_when_its_time_is_up(scenery):
    job = only(
        scenery.play_steps(
            """- {run: "trap 'echo saved; exit 0' INT; while :; do sleep 0.01; done", timeout-minutes: 0.05}""",
            minute=20,
        )
    )

    assert "saved" in job.steps[0].log
    assert job.result == "failure"


def test_nothing_that_a_step_started_outlives_it(scenery):
    run = scenery.play_steps('- {run: "sleep 600 & echo $! > pid"}')
    pid = int((Path(only(run).environment["GITHUB_WORKSPACE"]) / "pid").read_text())

    assert not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()
    assert os.getpid() != pid


def test_a_machine_that_dies_leaves_a_failure_and_no_outputs(scenery):
    def die(job, line):
        if line == "half way":
            raise MachineLostError("power cut")

    run = scenery.play_jobs(
        """
        dies:
          runs-on: x
          outputs: {a: "${{ steps.s.outputs.a }}"}
          steps:
            - {id: s, run: "echo a=1 >> $GITHUB_OUTPUT"}
            - {run: "echo half way; sleep 600"}
            - {if: always(), run: "true"}
        after:
          needs: dies
          if: failure()
          runs-on: x
          steps: [{run: "echo [${{ needs.dies.outputs.a }}]"}]
        """,
        hooks=Hooks(each_line=die),
    )

    assert run.jobs["dies"].result == "failure"
    assert run.jobs["dies"].outputs == {}
    assert "power cut" in run.jobs["dies"].annotations[-1].message
    assert "[]" in run.jobs["after"].log


def test_an_assertion_in_a_hook_reaches_the_test(scenery):
    def refuse(job, line):
        raise AssertionError(line)

    with pytest.raises(AssertionError, match="seen"):
        scenery.play_steps('- {run: "echo seen"}', hooks=Hooks(each_line=refuse))
