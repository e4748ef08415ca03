"""Writing on the forge, or in a dry run only saying what would be written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from phasegate.documents.base import Sha
from phasegate.doors.git.remote import RemoteGit
from phasegate.jobs.job import Job
from phasegate.policy.thread import Pull
from phasegate.publishing.safe_markdown import SafeMarkdown
from phasegate.publishing.step_summary import Intended, dry_run_summary


class Writer(Protocol):
    """What is written on a forge."""

    def push(self, remote: RemoteGit, branch: str, *, new: Sha, old: Sha | None) -> None:
        """Move the branch if it is still at `old`."""

    def comment(self, number: int, body: SafeMarkdown, marker: str) -> int:
        """Post a comment."""

    def edit_comment(self, comment: int, body: SafeMarkdown) -> None:
        """Rewrite a comment of ours."""

    def minimise(self, node_id: str) -> None:
        """Fold an outdated comment of ours."""

    def open_draft(self, *, head: str, base: str, title: str, body: SafeMarkdown) -> Pull:
        """Open a draft pull request."""

    def describe_pull(self, number: int, body: SafeMarkdown) -> None:
        """Rewrite the text of the pull request; its title is people's once it is there."""

    def mark_ready(self, pull: Pull) -> None:
        """Mark the pull request ready for review."""

    def close_pull(self, number: int) -> None:
        """Close the pull request."""

    def label(self, number: int, add: Sequence[str], remove: Sequence[str]) -> None:
        """Change labels that show the state."""

    def dispatch(self, payload: Mapping[str, str | int]) -> None:
        """Start the next slice."""

    def react(self, comment: int) -> None:
        """React to a command."""


@dataclass(frozen=True, slots=True)
class ForgeWriter:
    """Writes with the job's token; what starts CI, with the App's if there is one."""

    job: Job
    pushing: Job

    def push(self, remote: RemoteGit, branch: str, *, new: Sha, old: Sha | None) -> None:
        """Move the branch if it is still at `old`. Raises `RefusedError` if it is not."""
        remote.push(branch, new=new, old=old)

    def comment(self, number: int, body: SafeMarkdown, marker: str) -> int:
        """Post a comment, once even if GitHub answers late; return its id."""
        return self.job.github.comment(number, body, marker=marker)

    def edit_comment(self, comment: int, body: SafeMarkdown) -> None:
        """Rewrite a comment of ours."""
        self.job.github.edit_comment(comment, body)

    def minimise(self, node_id: str) -> None:
        """Fold an outdated comment of ours."""
        self.job.github.minimise(node_id)

    def open_draft(self, *, head: str, base: str, title: str, body: SafeMarkdown) -> Pull:
        """Open a draft pull request, or return the one that is open."""
        return self.pushing.github.open_draft(head=head, base=base, title=title, body=body)

    def describe_pull(self, number: int, body: SafeMarkdown) -> None:
        """Rewrite the text of the pull request."""
        self.job.github.edit_pull(number, body=body)

    def mark_ready(self, pull: Pull) -> None:
        """Mark the pull request ready for review."""
        self.pushing.github.mark_ready(pull)

    def close_pull(self, number: int) -> None:
        """Close the pull request."""
        self.job.github.close_pull(number)

    def label(self, number: int, add: Sequence[str], remove: Sequence[str]) -> None:
        """Change labels that show the state."""
        if add:
            self.job.github.add_labels(number, add)
        for name in remove:
            self.job.github.remove_label(number, name)

    def dispatch(self, payload: Mapping[str, str | int]) -> None:
        """Start the next slice."""
        self.job.github.dispatch("phasegate", payload)

    def react(self, comment: int) -> None:
        """React to a command."""
        self.job.github.react(comment, "eyes")


@dataclass(slots=True)
class DryWriter:
    """Writes nothing, and remembers what it would have written."""

    intended: list[Intended] = field(default_factory=list)

    def push(self, remote: RemoteGit, branch: str, *, new: Sha, old: Sha | None) -> None:
        """Remember a move of the branch."""
        self._note("move the branch", f"{branch}: {(old or 'new')[:12]} → {new[:12]} ({remote.url})")

    def comment(self, number: int, body: SafeMarkdown, marker: str) -> int:  # noqa: ARG002 -- the writer's shape
        """Remember a comment."""
        self._note("comment", f"#{number}", body)
        return 0

    def edit_comment(self, comment: int, body: SafeMarkdown) -> None:
        """Remember a rewritten comment."""
        self._note("rewrite a comment", str(comment), body)

    def minimise(self, node_id: str) -> None:
        """Remember a folded comment."""
        self._note("fold an outdated comment", node_id)

    def open_draft(self, *, head: str, base: str, title: str, body: SafeMarkdown) -> Pull:
        """Remember a pull request."""
        self._note("open a draft pull request", f"{head} → {base}: {title}", body)
        return Pull(0, "", head, "0" * 40, base, is_draft=True, is_open=True, is_from_fork=False)

    def describe_pull(self, number: int, body: SafeMarkdown) -> None:
        """Remember a rewritten text."""
        self._note("rewrite the text of the pull request", f"#{number}", body)

    def mark_ready(self, pull: Pull) -> None:
        """Remember that it would be marked ready."""
        self._note("mark the pull request ready for review", f"#{pull.number}")

    def close_pull(self, number: int) -> None:
        """Remember that it would be closed."""
        self._note("close the pull request", f"#{number}")

    def label(self, number: int, add: Sequence[str], remove: Sequence[str]) -> None:
        """Remember changed labels."""
        signed = [f"+{name}" for name in add] + [f"-{name}" for name in remove]
        self._note("change labels", f"#{number}: {' '.join(signed)}")

    def dispatch(self, payload: Mapping[str, str | int]) -> None:
        """Remember the next slice."""
        self._note("start the next slice", ", ".join(f"{key}={value}" for key, value in payload.items()))

    def react(self, comment: int) -> None:
        """Remember a reaction."""
        self._note("react to a comment", str(comment))

    def _note(self, what: str, where: str, text: SafeMarkdown | None = None) -> None:
        self.intended.append(Intended(what, where, text))

    def tell(self, job: Job) -> None:
        """Say in the summary what would have been written."""
        job.runner.summary(dry_run_summary(job.templates.render, actions=self.intended, page=job.page).text)
