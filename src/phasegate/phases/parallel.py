"""Side by side: several pieces of work in threads, and one Ctrl-C ends them all."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.2
"""The main thread wakes this often, so that Ctrl-C is heard."""
_GRACE_SECONDS = 1.0
"""How long threads that were told to stop are waited for. Who still waits for an answer then dies with the process."""


@dataclass(frozen=True, slots=True)
class _Ended(Generic[_Result]):
    """A piece of work is over: with a result, with an error, or without ever having begun (neither)."""

    number: int
    result: _Result | None = None
    error: BaseException | None = None


def in_parallel(work: Sequence[Callable[[], _Result]], width: int, stop: threading.Event) -> list[_Result]:
    """Return the results in the order of the work, with at most `width` running at the same time.

    After an error nothing new begins; what was begun is waited for, then the first error is raised. On Ctrl-C `stop`
    is set, which whoever works has to look at, and the threads, which are daemons, are waited for only briefly.
    """
    if len(work) <= 1 or width <= 1:
        return [piece() for piece in work]
    ended: queue.Queue[_Ended[_Result]] = queue.Queue()
    slots, halt = threading.Semaphore(width), threading.Event()

    def do(number: int) -> None:
        with slots:
            try:
                ended.put(_Ended(number) if halt.is_set() else _Ended(number, work[number]()))
            except BaseException as error:  # noqa: BLE001 -- handed to the main thread, which raises it
                halt.set()
                ended.put(_Ended(number, error=error))

    threads = [threading.Thread(target=do, args=(number,), daemon=True) for number in range(len(work))]
    try:
        for thread in threads:
            thread.start()
        outcomes = sorted(_collect(ended, len(work)), key=lambda outcome: outcome.number)
    except BaseException:
        halt.set()
        stop.set()
        for thread in threads:
            thread.join(_GRACE_SECONDS / len(threads))
        raise
    first_error = next((outcome.error for outcome in outcomes if outcome.error is not None), None)
    if first_error is not None:
        raise first_error
    return [outcome.result for outcome in outcomes]  # type: ignore[misc] # without an error there is a result


def _collect(ended: "queue.Queue[_Ended[_Result]]", count: int) -> Iterator[_Ended[_Result]]:
    """Yield the outcomes as they come. Raises at once what is no error of the work: an exit, an interruption."""
    left = count
    while left:
        try:
            outcome = ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if outcome.error is not None and not isinstance(outcome.error, Exception):
            raise outcome.error
        left -= 1
        yield outcome
