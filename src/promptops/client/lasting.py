"""A thread that is there for as long as it should be."""

import threading
import time
from collections.abc import Callable

TRY_EVERY = 0.5


class LastingThread:
    """A daemon thread that runs `work` until it returns.

    When `work` is ended by any exception, `died` hears of it and a new thread takes over; where
    none can be started, `missing` hears of it and every `ensure` tries again. `restarts` counts
    both, `error` is why there is no thread now.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        died: Callable[[BaseException], None],
        missing: Callable[[], None],
    ) -> None:
        self.restarts = 0
        self.error = ""
        self._name = name
        self._work = work
        self._died = died
        self._missing = missing
        self._done = False
        self.renew()

    def renew(self) -> None:
        """Forget the thread, as a forked child must: it has none, and maybe a lock that is held."""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._tried = 0.0

    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._tried = time.monotonic()
        self._thread = thread
        try:
            thread.start()
        except RuntimeError as error:
            self._thread = None
            self.error = str(error)
            self._missing()
        else:
            self.error = ""

    def ensure(self) -> None:
        """Start it again where it is missing."""
        if self.is_alive() or self._done or time.monotonic() - self._tried < TRY_EVERY:
            return
        if not self._starting.acquire(blocking=False):
            return
        try:
            if not self.is_alive():
                self.restarts += 1
                self.start()
        finally:
            self._starting.release()

    def join(self, seconds: float) -> None:
        if self.is_alive() and self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work()
            self._done = True
        except BaseException as error:  # noqa: BLE001 - SystemExit ends a thread as well, silently
            self._died(error)
        finally:
            if not self._done:
                self.restarts += 1
                self.start()


def set_as(event: threading.Event) -> threading.Event:
    """Another one, whose lock nobody holds."""
    new = threading.Event()
    if event.is_set():
        new.set()
    return new
