"""What people do at the fake server, and the events that a workflow gets for it."""

from datetime import UTC, datetime

import pytest

from fakehub import ACTIONS_BOT, FakeHub, NotAllowedError


def test_a_label_on_an_issue_is_told_with_issue_label_sender_and_repository(hub):
    event = hub.label("mona", 1, "phasegate")
    payload = event.payload
    assert (event.name, event.action, event.actor, event.number) == ("issues", "labeled", "mona", 1)
    assert (event.ref, event.sha) == ("refs/heads/main", hub.main.git.resolve("refs/heads/main"))
    assert payload["label"]["name"] == "phasegate"
    assert [label["name"] for label in payload["issue"]["labels"]] == ["phasegate"]
    assert payload["issue"]["user"]["login"] == "stranger"
    assert payload["sender"]["login"] == "mona"
    assert payload["repository"]["full_name"] == "octo/widgets"
    assert payload["repository"]["default_branch"] == "main"


def test_a_comment_on_a_pull_request_says_that_it_is_one(hub):
    hub.push("mona", "work", {"a": "1"})
    number = hub.open_pull("mona", "work", draft=True).number
    assert "pull_request" not in hub.comment("mona", 1, "x").payload["issue"]
    event = hub.comment("mona", number, "/approve")
    assert event.payload["issue"]["pull_request"]["url"] == f"{hub.api_url}/repos/octo/widgets/pulls/{number}"
    assert event.payload["comment"]["id"] == event.id
    assert event.payload["comment"]["author_association"] == "COLLABORATOR"


def test_a_label_on_a_pull_request_is_no_event_of_issues(hub):
    hub.push("mona", "work", {"a": "1"})
    number = hub.open_pull("mona", "work").number
    event = hub.label("mona", number, "phasegate")
    assert (event.name, event.action) == ("pull_request", "labeled")
    assert event.payload["pull_request"]["head"]["ref"] == "work"


def test_an_edited_comment_is_told_with_the_text_before(hub):
    comment = hub.comment("stranger", 1, "nice").id
    event = hub.edit_comment("mona", comment, "/approve")
    assert (event.action, event.actor) == ("edited", "mona")
    assert event.payload["changes"] == {"body": {"from": "nice"}}
    assert event.payload["comment"]["user"]["login"] == "stranger"
    assert hub.delete_comment("stranger", comment).action == "deleted"


def test_a_payload_stays_as_it_was_when_the_event_happened(hub):
    event = hub.comment("mona", 1, "before")
    hub.edit_comment("mona", event.id, "after")
    assert event.payload["comment"]["body"] == "before"


def test_dispatches_carry_what_they_were_sent_with(hub):
    event = hub.dispatch("mona", "phasegate", {"command": "continue"})
    assert (event.payload["action"], event.payload["client_payload"]) == ("phasegate", {"command": "continue"})
    event = hub.run_workflow("mona", "phasegate.yml", {"issue": 1, "dry-run": True})
    assert event.payload["inputs"] == {"issue": "1", "dry-run": "true"}
    assert event.payload["workflow"] == ".github/workflows/phasegate.yml"


def test_the_jobs_own_token_starts_workflows_only_by_dispatch(hub, repo, connect):
    repo.get_issue(1).create_comment("by the job")
    repo.get_issue(1).add_to_labels("phasegate:planned")
    repo.create_repository_dispatch("phasegate", {"command": "continue"})
    assert [(event.name, event.actor) for event in hub.take_events()] == [("repository_dispatch", ACTIONS_BOT)]
    app = connect(hub.issue_token({"issues": "write"}, "our-app[bot]"))
    app.get_repo("octo/widgets").get_issue(1).create_comment("by another app")
    assert [(event.name, event.actor) for event in hub.take_events()] == [("issue_comment", "our-app[bot]")]
    assert hub.take_events() == []


@pytest.mark.parametrize(
    "deed",
    [
        lambda hub: hub.label("stranger", 1, "phasegate"),
        lambda hub: hub.push("triager", "work", {"a": "1"}),
        lambda hub: hub.dispatch("triager", "phasegate"),
        lambda hub: hub.edit_comment("triager", hub.comment("mona", 1, "x").id, "y"),
        lambda hub: hub.close("reader", 1),
    ],
)
def test_nobody_does_what_github_forbids_them(hub, deed):
    hub.add_user("triager", "triage")
    hub.add_user("reader", "read")
    with pytest.raises(NotAllowedError):
        deed(hub)


def test_people_do_what_their_role_allows(hub):
    hub.add_user("triager", "triage")
    hub.label("triager", 1, "phasegate")
    assert hub.unlabel("triager", 1, "phasegate").action == "unlabeled"
    hub.edit_issue("stranger", 1, body="other")
    assert (hub.issue(1).body, hub.issue(1).edits[0].editor) == ("other", "stranger")
    assert hub.close("stranger", 1).payload["issue"]["state"] == "closed"


def test_a_merged_pull_request_is_closed_and_in_its_base(hub):
    hub.push("mona", "work", {"a": "1"})
    number = hub.open_pull("mona", "work").number
    hub.push("mona", "main", {"b": "2"})
    event = hub.merge("mona", number)
    assert (event.action, event.payload["pull_request"]["merged"]) == ("closed", True)
    assert {"a", "b"} <= set(hub.main.git.entries(hub.main.git.resolve("refs/heads/main")))
    assert hub.pull("work") is None


def test_an_organisation_is_in_the_events_of_its_repositories(tmp_path):
    with FakeHub(tmp_path / "org", owner="acme", owner_kind="Organization") as hub:
        hub.add_team("acme", "approvers", "mona")
        hub.open_issue("stranger", "t")
        event = hub.comment("mona", 1, "x")
        assert event.payload["organization"]["login"] == "acme"
        assert event.payload["comment"]["author_association"] == "MEMBER"
        hub.dispatch("acme", "phasegate")


def test_the_clock_runs_stands_and_is_moved(tmp_path):
    hub = FakeHub(tmp_path / "running")
    assert abs((hub.now() - datetime.now(UTC)).total_seconds()) < 5
    hub.clock.stand_at(datetime(2026, 1, 5, 10, tzinfo=UTC))
    hub.advance(61)
    assert hub.now() == datetime(2026, 1, 5, 10, 1, 1, tzinfo=UTC)
