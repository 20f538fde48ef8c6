"""How long a refresher waits for its next poll, and what ends the wait before."""

import logging
import random
import threading
import time

from promptops.errors import PromptopsError, StoreDenied, StoreError
from promptops.live.store import Listener, Store

log = logging.getLogger("promptops")

SLICE = 0.25
BACKOFF_FROM, BACKOFF_TO = 0.1, 5.0
DENIED_FROM, DENIED_TO = 6.0, 30.0


class Hints:
    """The channel of hints, opened again after whatever broke it."""

    def __init__(self, store: Store, *, wanted: bool) -> None:
        self._store = store
        self._wanted = wanted
        self._listener: Listener | None = None
        self._not_before = 0.0

    def wait(self, seconds: float, closing: threading.Event) -> bool:
        """Until a hint comes, `closing` is set, or the time is over; whether it was a hint."""
        until = time.monotonic() + seconds
        if not self._wanted or time.monotonic() < self._not_before:
            closing.wait(seconds)
            return False
        new = self._listener is None
        try:
            if self._listener is None:
                self._listener = self._store.listen()
                return False  # look again: what changed before the subscription gave no hint
            while (left := until - time.monotonic()) > 0 and not closing.is_set():
                if self._listener.wait(min(SLICE, left)):
                    return True
        except StoreError as error:
            log.debug("the channel of hints broke: %s", error.message)
            self.drop()
            if isinstance(error, StoreDenied):
                self._not_before = time.monotonic() + DENIED_TO
            # One that worked before is replaced soon, but not by all clients at the same moment.
            left = max(0.0, until - time.monotonic())
            closing.wait(left if new else min(left, random.uniform(0.1, 0.5)))  # noqa: S311
        return False

    def drop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def forget(self) -> None:
        """Of a parent process, or of a thread that died while it listened."""
        self._listener = None


def until_next(poll: float, *, hinted: bool) -> float:
    """Seconds to the next poll; shorter after a hint, which everybody heard in the same moment."""
    return poll * random.uniform(0.5 if hinted else 0.9, 1.1)  # noqa: S311


def backoff(error: PromptopsError | None, failures: int, poll: float, took: float) -> float:
    """Seconds, with full jitter: a store that comes back is not met by everybody at once.

    `took` is how long the last attempt did.
    """
    if isinstance(error, StoreDenied):
        # A password that is wrong stays wrong, and servers count and log the attempts: four a
        # minute at first, two later.
        longest = min(DENIED_TO, DENIED_FROM * 2 ** min(failures - 1, 10))
        return random.uniform(0.9 * longest, longest)  # noqa: S311
    # With the time of an attempt, everybody tries again within one poll.
    longest = min(BACKOFF_TO, 0.9 * poll - took, BACKOFF_FROM * 2 ** min(failures, 10))
    return random.uniform(BACKOFF_FROM, max(BACKOFF_FROM, longest))  # noqa: S311
