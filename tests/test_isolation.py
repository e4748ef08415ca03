"""What was said in one phase does not reach the next, unless a document that people can read carries it."""

import json

import pytest

import scenes
from repositories import git, make_repository
from stage import Stage

MARKS = {
    "the issue's title": "mark-issue-title",
    "the issue's body": "mark-issue-body",
    "a scout's words": "mark-scout-words",
    "a scout's summary": "mark-scout-summary",
    "a scout's details": "mark-scout-details",
    "what a scout searched for": "mark-scout-search",
    "the researcher's words": "mark-research-words",
    "the findings": "mark-findings",
    "the planner's words": "mark-plan-words",
    "what the planner searched for": "mark-plan-search",
}
"""Planted, each where it says; and in a file of the repository that no task names, which tools show to all phases."""
SECRET_FILE = "mark-in-a-file"
IMPLEMENTING = ("implement-T1", "implement-T2", "repair")


def search(text: str) -> scenes.Call:
    return {"search": {"pattern": text}}


def script(carried: str) -> list[scenes.Scene]:
    """A run in which everybody talks much; the plan carries one text."""
    scout = scenes.scout()
    summary, details = MARKS["a scout's summary"], MARKS["a scout's details"]
    answer = scenes.submit(status="success", summary=summary, details=f"a.txt:1 {details}")
    scout["turns"] = [
        scenes.turn(
            search(MARKS["what a scout searched for"]), {"read": {"path": "secret.md"}}, say=MARKS["a scout's words"]
        ),
        scenes.turn(answer),
    ]
    research = scenes.research()
    research["turns"] = [
        scenes.turn({"details": {"scout": "S1"}}, {"read": {"path": "secret.md"}}, say=MARKS["the researcher's words"]),
        scenes.turn(scenes.submit(**scenes.findings(asked=MARKS["the findings"]))),
    ]
    first = scenes.task("T1", {"new.txt": "create"}, description=f"Write new.txt. {carried}")
    second = scenes.task("T2", {"a.txt": "modify"}, depends_on=["T1"], check=None)
    planner = scenes.planner()
    planner["turns"] = [
        scenes.turn(search(MARKS["what the planner searched for"]), {"read": {"path": "secret.md"}}),
        scenes.turn(scenes.submit(**scenes.plan_payload(first, second)), say=MARKS["the planner's words"]),
    ]
    return [
        scout,
        research,
        planner,
        scenes.executor("T1", scenes.write("new.txt", "new\n"), scenes.shell("ls -a; git log; cat b.txt")),
        scenes.executor("T2", scenes.write("a.txt", "broken\n")),
        scenes.repair("repair", ["exit code 1"], scenes.write("a.txt", "mended\n")),
        scenes.reviewer(),
    ]


@pytest.fixture(scope="module")
def play(tmp_path_factory):
    """Plays a run whose plan carries a text, and gives its stage."""

    def played(carried: str) -> Stage:
        directory = tmp_path_factory.mktemp("isolation")
        files = {**scenes.SMALL, "secret.md": f"{SECRET_FILE}\n"}
        stage = Stage(directory, make_repository(directory / "repository", files), no_sandbox=True)
        stage.write_script(script(carried))
        title, body = MARKS["the issue's title"], MARKS["the issue's body"]
        outcome = stage.cli("run", f"Change {title}\n\nAs {body} says.", "--yes")
        assert outcome.code == 0, outcome.err
        return stage

    return played


@pytest.fixture(scope="module")
def stage(play) -> Stage:
    return play("")


def sent(stage: Stage, *names: str) -> str:
    """All that was sent in these scenes: the very bytes."""
    return "\n".join(one.raw for one in stage.asked() if one.scene in names)


@pytest.mark.parametrize("place", MARKS)
def test_what_was_said_before_the_plan_does_not_reach_who_implements_it(stage, place):
    assert MARKS[place] not in sent(stage, *IMPLEMENTING)


def test_the_marks_are_where_they_were_planted(stage):
    """Otherwise the test above would prove nothing."""
    early = {place: MARKS[place] in sent(stage, "scout", "research", "plan") for place in MARKS}
    late = {"the planner's words"}  # said in the planner's last answer, which is sent to nobody

    assert {place for place, there in early.items() if not there} == late
    assert MARKS["the planner's words"] in (stage.store().directory / "transcripts/plan.jsonl").read_text("utf-8")
    assert sent(stage, *IMPLEMENTING).count("Your task is") >= 2


def test_what_the_plan_carries_does_arrive(play):
    carried = MARKS["the issue's body"]
    stage = play(carried)

    assert carried in sent(stage, "implement-T1")
    assert MARKS["the issue's title"] not in sent(stage, *IMPLEMENTING)


def test_a_task_does_not_see_the_description_of_another(play):
    stage = play("only-for-the-first")

    assert "only-for-the-first" in sent(stage, "implement-T1")
    assert "only-for-the-first" not in sent(stage, "implement-T2")


def test_the_planner_sees_the_findings_and_not_how_they_came_about(stage):
    """The planner has the issue and the findings, and none of the research conversation."""
    seen = sent(stage, "plan")

    assert MARKS["the findings"] in seen
    assert MARKS["the issue's body"] in seen
    for place in ("a scout's words", "a scout's summary", "a scout's details", "the researcher's words"):
        assert MARKS[place] not in seen


def test_the_researcher_sees_summaries_of_scouts_and_asks_for_details(stage):
    first, *later = [one.raw for one in stage.asked() if one.scene == "research"]

    assert MARKS["a scout's summary"] in first
    assert MARKS["a scout's details"] not in first
    assert any(MARKS["a scout's details"] in request for request in later)
    assert MARKS["a scout's words"] not in first + "".join(later)


def test_the_reviewer_sees_neither_the_issue_nor_any_conversation(stage):
    assert not [place for place in MARKS if MARKS[place] in sent(stage, "review")]


def test_what_tools_showed_to_one_is_not_shown_to_the_next(stage):
    assert SECRET_FILE in sent(stage, "scout")
    assert SECRET_FILE not in sent(stage, *IMPLEMENTING, "review")


def test_branch_paths_and_commit_messages_tell_nothing_of_the_issue(stage):
    seen = git(stage.repository, "log", "-p", "--all", "--format=%D %B", "main..phasegate/L1")

    assert "mark-" not in seen


def test_each_conversation_begins_with_one_message_and_a_system_prompt_without_anything_from_outside(stage):
    for one in stage.asked():
        system = json.dumps(one.body["system"])
        assert "mark-" not in system
        assert "outside-" not in system
        if one.turn == 1:
            assert len(one.body["messages"]) == 1
