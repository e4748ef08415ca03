"""What every phase of a run is given: the doors, the rules, the record, and whom to tell."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from phasegate import __version__
from phasegate.agent.assignment import AgentEvent
from phasegate.agent.fence import Fence
from phasegate.documents.base import MadeBy, Sha, Step
from phasegate.documents.progress import PhaseName, Spent
from phasegate.documents.snapshot import Snapshot
from phasegate.doors.git.repository import Git
from phasegate.doors.model import Model
from phasegate.doors.prices import Prices
from phasegate.doors.run_store import RunStore
from phasegate.doors.sandbox.choice import Sandbox
from phasegate.doors.templates import Templates
from phasegate.doors.work_tree import WorkTree
from phasegate.policy.config import PRIMER_PATH, Config, Gate, Tier
from phasegate.policy.scope import ProtectedPaths


@dataclass(frozen=True, slots=True)
class Clock:
    """Time: the date and time of day (UTC), seconds that only grow, and waiting."""

    now: Callable[[], datetime]
    seconds: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Worker:
    """Who in a run is at work: a phase, and in it perhaps a task, a scout or a gate."""

    phase: PhaseName
    part: str = ""

    @property
    def label(self) -> str:
        """A name for people and for transcripts."""
        return f"{self.phase}-{self.part}" if self.part else str(self.phase)


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """Somebody begins."""

    title: str
    model: str | None


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """Somebody is done, well or not."""

    good: bool
    summary: str


Happening = AgentEvent | WorkerStarted | WorkerEnded
Watch = Callable[[Worker, Happening], None]


@dataclass(slots=True)
class SetAside:
    """The most that requests under way can cost, so that parallel workers cannot overdraw an account together.

    Entered as a context, it holds off the others.
    """

    _most: dict[Worker, Spent] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._guard.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.release()

    def for_others_than(self, worker: Worker) -> Spent:
        """Return what is set aside for everybody else."""
        return sum((most for other, most in self._most.items() if other != worker), Spent())

    def keep(self, worker: Worker, most: Spent) -> None:
        """Set aside the most that a worker's request can cost."""
        self._most[worker] = most

    def release(self, worker: Worker) -> None:
        """Set nothing aside any more: the request is paid."""
        self._most.pop(worker, None)


@dataclass(frozen=True, slots=True)
class Slice:
    """How much of the implementation is done at one go; who comes next goes on."""

    until: float
    """Seconds of the setting's clock, after which no task is begun."""
    tasks: int
    """How many tasks may be finished when the last one is begun."""


@dataclass(frozen=True, slots=True)
class Setting:
    """All that the phases of one run share."""

    git: Git
    store: RunStore
    config: Config
    gates: Mapping[str, Gate]
    model: Model
    prices: Prices
    templates: Templates
    fence: Fence
    clock: Clock
    sandbox: Sandbox | None
    scratch: Path
    watch: Watch
    files: Mapping[str, int] = field(repr=False)
    """Every path at the base commit, with its size in bytes."""
    protected: ProtectedPaths
    slice: Slice | None = None
    """None: everything is done at one go."""
    set_aside: SetAside = field(default_factory=SetAside)
    stop: threading.Event = field(default_factory=threading.Event)
    """Set on Ctrl-C: who works in a thread looks at it and gives up."""

    @property
    def snapshot(self) -> Snapshot:
        """What the run started from."""
        return self.store.get(self.store.progress.snapshot, Snapshot)

    def made_by(self, step: Step, tier: Tier | None) -> MadeBy:
        """Return the mark of a document's maker."""
        return MadeBy(step=step, model=tier.model if tier else None, version=__version__)

    def primer(self) -> str:
        """Return the primer at the base commit, fenced; empty if there is none."""
        content = self.git.read(self.store.progress.base_sha, PRIMER_PATH)
        return self.fence.around("primer", content.decode("utf-8", "replace")) if content else ""

    def prompt(self, name: str, **values: object) -> str:
        """Return a rendered prompt."""
        return self.templates.render(f"prompts/{name}.j2", **values)

    def work_tree(self, commit: Sha) -> WorkTree:
        """Return a throw-away copy of a commit's files."""
        return WorkTree.make(self.git, commit, parent=self.scratch)

    def check_stop(self) -> None:
        """Raise `KeyboardInterrupt` in whatever thread asks, once the user has pressed Ctrl-C."""
        if self.stop.is_set():
            raise KeyboardInterrupt
