"""Callbacks on change, in a thread and a bounded queue of their own."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from promptops.client.lasting import LastingThread

log = logging.getLogger("promptops")

MOST_WAITING = 100


@dataclass(frozen=True, slots=True)
class Changed:
    """What a callback learns: the new revision, and the units whose release is another one.

    For a callback that is a hundred changes late the newest ones are one, of all their units.
    """

    revision: int
    units: tuple[str, ...]


class Callbacks:
    """Calls back outside the refresher, so that a slow or raising callback harms nothing.

    `merged` counts changes that found the queue full, `failed` callbacks that raised.
    """

    def __init__(self) -> None:
        self.merged = 0
        self.failed = 0
        self._callbacks: list[Callable[[Changed], object]] = []
        self._waiting: deque[Changed] = deque()
        self._news = threading.Condition()
        self._closed = False
        self._thread = LastingThread("promptops-notify", self._run, _died, lambda: None)

    def add(self, callback: Callable[[Changed], object]) -> None:
        if self._closed:
            return
        self._callbacks.append(callback)
        self._thread.ensure()

    def renew(self) -> None:
        """In a forked child: a thread and a queue of its own, and what its parent was late with
        is not told twice. The thread starts with the first change.
        """
        self._waiting, self._news = deque(), threading.Condition()
        self._thread.renew()

    def tell(self, changed: Changed) -> None:
        """Hand on a change without waiting."""
        if not self._callbacks:
            return
        self._thread.ensure()
        with self._news:
            if len(self._waiting) == MOST_WAITING:
                units = {*self._waiting.pop().units, *changed.units}
                changed = Changed(changed.revision, tuple(sorted(units)))
                self.merged += 1
            self._waiting.append(changed)
            self._news.notify()

    def close(self) -> None:
        """End the thread: no callback begins after this, whatever still waits in the queue."""
        with self._news:
            self._closed = True
            self._news.notify()

    def _next(self) -> Changed | None:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()

    def _run(self) -> None:
        while (changed := self._next()) is not None:
            for callback in tuple(self._callbacks):
                if self._closed:
                    return
                try:
                    callback(changed)
                except BaseException:  # one that exits must not end the thread either
                    self.failed += 1
                    log.warning("a callback on change raised", exc_info=True)


def _died(error: BaseException) -> None:
    log.warning("the thread of callbacks died of %s", type(error).__name__)
