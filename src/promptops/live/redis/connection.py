"""Connections to Redis: bounded in time, never retried, with errors that show no password."""

import hashlib
import inspect
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

from promptops.errors import StoreCorrupt, StoreDenied, StoreError, StoreUnreachable
from promptops.live.address import Address, Place
from promptops.live.redis.primary import LedConnection, LedTlsConnection, finder
from promptops.live.store import PERMISSION, Timeouts

CLUSTER = "this is a cluster; write redis+cluster:// in the store's URL"
FULL = "Redis is full; raise maxmemory. A rollback needs no space and still works"
MEANWHILE = "An app with a cache goes back without Redis by promptops pin"
# By words of the reply, because redis-py has a class for some of them only.
HINTS = {
    "MISCONF": "Redis cannot save to its disk; free space there or mend its configuration, which "
    f"redis-cli INFO persistence tells of. {MEANWHILE}",
    "NOREPLICAS": "too few replicas are connected, see redis-cli INFO replication; bring them back "
    f"or lower min-replicas-to-write. {MEANWHILE}",
    "max number of clients reached": "too many are connected, see redis-cli CLIENT LIST; close "
    f"some or raise maxclients. {MEANWHILE}",
    "BUSY": "a script or function keeps Redis busy; redis-cli SCRIPT KILL or FUNCTION KILL ends it",
}
# A script that called what its user may not call, by the words of Valkey and of Redis.
IN_SCRIPT = ("ACL failure in script", "The user executing the script can't")
REPLICA = (
    "this is a replica; use the address of the primary, which redis-cli INFO replication names"
)
# Without CLIENT SETINFO, half of what hundreds of clients ask a server that comes back. The option
# has had two names.
NAMELESS: dict[str, Any] = (
    {"driver_info": None}
    if "driver_info" in inspect.signature(AbstractConnection.__init__).parameters
    else {"lib_name": None, "lib_version": None}
)


class Lines(weakref.WeakSet[Any]):
    """The connections of a store, so that a forked child can let go of those of its parent.

    `opened` counts all that there ever were to the server itself.
    """

    opened = 0

    def open(self, connection: Any) -> None:
        """What redis-py calls when a connection stands."""
        self.opened += 1
        self.open_to_ask(connection)

    def open_to_ask(self, connection: Any) -> None:
        """The same of one that reads no releases."""
        self.add(connection)
        connection.on_connect()
        # A server that has too many says so unasked; the pool would only find a line not ready.
        if connection.can_read(timeout=0):
            connection.read_response()

    def let_go(self) -> None:
        """Close our copies only: redis-py sends and shuts down nothing in another process."""
        for connection in tuple(self):
            connection.disconnect()
        self.clear()


def connect(address: Address, timeouts: Timeouts, key: str, lines: Lines) -> redis.Redis:
    """To the node that has `key`."""
    tls: dict[str, Any] = {}
    if address.tls:
        tls = {
            "ssl_ca_certs": address.ca,
            "ssl_certfile": address.cert,
            "ssl_keyfile": address.key,
        }
    options: dict[str, Any] = (
        tls
        | NAMELESS
        | {
            "db": address.db,
            "username": address.username,
            "password": address.password,
            "socket_connect_timeout": timeouts.connect,
            "socket_timeout": timeouts.answer,
            # Defaults of redis-py retry for up to a minute on a stopped server.
            "retry": Retry(NoBackoff(), 0),
            "health_check_interval": 0,
            "protocol": 2,
            "redis_connect_func": lines.open,
        }
    )
    kind: type[redis.Connection | redis.UnixDomainSocketConnection]
    if address.seeds:
        kind = LedTlsConnection if address.tls else LedConnection
        asking = options | {"redis_connect_func": lines.open_to_ask}
        find = finder(address, timeouts, key, partial(_node, address, asking))
        options |= {"find": find, "only_primary": address.has_sentinels}
    elif address.scheme == "unix":
        kind = redis.UnixDomainSocketConnection
        options["path"] = address.path
    else:
        kind = redis.SSLConnection if address.tls else redis.Connection
        options |= {"host": address.host, "port": address.port}
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=kind, **options))


def _node(address: Address, options: dict[str, Any], place: Place, seconds: float) -> Any:
    """A connection to a sentinel, or to any node of a cluster."""
    options = options | {"host": place[0], "port": place[1], "db": 0}
    options |= {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    if address.has_sentinels:
        options["username"] = address.sentinel_username
        options["password"] = address.sentinel_password
    kind: Any = redis.SSLConnection if address.tls else redis.Connection
    return kind(**options)


_CERTIFICATES = "the files of ca=, cert= and key= in it, such as rediss://…?ca=/etc/ssl/our-ca.pem"


def answer(address: Address, ask: Callable[[], Any]) -> Any:
    """Ask, and turn what redis-py raises into our errors, none of which shows a password."""
    try:
        return ask()
    except redis.AuthenticationError as error:
        raise _denied(address) from error
    except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
        raise StoreUnreachable(
            f"{address} does not answer: {_cause(error)}",
            _hint(str(error))
            or "check the store's URL and that Redis runs there"
            + (f", and {_CERTIFICATES}" if address.tls else ""),
        ) from error
    except redis.ResponseError as error:
        raise _refusal(address, error) from error
    except redis.RedisError as error:
        raise StoreUnreachable(
            f"{address} does not speak as Redis does",
            "check the host and the port in the store's URL",
        ) from error


class Script:
    """A Lua script of this folder, sent whole only to a server that does not know it yet."""

    def __init__(self, name: str) -> None:
        self._text = Path(__file__).with_name(name).read_text("utf-8")
        self._sha = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, connection: Any, keys: list[str], arguments: list[Any]) -> Any:
        """Run it on one connection, which redis-py's own client would look up and check anew."""
        try:
            return call(connection, "EVALSHA", self._sha, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return call(connection, "EVAL", self._text, len(keys), *keys, *arguments)

    def run_readonly(self, connection: Any, keys: list[str], arguments: list[Any]) -> Any:
        """By EVALSHA_RO, which a user with read permission only may call."""
        try:
            return call(connection, "EVALSHA_RO", self._sha, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return call(connection, "EVAL_RO", self._text, len(keys), *keys, *arguments)


def call(connection: Any, *command: Any) -> Any:
    """One command on this very connection."""
    connection.send_command(*command)
    return connection.read_response()


def _cause(error: BaseException) -> str:
    return "no answer in time" if isinstance(error, redis.TimeoutError) else str(error).rstrip(".")


def _refusal(address: Address, error: redis.ResponseError) -> StoreError:
    """What an error reply of the server means, and the way out of it."""
    text = str(error)
    if "WRONGTYPE" in text or "wrong kind of value" in text:
        return StoreCorrupt(
            f"a key of this environment in {address} holds data that promptops did not write",
            "another program uses it; choose a namespace of your own with ?ns=NAME",
        )
    denied = isinstance(error, redis.exceptions.NoPermissionError)
    if denied or any(words in text for words in IN_SCRIPT):
        return StoreDenied(f"{address} refused: {text}", PERMISSION)
    if "unauthenticated" in text:
        # What Redis says to a first command of more than ten words.
        return _denied(address)
    # redis-py takes the first word away from the replies that it has a class for.
    hints = {
        redis.exceptions.ReadOnlyError: REPLICA,
        redis.exceptions.OutOfMemoryError: FULL,
        redis.exceptions.MovedError: "" if address.seeds else CLUSTER,
    }
    return StoreUnreachable(f"{address} refused: {text}", hints.get(type(error)) or _hint(text))


def _hint(text: str) -> str:
    return next((hint for words, hint in HINTS.items() if words in text), "")


def _denied(address: Address) -> StoreDenied:
    return StoreDenied(
        f"{address} refused the user or the password",
        "check the user and the password in the store's URL"
        + (", and its sentinel_user= and sentinel_password=" if address.has_sentinels else ""),
    )
