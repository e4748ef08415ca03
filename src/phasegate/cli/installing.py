"""The command that installs phasegate in a repository: `init`."""

import os
from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from phasegate import __version__
from phasegate.cli.access import Access, Checkout
from phasegate.cli.desk import HERE, Repo
from phasegate.cli.shipping import shipped_files
from phasegate.documents.base import Digest, digest_of
from phasegate.doors.checkout_files import CheckoutFiles
from phasegate.doors.git.history import GitHistory
from phasegate.errors import UserError
from phasegate.policy.installation import Change, Outcome, change, difference, read_present
from phasegate.policy.labels import DESCRIPTIONS, color_of
from phasegate.policy.remotes import Remote
from phasegate.publishing.words import on_terminal

Diff = Annotated[bool, typer.Option("--diff", help="Show what would change, and write nothing.")]
Labels = Annotated[
    bool, typer.Option("--labels", help="Create the labels on GitHub, too, with GH_TOKEN or GITHUB_TOKEN.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace files that you edited, too.")]
_WIDTH = max(len(outcome) for outcome in Outcome)


def init(*, repo: Repo = HERE, diff: Diff = False, labels: Labels = False, force: Force = False) -> None:
    """Install phasegate in a repository on GitHub: workflow, configuration, primer, plan template.

    Said again, it updates its own files and keeps what you edited.
    """
    out, environ = Console(highlight=False), dict(os.environ)
    checkout = Checkout.open(repo, environ)
    files = CheckoutFiles(checkout.git.top)
    changes = _changes(files, checkout.history, checkout.remote, force=force)
    if diff:
        _show(out, changes)
        return
    for made in changes:
        if made.after is not None:
            files.write(made.path, made.after)
        _tell(out, made)
    if labels:
        _make_labels(out, checkout, environ)
    out.print(_left_to_do(checkout.remote, labels=labels), soft_wrap=True)
    if checkout.foreign:
        told = f"\nNote: {checkout.foreign} What is written is meant for github.com. {checkout.mend}"
        out.print(Text(on_terminal(told), style="yellow"), soft_wrap=True)


def _changes(files: CheckoutFiles, history: GitHistory, remote: Remote | None, *, force: bool) -> tuple[Change, ...]:
    """Return what becomes of each file; raises before anything is written."""
    server = remote is not None and remote.is_github and not remote.is_cloud
    found = []
    for shipped in shipped_files(server=server):

        def merge(digest: Digest, mine: str, theirs: str, path: str = shipped.path) -> str | None:
            base = _as_it_was(history, path, digest)
            return None if base is None else history.merged(mine, base, theirs)

        found.append(change(shipped, files.read(shipped.path), version=__version__, merge=merge, force=force))
    return tuple(found)


def _as_it_was(history: GitHistory, path: str, digest: Digest) -> str | None:
    """Return what was once written there, which is in the history if it was committed before it was edited."""
    for content in history.earlier(path):
        body = read_present(content.decode("utf-8", "replace")).body
        if digest_of(body.encode()) == digest:
            return body
    return None


def _show(out: Console, changes: tuple[Change, ...]) -> None:
    text = "".join(difference(made) for made in changes)
    out.print(on_terminal(text.rstrip("\n")) if text else "Nothing would change.", soft_wrap=True, markup=False)


def _tell(out: Console, made: Change) -> None:
    why = f" ({made.why})" if made.why else ""
    style = "yellow" if made.outcome is Outcome.BESIDE else "green" if made.after is not None else ""
    head = Text(f"{made.outcome.value:{_WIDTH}}  ", style=style)
    out.print(Text.assemble(head, on_terminal(f"{made.path}{why}")), soft_wrap=True)
    if made.outcome is Outcome.BESIDE:
        out.print(on_terminal(difference(made).rstrip("\n")), soft_wrap=True, markup=False)


def _make_labels(out: Console, checkout: Checkout, environ: Mapping[str, str]) -> None:
    remote = checkout.remote
    if remote is None or checkout.foreign:
        raise UserError(f"{checkout.foreign} No label was created.", mend=checkout.mend)
    access = Access.of(remote, environ)
    if access.token is None:
        raise UserError(
            f"No label was created: there is no token for {remote.host} in the environment.",
            cause=f"Looked for: {', '.join(access.variables)}.",
            mend=f'For example: {access.variables[0]}="$(gh auth token)" phasegate init --labels',
        )
    github = access.github()
    try:
        for name, description in DESCRIPTIONS.items():
            is_new = github.create_label(name, color=color_of(name), description=description)
            out.print(f"{'created' if is_new else 'there already':{_WIDTH}}  label {name}", soft_wrap=True)
    finally:
        github.close()


def _left_to_do(remote: Remote | None, *, labels: bool) -> str:
    known = remote if remote is not None and remote.is_github else None
    web, name = (known.web, known.repository) if known else ("the repository on GitHub", "OWNER/NAME")
    lines = [
        "",
        f"Left to do, for {web}:",
        "",
        "- The key of the model, as a secret:",
        "    gh secret set ANTHROPIC_API_KEY",
        f"  or: {_page(known, 'settings/secrets/actions/new')} (Settings → Secrets and variables → Actions)",
        "- Let workflows open pull requests:",
        f"    gh api -X PUT repos/{name}/actions/permissions/workflow -F can_approve_pull_request_reviews=true",
        f"  or: {_page(known, 'settings/actions')} (Settings → Actions → General → Workflow permissions →",
        '  tick "Allow GitHub Actions to create and approve pull requests" → Save)',
    ]
    if not labels:
        lines += ["- The labels:", '    GH_TOKEN="$(gh auth token)" phasegate init --labels']
    ends = [
        "",
        "Then commit the files, bring them to the default branch, and put the label `phasegate` on an issue.",
        "`phasegate doctor` checks all of it.",
    ]
    return "\n".join(lines + ends)


def _page(remote: Remote | None, page: str) -> str:
    return f"{remote.web}/{page}" if remote else f"…/{page}"
