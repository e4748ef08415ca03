"""PyGithub at the fake server: each verb that phasegate uses."""

import pytest
from github import GithubException, UnknownObjectException


def test_a_comment_is_written_edited_and_found_again(hub, repo):
    issue = repo.get_issue(1)
    comment = issue.create_comment("hello")
    hub.advance(5)
    comment.edit("hello again")
    kept = hub.thread(1)[0]
    assert (kept.body, kept.author, [edit.editor for edit in kept.edits]) == (
        "hello again",
        "github-actions[bot]",
        ["github-actions[bot]"],
    )
    found = issue.get_comment(comment.id)
    assert (found.body, found.user.login, found.user.type) == ("hello again", "github-actions[bot]", "Bot")
    assert (found.updated_at - found.created_at).seconds == 5
    found.delete()
    assert hub.thread(1) == []


def test_a_thread_of_250_comments_costs_three_calls(hub, repo):
    for number in range(250):
        hub.comment("stranger", 1, f"comment {number}")
    issue = repo.get_issue(1)
    before = len(hub.calls)
    assert [comment.body for comment in issue.get_comments()] == [f"comment {number}" for number in range(250)]
    assert len(hub.calls) - before == 3


def test_comments_since_a_moment_leave_out_the_older_ones(hub, repo):
    hub.comment("stranger", 1, "old")
    hub.advance(60)
    hub.comment("stranger", 1, "new")
    assert [comment.body for comment in repo.get_issue(1).get_comments(since=hub.now())] == ["new"]


@pytest.mark.parametrize(("body", "said"), [("x" * 65_537, "too long"), ("  ", "missing_field")])
def test_a_comment_that_is_too_long_or_empty_is_refused(repo, body, said):
    with pytest.raises(GithubException, match=said) as caught:
        repo.get_issue(1).create_comment(body)
    assert caught.value.status == 422


def test_a_reaction_counts_once_for_one_account(hub, repo):
    issue = repo.get_issue(1)
    comment = issue.create_comment("hello")
    comment.create_reaction("eyes")
    comment.create_reaction("eyes")
    issue.create_reaction("rocket")
    assert [reaction.content for reaction in hub.thread(1)[0].reactions] == ["eyes"]
    assert [reaction.content for reaction in comment.get_reactions()] == ["eyes"]
    assert [reaction.content for reaction in issue.get_reactions()] == ["rocket"]


def test_labels_are_made_put_on_and_taken_off(hub, repo):
    issue = repo.get_issue(1)
    repo.create_label("phasegate:planned", "0e8a16", "Waits for approval")
    issue.add_to_labels("phasegate:planned", "unknown before")
    assert [label.name for label in hub.issue(1).labels] == ["phasegate:planned", "unknown before"]
    assert repo.get_label("phasegate:planned").color == "0e8a16"
    issue.remove_from_labels("phasegate:planned")
    assert [label.name for label in issue.get_labels()] == ["unknown before"]
    assert [label.name for label in repo.get_labels()] == ["phasegate:planned", "unknown before"]


def test_a_label_that_exists_or_is_not_on_the_issue_is_refused(hub, repo):
    repo.create_label("phasegate", "0e8a16")
    with pytest.raises(GithubException, match="already_exists"):
        repo.create_label("Phasegate", "0e8a16")
    with pytest.raises(GithubException, match="Label does not exist"):
        repo.get_issue(1).remove_from_labels("phasegate")


@pytest.mark.parametrize(
    ("role", "permission"),
    [("admin", "admin"), ("maintain", "write"), ("write", "write"), ("triage", "read"), ("read", "read")],
)
def test_the_permission_of_a_collaborator_is_told_in_the_older_words(hub, repo, role, permission):
    hub.add_user("someone", role)
    assert repo.get_collaborator_permission("someone") == permission
    assert repo.get_collaborator_role_name("someone") == role


def test_the_permission_of_strangers_depends_on_who_may_read(hub, repo):
    assert repo.get_collaborator_permission("stranger") == "read"
    hub.main.private = True
    assert repo.get_collaborator_permission("stranger") == "none"
    with pytest.raises(GithubException, match="is not a user"):
        repo.get_collaborator_permission("nobody-of-that-name")


def test_a_role_with_a_name_of_its_own_keeps_its_base_permission(hub, repo):
    hub.add_user("someone", "read", role_name="maintainer")
    assert repo.get_collaborator_permission("someone") == "read"
    assert repo.get_collaborator_role_name("someone") == "maintainer"


def test_a_draft_pull_request_is_opened_found_changed_and_closed(hub, repo):
    first = hub.push("mona", "phasegate/issue-1", {"plan.md": "plan\n"})
    pull = repo.create_pull(base="main", head="phasegate/issue-1", title="Plan", body="text", draft=True)
    assert (pull.number, pull.draft, pull.head.sha, pull.changed_files) == (2, True, first, 1)
    assert [found.number for found in repo.get_pulls(state="open", head="octo:phasegate/issue-1")] == [2]
    second = hub.push("mona", "phasegate/issue-1", {"plan.md": "other\n"})
    assert repo.get_pull(2).head.sha == second
    assert hub.main.git.resolve("refs/pull/2/head") == second
    pull.edit(title="New title", body="new", state="closed")
    assert (hub.issue(2).title, hub.issue(2).body, hub.issue(2).state) == ("New title", "new", "closed")
    assert list(repo.get_pulls(state="open", head="octo:phasegate/issue-1")) == []
    assert repo.get_issue(2).pull_request is not None


def _open(repo, head="work"):
    return repo.create_pull(base="main", head=head, title="t", body="b", draft=True)


def test_pull_requests_that_cannot_be_are_refused_as_github_words_it(hub, repo):
    with pytest.raises(GithubException, match="invalid") as caught:
        _open(repo, "no-such-branch")
    assert caught.value.status == 422
    repo.create_git_ref("refs/heads/same", hub.main.git.resolve("refs/heads/main"))
    with pytest.raises(GithubException, match="No commits between main and same"):
        _open(repo, "same")
    hub.push("mona", "work", {"a": "1"})
    hub.main.actions_may_create_pulls = False
    with pytest.raises(GithubException, match="not permitted to create or approve pull requests") as caught:
        _open(repo)
    assert caught.value.status == 403
    hub.main.actions_may_create_pulls, hub.main.drafts_supported = True, False
    with pytest.raises(GithubException, match="Draft pull requests are not supported"):
        _open(repo)
    hub.main.drafts_supported = True
    _open(repo)
    with pytest.raises(GithubException, match="A pull request already exists for octo:work"):
        _open(repo)


def test_a_ref_is_made_moved_forward_and_removed(hub, repo):
    main = repo.get_git_ref("heads/main").object.sha
    repo.create_git_ref("refs/phasegate/1", main)
    newer = hub.push("mona", "work", {"a": "1"})
    ref = repo.get_git_ref("phasegate/1")
    ref.edit(newer, force=False)
    with pytest.raises(GithubException, match="not a fast forward"):
        ref.edit(main, force=False)
    ref.edit(main, force=True)
    with pytest.raises(GithubException, match="already exists"):
        repo.create_git_ref("refs/phasegate/1", main)
    with pytest.raises(GithubException, match="does not exist"):
        repo.create_git_ref("refs/phasegate/2", "1" * 40)
    ref.delete()
    assert hub.main.git.refs("refs/phasegate/") == {}
    assert [push.after for push in hub.main.pushes if push.ref == "refs/phasegate/1"] == [main, newer, main, "0" * 40]


def test_files_and_folders_are_read_at_any_commit(hub, repo):
    first = hub.main.git.resolve("refs/heads/main")
    hub.push("mona", "main", {"README.md": "newer\n"})
    assert repo.get_contents("README.md").decoded_content == b"newer\n"
    assert repo.get_contents("README.md", ref=first).decoded_content == b"# widgets\n"
    assert [item.path for item in repo.get_contents(".github")] == [".github/workflows"]
    with pytest.raises(UnknownObjectException):
        repo.get_contents("absent.txt")


def test_dispatches_are_kept_as_they_were_asked(hub, repo):
    assert repo.create_repository_dispatch("phasegate", {"command": "continue"})
    workflow = repo.get_workflow("phasegate.yml")
    assert workflow.create_dispatch("main", {"issue": "1"}, throw=True)
    one, two = hub.main.dispatches
    assert (one.kind, one.what, one.payload, one.by) == (
        "repository_dispatch",
        "phasegate",
        {"command": "continue"},
        "github-actions[bot]",
    )
    assert (two.kind, two.payload, two.ref) == (
        "workflow_dispatch",
        {"issue": "1", "dry-run": "false"},
        "refs/heads/main",
    )


@pytest.mark.parametrize(
    ("inputs", "said"),
    [({}, "Required input 'issue' not provided"), ({"issue": "1", "speed": "high"}, "Unexpected inputs")],
)
def test_a_workflow_dispatch_with_wrong_inputs_is_refused(repo, inputs, said):
    with pytest.raises(GithubException, match=said):
        repo.get_workflow("phasegate.yml").create_dispatch("main", inputs, throw=True)


def test_what_a_maintainer_asks_about_the_settings(hub, connect):
    hub.main.secrets.add("ANTHROPIC_API_KEY")
    hub.main.variables["PHASEGATE_MODEL_URL"] = "https://models.example"
    hub.main.actions_may_create_pulls = False
    hub.protect("main")
    hub.add_team("octo", "approvers", "mona")
    client = connect(hub.issue_token(None, "octo"))
    repo = client.get_repo("octo/widgets")
    get = client.requester.requestJsonAndCheck
    assert client.get_user().login == "octo"
    assert client.get_rate_limit().rate.limit == 5000
    assert [secret.name for secret in repo.get_secrets()] == ["ANTHROPIC_API_KEY"]
    assert [variable.value for variable in repo.get_variables()] == ["https://models.example"]
    assert get("GET", f"{repo.url}/actions/permissions/workflow")[1]["can_approve_pull_request_reviews"] is False
    assert get("GET", f"{repo.url}/actions/permissions")[1]["enabled"]
    assert [rule["type"] for rule in get("GET", f"{repo.url}/rules/branches/main")[1]] == [
        "non_fast_forward",
        "deletion",
    ]
    assert get("GET", "/orgs/octo/teams/approvers/memberships/mona")[1]["state"] == "active"
    with pytest.raises(UnknownObjectException):
        get("GET", "/orgs/octo/teams/approvers/memberships/stranger")
