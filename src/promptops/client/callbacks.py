"""Callbacks on change, in a thread and a bounded queue of their own."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

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
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, callback: Callable[[Changed], object]) -> None:
        if self._closed:
            return
        self._callbacks.append(callback)
        self._start()

    def renew(self) -> None:
        """In a forked child: a thread and a queue of its own, and what its parent was late with
        is not told twice.
        """
        self._waiting, self._news = deque(), threading.Condition()
        self._thread = None
        self._start()

    def _start(self) -> None:
        """Where there is somebody to tell; tried again with every change while it fails."""
        with self._news:
            if self._thread is not None or not self._callbacks:
                return
            thread = threading.Thread(target=self._run, name="promptops-notify", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                log.warning("nobody is told of changes: %s", error)
                return
            self._thread = thread

    def tell(self, changed: Changed) -> None:
        """Hand on a change without waiting."""
        if not self._callbacks:
            return
        self._start()
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
                except BaseException:  # sys.exit() in it would end this thread, silently
                    self.failed += 1
                    log.warning("a callback on change raised", exc_info=True)
