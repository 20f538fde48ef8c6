"""Clients of a process that ends, or of an app that lets go of one without closing it."""

import atexit
import time
import weakref

from promptops.client.refresher import Refresher

TIME_TO_LEAVE = 0.4
_open: weakref.WeakSet[Refresher] = weakref.WeakSet()


def close_in_time(client: object, refresher: Refresher) -> None:
    """End the refresher when the client is forgotten, or when the process ends.

    Then it says goodbye to the store, so that no deployment waits for a process that is gone.
    """
    # Only a word: a lock must not be asked for while garbage is collected.
    weakref.finalize(client, refresher.forget).atexit = False
    _open.add(refresher)


def _leave() -> None:
    refreshers = tuple(_open)
    for refresher in refreshers:
        refresher.end()
    until = time.monotonic() + TIME_TO_LEAVE
    for refresher in refreshers:
        refresher.thread.join(max(0.0, until - time.monotonic()))


atexit.register(_leave)
