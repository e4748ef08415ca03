"""Broken connections, servers in trouble, rate limits: what is harmless is repeated, the rest is looked for first."""

import time as real_time

import pytest
from github_desks import Time, door

from fakehub.hub import FakeHub
from phasegate.doors.github.client import Calls, GitHub, Pace
from phasegate.doors.github.failures import ForgeError, UnclearError
from phasegate.publishing.safe_markdown import SafeMarkdown

MARKER = "<!-- phasegate:notice run=1 -->"
COMMENTS = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"
PERMISSION = "GET /repos/{owner}/{repo}/collaborators/{username}/permission"
LABELS = "POST /repos/{owner}/{repo}/issues/{issue_number}/labels"
TEXT = SafeMarkdown(f"{MARKER}\nNews.")
BROKEN = 0


@pytest.fixture
def hub(tmp_path):
    with FakeHub(tmp_path / "hub") as hub:
        hub.add_user("alice", "write")
        hub.open_issue("alice", "Add --json", "Please.")
        yield hub


def bodies(hub: FakeHub) -> list[str]:
    return [comment.body for comment in hub.thread(1)]


@pytest.mark.parametrize("status", [BROKEN, 500, 502, 503, 504])
def test_reading_is_tried_again(hub, status):
    time = Time()
    hub.fail_next(PERMISSION, status, times=3)

    github = door(hub, time=time)

    assert github.permission("alice") == "write"
    assert github.calls == Calls(rest=4)
    assert time.naps == [1, 2, 4]


def test_reading_is_given_up_after_four_attempts(hub):
    hub.fail_next(PERMISSION, 502, times=9)
    github = door(hub)

    with pytest.raises(UnclearError, match=r"GitHub cannot be reached, or is in trouble \(status 502\)"):
        github.permission("alice")
    assert github.calls == Calls(rest=4)


def test_asking_by_graphql_is_reading(hub):
    hub.fail_next("POST /graphql", 502, times=2)

    assert door(hub).thread(1).title == "Add --json"


@pytest.mark.parametrize("status", [BROKEN, 500, 502])
@pytest.mark.parametrize("done", [True, False])
def test_a_comment_is_there_once_whether_or_not_the_broken_write_was_done(hub, status, done):
    hub.fail_next(COMMENTS, status, after=done)
    time = Time()

    number = door(hub, time=time).comment(1, TEXT, marker=MARKER)

    assert bodies(hub) == [TEXT.text]
    assert hub.thread(1)[0].id == number
    assert time.naps == [1]


def test_a_comment_that_others_forge_is_not_taken_for_ours(hub):
    hub.comment("alice", 1, TEXT.text)
    hub.fail_next(COMMENTS, 502)

    number = door(hub).comment(1, TEXT, marker=MARKER)

    assert [comment.id for comment in hub.thread(1)][1] == number


def test_another_comment_of_ours_is_not_taken_for_this_one(hub):
    github = door(hub)
    other = github.comment(1, SafeMarkdown("<!-- phasegate:notice run=12 -->\nNews."))
    hub.fail_next(COMMENTS, 502)

    assert github.comment(1, TEXT, marker=MARKER) != other


def test_a_comment_without_a_marker_is_written_at_most_once(hub):
    hub.fail_next(COMMENTS, 502, after=True)
    github = door(hub)

    with pytest.raises(UnclearError):
        github.comment(1, TEXT)
    assert bodies(hub) == [TEXT.text]
    assert github.calls == Calls(rest=1)


def test_a_comment_is_given_up_only_after_a_last_look(hub):
    hub.fail_next(COMMENTS, 502, times=3)
    github = door(hub)

    with pytest.raises(UnclearError):
        github.comment(1, TEXT, marker=MARKER)
    assert github.calls == Calls(rest=3, graphql=3)


@pytest.mark.parametrize("done", [True, False])
def test_what_may_be_done_twice_is_tried_again(hub, done):
    hub.fail_next(LABELS, 502, after=done)

    door(hub).add_labels(1, ["phasegate"])

    assert door(hub).thread(1).labels == ("phasegate",)


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_waited_for_as_long_as_it_asks(hub, status):
    time = Time()
    hub.fail_next(COMMENTS, status, headers={"Retry-After": "17"})

    door(hub, time=time).comment(1, TEXT)

    assert time.naps == [17]
    assert bodies(hub) == [TEXT.text]


def test_a_limit_that_says_nothing_is_waited_for_a_minute(hub):
    time = Time()
    hub.fail_next(COMMENTS, 403)

    door(hub, time=time).comment(1, TEXT)

    assert time.naps == [60]


def test_an_hourly_limit_is_waited_for_until_it_ends(hub):
    time = Time()
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.now) + 30)}
    hub.fail_next(PERMISSION, 403, headers=headers, message="API rate limit exceeded for installation.")

    assert door(hub, time=time).permission("alice") == "write"
    assert time.naps == [31]


@pytest.mark.parametrize(
    "headers", [{"Retry-After": "121"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 11}]
)
def test_a_limit_that_asks_for_more_than_two_minutes_is_told(hub, headers):
    time = Time()
    hub.fail_next(COMMENTS, 403, headers=headers)

    with pytest.raises(ForgeError, match=r"rate limit of the token is used up\. GitHub asks to wait") as caught:
        door(hub, time=time).comment(1, TEXT)
    assert (caught.value.status, time.naps) == (429, [])


def test_a_limit_that_does_not_end_is_told(hub):
    hub.fail_next(COMMENTS, 429, headers={"Retry-After": "1"}, times=9)

    with pytest.raises(ForgeError, match="rate limit"):
        door(hub).comment(1, TEXT)


def test_a_server_that_is_not_there_is_told_without_the_token(hub):
    time = Time()
    github = GitHub("octo/widgets", "ghs_secret", api_url="http://127.0.0.1:9", clock=time.clock, sleep=time.sleep)

    with pytest.raises(UnclearError, match="cannot be reached") as caught:
        github.permission("alice")
    assert "ghs_secret" not in f"{caught.value} {caught.value.cause}"


def test_requests_keep_their_distance(hub):
    time = Time()
    github = door(hub, time=time, pace=Pace(requests=0.25, writes=1.0))

    github.permission("alice")
    github.thread(1)
    github.react(hub.comment("alice", 1, "x").id, "eyes")
    github.add_labels(1, ["a"])
    time.now += 5
    github.add_labels(1, ["b"])

    assert time.naps == [0.25, 0.25, 1.0]


def test_nothing_waits_on_the_real_clock(hub, monkeypatch):
    """PyGithub's own pace and retries are off."""
    naps = []
    monkeypatch.setattr(real_time, "sleep", naps.append)
    hub.fail_next(PERMISSION, 502, times=2)
    github = door(hub)

    github.permission("alice")
    github.add_labels(1, ["a"])
    github.add_labels(1, ["b"])

    assert naps == []
