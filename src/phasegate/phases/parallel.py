"""Side by side: several pieces of work in threads, and one Ctrl-C ends them all."""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

_Result = TypeVar("_Result")
_POLL_SECONDS = 0.2
"""The main thread wakes this often, so that Ctrl-C is heard."""


def in_parallel(work: Sequence[Callable[[], _Result]], width: int) -> list[_Result]:
    """Return the results in the order of the work, with at most `width` running at the same time.

    All that was begun is waited for, then the first error is raised. On Ctrl-C nothing is waited for: the threads are
    daemons, and die with the process.
    """
    if len(work) <= 1 or width <= 1:
        return [piece() for piece in work]
    ended: queue.Queue[tuple[int, _Result | None, BaseException | None]] = queue.Queue()
    slots = threading.Semaphore(width)

    def do(number: int) -> None:
        with slots:
            try:
                ended.put((number, work[number](), None))
            except BaseException as error:  # noqa: BLE001 -- handed to the main thread, which raises it
                ended.put((number, None, error))

    for number in range(len(work)):
        threading.Thread(target=do, args=(number,), daemon=True).start()
    return _collect(ended, len(work))


def _collect(ended: "queue.Queue[tuple[int, _Result | None, BaseException | None]]", count: int) -> list[_Result]:
    outcomes: dict[int, tuple[_Result | None, BaseException | None]] = {}
    while len(outcomes) < count:
        try:
            number, result, error = ended.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        outcomes[number] = (result, error)
    first_error = next((outcomes[n][1] for n in range(count) if outcomes[n][1] is not None), None)
    if first_error is not None:
        raise first_error
    return [outcomes[number][0] for number in range(count)]  # type: ignore[misc] # without an error there is a result
