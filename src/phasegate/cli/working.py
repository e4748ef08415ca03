"""Commands that start a run or let it go on: run, primer, resume."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from phasegate import __version__
from phasegate.cli.desk import HERE, Desk, NoSandbox, Rehearse, Repo, RunArgument, Yes
from phasegate.cli.surroundings import RunOptions, read_text
from phasegate.documents.base import MadeBy, Sha, Step, digest_of
from phasegate.documents.progress import PhaseName, Progress
from phasegate.documents.progress_events import PhaseSkipped
from phasegate.documents.snapshot import Issue, Snapshot, SnapshotPayload, Trigger
from phasegate.doors.local_forge import branch_of, issue_from
from phasegate.doors.run_store import RunStore
from phasegate.errors import UserError
from phasegate.phases.human import resume as resume_run
from phasegate.policy.config import PRIMER_PATH

_PRIMER_ISSUE = """Describe this repository for whoever changes something in it
Draft (or refresh) its primer: architecture, standards, patterns, and what not to touch. Nothing else is to change."""

Base = Annotated[str, typer.Option("--base", metavar="REF", help="The commit to start from.")]


def run(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What is wanted, in words.")] = None,
    *,
    issue: Annotated[Path | None, typer.Option("--issue", metavar="FILE", help="What is wanted, in a file.")] = None,
    repo: Repo = HERE,
    base: Base = "HEAD",
    rehearse: Rehearse = None,
    yes: Yes = False,
    no_sandbox: NoSandbox = False,
) -> None:
    """Turn a wish into a tested branch: research, plan, your approval, implementation, gates, review.

    Your checkout is never touched: the result is the branch phasegate/L1, phasegate/L2, …
    """
    if (text is None) == (issue is None):
        raise UserError("Say what is wanted: as a text or as a file.", mend='phasegate run "Add a --json flag"')
    wish = text if text is not None else read_text(issue or HERE, "The issue")
    _begin(Desk.at(repo), wish, "change", base, _options(rehearse, no_sandbox=no_sandbox), yes=yes)


def primer(
    *,
    repo: Repo = HERE,
    base: Base = "HEAD",
    rehearse: Rehearse = None,
    yes: Yes = False,
) -> None:
    """Draft or refresh .claude/PRIMER.md: read, draft, shown as a difference, approved, committed on a branch."""
    _begin(Desk.at(repo), _PRIMER_ISSUE, "primer", base, _options(rehearse, no_sandbox=False), yes=yes)


def resume(
    run: RunArgument,
    *,
    repo: Repo = HERE,
    rehearse: Rehearse = None,
    yes: Yes = False,
    no_sandbox: NoSandbox = False,
) -> None:
    """Go on with a run that failed, was cancelled or was killed, at its first unfinished task or phase."""
    desk = Desk.at(repo)
    store = desk.around.forge.run(run)
    options = merged(desk.around.options(store), rehearse, no_sandbox=no_sandbox)
    desk.around.check_model(options)
    desk.around.keep_options(store, options)
    desk.work(store, options, yes=yes, first=lambda setting: resume_run(setting.store))


def merged(kept: RunOptions, rehearse: Path | None, *, no_sandbox: bool) -> RunOptions:
    """Return what a run goes on with: what it was started with, or what is said anew."""
    said = _options(rehearse, no_sandbox=no_sandbox)
    return RunOptions(rehearse=said.rehearse or kept.rehearse, no_sandbox=said.no_sandbox or kept.no_sandbox)


def _options(rehearse: Path | None, *, no_sandbox: bool) -> RunOptions:
    return RunOptions(rehearse=str(rehearse.absolute()) if rehearse else None, no_sandbox=no_sandbox)


def _begin(
    desk: Desk, wish: str, purpose: Literal["change", "primer"], base: str, options: RunOptions, *, yes: bool
) -> None:
    around = desk.around
    person = around.forge.person()
    issue = issue_from(wish, person.login)
    base_sha = around.git.resolve(base)
    around.config(base_sha)
    around.check_model(options)
    if around.git.is_dirty():
        desk.warn(f"Your uncommitted changes are not part of this: the run starts from {base_sha[:12]}.")
    store = around.forge.open_run()
    _first_documents(desk, store, issue, purpose, base_sha)
    around.keep_options(store, options)
    desk.work(store, options, yes=yes)


def _first_documents(
    desk: Desk, store: RunStore, issue: Issue, purpose: Literal["change", "primer"], base_sha: Sha
) -> None:
    around, now = desk.around, desk.around.clock.now()
    run, person = store.directory.name, around.forge.person()
    primer_text = around.git.read(base_sha, PRIMER_PATH)
    payload = SnapshotPayload(
        purpose=purpose,
        issue=issue,
        base_branch=around.git.head_branch(),
        base_sha=base_sha,
        primer=digest_of(primer_text) if primer_text is not None else None,
        config=around.config(base_sha).digest,
        trigger=Trigger(event="command line", actor=person.login, permission=person.permission, at=now),
    )
    made_by = MadeBy(step=Step.DECIDE, model=None, version=__version__)
    snapshot = store.put(Snapshot(run=run, parents=(), made_by=made_by, payload=payload))
    store.begin(
        Progress(
            run=run,
            purpose=purpose,
            title=issue.title,
            created=now,
            snapshot=snapshot,
            branch=branch_of(run),
            base_sha=base_sha,
            head_sha=base_sha,
        )
    )
    if purpose == "primer":
        rest = (PhaseName.IMPLEMENT, PhaseName.VERIFY, PhaseName.REVIEW)
        store.advance(*(PhaseSkipped(phase, "not part of a primer run") for phase in rest))
