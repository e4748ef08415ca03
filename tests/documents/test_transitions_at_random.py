"""The state machine under random events: whatever is accepted leaves a progress to write, to read and to trust."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import examples
from phasegate.documents.base import digest_of
from phasegate.documents.parsing import parse_model
from phasegate.documents.progress import (
    PhaseName,
    PhaseStatus,
    Progress,
    RunState,
    Spent,
    Usage,
    Verdict,
    WaitingFor,
    WorkStatus,
)
from phasegate.documents.progress_events import (
    CommitsRewritten,
    HeadMoved,
    HumanNeeded,
    HumanSpoke,
    Paid,
    PhaseDone,
    PhaseFailed,
    PhaseSkipped,
    PhasesReopened,
    PhaseStarted,
    PlanSet,
    RepairAdded,
    RunEnded,
    RunResumed,
    WorkMoved,
)
from phasegate.documents.transitions import IllegalTransitionError, advance
from phasegate.policy.flow import next_step

_PHASE = st.sampled_from(PhaseName)
_WORK = st.sampled_from(("T1", "T2", "T3", "R1"))
_DIGEST = st.sampled_from([digest_of(bytes([number])) for number in range(3)] + ["junk"])
_SHA = st.sampled_from(("1" * 40, "2" * 40, "3" * 64, "junk"))
_TIME = st.integers(0, 1000).map(lambda minutes: examples.NOW + timedelta(minutes=minutes))
_WORDS = st.text(st.characters(), max_size=10) | st.sampled_from(("", "x" * 400, "a\nb", "\x1b[0m", "\udcff", "\u2028"))
_MODEL = st.sampled_from((None, "claude-opus-5-5"))
_SPENT = st.builds(
    Spent,
    usage=st.builds(Usage, input_tokens=st.integers(0, 10**9), output_tokens=st.integers(0, 10**9)),
    usd=st.decimals(0, 100, places=6, allow_nan=False),
    turns=st.integers(0, 5),
    seconds=st.floats(0, 1e6),
)
_EVENTS = st.one_of(
    st.builds(PhaseStarted, _PHASE, _MODEL, _TIME),
    st.builds(PhaseDone, _PHASE, _DIGEST, _WORDS, st.builds(Verdict, passed=st.booleans(), reason=st.just("x")), _TIME),
    st.builds(PhaseFailed, _PHASE, _WORDS, _TIME),
    st.builds(PhaseSkipped, _PHASE, _WORDS),
    st.builds(PhasesReopened, st.lists(_PHASE, max_size=3).map(tuple)),
    st.builds(PlanSet, _DIGEST, st.lists(st.tuples(_WORK, _WORDS | st.just("one")), max_size=3).map(tuple)),
    st.builds(RepairAdded, _WORK, _WORDS | st.just("mend")),
    st.builds(
        WorkMoved, _WORK, st.sampled_from(WorkStatus), _TIME, _MODEL, _WORDS, st.none() | _DIGEST, st.none() | _SHA
    ),
    st.builds(HeadMoved, _SHA),
    st.builds(CommitsRewritten, st.lists(st.tuples(_SHA, _SHA), max_size=2).map(tuple), _SHA),
)
_ENDED = {RunState.DONE, RunState.FAILED, RunState.REJECTED, RunState.MANUAL, RunState.CANCELLED}


class RandomRun(RuleBasedStateMachine):
    """One run, to which anything may happen."""

    def __init__(self):
        super().__init__()
        tasks = (("T1", "one"), ("T2", "two"))
        self.now = advance(examples.progress(), PlanSet(digest_of(b"plan"), tasks))
        self.before, self.event = self.now, None

    def happen(self, event):
        self.before, self.event = self.now, event
        with suppress(IllegalTransitionError):
            self.now = advance(self.now, event)

    @rule(event=_EVENTS)
    def work(self, event):
        self.happen(event)

    @rule(phase=_PHASE, at=_TIME, digest=_DIGEST)
    def whole_phase(self, phase, at, digest):
        self.happen(PhaseStarted(phase, None, at))
        self.happen(PhaseDone(phase, digest, "done", Verdict(passed=True, reason=""), at))

    @rule(work=_WORK, at=_TIME, status=st.sampled_from((WorkStatus.DONE, WorkStatus.BLOCKED, WorkStatus.FAILED)))
    def whole_task(self, work, at, status):
        self.happen(WorkMoved(work, WorkStatus.RUNNING, at))
        self.happen(WorkMoved(work, status, at, commit="1" * 40))

    @rule(phase=_PHASE, spent=_SPENT, task=st.none() | _WORK)
    def pay(self, phase, spent, task):
        expected = self.now.spent + spent
        self.happen(Paid(phase, spent, task))
        if self.now is not self.before:
            assert self.now.spent == expected

    @rule(waiting_for=st.sampled_from(WaitingFor), reason=_WORDS)
    def wait(self, waiting_for, reason):
        self.happen(HumanNeeded(waiting_for, reason))

    @rule(approval=st.none() | _DIGEST)
    def speak(self, approval):
        self.happen(HumanSpoke(approval))

    @rule(state=st.sampled_from(RunState), reason=_WORDS)
    def end(self, state, reason):
        self.happen(RunEnded(state, reason))

    @rule()
    def resume(self):
        self.happen(RunResumed())

    @invariant()
    def can_be_written_and_read(self):
        assert parse_model(self.now.model_dump_json().encode(), Progress, max_bytes=100_000) == self.now

    @invariant()
    def finished_work_stays_finished(self):
        for old in self.before.tasks:
            if old.status is WorkStatus.DONE:
                new = self.now.task(old.id)
                assert new.model_copy(update={"commit": old.commit, "spent": old.spent}) == old

    @invariant()
    def spending_only_grows(self):
        for old, new in zip(self.before.phases, self.now.phases, strict=True):
            assert new.spent.usd >= old.spent.usd >= Decimal(0)
            assert new.spent.turns >= old.spent.turns
            assert new.spent.usage.total >= old.spent.usage.total
            assert new.spent.seconds >= old.spent.seconds

    @invariant()
    def waiting_says_for_what(self):
        assert (self.now.state is RunState.WAITING) == (self.now.waiting_for is not None)

    @invariant()
    def an_approval_comes_from_a_human_who_was_asked_for_it(self):
        if self.now.approval not in {None, self.before.approval}:
            assert isinstance(self.event, HumanSpoke)
            assert self.before.waiting_for is WaitingFor.APPROVAL

    @invariant()
    def what_is_over_stays_over_until_it_is_resumed(self):
        if self.before.state in _ENDED and self.now is not self.before:
            assert isinstance(self.event, Paid | RunResumed)
            if isinstance(self.event, Paid):
                assert self.now.state is self.before.state
        if self.now.state in {RunState.DONE, RunState.REJECTED, RunState.MANUAL}:
            assert next_step(self.now) is None

    @invariant()
    def what_is_told_once_stays(self):
        for name in ("run", "purpose", "title", "created", "snapshot", "branch", "base_sha"):
            assert getattr(self.now, name) == getattr(self.before, name)
        assert [phase.attempts for phase in self.now.phases] >= [0] * len(PhaseName)
        assert all(
            phase.attempts or phase.status in {PhaseStatus.PENDING, PhaseStatus.SKIPPED} for phase in self.now.phases
        )


TestRandomRun = RandomRun.TestCase
TestRandomRun.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
