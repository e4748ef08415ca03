"""From a label to a pull request that is ready: the story everybody hopes for."""

import scenes


def test_a_label_an_approval_and_a_tested_pull_request(theatre):
    house = theatre(*scenes.simple())
    number = house.wish()

    planned = house.label(number)

    assert planned.result == "success", planned.log
    pull = house.pull(number)
    assert pull is not None
    assert pull.pull.draft

    (approved,) = house.say(pull.number, "/approve")

    assert approved.result == "success", approved.log
    assert not house.pull(number).pull.draft
