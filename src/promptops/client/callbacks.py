"""Callbacks on change, each in a thread and a bounded queue of its own."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from promptops.client.lasting import LastingThread

log = logging.getLogger("promptops")

MOST_WAITING = 100
SAID_EVERY = 30.0


class Changed(NamedTuple):
    """What a callback learns: the new revision, and the units whose release is another one.

    For a callback that is a hundred changes late the newest ones are one, of all their units.
    """

    revision: int
    units: tuple[str, ...]


class Callbacks:
    """Calls back outside the refresher, so that a slow or raising callback harms nothing.

    Not even the other callbacks: each has a queue and a thread of its own.
    """

    def __init__(self) -> None:
        self.all: list[Callback] = []
        self._closed = False

    def add(self, call: Callable[[Changed], object]) -> None:
        if self._closed:
            return
        self.all.append(Callback(call))
        if self._closed:  # meanwhile
            self.all[-1].close()

    def renew(self) -> None:
        """In a forked child: threads and queues of its own, and what its parent was late with is
        not told twice. The threads start with the first change.
        """
        for each in self.all:
            each.renew()

    def tell(self, changed: Changed) -> None:
        """Hand on a change without waiting."""
        for each in tuple(self.all):
            each.tell(changed)

    def close(self) -> None:
        """End the threads: no callback begins after this, whatever still waits in the queues."""
        self._closed = True
        for each in tuple(self.all):
            each.close()


class Callback:
    """`merged` counts changes that found the queue full, `failed` how often it raised."""

    def __init__(self, call: Callable[[Changed], object]) -> None:
        self.merged = 0
        self.failed = 0
        self._said = -SAID_EVERY
        self._call = call
        self._closed = False
        self._waiting: deque[Changed] = deque()
        self._news = threading.Condition()
        self._thread = LastingThread("promptops-notify", self._run, _died, lambda: None)
        self._thread.ensure()

    def renew(self) -> None:
        self._waiting, self._news = deque(), threading.Condition()
        self._thread.renew()

    def tell(self, changed: Changed) -> None:
        self._thread.ensure()
        with self._news:
            if len(self._waiting) == MOST_WAITING:
                units = {*self._waiting.pop().units, *changed.units}
                changed = Changed(changed.revision, tuple(sorted(units)))
                self.merged += 1
            self._waiting.append(changed)
            self._news.notify()

    def close(self) -> None:
        with self._news:
            self._closed = True
            self._news.notify()

    def _next(self) -> Changed | None:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()

    def _run(self) -> None:
        while (changed := self._next()) is not None:
            try:
                self._call(changed)
            except BaseException:  # one that exits must not end the thread either
                self.failed += 1
                now = time.monotonic()
                if now - self._said >= SAID_EVERY:
                    self._said = now
                    log.warning("a callback on change raised", exc_info=True)


def _died(error: BaseException) -> None:
    log.warning("the thread of callbacks died of %s", type(error).__name__)
