"""Callbacks on change, in a thread and a bounded queue of their own."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("promptops")


@dataclass(frozen=True, slots=True)
class Changed:
    """What a callback learns: the new revision, and the units whose release is another one."""

    revision: int
    units: tuple[str, ...]


class Callbacks:
    """Calls back outside the refresher, so that a slow or raising callback harms nothing.

    `dropped` counts changes that found the queue full, `failed` callbacks that raised.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.failed = 0
        self._callbacks: list[Callable[[Changed], object]] = []
        self._queue: queue.Queue[Changed | None] = queue.Queue(maxsize=100)
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, callback: Callable[[Changed], object]) -> None:
        if self._closed:
            return
        self._callbacks.append(callback)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="promptops-notify", daemon=True)
            self._thread.start()

    def tell(self, changed: Changed) -> None:
        """Hand on a change without waiting."""
        if self._thread is not None:
            try:
                self._queue.put_nowait(changed)
            except queue.Full:
                self.dropped += 1

    def close(self) -> None:
        """End the thread: no callback begins after this, whatever still waits in the queue."""
        self._closed = True
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def _run(self) -> None:
        while (changed := self._queue.get()) is not None:
            for callback in tuple(self._callbacks):
                if self._closed:
                    return
                try:
                    callback(changed)
                except Exception:
                    self.failed += 1
                    log.warning("a callback on change raised", exc_info=True)
