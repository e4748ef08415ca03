"""A door to the fake GitHub, and a clock that only goes on when somebody sleeps."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fakehub.hub import FakeHub
from phasegate.doors.github.client import GitHub, Pace

ALL = {"contents": "write", "issues": "write", "pull-requests": "write"}
UNHURRIED = Pace(requests=0.0, writes=0.0)


@dataclass
class Time:
    """Seconds since the epoch, and how long was slept."""

    now: float = 1_800_000_000.0
    naps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def door(
    hub: FakeHub,
    permissions: Mapping[str, str] | None = None,
    *,
    time: Time | None = None,
    pace: Pace = UNHURRIED,
    token: str | None = None,
) -> GitHub:
    """The door as a job has it, with these permissions (by default all that phasegate uses)."""
    time, token = time or Time(), token or hub.issue_token(ALL if permissions is None else permissions)
    repository = hub.main.full_name
    return GitHub(repository, token, api_url=hub.api_url, clock=time.clock, sleep=time.sleep, pace=pace)
