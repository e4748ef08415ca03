"""What can happen after an approval: blocked tasks, failing gates, slices, machines that die."""

import scenes
from actions.job_machine import MachineLostError
from actions.workflow_settings import Hooks
from repositories import git
from stories.theatre import CONFIG


def started(house, number=None):
    """A run whose plan waits for approval; gives its pull request's number."""
    number = number or house.wish()
    run = house.label(number)
    assert run.result == "success", run.log
    return house.pull(number).number


def subjects(house, branch="phasegate/issue-1"):
    return git(house.hub.main.git.path, "log", "--format=%s", f"main..{branch}").split("\n")[::-1]


def test_a_blocked_task_a_failing_gate_and_a_strict_review_still_end_in_a_ready_pull_request(theatre):
    house = theatre(*scenes.everything())
    pull = started(house)

    runs = house.say(pull, "/approve")

    assert [run.github["event_name"] for run in runs] == ["issue_comment", "repository_dispatch", "repository_dispatch"]
    assert not house.pull().pull.draft
    assert house.file("phasegate/issue-1", "a.txt") == "polished"
    assert subjects(house)[-2:] == ["Repair what the gate test found", "Do what the review asks for"]
    assert not any(path.startswith(".phasegate/") for path in house.paths("phasegate/issue-1"))


def test_a_correction_beyond_the_approved_scope_waits_for_a_new_approval(theatre):
    more = scenes.task("T1", {"new.txt": "create", "b.txt": "modify"})
    house = theatre(
        scenes.scout(),
        scenes.research(),
        scenes.planner(),
        scenes.executor(
            "T1", scenes.write("new.txt", "new\n"), scenes.write("b.txt", "new b\n"), when={"first": ["b.txt"]}
        ),
        scenes.blocked("T1"),
        scenes.corrector(more),
        scenes.reviewer(),
    )
    pull = started(house)

    (blocked,) = house.say(pull, "/approve")

    assert blocked.result == "success", blocked.log
    assert "revision=2" in house.text(pull, "plan")
    assert "b.txt" in house.text(pull, "plan")
    assert "waiting" in house.text(pull, "status")
    house.say(pull, "/approve")
    assert not house.pull().pull.draft


def test_gates_that_fail_for_good_end_the_run_and_say_so_where_people_look(theatre):
    config = CONFIG.replace("sh check.sh", "echo never; exit 7") + "verify: {rounds: 0}\n"
    unchecked = scenes.task("T1", {"new.txt": "create"}, check=None)
    house = theatre(
        scenes.scout(),
        scenes.research(),
        scenes.planner(unchecked),
        scenes.executor("T1", scenes.write("new.txt", "new\n")),
        config=config,
    )
    pull = started(house)

    (run,) = house.say(pull, "/approve")

    assert run.results["review"] == "skipped"
    assert house.pull().pull.draft
    status = house.text(pull, "status")
    assert "failed" in status
    assert "exit code 7" in status
    assert "/retry" in house.text(pull, "reply")
    assert "new.txt" in house.paths("phasegate/issue-1")

    asked, refusals = len(house.model.log), len(house.kinds(pull, "reply"))
    (again,) = house.say(pull, "/retry")

    assert again.results["verify"] == "failure"  # the gate was asked once more, and nobody else
    assert house.asked(asked) == []
    assert len(house.kinds(pull, "reply")) == refusals + 2  # "it goes on", and that it did not get anywhere
    assert "run-failed" in house.text(pull, "reply")


def test_a_small_slice_goes_on_in_the_next_job_by_itself(theatre):
    tasks = [scenes.task("T1", {"new.txt": "create"}), scenes.task("T2", {"b.txt": "modify"}, depends_on=["T1"])]
    house = theatre(
        scenes.scout(),
        scenes.research(),
        scenes.planner(*tasks),
        scenes.executor("T1", scenes.write("new.txt", "new\n")),
        scenes.executor("T2", scenes.write("b.txt", "new b\n")),
        scenes.reviewer(),
        config=CONFIG + "implement: {slice: {tasks: 1}}\n",
    )
    pull = started(house)

    first, second = house.say(pull, "/approve")

    assert first.results["verify"] == "skipped"
    assert second.github["event_name"] == "repository_dispatch"
    assert subjects(house) == ["Plan: New texts", "Do T1", "Do T2"]
    assert not house.pull().pull.draft
    assert house.asked().count("implement-T1") == 2  # its two turns, once

    twice = house.runner().start("repository_dispatch", second.github["event"], actor="github-actions[bot]")
    assert [job for job, result in twice.results.items() if result != "skipped"] == ["decide"]
    assert twice.result == "success"


def test_a_job_whose_machine_died_is_told_and_can_be_run_again(planned):
    house, pull, deaths = planned, 2, []

    def die_once(_run, job):
        if job == "implement" and not deaths:
            deaths.append(job)
            raise MachineLostError("the machine is gone")

    house.hooks = Hooks(before_job=die_once)

    (run,) = house.say(pull, "/approve")

    assert run.results["implement"] == "failure"
    assert "implement" in house.text(pull, "reply")
    assert "/approve" in house.text(pull, "reply")
    again = run.rerun_failed()
    assert again.results["publish"] == "success", again.log
    assert not house.pull().pull.draft


def test_an_approval_counts_once(planned):
    house, pull = planned, 2
    (run,) = house.say(pull, "/approve")
    asked = len(house.model.log)

    run.rerun()

    assert len(house.model.log) == asked
    assert not house.pull().pull.draft


def test_a_hand_over_that_was_changed_on_the_way_stops_the_job(planned):
    def tamper(run, job):
        if job == "implement":
            for name, artifact in run.artifacts.items():
                if name.startswith("phasegate-"):
                    file = artifact.directory / "hand-over.json"
                    file.write_bytes(file.read_bytes().replace(b'"write"', b'"admin"'))

    house, pull = planned, 2
    house.hooks = Hooks(before_job=tamper)

    (run,) = house.say(pull, "/approve")

    assert run.results["implement"] == "failure"
    assert "is not what the job before left" in run.log
    assert house.pull().pull.draft
