"""Who asks by GraphQL, what they may see, and GitHub's errors there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fakehub.access import Need, Token, sees
from fakehub.state import Comment, Issue, Repository

if TYPE_CHECKING:
    from fakehub.hub import FakeHub


class GraphError(Exception):
    """An error of GitHub's GraphQL API: its type and its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Viewer:
    """The holder of a token, looking."""

    hub: "FakeHub"
    token: Token

    def repository(self, owner: str, name: str) -> Repository:
        """A repository by name. Raises NOT_FOUND when it is not there for this viewer."""
        found = self.hub.repositories.get(f"{owner}/{name}".lower())
        if found is None or not sees(self.token, found):
            raise GraphError("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return found

    def demand(self, need: Need, repository: Repository, *, on_pull: bool = False) -> None:
        """Raise FORBIDDEN unless the token may."""
        if not need.met_by(self.token, repository, on_pull=on_pull):
            word = "integration" if self.token.is_app else "personal access token"
            raise GraphError("FORBIDDEN", f"Resource not accessible by {word}")

    def repository_by_id(self, node_id: str) -> Repository:
        """A repository by node id."""
        for repository in self._visible():
            if repository.node_id == node_id:
                return repository
        raise _unknown(node_id)

    def thread_by_id(self, node_id: str) -> tuple[Repository, Issue]:
        """An issue or pull request by node id."""
        for repository in self._visible():
            for issue in repository.issues.values():
                if issue.node_id == node_id:
                    return repository, issue
        raise _unknown(node_id)

    def comment_by_id(self, node_id: str) -> tuple[Repository, Comment]:
        """A comment by node id."""
        for repository in self._visible():
            for comment in repository.comments.values():
                if comment.node_id == node_id:
                    return repository, comment
        raise _unknown(node_id)

    def _visible(self) -> list[Repository]:
        return [repository for repository in self.hub.repositories.values() if sees(self.token, repository)]


def _unknown(node_id: str) -> GraphError:
    return GraphError("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'.")
