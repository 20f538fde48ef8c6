"""The environment of a drill: beside the real one, for one drill at a time, removed at its end."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from promptops.client.announcing import introduce
from promptops.delivery.deployment import missing
from promptops.delivery.undisturbed import undisturbed
from promptops.errors import Refused, StoreCorrupt
from promptops.live.address import SCRATCH
from promptops.live.opening import open_store
from promptops.live.presence import Presence
from promptops.live.store import Store
from promptops.version import VERSION

LEASE = 60
CONDUCTOR = "promptops-drill-conductor"


class Scratch:
    """`store` is the scratch environment. It is ours while our presence in it is renewed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._presence = introduce(CONDUCTOR, VERSION)

    def take(self) -> None:
        """Raises Refused while somebody else has it; what was left behind is removed."""
        # Announced before we look: of two at once, one at least sees the other. After the removal,
        # which takes presences too, again.
        self._alone()
        self.store.erase()
        self._alone()

    def renew(self) -> None:
        """Before each step, of which none takes as long as the lease."""
        self.store.announce(self._presence, LEASE)

    def leave(self) -> None:
        """To whoever has it."""
        self.store.withdraw(self._presence.client)

    def _alone(self) -> None:
        self.renew()
        present = self.store.clients()
        others = [each for each in present if _is_another(each, self._presence)]
        if others:
            raise self._taken(f"pid {others[0].pid} on {others[0].host}")
        # Who removes what was left behind removes our presence too, and would not see us either.
        if all(each.client != self._presence.client for each in present):
            raise self._taken("it began in this moment")

    def _taken(self, by: str) -> Refused:
        return Refused(
            "drill-running",
            f"a drill of {self.store.environment.removesuffix(SCRATCH)} runs already: {by}",
            f"wait for its end; one that was killed is forgotten within {LEASE} seconds, on "
            "its own machine at once",
        )


@contextmanager
def scratch_beside(store: Store) -> Iterator[Scratch]:
    """An empty environment in the same store; removed however this ends."""
    beside = open_store(store.address, store.environment + SCRATCH)
    try:
        scratch, ours = Scratch(beside), False
        try:
            scratch.take()
            ours = True
            yield scratch
        finally:
            with undisturbed():
                if ours:
                    beside.erase()
                else:
                    scratch.leave()
    finally:
        beside.close()


def copy_releases(store: Store, beside: Store, digests: Collection[str]) -> None:
    """The very bytes; raises Refused for one that is not there, StoreCorrupt for changed ones."""
    for digest in sorted(digests):
        data = store.release(digest)
        if data is None:
            raise missing(digest)
        if beside.put(data) != digest:
            raise StoreCorrupt(
                f"the store holds other bytes under {digest}",
                "somebody changed the store by hand; nothing was changed now",
            )


def _is_another(client: Presence, ours: Presence) -> bool:
    if client.app != CONDUCTOR or client.client == ours.client:
        return False
    return client.host != ours.host or _runs(client.pid)


def _runs(pid: int) -> bool:
    """Whether there is such a process on this machine, be it another user's."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
