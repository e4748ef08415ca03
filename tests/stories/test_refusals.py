"""What is no approval, and what an approval does not survive: each is refused in words, and nothing is published."""

import pytest

import scenes
from actions.job_machine import MachineLostError
from actions.workflow_settings import Hooks
from fakehub.state import ACTIONS_BOT
from stories.theatre import CONFIG, MAINTAINER, READER

PULL = 2


def plan_of(house):
    """Our comment that shows the plan."""
    return next(one for one in house.hub.thread(PULL) if one.body.startswith("<!-- phasegate:plan "))


def point_elsewhere(house):
    house.hub.push(MAINTAINER, "other", {"c.txt": "c\n"})
    house.hub.issue(PULL).pull.base = "other"


ON_THE_PULL, ON_THE_ISSUE = PULL, 1
NOT_AN_APPROVAL = {
    "another digest": (lambda _: None, ON_THE_PULL, f"/approve {'0' * 12}", "Reason: `other-plan`"),
    "half a digest": (lambda _: None, ON_THE_PULL, "/approve 123", "Reason: `malformed`"),
    "on the issue": (lambda _: None, ON_THE_ISSUE, "/approve", "Reason: `comment-on-pull`"),
    "closed": (lambda house: house.hub.close(MAINTAINER, PULL), ON_THE_PULL, "/approve", "Reason: `pull-closed`"),
    "pointed at another branch": (point_elsewhere, ON_THE_PULL, "/approve", "Reason: `base-changed`"),
    "the plan's comment edited": (
        lambda house: house.hub.edit_comment(MAINTAINER, plan_of(house).id, plan_of(house).body + "\nAnd more."),
        ON_THE_PULL,
        "/approve",
        "Reason: `plan-comment-edited`",
    ),
    "the plan's comment removed": (
        lambda house: house.hub.delete_comment(MAINTAINER, plan_of(house).id),
        ON_THE_PULL,
        "/approve",
        "Reason: `plan-comment-missing`",
    ),
}


@pytest.mark.parametrize("name", NOT_AN_APPROVAL)
def test_what_is_no_approval_of_this_plan_is_refused_where_it_was_said(planned, name):
    house, (deed, where, words, reason) = planned, NOT_AN_APPROVAL[name]
    tip = house.tip()
    deed(house)

    (run,) = house.say(where, words)

    assert run.result == "success", run.log
    assert run.results["implement"] == run.results["publish"] == "skipped"
    assert reason in house.text(where, "reply")
    assert "What you can do:" in house.text(where, "reply")
    assert house.tip() == tip


def test_who_may_only_read_is_answered_once_and_a_bot_starts_nothing(planned):
    house = planned
    for number in (1, PULL):
        house.say(number, "/retry", login=READER)
        house.say(number, "/retry", login=READER)
        assert len(house.kinds(number, "reply")) == 1
        assert "Reason: `not-permitted`" in house.text(number, "reply")

    (run,) = house.say(PULL, "/approve", login=house.hub.account("some-app[bot]").login)

    assert run.results["decide"] == "skipped"


def test_a_plan_has_to_stand_for_a_while_before_it_can_be_approved(theatre):
    house = theatre(*scenes.simple(), config=CONFIG.replace("settle: 0", "settle: 60"))
    house.label(house.wish())
    assert "60 seconds" in house.text(PULL, "plan")

    (early,) = house.say(PULL, "/approve")
    assert early.results["implement"] == "skipped"
    assert "Reason: `too-early`" in house.text(PULL, "reply")

    def stop(_run, job):
        if job == "implement":
            raise MachineLostError("what comes next is another story")

    house.hooks = Hooks(before_job=stop)
    house.hub.advance(60)
    house.say(PULL, "/approve")
    assert any("Approved." in text for text in house.kinds(PULL, "reply"))


TWO_OF_THREE = "approval: {settle: 0, required: 2, not_requester: true, by: [mia, nora, olaf]}"


def test_two_of_those_who_are_named_have_to_approve_and_neither_of_them_started_it(theatre):
    house = theatre(*scenes.simple(), config=CONFIG.replace("approval: {settle: 0}", TWO_OF_THREE))
    for login in ("nora", "olaf", "pia"):
        house.hub.add_user(login, "write")
    house.label(house.wish())

    said = []
    for login in (MAINTAINER, "pia", "nora", "nora"):
        (run,) = house.say(PULL, "/approve", login=login)
        assert run.results["implement"] == "skipped"
        said.append(house.text(PULL, "reply"))
    assert "Reason: `requester`" in said[0]
    assert "Reason: `not-an-approver`" in said[1]
    assert "1 of 2" in said[2]
    assert "1 of 2" in said[3]

    def demote(_run, job):
        if job == "publish":
            house.hub.add_user("nora", "read")

    house.hooks, tip = Hooks(before_job=demote), house.tip()
    (second,) = house.say(PULL, "/approve", login="olaf")

    assert second.results["implement"] == "success", second.log
    assert second.results["publish"] == "failure"
    assert house.tip() == tip
    assert "nora" in house.text(PULL, "reply")
    assert house.pull().pull.draft


def test_whoever_may_no_longer_write_when_it_is_published_has_approved_nothing(planned):
    house, tip = planned, planned.tip()

    def demote(_run, job):
        if job == "publish":
            house.hub.add_user(MAINTAINER, "read")

    house.hooks = Hooks(before_job=demote)
    (run,) = house.say(PULL, "/approve")

    assert run.results["publish"] == "failure"
    assert f"{MAINTAINER}, who approved" in house.text(PULL, "reply")
    assert house.tip() == tip
    assert house.pull().pull.draft
    assert "done" not in house.text(PULL, "status").split("\n")[1]


def test_what_somebody_pushes_during_the_work_is_never_overwritten(planned):
    house, theirs = planned, []

    def push(_run, job):
        if job == "verify":
            theirs.append(house.hub.push(MAINTAINER, "phasegate/issue-1", {"a.txt": "mine\n"}, "Mine"))

    house.hooks = Hooks(before_job=push)
    (run,) = house.say(PULL, "/approve")

    assert run.results["publish"] == "failure"
    assert [house.tip()] == theirs
    assert "moved" in house.text(PULL, "reply")
    assert "What you can do:" in house.text(PULL, "reply")
    assert "ended without a result" in house.text(PULL, "status")  # it does not say what did not happen
    assert "right now" not in house.text(PULL, "status")
    assert "new.txt" not in house.paths("phasegate/issue-1")
    house.hooks = Hooks()
    (again,) = house.say(PULL, "/retry")
    assert again.result == "success"
    assert "a.txt" in house.text(PULL, "reply")
    assert [house.tip()] == theirs


def test_everything_we_write_is_written_by_the_token_of_the_workflow(planned):
    authors = {one.author for number in (1, PULL) for one in planned.hub.thread(number)}
    assert authors == {ACTIONS_BOT}
    assert {push.by for push in planned.hub.main.pushes} == {ACTIONS_BOT}
