"""What can fail around a run: each time it is said where people look, with what to do, and going on loses nothing."""

import json

import scenes
from actions.job_machine import MachineLostError
from actions.workflow_settings import Hooks
from phasegate.rehearsal.script import load_script
from phasegate.rehearsal.server import RehearsalServer
from stories.theatre import KEY, MAINTAINER

ISSUE, PULL = 1, 2
NOT_TODAY = {"fail": [{"status": 403, "message": "not today"}]}
REFUSING = {"rehearsal": 1, "scenes": [scenes.scout(), scenes.research(**NOT_TODAY)]}
"""A model that lets scouts look around, and refuses the researcher."""


def dies_after(job):
    """A machine that is lost once, when the job has done its work and not yet said so."""
    lost = []

    def die(_run, name):
        if name == job and not lost:
            lost.append(name)
            raise MachineLostError("the machine is gone")

    return Hooks(after_job=die)


def test_everything_fails_once_on_the_way_to_a_plan_and_each_retry_goes_on(theatre):
    house = theatre(*scenes.simple(), secrets={})
    house.hub.main.actions_may_create_pulls = False

    without_key = house.label(house.wish())

    assert without_key.results["research"] == "failure"
    assert "ANTHROPIC_API_KEY" in house.text(ISSUE, "reply").replace("\\", "")
    assert "/retry" in house.text(ISSUE, "reply")
    assert len(house.kinds(ISSUE, "reply")) == 1
    assert house.asked() == []

    house.secrets = {"ANTHROPIC_API_KEY": KEY}
    with RehearsalServer(load_script(json.dumps(REFUSING), source="refusing.yml")) as refusing:
        house.model_url = refusing.url
        (refused,) = house.say(ISSUE, "/retry")
    house.model_url = ""
    assert refused.results["research"] == "failure"
    assert "not today" in house.text(ISSUE, "reply")
    assert "failed" in house.text(ISSUE, "status")

    (no_pull,) = house.say(ISSUE, "/retry")
    assert no_pull.results["plan"] == "success", no_pull.log
    assert no_pull.results["publish-plan"] == "failure"
    assert "may not open pull requests" in house.text(ISSUE, "reply")
    assert "Settings → Actions → General" in house.text(ISSUE, "reply")
    assert house.asked() == ["research", "plan"]  # the scout was there already

    house.hub.main.actions_may_create_pulls = True
    for route in ("POST /repos/{owner}/{repo}/pulls", "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"):
        house.hub.fail_next(route, 502, after=True)  # it is done, but GitHub does not say so
    house.hooks = dies_after("publish-plan")
    (posted,) = house.say(ISSUE, "/retry")
    assert posted.results["publish-plan"] == "failure"  # its machine died when all was written
    again = posted.rerun_failed()
    assert again.results["publish-plan"] == "success", again.log
    _assert_posted_once(house)


def _assert_posted_once(house):
    assert house.pull().number == PULL
    assert len(house.hub.main.issues) == 2
    assert len(house.kinds(PULL, "plan")) == 1
    assert len(house.kinds(PULL, "status")) == 1
    assert "waiting" in house.text(PULL, "status")
    assert house.kinds(ISSUE, "status") == []
    assert len(house.kinds(ISSUE, "notice")) == 1
    assert house.asked() == ["research", "plan"]  # and nothing was asked again since


def test_publishing_again_after_its_machine_died_writes_nothing_twice(planned):
    house = planned
    house.hooks = dies_after("publish")

    (run,) = house.say(PULL, "/approve")
    assert run.results["publish"] == "failure"
    before, tip = len(house.texts(PULL)), house.tip()
    house.hub.fail_next("POST /graphql", 502, after=True)
    again = run.rerun_failed()

    assert again.results["publish"] == "success", again.log
    assert house.tip() == tip
    assert not house.pull().pull.draft
    assert len(house.kinds(PULL, "review")) == 1
    assert len(house.texts(PULL)) == before


def test_what_was_cancelled_while_it_was_at_work_is_not_published(planned):
    house, told = planned, []

    def cancel(_run, job):
        if job == "verify":
            house.hooks = Hooks()
            told.extend(house.say(PULL, "/cancel"))

    house.hooks = Hooks(before_job=cancel)
    (run,) = house.say(PULL, "/approve")

    assert [one.result for one in told] == ["success"]
    assert run.results["verify"] == "success"
    assert run.results["publish"] == "failure"
    assert "Another command was carried out" in house.text(PULL, "reply")
    assert "cancelled" in house.text(PULL, "status")
    assert "new.txt" not in house.paths("phasegate/issue-1")
    assert house.pull().pull.draft


def test_an_order_to_go_on_that_comes_twice_or_from_somebody_else_does_no_harm(planned):
    house, asked = planned, len(planned.model.log)
    early = house.hub.dispatch(MAINTAINER, "phasegate", {"issue": ISSUE, "command": "continue"})
    (refused,) = house.send(early)
    assert refused.results["implement"] == "skipped"
    assert "not-approved" in "".join(house.texts(ISSUE))

    bot = {**early.payload, "sender": house.sender("github-actions[bot]")}
    before = len(house.texts(ISSUE)), len(house.texts(PULL))
    for _ in range(2):
        run = house.runner().start("repository_dispatch", bot, actor="github-actions[bot]")
        assert [job for job, result in run.results.items() if result != "skipped"] == ["decide"]
        assert run.result == "success"
    assert (len(house.texts(ISSUE)), len(house.texts(PULL))) == before
    assert house.asked(asked) == []
