"""Which node serves an environment now: the primary that the sentinels name, or, in a cluster, the
owner of the slot that all keys of the environment share.

Asked anew for every connection, and of sentinels every two seconds. redis-py's own Sentinel and
RedisCluster retry for as long as they like; this asks each node of the address once, in a time that
is theirs together.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from redis.crc import key_slot

from promptops.live.address import Address, Place
from promptops.live.store import Timeouts

# A connection of redis-py, whose methods have no types.
Connect = Callable[[Place, float], Any]
Find = Callable[[], Place]

LOOK_EVERY = 2.0


def finder(address: Address, timeouts: Timeouts, key: str, connect: Connect) -> Find:
    """Finds the node for `key`; `connect(place, seconds)` makes a connection to one to be asked."""
    ask = partial(_owner, slot=key_slot(key.encode()))
    if address.has_sentinels:
        ask = partial(_named, name=address.path)
    places = list(address.seeds)
    patience = timeouts.connect + timeouts.answer

    def find() -> Place:
        until = time.monotonic() + patience
        last: Exception | None = None
        for number, place in enumerate(asked := tuple(places)):
            share = max(0.01, until - time.monotonic()) / (len(asked) - number)
            # Half for the connection, half for its answer.
            connection = connect(place, share / 2)
            try:
                found = ask(connection)
            except redis.RedisError as error:
                last = error
                continue
            finally:
                connection.disconnect()
            # The one that answers is asked first, so that one that hangs costs its share once.
            places.sort(key=lambda each: each != place)
            return found
        if isinstance(last, redis.AuthenticationError):
            raise last
        raise redis.ConnectionError(f"nobody there names the node to use; the last one: {last}")

    return find


def _named(connection: Any, name: str) -> Place:
    found = _ask(connection, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
    if found is None:
        raise redis.ConnectionError(f"the sentinel watches no primary called {name}")
    return found[0].decode(), int(found[1])


def _owner(connection: Any, slot: int) -> Place:
    for first, last, owner, *_ in _ask(connection, "CLUSTER", "SLOTS"):
        if first <= slot <= last:
            # A node that does not know its own address means the one that it was asked at.
            named = (owner[0] or b"").decode()
            return named if named not in {"", "?"} else connection.host, int(owner[1])
    raise redis.ConnectionError(f"no node of the cluster serves slot {slot}")


def _ask(connection: Any, *command: str) -> Any:
    connection.connect()
    connection.send_command(*command)
    return connection.read_response()


class _Led:
    """A connection that looks up its host and port when it connects, and whether they still hold
    when it is used later.
    """

    _sock: Any

    def __init__(self, *, find: Find, only_primary: bool, **options: Any) -> None:
        super().__init__(**options)
        self._find = find
        self._only_primary = only_primary
        self._looked = 0.0

    def connect(self) -> None:
        """What redis-py calls before it uses a connection of its pool."""
        if self._sock is not None and self._moved():
            self.disconnect()  # type: ignore[attr-defined]
        if self._sock is not None:
            return
        self.host, self.port = self._find()
        self._looked = time.monotonic()
        super().connect()  # type: ignore[misc]
        if self._only_primary:
            self._check_role()

    def _moved(self) -> bool:
        # A primary that lives stays one for ten seconds after a failover, and takes writes that
        # will be lost. A node of a cluster says itself that it is the wrong one.
        if not self._only_primary or time.monotonic() - self._looked < LOOK_EVERY:
            return False
        try:
            return self._find() != (self.host, self.port)
        except redis.ConnectionError:
            return False
        finally:
            self._looked = time.monotonic()

    def _check_role(self) -> None:
        """A sentinel that was cut off names the primary of before, by now perhaps a replica."""
        try:
            role = _ask(self, "ROLE")[0]
        except redis.exceptions.NoPermissionError:
            return
        if role != b"master":
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError(
                f"the sentinels name {self.host}:{self.port}, which is no primary now"
            )


class LedConnection(_Led, redis.Connection):
    pass


class LedTlsConnection(_Led, redis.SSLConnection):
    pass


def elsewhere(error: BaseException | None, *, led: bool) -> bool:
    """Whether another node may do what this one did not do."""
    gone = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ClusterError)
    moved = (redis.exceptions.AskError, redis.exceptions.TryAgainError)
    if isinstance(error, redis.AuthenticationError):
        return False
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return True
    return led and isinstance(error, (*gone, *moved))
