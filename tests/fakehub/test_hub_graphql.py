"""GraphQL at the fake server, executed on GitHub's own schema."""

import pytest
from github import GithubException

from fakehub import ACTIONS_BOT, FakeHub, ViolationError, graph

THREAD = """
query ($number: Int!, $after: String) {
  viewer { login }
  repository(owner: "octo", name: "widgets") {
    id
    defaultBranchRef { name target { oid } }
    issueOrPullRequest(number: $number) {
      __typename
      ... on Issue {
        title body author { login } labels(first: 50) { nodes { name } } comments(first: 100, after: $after) { ...page }
      }
      ... on PullRequest { isDraft headRefName headRefOid baseRefName comments(first: 100, after: $after) { ...page } }
    }
  }
}
fragment page on IssueCommentConnection {
  totalCount
  pageInfo { hasNextPage endCursor }
  nodes {
    id fullDatabaseId body createdAt lastEditedAt authorAssociation isMinimized viewerDidAuthor
    author { login __typename } editor { login __typename }
    userContentEdits(first: 5) { nodes { editedAt editor { login } diff } }
  }
}
"""


def _thread(ask, number, after=None):
    return ask(THREAD, number=number, after=after)["repository"]["issueOrPullRequest"]


def test_a_thread_says_who_wrote_and_who_edited(hub, ask, repo):
    hub.comment("mona", 1, "first")
    repo.get_issue(1).create_comment("by the job")
    hub.advance(30)
    hub.edit_comment("mona", hub.thread(1)[1].id, "changed by mona")
    hub.delete_account("stranger")
    issue = _thread(ask, 1)
    first, second = issue["comments"]["nodes"]
    assert issue["author"] is None
    assert (first["author"], first["lastEditedAt"], first["editor"]) == (
        {"login": "mona", "__typename": "User"},
        None,
        None,
    )
    assert second["author"] == {"login": "github-actions", "__typename": "Bot"}
    assert second["editor"] == {"login": "mona", "__typename": "User"}
    assert (second["createdAt"], second["lastEditedAt"]) == ("2026-01-05T10:00:00Z", "2026-01-05T10:00:30Z")
    assert (second["viewerDidAuthor"], first["viewerDidAuthor"]) == (True, False)
    assert second["userContentEdits"]["nodes"][0]["diff"] == "changed by mona"
    assert second["fullDatabaseId"] == str(hub.thread(1)[1].id)


def test_a_thread_of_250_comments_comes_in_three_pages(hub, ask):
    for number in range(250):
        hub.comment("stranger", 1, str(number))
    bodies, after, calls = [], None, len(hub.calls)
    while True:
        page = _thread(ask, 1, after)["comments"]
        bodies += [node["body"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert bodies == [str(number) for number in range(250)]
    assert len(hub.calls) - calls == 3


def test_the_last_page_of_a_list_can_be_asked_for(hub, ask):
    for number in range(5):
        hub.comment("stranger", 1, str(number))
    query = """{ repository(owner: "octo", name: "widgets") { issue(number: 1) {
        comments(last: 2) { totalCount pageInfo { hasPreviousPage hasNextPage } edges { node { body } } } } } }"""
    comments = ask(query)["repository"]["issue"]["comments"]
    assert [edge["node"]["body"] for edge in comments["edges"]] == ["3", "4"]
    assert comments["pageInfo"] == {"hasPreviousPage": True, "hasNextPage": False}
    assert comments["totalCount"] == 5


def test_a_pull_request_is_found_by_its_branch_with_its_live_head(hub, ask):
    hub.push("mona", "work", {"a": "1"})
    hub.open_pull("mona", "work", draft=True)
    head = hub.push("mona", "work", {"a": "2"})
    query = """{ repository(owner: "octo", name: "widgets") {
      pullRequests(headRefName: "work", states: [OPEN], first: 5) { nodes {
        number isDraft headRefOid baseRefOid mergeable headRef { name target { oid } } } }
      ref(qualifiedName: "refs/heads/work") { name target { oid } }
      absent: ref(qualifiedName: "refs/heads/absent") { name }
      object(expression: "work:README.md") { ... on Blob { text byteSize isBinary } }
      labels(first: 10) { nodes { name } } } }"""
    found = ask(query)["repository"]
    pull = found["pullRequests"]["nodes"][0]
    assert (pull["number"], pull["isDraft"], pull["headRefOid"]) == (2, True, head)
    assert found["ref"] == {"name": "work", "target": {"oid": head}}
    assert found["absent"] is None
    assert found["object"]["text"] == "# widgets\n"
    assert _thread(ask, 2)["__typename"] == "PullRequest"


def test_pygithub_marks_ready_and_draft_and_minimises(hub, ask, repo):
    hub.push("mona", "work", {"a": "1"})
    pull = repo.create_pull(base="main", head="work", title="t", body="b", draft=True)
    pull.mark_ready_for_review()
    assert hub.issue(2).pull.draft is False
    pull.convert_to_draft()
    assert hub.issue(2).pull.draft is True
    comment = pull.create_issue_comment("old plan")
    comment.minimize("OUTDATED")
    assert hub.thread(2)[0].minimized == "OUTDATED"
    comment.unminimize()
    assert hub.thread(2)[0].minimized is None


UPDATE = "mutation ($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }"


def _update_refs(ask, *changes):
    repository = ask('{ repository(owner: "octo", name: "widgets") { id } }')["repository"]["id"]
    updates = [
        {"name": name, "afterOid": after} | ({"beforeOid": before} if before else {}) for name, after, before in changes
    ]
    return ask(UPDATE, input={"repositoryId": repository, "refUpdates": updates})


def test_refs_are_compared_and_swapped_all_or_none(hub, ask):
    old = hub.main.git.resolve("refs/heads/main")
    new = hub.push("mona", "work", {"a": "1"})
    _update_refs(ask, ("refs/heads/main", new, old), ("refs/phasegate/1", new, "0" * 40))
    assert hub.main.git.resolve("refs/heads/main") == hub.main.git.resolve("refs/phasegate/1") == new
    newer = hub.push("mona", "work", {"a": "2"})
    with pytest.raises(GithubException, match="not what it was expected to be"):
        _update_refs(ask, ("refs/phasegate/1", newer, new), ("refs/heads/main", newer, old))
    assert hub.main.git.resolve("refs/heads/main") == hub.main.git.resolve("refs/phasegate/1") == new
    with pytest.raises(GithubException, match="not a fast-forward"):
        _update_refs(ask, ("refs/heads/main", old, new))


def test_a_commit_on_a_branch_that_moved_is_refused(hub, ask):
    query = """mutation ($input: CreateCommitOnBranchInput!) {
        createCommitOnBranch(input: $input) { commit { oid } ref { name } } }"""
    given = {
        "branch": {"repositoryNameWithOwner": "octo/widgets", "branchName": "main"},
        "expectedHeadOid": hub.main.git.resolve("refs/heads/main"),
        "message": {"headline": "By the API"},
        "fileChanges": {"additions": [{"path": "new.txt", "contents": "aGkK"}], "deletions": [{"path": "README.md"}]},
    }
    made = ask(query, input=given)["createCommitOnBranch"]
    assert made == {"commit": {"oid": hub.main.git.resolve("refs/heads/main")}, "ref": {"name": "main"}}
    assert sorted(hub.main.git.entries(made["commit"]["oid"])) == [".github", "new.txt", "src"]
    with pytest.raises(GithubException, match="Expected branch to point to"):
        ask(query, input=given)


def test_comments_and_reactions_can_be_written_by_graphql_too(hub, ask):
    issue = ask('{ repository(owner: "octo", name: "widgets") { issue(number: 1) { id } } }')["repository"]["issue"][
        "id"
    ]
    made = ask(
        """mutation ($id: ID!) { addComment(input: {subjectId: $id, body: "hi"}) { commentEdge { node { id } } } }""",
        id=issue,
    )
    comment = made["addComment"]["commentEdge"]["node"]["id"]
    ask(
        """mutation ($id: ID!) { updateIssueComment(input: {id: $id, body: "hello"}) { issueComment { body } }
            one: addReaction(input: {subjectId: $id, content: EYES}) { reaction { content } } }""",
        id=comment,
    )
    assert (hub.thread(1)[0].body, hub.thread(1)[0].reactions[0].content) == ("hello", "eyes")


@pytest.mark.parametrize(
    ("permissions", "query"),
    [
        ({"contents": "read"}, "issue(number: 1) { title }"),
        ({"issues": "read"}, "pullRequest(number: 2) { title }"),
        ({"issues": "read"}, "pullRequests(first: 1) { nodes { title } }"),
        ({"issues": "read"}, "defaultBranchRef { name }"),
    ],
)
def test_a_token_without_the_permission_is_refused(hub, connect, permissions, query):
    graph.require_schema()
    hub.push("mona", "work", {"a": "1"})
    hub.open_pull("mona", "work")
    client = connect(hub.issue_token(permissions))
    with pytest.raises(GithubException, match="Resource not accessible by integration") as caught:
        client.requester.graphql_query(f'{{ repository(owner: "octo", name: "widgets") {{ {query} }} }}', {})
    assert caught.value.data["errors"][0]["type"] == "FORBIDDEN"


def test_ready_for_review_needs_write_permission_on_pull_requests(hub, connect):
    graph.require_schema()
    hub.push("mona", "work", {"a": "1"})
    hub.open_pull("mona", "work", draft=True)
    token = hub.issue_token({"pull-requests": "read", "issues": "write", "contents": "write"})
    with pytest.raises(GithubException, match="Resource not accessible"):
        connect(token).get_repo("octo/widgets").get_pull(2).mark_ready_for_review()
    assert hub.issue(2).pull.draft


def test_what_is_not_there_is_said_to_be_not_found(hub, ask):
    with pytest.raises(GithubException, match="Could not resolve to an Issue with the number of 99"):
        ask('{ repository(owner: "octo", name: "widgets") { issue(number: 99) { title } } }')
    with pytest.raises(GithubException, match="Could not resolve to a Repository"):
        ask('{ repository(owner: "octo", name: "absent") { id } }')


def test_the_viewer_of_a_job_is_the_actions_bot(hub, ask):
    assert ask("{ viewer { login } }") == {"viewer": {"login": ACTIONS_BOT}}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("{ repository(owner: 1, name: 2) { id } }", "String cannot represent"),
        ('{ repository(owner: "octo", name: "widgets") { colour } }', "Cannot query field 'colour'"),
        ('{ repository(owner: "octo", name: "widgets") { forkCount } }', "does not resolve Repository.forkCount"),
        (
            '{ repository(owner: "octo", name: "widgets") { issue(number: 1) { databaseId } } }',
            "ask fullDatabaseId",
        ),
    ],
)
def test_what_github_would_not_know_or_the_fake_does_not_is_never_a_silent_null(tmp_path, query, said):
    graph.require_schema()
    with FakeHub(tmp_path, check=False) as hub:
        hub.open_issue("octo", "t")
        _, work = graph.read_call(hub, hub.tokens[hub.issue_token(None, "octo")], None, {"query": query})
        assert work().body["errors"]
    with pytest.raises(ViolationError, match=said):
        hub.check()


@pytest.mark.parametrize(
    ("page", "said"), [("", "You must provide a `first` or `last`"), ("(first: 101)", "exceeds 100 records")]
)
def test_a_list_is_asked_for_page_by_page(hub, ask, page, said):
    query = (
        f'{{ repository(owner: "octo", name: "widgets") {{ issue(number: 1) {{ comments{page} {{ totalCount }} }} }} }}'
    )
    with pytest.raises(GithubException, match=said):
        ask(query)


def test_without_githubs_schema_the_test_is_skipped_with_a_line_that_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(graph, "SCHEMA", tmp_path / "absent.graphql")
    with pytest.raises(pytest.skip.Exception, match="Node is missing"):
        graph.require_schema()
