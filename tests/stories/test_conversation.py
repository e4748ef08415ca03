"""What people say between the plan and its approval, and what comes of it."""

import scenes
from stories.theatre import READER


def test_a_plan_is_revised_twice_and_each_revision_is_posted_anew(planned):
    house, pull = planned, 2

    house.say(pull, "/revise Make it smaller.")
    house.say(pull, "/revise\nMake it smaller still.")

    plans = [text for text in house.texts(pull) if text.startswith("<!-- phasegate:plan ")]
    assert [f"revision={count}" in text for count, text in enumerate(plans, 1)] == [True, True, True]
    assert "Do least" in plans[-1]
    folded = [one.minimized is not None for one in house.hub.thread(pull) if one.body in plans]
    assert folded == [True, True, False]
    assert "Plan revision 3" in house.pull().body
    (approved,) = house.say(pull, "/approve")
    assert approved.result == "success"
    assert not house.pull().pull.draft


def test_an_approval_of_a_plan_that_was_replaced_is_refused(planned):
    house, pull = planned, 2
    first = house.text(pull, "plan").split("plan=")[1][:12]
    house.say(pull, "/revise Make it smaller.")

    (run,) = house.say(pull, f"/approve {first}")

    assert run.results["implement"] == "skipped"
    assert "refused" in house.text(pull, "reply")
    assert house.pull().pull.draft


def test_questions_are_asked_on_the_issue_and_the_answers_go_on(theatre):
    ask = {
        "ask": {"questions": [{"id": "Q1", "question": "Which texts?", "why": "There are two.", "suggestion": "Both."}]}
    }
    asks = scenes.scene("asks", {"model": scenes.OPUS, "system": "You are the planner"}, scenes.turn(ask))
    plans = scenes.planner(name="plans", when={"first": ["Both of them"]})
    simple = [one for one in scenes.simple() if one["name"] != "plan"]
    again = asks | {"name": "asks-again", "when": asks["when"] | {"first": ["Ask me once more"]}}
    house = theatre(again, plans, asks, *simple)
    number = house.wish()

    asked = house.label(number)

    assert asked.result == "success", asked.log
    assert house.pull(number) is None
    assert "Which texts?" in house.text(number, "questions")

    answered = house.say(number, "/answer Both of them.")

    assert answered[-1].result == "success", answered[-1].log
    assert house.pull(number) is not None

    house.say(house.pull(number).number, "/revise Ask me once more.")

    assert "Which texts?" in house.text(house.pull(number).number, "questions")  # where the person looks now


def test_a_rejected_plan_ends_the_run_and_closes_the_pull_request(planned):
    house, pull = planned, 2

    (run,) = house.say(pull, "/reject not now")

    assert run.result == "success", run.log
    assert house.pull() is None
    assert "not now" in house.text(pull, "status")
    (late,) = house.say(pull, "/approve")
    assert late.results["implement"] == "skipped"


def test_a_plan_that_was_edited_by_hand_on_the_branch_is_adopted(planned):
    house, pull = planned, planned.pull()
    branch = pull.pull.head
    path = next(name for name in house.paths(branch) if name.startswith(".claude/plans/"))
    house.hub.push("mia", branch, {path: house.file(branch, path).replace("Do T1", "Do it by hand")}, "Say it better")

    (run,) = house.say(pull.number, "/adopt")

    assert run.result == "success", run.log
    assert "Do it by hand" in house.text(pull.number, "plan")
    assert "revision=2" in house.text(pull.number, "plan")
    (approved,) = house.say(pull.number, "/approve")
    assert approved.result == "success", approved.log


def test_what_somebody_else_commits_voids_the_approval(planned):
    house, pull = planned, planned.pull()
    house.hub.push("mia", pull.pull.head, {"a.txt": "sneaked in\n"}, "Sneak")

    (run,) = house.say(pull.number, "/approve")

    assert run.results["implement"] == "skipped"
    assert "refused" in house.text(pull.number, "reply")


def test_status_and_cost_are_told_to_whoever_may_ask(planned):
    house, pull = planned, 2

    house.say(pull, "/status")
    assert "waiting" in house.text(pull, "reply")
    house.say(pull, "/cost")
    assert "claude-opus-5-5" in house.text(pull, "reply")


def test_somebody_who_may_only_read_starts_and_approves_nothing(planned):
    house, pull = planned, 2
    asked = len(house.model.log)

    (run,) = house.say(pull, "/approve", login=READER)

    assert run.result == "success"
    assert run.results["implement"] == "skipped"
    assert "refused" in house.text(pull, "reply")
    assert len(house.model.log) == asked


def test_the_plan_is_taken_by_hand(planned):
    house, pull = planned, 2

    (run,) = house.say(pull, "/manual")

    assert run.result == "success", run.log
    assert "git" in house.text(pull, "reply")


def test_a_cancelled_run_can_be_taken_up_again(planned):
    house, pull = planned, 2

    (run,) = house.say(pull, "/cancel")
    assert run.result == "success", run.log
    assert "cancel" in house.text(pull, "status")
    (again,) = house.say(pull, "/retry")
    assert again.result == "success", again.log
    assert "waiting" in house.text(pull, "status")
