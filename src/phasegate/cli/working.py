"""Commands that start a run or let it go on: run, primer, resume."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from phasegate import __version__
from phasegate.cli.desk import HERE, Desk, NoSandbox, Rehearse, Repo, RunArgument, Yes
from phasegate.documents.base import MadeBy, RunId, Sha, Step, digest_of
from phasegate.documents.parsing import field_errors
from phasegate.documents.snapshot import Issue, Snapshot, SnapshotPayload, Trigger
from phasegate.doors.local_forge import branch_of, issue_from
from phasegate.errors import UserError
from phasegate.phases.beginning import first_progress
from phasegate.phases.human import resume as resume_run
from phasegate.policy.config import PRIMER_PATH
from phasegate.surroundings import RunOptions, Surroundings, read_text

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
    desk.work(store, options, yes=yes, first=lambda setting: resume_run(setting.store))


def merged(kept: RunOptions, rehearse: Path | None, *, no_sandbox: bool) -> RunOptions:
    """Return what a run goes on with: its rehearsal is kept, doing without a sandbox has to be said each time."""
    said = _options(rehearse, no_sandbox=no_sandbox)
    return RunOptions(rehearse=said.rehearse or kept.rehearse, no_sandbox=said.no_sandbox)


def _options(rehearse: Path | None, *, no_sandbox: bool) -> RunOptions:
    return RunOptions(rehearse=str(rehearse.absolute()) if rehearse else None, no_sandbox=no_sandbox)


def _begin(
    desk: Desk, wish: str, purpose: Literal["change", "primer"], base: str, options: RunOptions, *, yes: bool
) -> None:
    around = desk.around
    issue = issue_from(wish, around.forge.person().login)
    base_sha = around.git.resolve(base)
    around.check_model(options)
    around.check_prices(around.config(base_sha))
    if around.git.is_dirty():
        desk.warn(f"Your uncommitted changes are not part of this: the run starts from {base_sha[:12]}.")
    store = around.forge.open_run()
    snapshot = _snapshot(around, store.directory.name, issue, purpose, base_sha)
    around.keep_options(store, options)
    store.put(snapshot)
    store.begin(first_progress(snapshot, branch_of(snapshot.run)))
    desk.work(store, options, yes=yes)


def _snapshot(
    around: Surroundings, run: RunId, issue: Issue, purpose: Literal["change", "primer"], base_sha: Sha
) -> Snapshot:
    person, primer_text = around.forge.person(), around.git.read(base_sha, PRIMER_PATH)
    trigger = Trigger(event="command line", actor=person.login, permission=person.permission, at=around.clock.now())
    payload = {
        "purpose": purpose,
        "issue": issue,
        "base_branch": around.git.head_branch(),
        "base_sha": base_sha,
        "primer": digest_of(primer_text) if primer_text is not None else None,
        "config": around.config(base_sha).digest,
        "trigger": trigger,
    }
    made_by = MadeBy(step=Step.DECIDE, model=None, version=__version__)
    try:
        return Snapshot(run=run, parents=(), made_by=made_by, payload=SnapshotPayload.model_validate(payload))
    except ValidationError as error:
        raise UserError("The issue cannot be used: " + "; ".join(field_errors(error)) + ".") from None
