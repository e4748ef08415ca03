"""With `fan-out: jobs` scouts and tasks have machines of their own, and some of them die."""

import json

import scenes
from actions.job_machine import MachineLostError
from actions.workflow_settings import Hooks
from repositories import git
from stories.theatre import CONFIG, KINDS

SPREAD = CONFIG.replace("scouts: 1", "scouts: 3") + "fan-out: jobs\n"


def test_jobs_side_by_side_leave_what_one_machine_leaves_also_when_two_of_them_die(theatre):
    lost = []

    def die_once(_run, job):
        if job in {"scout S2", "task T2"} and job not in lost:
            lost.append(job)
            raise MachineLostError("the machine is gone")

    files = {"T1": "new.txt", "T2": "b.txt", "T3": "c.txt"}
    tasks = [scenes.task(id_, {path: "modify" if path == "b.txt" else "create"}) for id_, path in files.items()]
    workers = [scenes.executor(id_, scenes.write(path, f"{path}, new\n")) for id_, path in files.items()]
    house = theatre(
        scenes.scout(),
        scenes.research(),
        scenes.planner(*tasks),
        *workers,
        scenes.reviewer(),
        config=SPREAD,
        hooks=Hooks(before_job=die_once),
    )

    planned = house.label(house.wish())

    assert [name for name in planned.jobs if name.startswith("scout ")] == ["scout S1", "scout S2", "scout S3"]
    assert planned.results["scout"] == "failure"
    assert planned.results["publish-plan"] == "success", planned.log
    assert house.asked() == [*["scout"] * 3, "research", "plan"]  # S2 in the job research, where it is missed
    progress = json.loads(house.file("phasegate/issue-1", ".phasegate/issue-1/PROGRESS.json"))
    assert [phase["spent"]["turns"] for phase in progress["phases"] if phase["id"] == "research"] == [4]

    first, second = house.say(2, "/approve")

    assert lost == ["scout S2", "task T2"]
    assert first.results["task"] == "failure"
    assert first.results["verify"] == "skipped"
    assert second.results["task"] == "skipped"
    assert second.results["publish"] == "success", second.log
    assert house.documents(second) == KINDS
    assert house.asked().count("implement-T2") == 2  # its two turns, once
    subjects = git(house.hub.main.git.path, "log", "--format=%s", "main..phasegate/issue-1").split("\n")
    assert subjects[::-1] == ["Plan: New texts", "Do T1", "Do T3", "Do T2"]
    for path in files.values():
        assert house.file("phasegate/issue-1", path) == f"{path}, new"
    assert not house.pull().pull.draft


def test_one_budget_holds_for_all_jobs_side_by_side(theatre):
    scout = scenes.scout()
    scout["turns"] = [scenes.turn({"list": {"path": "."}}), *scout["turns"]]
    config = SPREAD.replace("scouts: 3", "scouts: 2") + "budget: {phase: {turns: 2}}\n"
    house = theatre(scout, scenes.research(), config=config)

    run = house.label(house.wish())

    assert house.asked() == ["scout", "scout"]  # one turn for each, and none is left for another
    assert run.results["plan"] == "skipped"
    assert "turns" in house.text(1, "reply")
    assert "/retry" in house.text(1, "reply")
