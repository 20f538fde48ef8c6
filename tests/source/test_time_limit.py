"""A limit for work without a foreseeable end."""

import re
import signal
import threading
from collections.abc import Callable

import pytest

from promptops.source.time_limit import TookTooLong, time_limit


def endless_steps() -> None:
    while True:
        pass


def endless_match() -> None:
    re.search(".*.*x", "a" * 200_000)


@pytest.mark.parametrize("work", [endless_steps, endless_match])
def test_work_is_cut_off_in_the_middle(work: Callable[[], None]) -> None:
    with pytest.raises(TookTooLong), time_limit(0.1):
        work()


def test_what_is_done_in_time_stays_and_nothing_is_left_behind() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with time_limit(0.1):
        done = sum(range(1000))
    assert done == 499_500
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGVTALRM) == before


def test_another_thread_works_without_a_limit() -> None:
    done: list[int] = []

    def work() -> None:
        with time_limit(0.001):
            done.append(sum(range(1_000_000)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [499_999_500_000]
