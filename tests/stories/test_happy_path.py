"""From a label to a pull request that is ready: the story everybody hopes for, and what nobody may find in it."""

from base64 import b64encode

import scenes
from actions.workflow_settings import Hooks
from repositories import git
from stories.theatre import KEY, KINDS


def test_a_label_an_approval_and_a_tested_pull_request(theatre):
    house, lines = theatre(*scenes.simple()), []
    house.hooks = Hooks(each_line=lambda _, line: lines.append(line))
    number = house.wish()

    planned = house.label(number)

    assert planned.result == "success", planned.log
    pull = house.pull(number)
    assert pull is not None
    assert pull.pull.draft

    (approved,) = house.say(pull.number, "/approve")

    assert approved.result == "success", approved.log
    assert not house.pull(number).pull.draft
    assert house.documents(approved) == KINDS
    told = "\n".join(line for line in lines if not line.startswith("::add-mask::"))
    assert "Decided: approve." in told
    _assert_no_secret(house, told)


def _assert_no_secret(house, told):
    """Neither the model's key nor a token is in anything that stays: as it is, or inside something in base64."""
    files = [content for run in house.runs for one in run.artifacts.values() for content in one.files().values()]
    texts = [run.log + run.summary + repr(run.annotations) for run in house.runs]
    texts += [one.body for one in (*house.hub.main.comments.values(), *house.hub.main.issues.values())]
    texts.append(git(house.hub.main.git.path, "cat-file", "--batch", "--batch-all-objects"))
    there = b"\n".join([told.encode(), *files, *(text.encode(errors="replace") for text in texts)])
    assert len(files) > len(house.runs)
    assert len(house.tokens) > len(house.runs)
    assert [form for secret in (KEY, *house.tokens) for form in _forms(secret.encode()) if form in there] == []


def _forms(secret: bytes) -> list[bytes]:
    """A secret, and its middle as base64 has it at each of the three places where it can begin."""
    return [secret, *(b64encode(b"x" * lead + secret)[4:-4] for lead in range(3))]
