"""The server that has an environment now: connections to it, and to another one that took over."""

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import redis

from promptops.errors import StoreUnreachable
from promptops.live.address import Address
from promptops.live.redis.connection import Lines, Script, answer, connect
from promptops.live.redis.primary import elsewhere
from promptops.live.store import Timeouts

LOOK_AGAIN = 0.1


class Server:
    """Nothing is retried but what another node may do, and that for `timeouts.failover` seconds.

    `client` is redis-py's own, to be used within `ask`.
    """

    def __init__(self, address: Address, timeouts: Timeouts, key: str) -> None:
        self._address = address
        self._timeouts = timeouts
        self._key = key
        # A plain address has one node; a name that moved to another one is looked up once more.
        self._patience = timeouts.failover if address.seeds else min(timeouts.failover, LOOK_AGAIN)
        self._lines = Lines()
        self.client = self._connect()

    @property
    def opened(self) -> int:
        """How many connections there ever were: when it stays, the same server answered."""
        return self._lines.opened

    def run(self, script: Script, keys: list[str], arguments: list[Any]) -> Any:
        """A script that only reads."""

        def once() -> Any:
            with self.connected() as connection:
                ask = partial(script.run_readonly, connection, keys, arguments)
                return answer(self._address, ask)

        return self.led(once)

    def ask(self, question: Callable[[], Any]) -> Any:
        return self.led(lambda: answer(self._address, question))

    def led(self, act: Callable[[], Any]) -> Any:
        """Act; where the node was the wrong one, on the one that is right by now, if it comes up
        in time. Only for what changed nothing when it raises StoreUnreachable.
        """
        until = time.monotonic() + self._patience
        while True:
            try:
                return act()
            except StoreUnreachable as error:
                if not elsewhere(error.__cause__, led=bool(self._address.seeds)):
                    raise
                # Connections look up their node when they connect.
                self.client.connection_pool.disconnect(inuse_connections=False)
                if time.monotonic() >= until:
                    raise
            time.sleep(LOOK_AGAIN)

    @contextlib.contextmanager
    def connected(self) -> Iterator[Any]:
        """A connection that stands: when this raises StoreUnreachable, nothing was sent."""
        pool = self.client.connection_pool
        connection = answer(self._address, pool.get_connection)
        try:
            yield connection
        finally:
            pool.release(connection)

    def own_connection(self) -> Any:
        """A new one that nobody else uses, over which no releases are read."""
        connection: Any = self.client.connection_pool.make_connection()
        connection.redis_connect_func = self._lines.open_to_ask
        return connection

    def close(self) -> None:
        self.client.close()
        self.client.connection_pool.disconnect()

    def begin_anew(self) -> None:
        """In a forked child: new connections, and no lock of the old pool, which may be held."""
        self._lines.let_go()
        self._lines = Lines()
        self.client = self._connect()

    def _connect(self) -> redis.Redis:
        return connect(self._address, self._timeouts, self._key, self._lines)
