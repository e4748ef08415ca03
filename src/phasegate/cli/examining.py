"""The command that looks whether phasegate can work in a repository: `doctor`."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from phasegate import __version__
from phasegate.cli import local_checks
from phasegate.cli.access import Access, Checkout
from phasegate.cli.desk import HERE, Json, Repo
from phasegate.documents.base import Frozen
from phasegate.doors.checkout_files import CheckoutFiles
from phasegate.errors import ExitCode, UserError
from phasegate.policy.config import CONFIG_PATH, Provider
from phasegate.policy.installation import WORKFLOW_PATH
from phasegate.policy.remotes import Remote
from phasegate.policy.verdict import Level, Verdict, ok, problem, warning
from phasegate.publishing.words import counted, on_terminal

if TYPE_CHECKING:
    from phasegate.cli.github_checks import Installed

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red", Level.SKIPPED: "cyan"}
_WIDTH = max(len(level) for level in Level)


class Examination(Frozen):
    """All verdicts, for programs."""

    version: str
    problems: int
    warnings: int
    skipped: int
    checks: tuple[Verdict, ...]


def doctor(*, repo: Repo = HERE, as_json: Json = False) -> None:
    """Check all that can keep phasegate from working here, and name the fix for each. Changes nothing.

    With GH_TOKEN or GITHUB_TOKEN it asks GitHub, with ANTHROPIC_API_KEY the model; what it cannot check, it says.
    """
    verdicts = tuple(_Patient.find(repo).examined())
    problems, warnings, left = (
        sum(verdict.level is level for verdict in verdicts) for level in (Level.PROBLEM, Level.WARNING, Level.SKIPPED)
    )
    if as_json:
        told = Examination(version=__version__, problems=problems, warnings=warnings, skipped=left, checks=verdicts)
        typer.echo(told.model_dump_json(indent=2))
    else:
        _print(verdicts)
        typer.echo(f"\n{counted(problems, 'problem')}, {counted(warnings, 'warning')}, {left} not checked.")
    raise typer.Exit(ExitCode.GATE_FAILED if problems else ExitCode.DONE)


def _print(verdicts: tuple[Verdict, ...]) -> None:
    out = Console(highlight=False)
    for verdict in verdicts:
        head = Text(f"{verdict.level.value:{_WIDTH}}  ", style=_STYLES[verdict.level])
        out.print(Text.assemble(head, on_terminal(f"{verdict.check}: {verdict.what}")), soft_wrap=True)
        if verdict.mend and verdict.level is not Level.OK:
            out.print(Text(f"{'':{_WIDTH}}  → {on_terminal(verdict.mend)}"), soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Patient:
    """The repository, and the world around it."""

    checkout: Checkout
    environ: Mapping[str, str]

    @classmethod
    def find(cls, directory: Path) -> "_Patient":
        environ = dict(os.environ)
        return cls(Checkout.open(directory, environ), environ)

    def examined(self) -> Iterator[Verdict]:
        """Give the verdicts, in the order in which things have to work."""
        yield local_checks.git_check(self.checkout.history.version())
        try:
            config, said = local_checks.config_checks(self._file(CONFIG_PATH), self.checkout.git)
            workflow = self._file(WORKFLOW_PATH)
        except UserError as error:
            yield problem("files", error.what, error.mend)
            return
        yield from self._forge(workflow, config.provider if config else Provider())
        yield from said
        if config is not None:
            yield from local_checks.model_checks(config, self.environ)
        yield local_checks.sandbox_check(self.environ, Path.home())

    def _forge(self, workflow: str | None, provider: Provider) -> Iterator[Verdict]:
        """Give what is to be said of GitHub and of the workflow there."""
        remote, reason = self.checkout.remote, self.checkout.foreign
        if remote is None or reason:
            yield problem("remote", reason, f"{self.checkout.mend}. Runs on this machine need none.")
            return
        server = not remote.is_cloud
        taken = ", which is taken for a GitHub Enterprise Server" if server else ""
        yield ok("remote", f"{remote.repository} at {remote.host}{taken}.")
        said, installed = self._asked(remote, provider)
        yield from said
        text, where = workflow, "in this checkout"
        if installed is not None and installed.workflow is not None:
            text, where = installed.workflow or None, f"on {installed.branch}"
            yield from self._not_there_yet(installed)
        yield from local_checks.workflow_checks(text, provider, server=server, where=where)

    def _asked(self, remote: Remote, provider: Provider) -> "tuple[tuple[Verdict, ...], Installed | None]":
        from phasegate.cli import github_checks  # noqa: PLC0415 -- most commands never ask GitHub

        access = Access.of(remote, self.environ)
        if access.token is None:
            return github_checks.no_token(access), None
        try:
            github = access.github()
        except UserError as error:  # a token that cannot be one
            return (
                problem("repository", error.what, error.mend),
                *github_checks.unasked("GitHub was not asked."),
            ), None
        try:
            said, installed = github_checks.reach(github)
            more = tuple(github_checks.settings_checks(github, provider)) if installed is not None else ()
        finally:
            github.close()
        return (*said, *more), installed

    def _not_there_yet(self, installed: "Installed") -> Iterator[Verdict]:
        """Give where the checkout differs from the default branch, which is what GitHub goes by."""
        for path, there in ((WORKFLOW_PATH, installed.workflow), (CONFIG_PATH, installed.config)):
            if there is not None and there != (self._file(path) or ""):
                state = "is not yet" if not there else "differs from the one"
                what = f"{path} of this checkout {state} on {installed.branch}, which is what GitHub goes by."
                yield warning("installed", what, f"Bring it to {installed.branch}, or update the checkout.")

    def _file(self, path: str) -> str | None:
        return CheckoutFiles(self.checkout.git.top).read(path)
