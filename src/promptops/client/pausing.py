"""How long a refresher waits for its next poll, and what ends the wait before."""

import logging
import random
import threading
import time

from promptops.errors import PromptopsError, StoreDenied, StoreError
from promptops.live.store import Listener, Store

log = logging.getLogger("promptops")

SLICE = 0.25
BACKOFF_FROM, BACKOFF_TO, BACKOFF_WHEN_DENIED = 0.1, 5.0, 30.0


class Hints:
    """The channel of hints, opened again after whatever broke it."""

    def __init__(self, store: Store, *, wanted: bool) -> None:
        self._store = store
        self._wanted = wanted
        self._listener: Listener | None = None

    def wait(self, seconds: float, closing: threading.Event) -> None:
        """Until a hint comes, `closing` is set, or the time is over."""
        if not self._wanted:
            closing.wait(seconds)
            return
        until = time.monotonic() + seconds
        try:
            if self._listener is None:
                self._listener = self._store.listen()
                return  # look once more: what changed before the subscription gave no hint
            while (left := until - time.monotonic()) > 0 and not closing.is_set():
                if self._listener.wait(min(SLICE, left)):
                    return
        except StoreError as error:
            log.debug("the channel of hints broke: %s", error.message)
            self.drop()
            closing.wait(max(0.0, until - time.monotonic()))

    def drop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def forget(self) -> None:
        """Of a parent process, or of a thread that died while it listened."""
        self._listener = None


def backoff(error: PromptopsError | None, failures: int, poll: float) -> float:
    """Seconds, with full jitter: a store that comes back is not met by everybody at once."""
    longest = BACKOFF_FROM * 2 ** min(failures, 10)
    if isinstance(error, StoreDenied):
        # A password that is wrong stays wrong, and servers count and log the attempts.
        longest = min(BACKOFF_WHEN_DENIED, longest)
        return random.uniform(longest / 2, longest)  # noqa: S311
    # Never longer than a poll: within one, everybody follows again.
    return random.uniform(BACKOFF_FROM, min(BACKOFF_TO, poll, longest))  # noqa: S311
