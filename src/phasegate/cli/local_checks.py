"""The checks of `doctor` that need no GitHub: the files, the models, the sandbox, git."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from phasegate import __version__
from phasegate.cli.shipping import action_for, shipped_files, shipped_workflow
from phasegate.documents.progress import Usage
from phasegate.doors.anthropic.api import KEY_VARIABLE, AnthropicModel, model_for
from phasegate.doors.git.repository import Git
from phasegate.doors.model import ModelError
from phasegate.doors.prices import Prices
from phasegate.doors.sandbox.choice import choose_sandbox
from phasegate.errors import UserError
from phasegate.policy import examination
from phasegate.policy.config import CONFIG_PATH, PRIMER_PATH, Config, Provider
from phasegate.policy.config_file import parse_config
from phasegate.policy.gates import gates_of
from phasegate.policy.installation import stamped
from phasegate.policy.verdict import Verdict, ok, problem, skipped, warning

URL_VARIABLE = "PHASEGATE_MODEL_URL"


def workflow_checks(text: str | None, provider: Provider, *, server: bool, where: str) -> tuple[Verdict, ...]:
    """Return what is to be said of the installed workflow."""
    return examination.workflow_verdicts(
        text,
        shipped_workflow(server=server),
        version=__version__,
        action=action_for(server=server).partition("@")[0],
        provider=provider,
        where=where,
    )


def config_checks(text: str | None, git: Git) -> tuple[Config | None, tuple[Verdict, ...]]:
    """Return the configuration, None for a bad one, and what is to be said of it and of the gates."""
    try:
        config = parse_config(text)
    except UserError as error:
        mend = " ".join(part for part in (error.cause, error.mend) if part)
        return None, (problem("configuration", error.what, mend),)
    said = f"{CONFIG_PATH} is valid." if text is not None else f"There is no {CONFIG_PATH}: the defaults hold."
    return config, (ok("configuration", said), _gates(config, git), *_primer(git))


def _gates(config: Config, git: Git) -> Verdict:
    head = git.resolve("HEAD")

    def read(path: str) -> str | None:
        content = git.read(head, path)
        return None if content is None else content.decode("utf-8", "replace")

    files = {entry.path: entry.size for entry in git.tree(head)}
    return examination.gates_verdict(gates_of(config, read=read, files=files))


def _primer(git: Git) -> tuple[Verdict, ...]:
    content = git.read(git.resolve("HEAD"), PRIMER_PATH)
    if content is None:
        return ()
    [skeleton] = (one for one in shipped_files(server=False) if one.path == PRIMER_PATH)
    return (examination.primer_verdict(content, stamped(skeleton, __version__)),)


def model_checks(config: Config, environ: Mapping[str, str]) -> Iterator[Verdict]:
    """Give what is to be said of each model: its price, and what its own record says, if there is a key to ask with."""
    prices = Prices(config.prices, config.provider.name)
    priced = {}
    for model, tiers in _models(config).items():
        try:
            prices.cost(model, Usage())
        except UserError as error:
            yield problem("model", error.what, error.mend)
        else:
            priced[model] = tiers
    yield from _asked(config, priced, environ)


def _models(config: Config) -> dict[str, list[str]]:
    """Return the configured models, each with what it is for."""
    found: dict[str, list[str]] = {}
    for name, tier in config.models:
        found.setdefault(tier.model, []).append(name)
    return found


def _asked(config: Config, models: Mapping[str, list[str]], environ: Mapping[str, str]) -> Iterator[Verdict]:
    try:
        asked = model_for(
            config.provider,
            key=environ.get(KEY_VARIABLE),
            environ=environ,
            sleep=lambda _seconds: None,  # somebody waits for the answer, and can say it again
            base_url=environ.get(URL_VARIABLE) or None,
        )
    except UserError as error:
        yield problem("model", error.what, error.mend)
        return
    if not isinstance(asked, AnthropicModel):
        yield skipped("model", f"No model was asked: {KEY_VARIABLE} is not set here.", f"export {KEY_VARIABLE}=…")
        return
    try:
        yield from _records(asked, models)
    finally:
        asked.close()


def _records(asked: AnthropicModel, models: Mapping[str, list[str]]) -> Iterator[Verdict]:
    """Give one verdict for each model that answered, and one for all that failed alike."""
    failed: dict[tuple[str, str], list[str]] = {}
    for model, tiers in models.items():
        try:
            yield examination.model_verdict(model, asked.limits(model).lifecycle, tiers)
        except ModelError as error:
            # No run was broken off here, so none can be taken up again.
            mend = "" if "`phasegate resume`" in error.mend else error.mend
            told = (error.what, " ".join(part for part in (error.cause, mend) if part))
            failed.setdefault(told, []).append(f"{model} ({', '.join(tiers)})")
    for (what, mend), names in failed.items():
        yield problem("model", f"{', '.join(names)}: {what}", mend)


def sandbox_check(environ: Mapping[str, str], home: Path) -> Verdict:
    """Return whether commands can be confined on this machine; jobs on GitHub prepare their own."""
    try:
        choice = choose_sandbox(environ=environ, home=home)
    except UserError as error:
        return warning("sandbox", error.what, error.mend)
    if choice.sandbox is not None:
        return ok("sandbox", f"Commands run confined on this machine ({choice.sandbox.name}).")
    failed = [f"{test.backend}: {probe.detail}" for test in choice.tests for probe in test.probes if not probe.passed]
    mend = "On Debian and Ubuntu: apt install bubblewrap. Jobs on GitHub are not concerned."
    return warning("sandbox", f"No sandbox works on this machine ({'; '.join(failed[:3])}).", mend)


def git_check(version: str) -> Verdict:
    """Return git's version; one that is too old was refused before."""
    return ok("git", f"{version} on {os.uname().sysname}.")
