"""A Redis with a replica behind one address, and what may happen to it.

Each outage does its harm when it is entered, and heals it when it is left.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import redis

from tests.client.proxy import Proxy
from tests.servers import SERVERS, VALKEY, Server

# A deployment that was confirmed is on the disk, and replicas need not wait for company.
OPTIONS = ("--appendonly", "yes", "--appendfsync", "always", "--repl-diskless-sync-delay", "0")
IN_SYNC_WITHIN = 30.0
ROOM, PIECE = 4 << 20, 100 << 10


class Stand:
    """Whatever happens, `url` stays the same, as the name of a host that fails over does."""

    def __init__(self) -> None:
        binary = SERVERS.get("redis", VALKEY)
        self.primary, self.replica = (Server(binary, OPTIONS).start() for _ in range(2))
        self._proxy = Proxy(self.primary.port)
        self._proxy.start()
        self.url = self._proxy.url
        self._replicate()

    def close(self) -> None:
        self._proxy.close()
        self.primary.close()
        self.replica.close()

    def await_sync(self) -> None:
        """Until the replica has all that the primary has."""
        until = time.monotonic() + IN_SYNC_WITHIN
        while True:
            ours, theirs = (
                each.ask("INFO", "replication") for each in (self.primary, self.replica)
            )
            linked = theirs["master_link_status"] == "up"
            if linked and theirs["slave_repl_offset"] == ours["master_repl_offset"]:
                return
            if time.monotonic() > until:
                raise RuntimeError("the replica does not come into step with its primary")
            time.sleep(0.01)

    def promote(self) -> None:
        """The replica takes over; the old primary, which is down, comes back as its replica."""
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self._proxy.switch(self.replica.port)
        self.primary, self.replica = self.replica, self.primary.start()
        self._replicate()

    def _replicate(self) -> None:
        self.replica.ask("REPLICAOF", "127.0.0.1", self.primary.port)


@contextmanager
def killed(stand: Stand) -> Iterator[None]:
    stand.primary.kill()
    yield
    stand.primary.start()


@contextmanager
def restarted(stand: Stand) -> Iterator[None]:
    """Away for as long as it takes to start."""
    stand.primary.restart()
    yield


@contextmanager
def filled(stand: Stand) -> Iterator[None]:
    """Until it takes no more."""
    ask = stand.primary.ask
    ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    ask("CONFIG", "SET", "maxmemory", ask("INFO", "memory")["used_memory"] + ROOM)
    pieces = 0
    with contextlib.suppress(redis.OutOfMemoryError):
        while True:
            ask("SET", f"filler:{pieces}", b"x" * PIECE)
            pieces += 1
    yield
    ask("CONFIG", "SET", "maxmemory", 0)
    ask("DEL", *(f"filler:{number}" for number in range(pieces)))


@contextmanager
def frozen(stand: Stand) -> Iterator[None]:
    """Connections stay open, and nothing answers."""
    stand.primary.stop()
    yield
    stand.primary.cont()


@contextmanager
def failed_over(stand: Stand) -> Iterator[None]:
    """The primary crashes, and after a while the replica is promoted."""
    stand.await_sync()
    stand.primary.kill()
    yield
    stand.promote()


Outage = Callable[[Stand], AbstractContextManager[None]]
OUTAGES: tuple[Outage, ...] = (killed, restarted, filled, frozen, failed_over)
