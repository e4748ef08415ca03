"""Ordered faults, races and the log of calls."""

from threading import Thread

import pytest
import requests
from github import GithubException, RateLimitExceededException

COMMENTS = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"


def test_an_answer_that_goes_wrong_after_the_work_leaves_the_work_done(hub, repo):
    issue = repo.get_issue(1)
    hub.fail_next(COMMENTS, 502, after=True)
    with pytest.raises(GithubException) as caught:
        issue.create_comment("written all the same")
    assert caught.value.status == 502
    assert [comment.body for comment in hub.thread(1)] == ["written all the same"]


def test_a_fault_before_the_work_leaves_nothing_and_ends_after_its_times(hub, repo):
    issue = repo.get_issue(1)
    hub.fail_next(COMMENTS, 503, times=2)
    for _ in range(2):
        with pytest.raises(GithubException):
            issue.create_comment("not yet")
    issue.create_comment("now")
    assert [comment.body for comment in hub.thread(1)] == ["now"]


def test_a_connection_can_break_with_the_work_done(hub, repo):
    issue = repo.get_issue(1)
    hub.fail_next(COMMENTS, after=True)
    with pytest.raises(requests.ConnectionError):
        issue.create_comment("written")
    assert len(hub.thread(1)) == 1


def test_rate_limits_look_like_githubs(hub, repo):
    issue = repo.get_issue(1)
    hub.fail_next(COMMENTS, 403, headers={"Retry-After": "7"})
    with pytest.raises(RateLimitExceededException) as caught:
        issue.create_comment("too fast")
    assert caught.value.headers["retry-after"] == "7"
    hub.fail_next("*", 429, headers={"Retry-After": "7"})
    with pytest.raises(GithubException) as caught:
        issue.create_comment("too fast")
    assert caught.value.status == 429


def test_a_fault_can_wait_for_one_graphql_operation(hub, ask):
    hub.fail_next("POST /graphql", 502, operation="query repository")
    assert ask("{ viewer { login } }")
    with pytest.raises(GithubException) as caught:
        ask('{ repository(owner: "octo", name: "widgets") { id } }')
    assert caught.value.status == 502
    assert ask('{ repository(owner: "octo", name: "widgets") { id } }')


def test_somebody_can_come_between_two_calls(hub, repo):
    main = hub.main.git.resolve("refs/heads/main")
    repo.create_git_ref("refs/heads/work", main)
    ref = repo.get_git_ref("heads/work")
    mine = hub.push("mona", "other", {"mine": "1"})
    hub.before_next("PATCH /repos/{owner}/{repo}/git/refs/{ref}", lambda: hub.push("mona", "work", {"theirs": "1"}))
    with pytest.raises(GithubException, match="not a fast forward"):
        ref.edit(mine, force=False)


def test_the_log_has_every_call_with_its_route_status_and_author(hub, connect):
    repo = connect(hub.issue_token({"issues": "write"})).get_repo("octo/widgets")
    repo.get_issue(1).create_comment("hello")
    with pytest.raises(GithubException):
        repo.get_pull(1)
    assert [(call.name, call.status, call.identity) for call in hub.calls] == [
        ("GET /repos/{owner}/{repo}", 200, "github-actions[bot]"),
        ("GET /repos/{owner}/{repo}/issues/{issue_number}", 200, "github-actions[bot]"),
        (COMMENTS, 201, "github-actions[bot]"),
        ("GET /repos/{owner}/{repo}/pulls/{pull_number}", 403, "github-actions[bot]"),
    ]
    assert hub.calls[2].body == {"body": "hello"}
    assert {call.kind for call in hub.calls} == {"rest"}


def test_graphql_calls_are_told_apart_by_kind_and_operation(hub, ask):
    ask("{ viewer { login } }")
    ask('query named { repository(owner: "octo", name: "widgets") { id } }')
    assert [(call.kind, call.operation) for call in hub.calls] == [
        ("graphql", "query viewer"),
        ("graphql", "query repository"),
    ]


def test_parallel_writers_lose_nothing(hub, repo):
    issue = repo.get_issue(1)
    writers = [Thread(target=issue.create_comment, args=(str(number),)) for number in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(int(comment.body) for comment in hub.thread(1)) == list(range(12))
    assert len({comment.id for comment in hub.thread(1)}) == 12
