"""What starts a run, how it is told how to, and what starts nothing."""

import pytest

import scenes
from fakehub.people import NotAllowedError
from phasegate.documents.parsing import parse_model
from phasegate.documents.snapshot import Snapshot
from stage import ROOT
from stories.theatre import MAINTAINER, READER

WRITES = {"POST", "PATCH", "PUT", "DELETE"}
WORKFLOW = ".github/workflows/phasegate.yml"


def snapshot_of(house) -> Snapshot:
    """What the run of issue 1 was started with, from its branch."""
    branch = "phasegate/issue-1"
    (path,) = [path for path in house.paths(branch) if "/documents/snapshot-" in path]
    return parse_model(house.file(branch, path).encode(), Snapshot, max_bytes=Snapshot.max_bytes)


def test_research_alone_leaves_findings_on_the_issue_and_a_later_label_starts_anew(theatre):
    house = theatre(*scenes.simple())
    number = house.wish()

    run = house.label(number, "phasegate:research")

    assert run.result == "success", run.log
    assert run.results["plan"] == "skipped"
    assert "New texts." in house.text(number, "findings")
    assert "findings are below" in house.text(number, "notice")
    assert house.pull() is None
    assert house.tip() is None
    assert house.asked() == ["scout", "research"]

    again = house.label(number)

    assert again.result == "success", again.log
    assert house.pull().pull.draft
    assert len(house.kinds(number, "findings")) == 1


def test_a_dry_run_writes_nothing_and_a_real_one_obeys_its_overrides(theatre):
    planner = scenes.planner()
    planner["when"] = {"model": scenes.SONNET, "system": "You are the planner"}
    house = theatre(planner, files={WORKFLOW: (ROOT / WORKFLOW).read_text()})
    inputs = {"issue": str(house.wish()), "phase": "plan", "models": f"plan={scenes.SONNET}", "budget": "7.50"}

    (dry,) = house.send(house.hub.run_workflow(MAINTAINER, "phasegate.yml", inputs | {"dry-run": "true"}))

    assert dry.result == "success", dry.log
    assert dry.results["research"] == "skipped"
    writing = [call.name for call in house.hub.calls if call.kind == "rest" and call.method in WRITES]
    writing += [call.operation for call in house.hub.calls if call.operation.startswith("mutation")]
    assert writing == []
    assert house.tip() is None
    assert house.texts(1) == []
    would = dry.jobs["publish-plan"].summary
    assert "Dry run: nothing was written" in would
    assert "open a draft pull request" in would
    assert "/approve" in would  # the plan's comment, word for word

    (real,) = house.send(house.hub.run_workflow(MAINTAINER, "phasegate.yml", inputs))

    assert real.result == "success", real.log
    assert house.asked() == ["plan", "plan"]
    assert "7.50 at most" in house.text(2, "plan")
    chosen = snapshot_of(house).payload.overrides
    assert [(one.tier, one.model) for one in chosen.models] == [("plan", scenes.SONNET)]


def test_a_program_of_somebody_who_may_write_starts_and_approves_by_dispatch(theatre):
    house = theatre(*scenes.simple())
    number = house.wish()

    (started,) = house.send(house.hub.dispatch(MAINTAINER, "phasegate", {"issue": number, "command": "plan"}))

    assert started.result == "success", started.log
    digest = house.text(2, "plan").split("plan=")[1][:64]
    (vague,) = house.send(house.hub.dispatch(MAINTAINER, "phasegate", {"issue": number, "command": "approve"}))
    assert vague.results["implement"] == "skipped"
    assert "digest-needed" in vague.log + "".join(house.texts(1)) + "".join(house.texts(2))

    approve = {"issue": number, "command": "approve", "digest": digest}
    event = house.hub.dispatch(MAINTAINER, "phasegate", approve)
    forged = house.runner().start(event.name, {**event.payload, "sender": house.sender(READER)}, actor=READER)
    assert forged.results["implement"] == "skipped"
    assert "not-permitted" in "".join(house.texts(1))

    house.hub.advance(2)
    (approved,) = house.send(event)
    assert approved.result == "success", approved.log
    assert not house.pull().pull.draft


def test_nobody_without_write_can_even_dispatch(theatre):
    house = theatre(*scenes.simple())
    with pytest.raises(NotAllowedError):
        house.hub.dispatch(READER, "phasegate", {"issue": house.wish(), "command": "start"})


def test_foreign_labels_ordinary_comments_and_bots_start_no_job(planned):
    house = planned
    number = house.wish("Another thing")
    said = ["Nice!", "> /approve", " /approve", "`/approve`", "I would /approve this."]
    events = [house.hub.label(MAINTAINER, number, name) for name in ("bug", "phasegate:waiting", "phasegate-x")]
    events += [house.hub.comment(MAINTAINER, number, body) for body in said]
    events += [house.hub.comment("helpful[bot]", number, "/approve")]
    events += [house.hub.unlabel(MAINTAINER, number, "bug"), house.hub.close(MAINTAINER, number)]
    comment = house.hub.comment(MAINTAINER, number, "/not yet")
    events += [comment, house.hub.edit_comment(MAINTAINER, comment.id, "/approve")]
    house.hub.take_events()

    for event in events:
        run = house.runner().start(event.name, event.payload, actor=event.actor, ref=event.ref, sha=event.sha)
        started = [] if run is None else [job for job, result in run.results.items() if result != "skipped"]
        assert started == [], (event.name, event.action)


def test_what_only_looks_like_a_command_ends_in_the_first_job(planned):
    house = planned
    house.hub.push(MAINTAINER, "mine", {"c.txt": "c\n"})
    pull = house.hub.open_pull(MAINTAINER, "mine", "Mine").number

    for number, text in ((2, "/approved by the board"), (2, "/approve this, please"), (pull, "/approve")):
        before = len(house.texts(number))
        (run,) = house.say(number, text)
        if text == "/approve this, please":  # a command that is mistyped is answered
            assert "malformed" in house.text(number, "reply")
            continue
        assert run.result == "success", run.log
        assert [job for job, result in run.results.items() if result != "skipped"] == ["decide"]
        assert len(house.texts(number)) == before


def test_a_second_label_is_refused_while_a_run_waits_and_starts_anew_once_it_is_over(planned):
    house, asked = planned, len(planned.model.log)

    second = house.label(1, "phasegate:plan")
    assert second.result == "success", second.log
    assert "run-under-way" in house.text(1, "reply")
    assert house.asked(asked) == []

    house.say(2, "/cancel")
    anew = house.label(1, "phasegate:research")  # another label: GitHub tells nobody of one that is there already
    assert anew.result == "success", anew.log
    house.hub.unlabel(MAINTAINER, 1, "phasegate")
    house.hub.advance(2)
    again = house.label(1)
    assert again.result == "success", again.log
    assert house.pull().number == 2
    assert "waiting" in house.text(2, "status")
    assert "Work has begun" in house.text(1, "reply")

    house.say(2, "/reject")
    assert house.pull() is None
    house.hub.unlabel(MAINTAINER, 1, "phasegate:plan")
    house.hub.advance(2)
    last = house.label(1, "phasegate:plan")
    assert last.result == "success", last.log
    assert house.pull().number > 2
    assert "waiting" in house.text(house.pull().number, "status")
