"""Clients of a process that ends, or of an app that lets go of one without closing it."""

import atexit
import sys
import time
import weakref

from promptops.client.refresher import Refresher
from promptops.live.forking import follow_forks

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


class _Children:
    """Those that `multiprocessing` forks end without what `atexit` knows."""

    def before_fork(self) -> None:
        """Nothing to wait for."""

    def after_fork(self, *, child: bool) -> None:
        util = sys.modules.get("multiprocessing.util")
        if child and util is not None:
            # Not at once: it forgets what its parent wanted to be done at the end.
            util.register_after_fork(self, lambda _: util.Finalize(None, _leave, exitpriority=0))


_children = _Children()
follow_forks(_children)
