"""A limit for work whose end nobody can foresee, such as a pattern of others over a long text."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN = 0.2  # a first signal may come where Python swallows exceptions, such as in a __del__


class TookTooLong(Exception):
    """The work was cut off."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises TookTooLong in the block when it has computed for so long.

    It counts what this process computes, so that a busy machine changes nothing. Signals reach the
    main thread only, and Windows has none of this kind: elsewhere there is no limit.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(*_: object) -> None:
    raise TookTooLong
