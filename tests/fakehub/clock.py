"""The time of the fake server: the real one, moved as far as a test likes, or standing still at a stated moment."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the time in whole seconds, as GitHub's API does."""

    def __init__(self, start: datetime | None = None) -> None:
        """Follow the real clock (None) or stand at `start`, which must know its zone."""
        self._standing = start
        self._offset = timedelta()

    def now(self) -> datetime:
        """The time on the server, UTC, without fractions."""
        return ((self._standing or datetime.now(UTC)) + self._offset).replace(microsecond=0)

    def advance(self, seconds: float) -> None:
        """Let time pass on the server, and nowhere else."""
        self._offset += timedelta(seconds=seconds)

    def stand_at(self, moment: datetime) -> None:
        """Stop the clock at a moment; `advance` still moves it."""
        self._standing, self._offset = moment, timedelta()


def stamp(moment: datetime) -> str:
    """A moment in the API's writing: 2026-01-05T10:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
