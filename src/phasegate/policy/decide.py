"""The decision on an event: a pure, total function of the event, the facts, the configuration and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from phasegate.documents.approval import Approver
from phasegate.documents.progress import Progress, RunState
from phasegate.policy.approving import Approving, approve
from phasegate.policy.asking import Ask, ask_of
from phasegate.policy.config import Config
from phasegate.policy.decisions import (
    Counted,
    Decision,
    Facts,
    GoOn,
    Ignore,
    No,
    Refuse,
    RunFacts,
    Speak,
    SpokenVerb,
    Start,
    StartPurpose,
    Target,
    Tell,
    Topic,
    Yes,
)
from phasegate.policy.events import Event, Foreign
from phasegate.policy.hearing import why_not_heard
from phasegate.policy.requests import STARTING
from phasegate.policy.run_states import stands, what_next, why_old, why_wrong_state
from phasegate.policy.standing import (
    ANY_PULL,
    ASKING,
    is_finished,
    is_ready,
    progress_of,
    why_at_work,
    why_changed,
    why_not_there,
)

__all__ = [
    "Counted",
    "Decision",
    "Facts",
    "GoOn",
    "Ignore",
    "Refuse",
    "RunFacts",
    "Speak",
    "Start",
    "Target",
    "Tell",
    "Yes",
    "decide",
]

_SPOKEN: Mapping[str, SpokenVerb] = {verb: verb for verb in get_args(SpokenVerb)}
_TOPICS: Mapping[str, Topic] = {topic: topic for topic in get_args(Topic)}
_KEPT = frozenset({RunState.DONE, RunState.MANUAL})
"""People go on with what such a run left, as long as its pull request is open."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What is asked, what is known, by which rules and when it is decided."""

    ask: Ask
    facts: Facts
    config: Config
    now: datetime

    @property
    def is_own(self) -> bool:
        """Whether we asked ourselves."""
        return self.ask.sender.login.casefold() == self.facts.own_login.casefold()


def decide(event: Event, facts: Facts, config: Config, now: datetime) -> Decision:
    """Return what is to be done about an event. Whatever is not known to be allowed is refused."""
    if isinstance(event, Foreign):
        return Ignore(event.code, event.why)
    unheard = why_not_heard(event, facts, now)
    if unheard is not None:
        return unheard
    ask = ask_of(event, facts, now)
    if ask is None:
        what = f"There is no issue #{event.number} in this repository."
        return Refuse("no-such-issue", what, "Name the number of an open issue.")
    return _why_not_asked(ask) or why_at_work(ask, facts) or _decide(_Case(ask, facts, config, now))


def _why_not_asked(ask: Ask) -> Refuse | None:
    target = ask.target
    if ask.wrong:
        return Refuse(
            "malformed", f"The command cannot be understood: {ask.wrong}.", "Write it anew in another comment."
        )
    if target.is_locked:
        return Refuse("locked", f"The conversation of #{target.number} is locked.", "Unlock it, and say it again.")
    if target.is_pull and (ask.is_dispatch or ask.command in STARTING):
        what = f"#{target.number} is a pull request, and runs belong to issues."
        return Refuse("is-pull-request", what, "Name or label the issue that says what is to be done.")
    if not (target.is_open or target.is_pull or ask.command in ANY_PULL):
        return Refuse("issue-closed", f"Issue #{target.number} is closed.", "Reopen it, and say it again.")
    return None


def _decide(case: _Case) -> Decision:
    ask, run = case.ask, case.facts.run
    if ask.command in STARTING:
        return _why_no_start(ask, run) or _start(ask)
    if run is None:
        what = f"There is no run for #{ask.target.number}."
        return _unless_own(case, Refuse("no-run", what, "Add the label `phasegate` to an issue to start one."))
    progress = why_not_there(ask, run) or _all_told(ask, run) or progress_of(run)
    if isinstance(progress, Refuse) and is_finished(run):
        return _unless_own(case, progress)  # an order to go on that came twice
    if isinstance(progress, Refuse | Tell):
        return progress
    refusal = why_changed(ask, run) or why_old(ask, run, progress) or why_wrong_state(ask, run, progress)
    return refusal or _spoken(case, run, progress)


def _all_told(ask: Ask, run: RunFacts) -> Tell | None:
    """Return where a finished run, which has left no state on its branch, has told everything."""
    if ask.command not in ASKING or not is_finished(run):
        return None
    where = f"#{run.pull.number}" if run.pull is not None else "its pull request"
    what = f"The run is done. The status comment on {where} says how it went and what it cost."
    return Tell(_TOPICS[ask.command], what)


def _why_no_start(ask: Ask, run: RunFacts | None) -> Refuse | None:
    """Return why no new run begins. One that proves nothing is replaced, unless people may be at work on it."""
    if run is None or run.tip is None:
        return None
    progress = run.progress
    if progress is None:
        return _why_kept(run, "is done") if is_finished(run) or is_ready(run.pull) else None
    if ask.at < progress.created:
        what = "The label was added before the run of this issue began."
        return Refuse("older-than-run", what, "Take it off and add it again if a new run is wanted.")
    if run.is_ours and not progress.ended:
        what = f"There is a run for this issue already: it {stands(progress)}."
        return Refuse("run-under-way", what, f"{what_next(progress)} `/cancel` ends it.")
    return _why_kept(run, stands(progress)) if progress.state in _KEPT or is_ready(run.pull) else None


def _why_kept(run: RunFacts, how: str) -> Refuse | None:
    if run.pull is None or not run.pull.is_open:
        return None
    what = f"The run of this issue {how}, and its pull request #{run.pull.number} is open."
    return Refuse("done-already", what, "Merge or close it first.")


def _start(ask: Ask) -> Start:
    purpose: StartPurpose = "findings" if ask.command == "research" else "change"
    return Start(purpose, ask.command != "plan", ask.overrides, dry_run=ask.dry_run)


def _spoken(case: _Case, run: RunFacts, progress: Progress) -> Decision:
    ask = case.ask
    if ask.command == "continue":
        return _continued(case, progress)
    topic = _TOPICS.get(ask.command)
    if topic is not None and (topic != "manual" or progress.ended):
        return Tell(topic)
    by = Approver(id=str(ask.sender.id), login=ask.sender.login, permission=case.facts.permission or "none")
    if ask.command == "approve" and progress.plan is not None:
        return approve(Approving(ask, progress.plan, run, case.config.approval, case.now), by, case.facts.teams)
    return Speak(_SPOKEN[ask.command], by, ask.text, dry_run=ask.dry_run)


def _continued(case: _Case, progress: Progress) -> Decision:
    if progress.state is RunState.ACTIVE and progress.approval is not None:
        return GoOn(dry_run=case.ask.dry_run)
    what = f"Only an approved run that is at work can go on: this one {stands(progress)}."
    return _unless_own(case, Refuse("not-approved", what, what_next(progress)))


def _unless_own(case: _Case, refusal: Refuse) -> No:
    """Return the refusal; our own dispatch has nobody who would want to read it."""
    return Ignore("nothing-to-continue", refusal.what) if case.is_own else refusal
