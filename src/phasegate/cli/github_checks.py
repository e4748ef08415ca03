"""The checks of `doctor` that ask GitHub: reads the settings, hands them to the policy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from phasegate.cli.access import Access
from phasegate.doors.github.client import GitHub
from phasegate.doors.github.failures import ForgeError
from phasegate.doors.github.settings import GitHubSettings, RepositoryFacts, Unreadable
from phasegate.policy import examination
from phasegate.policy.config import CONFIG_PATH, Provider
from phasegate.policy.installation import WORKFLOW_PATH
from phasegate.policy.verdict import Verdict, problem, skipped
from phasegate.policy.workflow_rules import APP_KEY

_Facts = TypeVar("_Facts")
_RIGHTS = "Use a token of somebody who administers the repository (`gh auth token`), or look in the settings yourself."
OFF_LINE = ("pull requests", "default token", "secret", "labels", "branches")
"""What cannot be checked without GitHub."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The files on the default branch; None for what could not be read, an empty text for what is not there."""

    branch: str
    workflow: str | None
    config: str | None


def no_token(access: Access) -> tuple[Verdict, ...]:
    """Return that nothing was asked, for want of a token."""
    mend = f'{access.variables[0]}="$(gh auth token)" phasegate doctor'
    what = f"There is no token for {access.remote.host} in {' or '.join(access.variables)}."
    return (skipped("repository", what, mend), *unasked("There is no token."))


def unasked(why: str) -> Iterator[Verdict]:
    """Give one verdict for each check that needs GitHub."""
    for check in OFF_LINE:
        yield skipped(check, why)


def reach(github: GitHub) -> tuple[tuple[Verdict, ...], Installed | None]:
    """Return whether GitHub answers, and what is installed there (None when it does not answer)."""
    settings = GitHubSettings(github)
    try:
        token, facts = settings.token(), settings.repository()
    except ForgeError as error:
        told = problem("repository", f"GitHub cannot be asked: {error.what}", error.mend or error.cause)
        return (told, *unasked("GitHub cannot be asked.")), None
    if isinstance(facts, Unreadable):
        mend = "Check the remote `origin`, and that the token may read this repository."
        told = problem("repository", f"{github.repository} cannot be read: {facts.reason}", mend)
        return (told, *unasked("The repository cannot be read.")), None
    verdict = examination.rights_verdict(token.login, facts.rights, archived=facts.is_archived, issues=facts.has_issues)
    return (verdict,), _installed(settings, facts)


def _installed(settings: GitHubSettings, facts: RepositoryFacts) -> Installed:
    workflow, config = (_text(settings, path, facts.default_branch) for path in (WORKFLOW_PATH, CONFIG_PATH))
    return Installed(facts.default_branch, workflow, config)


def _text(settings: GitHubSettings, path: str, branch: str) -> str | None:
    try:
        content = settings.file(path, branch)
    except ForgeError:
        return None
    if isinstance(content, Unreadable):
        return None
    return "" if content is None else content.decode("utf-8", "replace")


def settings_checks(github: GitHub, provider: Provider) -> Iterator[Verdict]:
    """Give what the settings say. What may not be read is skipped, with the reason."""
    settings = GitHubSettings(github)
    variables = _or_none(settings.variable_names)
    secrets = _or_none(settings.secret_names)
    has_app = examination.APP_ID in (variables or ()) and APP_KEY in (secrets or ())
    yield from _judged(
        "pull requests",
        settings.workflow_permissions,
        lambda found: examination.actions_verdicts(found.default, may_open_pulls=found.may_open_pulls, has_app=has_app),
        more=("default token",),
    )
    yield from _judged("secret", settings.secret_names, lambda names: (examination.secret_verdict(names, provider),))
    if variables is not None and secrets is not None:
        yield from examination.app_verdicts(secrets, variables)
    yield from _judged("labels", settings.labels, lambda names: (examination.labels_verdict(names),))
    yield from _judged(
        "branches",
        lambda: settings.branch_rules(examination.BRANCH),
        lambda rules: (examination.branch_verdict(rules),),
    )


def _or_none(read: Callable[[], _Facts | Unreadable]) -> _Facts | None:
    try:
        found = read()
    except ForgeError:
        return None
    return None if isinstance(found, Unreadable) else found


def _judged(
    check: str,
    read: Callable[[], _Facts | Unreadable],
    judge: Callable[[_Facts], tuple[Verdict, ...]],
    *,
    more: tuple[str, ...] = (),
) -> tuple[Verdict, ...]:
    """Return what the policy says of what was read; `more` names the other checks that hang on it."""
    try:
        found = read()
    except ForgeError as error:
        return tuple(skipped(name, error.what, error.mend) for name in (check, *more))
    if isinstance(found, Unreadable):
        return tuple(skipped(name, f"It may not be read: {found.reason}", _RIGHTS) for name in (check, *more))
    return judge(found)
