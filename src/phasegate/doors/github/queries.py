"""What is asked of GitHub's GraphQL API."""

from collections.abc import Mapping

from phasegate.doors.github.calls import Call

_ACTOR = "{ __typename login }"
_PULL = """fragment pull on PullRequest {
  number id headRefName headRefOid baseRefName isDraft state isCrossRepository
}"""
_COMMENTS = f"""fragment page on IssueCommentConnection {{
  pageInfo {{ hasNextPage endCursor }}
  nodes {{
    fullDatabaseId id author {_ACTOR} authorAssociation body createdAt
    lastEditedAt editor {_ACTOR} viewerDidAuthor isMinimized
  }}
}}"""
_THING = f"""__typename number id title body closed
        author {_ACTOR} labels(first: 100) {{ nodes {{ name }} }} comments(first: 100) {{ ...page }}"""

# The branch's pull requests are asked of the branch itself: a search by the name of the head would find those of
# forks as well, and enough of them would hide ours.
THREAD = f"""query Thread($owner: String!, $name: String!, $number: Int!, $ref: String!, $withRef: Boolean!) {{
  repository(owner: $owner, name: $name) {{
    defaultBranchRef {{ name target {{ oid }} }}
    ref(qualifiedName: $ref) @include(if: $withRef) {{
      associatedPullRequests(first: 10, states: [OPEN]) {{ nodes {{ ...pull }} }}
    }}
    issueOrPullRequest(number: $number) {{
      ... on Issue {{ {_THING} }}
      ... on PullRequest {{ {_THING} ...pull }}
    }}
  }}
}}
{_PULL}
{_COMMENTS}"""

MORE_COMMENTS = f"""query Comments($owner: String!, $name: String!, $number: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    issueOrPullRequest(number: $number) {{
      ... on Issue {{ comments(first: 100, after: $after) {{ ...page }} }}
      ... on PullRequest {{ comments(first: 100, after: $after) {{ ...page }} }}
    }}
  }}
}}
{_COMMENTS}"""

LAST_COMMENTS = """query Last($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      ... on Issue { comments(last: 50) { nodes { fullDatabaseId body viewerDidAuthor } } }
      ... on PullRequest { comments(last: 50) { nodes { fullDatabaseId body viewerDidAuthor } } }
    }
  }
}"""

MINIMISE = """mutation Minimise($id: ID!) {
  minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { clientMutationId }
}"""
READY = """mutation Ready($id: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId }
}"""


def query(text: str, variables: Mapping[str, str | int | bool | None], *, doing: str, needs: str) -> Call:
    """Return the call that asks this."""
    return Call("QUERY", "", doing=doing, needs=needs, body={"query": text, "variables": dict(variables)})


def mutation(text: str, node_id: str, *, doing: str, needs: str) -> Call:
    """Return the call that does this to one thing."""
    return Call("MUTATION", "", doing=doing, needs=needs, body={"query": text, "variables": {"id": node_id}})
