import signal
import threading
import time
from functools import partial

import pytest

from phasegate.phases.parallel import in_parallel


class Crowd:
    """Counts who is at work at the same time."""

    def __init__(self):
        self.now = self.most = 0
        self.begun = []
        self._guard = threading.Lock()

    def work(self, number, seconds=0.02, error=None):
        with self._guard:
            self.begun.append(number)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(seconds)
        with self._guard:
            self.now -= 1
        if error:
            raise error
        return number


@pytest.fixture
def crowd():
    return Crowd()


@pytest.fixture
def stop():
    return threading.Event()


@pytest.mark.parametrize("width", [0, 1, 2, 5, 50])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_work(crowd, stop, count, width):
    work = [partial(crowd.work, number, 0.01 * (count - number)) for number in range(count)]

    assert in_parallel(work, width, stop) == list(range(count))


def test_no_more_work_than_the_width_allows(crowd, stop):
    in_parallel([partial(crowd.work, number) for number in range(9)], 3, stop)

    assert crowd.most == 3


def test_all_at_once_where_the_width_allows_it(crowd, stop):
    in_parallel([partial(crowd.work, number, 0.2) for number in range(4)], 4, stop)

    assert crowd.most == 4


@pytest.mark.parametrize("width", [1, 2])
def test_one_piece_of_work_needs_no_thread(stop, width):
    assert in_parallel([threading.current_thread], width, stop) == [threading.main_thread()]


def test_the_first_error_is_raised_after_all_that_was_begun_has_ended(crowd, stop):
    """First by the order of the work, not by time."""
    late, early = ValueError("late, but first in order"), KeyError("early")
    work = [partial(crowd.work, 0, 0.1, late), partial(crowd.work, 1, 0.01, early), partial(crowd.work, 2, 0.2)]

    with pytest.raises(ValueError, match="first in order"):
        in_parallel(work, 3, stop)

    assert crowd.now == 0
    assert not stop.is_set()


@pytest.mark.parametrize("width", [1, 2])
def test_after_an_error_nothing_new_begins(crowd, stop, width):
    work = [partial(crowd.work, 0, 0.01, ValueError("no")), *(partial(crowd.work, n, 0.1) for n in range(1, 6))]

    with pytest.raises(ValueError, match="no"):
        in_parallel(work, width, stop)

    assert len(crowd.begun) == width


def test_an_interruption_stops_who_looks_at_the_stop_sign_and_does_not_wait_for_who_hangs(crowd, stop):
    hanging = threading.Event()
    stopped = []

    def obedient():
        stopped.append(stop.wait(10))

    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    began = time.monotonic()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            in_parallel([obedient, partial(hanging.wait, 10), partial(crowd.work, 2)], 2, stop)
    finally:
        hanging.set()
        timer.join()

    assert time.monotonic() - began < 5
    assert stopped == [True]


def test_an_exit_within_a_thread_ends_everything_at_once(stop):
    """So it is when nobody reads the output any more: the console exits in whatever thread writes."""
    hanging = threading.Event()

    def leaves():
        raise SystemExit(1)

    try:
        with pytest.raises(SystemExit):
            in_parallel([leaves, partial(hanging.wait, 10)], 2, stop)
    finally:
        hanging.set()

    assert stop.is_set()
