"""Whole runs: which jobs run, what they may do, what they hand over, running again."""

import threading

import pytest

from actions.job_machine import MachineLostError
from actions.workflow_language import UnsupportedError
from actions.workflow_settings import Hooks
from actions.workflow_trigger import DispatchError
from repositories import commit_files

OK = "runs-on: x, steps: [{run: 'true'}]"


def test_an_event_that_is_not_ours_starts_nothing(scenery):
    runner = scenery.runner(f"on: {{issues: {{types: [labeled]}}}}\njobs: {{a: {{{OK}}}}}")

    assert runner.start("issues", {"action": "opened"}) is None
    assert runner.start("push", {}) is None
    assert runner.runs == []


def test_a_job_whose_condition_is_false_costs_no_machine(scenery):
    asked = []
    hooks = Hooks(before_job=lambda run, name: asked.append(name))
    run = scenery.play_jobs(f"a: {{if: github.event.label.name == 'other', {OK}}}\nb: {{{OK}}}", hooks=hooks)

    assert run.results == {"a": "skipped", "b": "success"}
    assert asked == ["b"]
    assert len(scenery.tokens.issued) == 1


@pytest.mark.parametrize(
    ("first", "condition", "result"),
    [
        ("success", "", "success"),
        ("failure", "", "skipped"),
        ("skipped", "", "skipped"),
        ("skipped", "true", "skipped"),
        ("skipped", "always()", "success"),
        ("skipped", "'!cancelled()'", "success"),
        ("skipped", "failure()", "skipped"),
        ("failure", "failure()", "success"),
        ("failure", "always()", "success"),
        ("failure", "'!cancelled()'", "success"),
        ("failure", "needs.a.result == 'failure'", "skipped"),
        ("failure", "always() && needs.a.result == 'failure'", "success"),
        ("success", "failure()", "skipped"),
    ],
)
def test_what_a_need_does_to_a_condition(scenery, first, condition, result):
    run = scenery.play_jobs(f"""
        a: {{if: {first != "skipped"}, runs-on: x, steps: [{{run: "{str(first == "success").lower()}"}}]}}
        b: {{needs: a, if: {condition or "success()"}, {OK}}}
    """)

    assert run.results == {"a": first, "b": result}


def test_a_skip_reaches_down_the_whole_chain(scenery):
    """The trap: c needs only b, which succeeded, and is skipped nevertheless because a was."""
    run = scenery.play_jobs(f"""
        a: {{if: false, {OK}}}
        b: {{needs: a, if: always(), {OK}}}
        c: {{needs: b, {OK}}}
        d: {{needs: b, if: "!cancelled() && needs.b.result == 'success'", {OK}}}
    """)

    assert run.results == {"a": "skipped", "b": "success", "c": "skipped", "d": "success"}


def test_a_failure_far_up_is_a_failure_to_all_below(scenery):
    run = scenery.play_jobs(f"""
        a: {{runs-on: x, steps: [{{run: "false"}}]}}
        b: {{needs: a, if: always(), {OK}}}
        c: {{needs: b, if: failure(), {OK}}}
    """)

    assert run.results == {"a": "failure", "b": "success", "c": "success"}
    assert run.result == "failure"


def test_a_job_that_may_fail_fails_nobody(scenery):
    run = scenery.play_jobs(f"""
        a: {{continue-on-error: true, runs-on: x, steps: [{{run: "false"}}]}}
        b: {{needs: a, if: needs.a.result == 'success', {OK}}}
    """)

    assert run.results == {"a": "failure", "b": "success"}
    assert run.result == "success"


def test_outputs_are_handed_to_those_who_need_the_job_and_to_no_others(scenery):
    run = scenery.play_jobs(
        """
        a:
          runs-on: x
          outputs:
            text: ${{ steps.s.outputs.text }}
            empty: ${{ steps.s.outputs.nothing }}
            secret: ${{ steps.s.outputs.secret }}
          steps:
            - {id: s, run: 'printf "text<<E\\nit is\\nhere\\nE\\nsecret=my sesame\\n" >> $GITHUB_OUTPUT'}
        b: {needs: a, runs-on: x, steps: [{run: 'echo "[${{ needs.a.outputs.text }}]"'}]}
        c: {needs: b, runs-on: x, steps: [{run: 'echo "[${{ toJSON(needs.a) }}]"'}]}
        """,
        secrets={"KEY": "sesame"},
    )

    assert run.jobs["a"].outputs == {"text": "it is\nhere"}
    assert "may contain secret" in run.jobs["a"].annotations[0].message
    assert "[it is\nhere]" in run.jobs["b"].log
    assert "[null]" in run.jobs["c"].log


def test_a_matrix_from_an_output(scenery):
    run = scenery.play_jobs("""
        a:
          runs-on: x
          outputs: {parts: '[{"part": "x", "slot": 1}, {"part": "y", "slot": 2}]'}
          steps: [{run: "true"}]
        b:
          name: part ${{ matrix.part }}
          needs: a
          strategy: {fail-fast: false, matrix: {include: "${{ fromJSON(needs.a.outputs.parts) }}"}}
          runs-on: x
          outputs:
            slot-1: ${{ matrix.slot == 1 && matrix.part || '' }}
            slot-2: ${{ matrix.slot == 2 && matrix.part || '' }}
          steps: [{run: 'echo "${{ strategy.job-index }} of ${{ strategy.job-total }}: ${{ matrix.part }}"'}]
        c: {needs: b, runs-on: x, steps: [{run: "echo ${{ join(needs.b.outputs.*, '+') }}"}]}
    """)

    assert list(run.jobs) == ["a", "part x", "part y", "c"]
    assert "1 of 2: y" in run.jobs["part y"].log
    assert "x+y" in run.jobs["c"].steps[0].log
    assert run.records["b"][1].matrix == {"part": "y", "slot": 2}


@pytest.mark.parametrize(
    "matrix", ["{i: '${{ fromJSON(needs.a.outputs.none) }}'}", "{include: '${{ fromJSON(''[]'') }}'}"]
)
def test_a_matrix_that_cannot_spread_fails_its_job(scenery, matrix):
    run = scenery.play_jobs(f"""
        a: {{{OK}}}
        b: {{needs: a, strategy: {{matrix: {matrix}}}, {OK}}}
        c: {{needs: b, if: failure(), {OK}}}
    """)

    assert run.results == {"a": "success", "b": "failure", "c": "success"}
    assert run.jobs["b"].annotations[0].level == "error"


@pytest.mark.parametrize(("fail_fast", "last"), [("true", "cancelled"), ("false", "success")])
def test_a_leg_that_fails(scenery, fail_fast, last):
    run = scenery.play_jobs(f"""
        a:
          strategy: {{fail-fast: {fail_fast}, matrix: {{i: [1, 2, 3]}}}}
          runs-on: x
          steps: [{{run: "test ${{{{ matrix.i }}}} != 2"}}]
    """)

    assert [record.result for record in run.records["a"]] == ["success", "failure", last]
    assert run.results == {"a": "failure"}


@pytest.mark.parametrize(
    ("top", "own", "granted"),
    [
        ("permissions: {}", "", {}),
        ("permissions: {}", "permissions: {contents: write, issues: none}", {"contents": "write"}),
        ("permissions: {contents: read}", "", {"contents": "read"}),
        ("permissions: {contents: read}", "permissions: {}", {}),
        ("permissions: {contents: read}", "permissions: {issues: write}", {"issues": "write"}),
        ("", "", {"contents": "read", "packages": "read"}),
    ],
)
def test_a_token_may_do_what_the_workflow_says_and_ends_with_its_job(scenery, top, own, granted):
    run = scenery.play(f"on: issues\n{top}\njobs: {{a: {{{own + ', ' if own else ''}{OK}}}}}")

    assert run.jobs["a"].permissions == granted
    assert list(scenery.tokens.issued.values()) == [granted]
    assert scenery.tokens.valid == set()


def test_every_job_has_a_token_of_its_own(scenery):
    seen = []
    hooks = Hooks(each_line=lambda job, line: seen.append((job, line, set(scenery.tokens.valid))))
    run = "run: 'echo ${{ github.token }}'"
    scenery.play_jobs(
        f"""
        a: {{permissions: {{issues: read}}, runs-on: x, steps: [{{{run}}}]}}
        b: {{permissions: {{contents: read}}, runs-on: x, steps: [{{{run}}}]}}
    """,
        hooks=hooks,
    )

    assert seen == [("a", "ghs_0000", {"ghs_0000"}), ("b", "ghs_0001", {"ghs_0001"})]
    assert scenery.tokens.issued == {"ghs_0000": {"issues": "read"}, "ghs_0001": {"contents": "read"}}


def test_environments_lie_over_each_other(scenery):
    run = scenery.play(
        """
        on: issues
        env: {A: workflow, B: workflow, C: workflow}
        defaults: {run: {shell: bash}}
        jobs:
          a:
            runs-on: x
            env: {B: job, C: job, K: "${{ secrets.KEY }}"}
            steps:
              - {run: "echo $A $B $C $K $V; false | true", env: {C: step, V: "${{ vars.COLOUR }}"}}
    """,
        secrets={"KEY": "sesame"},
        variables={"COLOUR": "red"},
    )

    assert "workflow job step *** red" in run.jobs["a"].log
    assert run.results == {"a": "failure"}


def test_a_job_says_what_it_is(scenery):
    run = scenery.play_jobs(
        """
        a:
          name: The ${{ github.event.label.name }} job
          runs-on: ${{ vars.MACHINE }}
          timeout-minutes: 5
          environment: {name: production}
          concurrency: {group: "run-${{ github.event.label.name }}", cancel-in-progress: false}
          steps: [{run: "true"}]
    """,
        variables={"MACHINE": "ubuntu-24.04"},
    )
    job = run.jobs["The go job"]

    assert (job.id, job.runs_on, job.timeout_minutes, job.environment_name) == ("a", "ubuntu-24.04", 5, "production")
    assert job.concurrency == {"group": "run-go", "cancel-in-progress": False}


@pytest.mark.parametrize(
    "key", ["concurrency: {group: a, cancel-in-progress: true}", "container: alpine", "services: {db: {image: x}}"]
)
def test_what_is_not_built_stops_the_test(scenery, key):
    with pytest.raises(UnsupportedError):
        scenery.play_jobs(f"a: {{{key}, {OK}}}")


def test_a_dispatch_gives_inputs_of_their_types(scenery):
    workflow = """
        on: {workflow_dispatch: {inputs: {dry-run: {type: boolean, default: false}, issue: {required: true}}}}
        jobs:
          a:
            if: inputs.dry-run
            runs-on: x
            steps: [{run: "echo ${{ inputs.issue }} ${{ github.event.inputs.dry-run }} ${{ github.ref }}"}]
    """
    run = scenery.play(workflow, "workflow_dispatch", {"inputs": {"issue": "7", "dry-run": "true"}, "ref": "main"})

    assert "7 true refs/heads/main" in run.log
    with pytest.raises(DispatchError, match="issue"):
        scenery.play(workflow, "workflow_dispatch", {"inputs": {}})


def test_a_repository_dispatch_brings_its_payload(scenery):
    workflow = """
        on: {repository_dispatch: {types: [go]}}
        jobs: {a: {runs-on: x, steps: [{run: "echo ${{ github.event.client_payload.n }}"}]}}
    """
    run = scenery.play(workflow, "repository_dispatch", {"action": "go", "client_payload": {"n": 5}})

    assert "echo 5" in run.log


def test_a_run_is_of_the_commit_that_the_branch_is_at(scenery):
    workflow = "on: issues\njobs: {a: {runs-on: x, steps: [{run: 'echo $GITHUB_SHA $GITHUB_RUN_NUMBER'}]}}"
    runner = scenery.runner(workflow)
    first = runner.start("issues", {})
    later = commit_files(scenery.clone, {"new.txt": "new"})
    second = runner.start("issues", {})

    assert first.github["sha"] != later
    assert f"{later} 2" in second.log
    assert int(second.github["run_id"]) > int(first.github["run_id"])


def test_jobs_can_run_at_the_same_time(scenery):
    together = threading.Barrier(2, timeout=60)
    hooks = Hooks(each_line=lambda job, line: together.wait())
    run = scenery.play_jobs(
        "a: {runs-on: x, steps: [{run: echo}]}\nb: {runs-on: x, steps: [{run: echo}]}", hooks=hooks, parallel=2
    )

    assert run.results == {"a": "success", "b": "success"}


AGAIN = """
    a:
      runs-on: x
      outputs: {attempt: "${{ github.run_attempt }}"}
      steps: [{run: "true"}]
    b:
      needs: a
      runs-on: x
      strategy: {fail-fast: false, matrix: {i: [1, 2]}}
      outputs: {attempt: "${{ github.run_attempt }} of ${{ needs.a.outputs.attempt }}"}
      steps: [{run: 'test "${{ matrix.i }}" = 1 -o "$GITHUB_RUN_ATTEMPT" = 2'}]
    c: {needs: b, runs-on: x, steps: [{run: 'echo "${{ needs.b.outputs.attempt }} by ${{ github.triggering_actor }}"'}]}
    d: {runs-on: x, steps: [{run: "true"}]}
"""


def test_running_failed_jobs_again_keeps_what_succeeded(scenery):
    first = scenery.play_jobs(AGAIN)
    second = first.rerun_failed("bob")

    assert first.results == {"a": "success", "b": "failure", "c": "skipped", "d": "success"}
    assert second.results == dict.fromkeys("abcd", "success")
    assert {name: job.attempt for name, job in second.jobs.items()} == {"a": 1, "b (1)": 1, "b (2)": 2, "c": 2, "d": 1}
    assert "2 of 1 by bob" in second.jobs["c"].log
    assert (second.attempt, second.github["run_id"]) == (2, first.github["run_id"])
    assert first.jobs["c"].result == "skipped"


def test_running_everything_again(scenery):
    second = scenery.play_jobs(AGAIN).rerun()

    assert {job.attempt for job in second.jobs.values()} == {2}
    assert "2 of 2 by alice" in second.jobs["c"].log


@pytest.mark.parametrize("hook", ["before_job", "after_job"])
def test_a_job_that_is_killed_can_be_run_again(scenery, hook):
    lost = []

    def kill(run, name):
        if name == "a" and run.attempt == 1:
            lost.append(name)
            raise MachineLostError

    run = scenery.play_jobs(f"a: {{outputs: {{o: given}}, {OK}}}\nb: {{needs: a, {OK}}}", hooks=Hooks(**{hook: kill}))

    assert lost == ["a"]
    assert run.results == {"a": "failure", "b": "skipped"}
    assert run.jobs["a"].outputs == {}
    assert run.rerun_failed().results == {"a": "success", "b": "success"}
    assert scenery.tokens.valid == set()
