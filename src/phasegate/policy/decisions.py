"""What is decided on, and what can come out: facts in, a decision out, each with a reason that stays."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, Self

from phasegate.documents.approval import Approver
from phasegate.documents.base import Digest, RunId, Sha
from phasegate.documents.progress import Progress
from phasegate.documents.snapshot import Overrides, Permission
from phasegate.policy.requests import NO_OVERRIDES
from phasegate.policy.thread import Pull, Thread, ThreadComment

StartPurpose = Literal["change", "findings"]
SpokenVerb = Literal["approve", "revise", "replan", "reject", "answer", "adopt", "manual", "retry", "cancel"]
Topic = Literal["status", "cost", "manual"]


@dataclass(frozen=True, slots=True)
class Target:
    """The issue or pull request that somebody speaks of."""

    number: int
    is_open: bool
    is_pull: bool
    is_locked: bool

    @classmethod
    def of(cls, thread: Thread, *, is_locked: bool = False) -> Self:
        """Return what a dispatch is aimed at, as the forge describes it."""
        is_pull = thread.pull is not None and thread.pull.number == thread.number
        return cls(thread.number, thread.is_open, is_pull, is_locked)


@dataclass(frozen=True, slots=True)
class Yes:
    """Somebody's approval from before, with what they may do now."""

    approver: Approver
    teams: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run of an issue, as its branch and the forge describe it."""

    run: RunId
    progress: Progress | None
    """None when there is no branch, or no state on it that can be used.

    Of a branch that is not ours it proves nothing, and only keeps a new run from replacing what people work on.
    """
    requester: str
    requester_id: int | None
    base_branch: str
    """The branch that the run began on, and that its pull request has to point at."""
    pull: Pull | None
    tip: Sha | None
    """The branch's last commit; None when there is no branch."""
    is_ours: bool
    """Whether we put the branch on its tip. If so, and there is no progress, the run ended well."""
    unreadable: str = ""
    """Why what the branch says cannot be used, of a branch that is not ours."""
    is_status_edited: bool = False
    """Whether a branch is not ours because the comment that would prove it was edited by somebody else, or is gone."""
    is_plan_edited: bool = False
    """Whether somebody committed another text of the plan's file on top of ours; the tip is then ours below it."""
    plan_comment: ThreadComment | None = None
    yes: tuple[Yes, ...] = ()
    """Approvals of the plan in force from before, where more than one is needed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What has to be known to decide on an event."""

    permission: Permission | None
    """What who caused the event may do; None when the forge could not say."""
    own_login: str
    """The account that we write with."""
    teams: AbstractSet[str] = frozenset()
    """The teams of who caused the event, as `@organisation/team`; only those that the configuration names matter."""
    run: RunFacts | None = None
    target: Target | None = None
    """What a dispatch names; None when there is no such thing. Other events say it themselves."""
    answered_before: bool = False
    """Whether we replied to who caused the event before in this conversation."""
    at_work: str = ""
    """The address of another workflow run that is at work on this run; empty when there is none."""
    attempt: int = 1
    """Which attempt of this workflow run this is; more than 1 when somebody started it again."""


@dataclass(frozen=True, slots=True)
class Start:
    """A new run begins."""

    purpose: StartPurpose
    with_research: bool
    overrides: Overrides = NO_OVERRIDES
    dry_run: bool = False

    @property
    def code(self) -> str:
        """The reason that programs read."""
        return "start"


@dataclass(frozen=True, slots=True)
class Speak:
    """A person's word is to be applied to the run."""

    verb: SpokenVerb
    by: Approver
    text: str = ""
    digest: Digest | None = None
    """The plan that is approved."""
    others: tuple[Approver, ...] = ()
    """Who approved it before, where more than one has to."""
    dry_run: bool = False

    @property
    def code(self) -> str:
        """The reason that programs read."""
        return self.verb


@dataclass(frozen=True, slots=True)
class GoOn:
    """An approved run goes on with its next slice."""

    dry_run: bool = False

    @property
    def code(self) -> str:
        """The reason that programs read."""
        return "continue"


@dataclass(frozen=True, slots=True)
class Tell:
    """Somebody wants to know something; the run stays as it is."""

    topic: Topic
    what: str = ""
    """All there is to tell, where the run has nothing more."""

    @property
    def code(self) -> str:
        """The reason that programs read."""
        return self.topic


@dataclass(frozen=True, slots=True)
class Counted:
    """An approval counts, and others are needed."""

    have: int
    need: int

    @property
    def code(self) -> str:
        """The reason that programs read."""
        return "counted"


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not done: why, and what to do instead."""

    code: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Ignore:
    """It is left alone without a word to anybody."""

    code: str
    why: str


Decision = Start | Speak | GoOn | Tell | Counted | Refuse | Ignore
No = Refuse | Ignore
