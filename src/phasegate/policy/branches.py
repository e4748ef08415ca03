"""The branch of a run on GitHub: its name says which issue it belongs to."""

import re

from phasegate.documents.base import RunId

_BRANCH = re.compile(r"phasegate/issue-([1-9][0-9]{0,9})", re.ASCII)


def branch_of(run: RunId) -> str:
    """Return the name of a run's branch, without `refs/heads/`."""
    return f"phasegate/issue-{run}"


def run_of(branch: str) -> RunId | None:
    """Return the run that a branch belongs to by its name; None for any other branch."""
    found = _BRANCH.fullmatch(branch)
    return found[1] if found else None
