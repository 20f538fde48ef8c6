"""An environment in Redis 7 or Valkey: the one place that knows the keys and imports redis."""

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from promptops.errors import (
    OutcomeUnknown,
    StoreCorrupt,
    StoreError,
    StoreUnreachable,
)
from promptops.live.address import Address
from promptops.live.records import Entry, Head, Pointer, Presence, State
from promptops.live.store import PAGE, Swap, Timeouts, apart, check_size
from promptops.manifest.digest import digest_of

SILENCE = 5.0
PONG_WITHIN = 1.0
SLICE = 0.25
CATCH_UP = 100

PERMISSION = "the user of the store's URL lacks this permission"
FULL = "Redis is full; raise maxmemory. A rollback needs no space and still works"
MISCONF = "Redis cannot save to its disk; free space there or mend its configuration"


class RedisStore:
    """Implements `promptops.live.store.Store`; `timeouts` bound every answer; no retries."""

    def __init__(self, address: Address, environment: str, timeouts: Timeouts) -> None:
        self.address = address
        self.environment = environment
        tag = f"{{{address.namespace}:{environment}}}"
        self._head = f"{tag}:head"
        self._pointers = f"{tag}:pointers"
        self._history = f"{tag}:history"
        self._release = f"{tag}:release:"
        self._clients = f"{tag}:clients"
        self._client = f"{tag}:client:"
        self._channel = f"{tag}:changes"
        self._redis = _connect(address, timeouts)
        self._swap = _Script("swap.lua")
        self._read = _Script("read.lua")

    def read(self, since: Head | None = None) -> State:
        known = ["", "", ""]
        if since is not None:
            known = [str(since.epoch), str(since.revision), str(since.revision + 1)]
        answer = self._answer(
            lambda: self._read.run_readonly(
                self._redis, [self._head, self._pointers, self._history], [*known, CATCH_UP]
            )
        )
        if answer[0] in {b"wrongtype", b"broken"}:
            raise self._corrupt(answer, None)
        head = _as_head(answer[0], answer[1])
        flat = answer[3]
        # A name that is not text is no unit, and its value no pointer.
        units = [name.decode(errors="backslashreplace") for name in flat[::2]]
        pointers = {
            unit: Pointer.from_json(text, unit)
            for unit, text in zip(units, flat[1::2], strict=True)
        }
        return State(head, pointers, whole=answer[2] == b"whole")

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        check_size(digest, len(data))
        key = self._release + digest
        self._answer(lambda: self._redis.set(key, data, nx=True))
        if self.release(digest) != data:
            raise StoreCorrupt(
                f"the store holds other bytes under {digest}",
                "somebody changed the store by hand; nothing was deployed",
            )
        return digest

    def release(self, digest: str) -> bytes | None:
        key = self._release + digest
        size = self._answer(lambda: self._redis.strlen(key))
        check_size(digest, size)
        data: bytes | None = self._answer(lambda: self._redis.get(key))
        return data

    def swap(self, expected: Head | None, entry: Entry, pointers: Mapping[str, Pointer]) -> Swap:
        before = ("", "") if expected is None else (str(expected.epoch), str(expected.revision))
        digests = sorted({pointer.digest for pointer in pointers.values()})
        keys = [self._head, self._pointers, self._history, *(self._release + d for d in digests)]
        arguments = [
            *before,
            before[0] or "1",
            str(entry.revision),
            entry.operation,
            entry.to_json(),
            " ".join(pointers),
            self._channel,
        ]
        for unit, pointer in pointers.items():
            arguments += [unit, pointer.to_json()]
        # A connection first: without one nothing was sent, and the outcome is known.
        pool = self._redis.connection_pool
        self._answer(lambda: pool.release(pool.get_connection()))
        try:
            answer = self._answer(lambda: self._swap.run(self._redis, keys, arguments))
        except StoreUnreachable as error:
            if isinstance(error.__cause__, redis.ResponseError):
                raise
            raise OutcomeUnknown(
                f"the answer of {self.address} to the swap was lost: {error.message}"
            ) from error
        outcome, first, second = (part.decode() for part in answer)
        if outcome in {"wrongtype", "broken"}:
            raise self._corrupt(answer, expected)
        if outcome == "missing":
            return Swap("missing", expected, first.removeprefix(self._release))
        if outcome == "denied":
            raise StoreUnreachable(
                f"{self.address} refused: the user may not {second} {first}", PERMISSION
            )
        if outcome not in {"won", "same", "lost"}:
            raise StoreCorrupt(f"the swap answered {outcome!r}")
        return Swap(outcome, _as_head(first, second))

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:
        newest = "+" if before is None else f"({max(before, 1)}-0"
        found = self._answer(
            lambda: self._redis.xrevrange(self._history, max=newest, min="-", count=limit)
        )
        try:
            return [Entry.from_json(fields[b"entry"]) for _, fields in found]
        except KeyError as error:
            raise StoreCorrupt("the history holds an entry that promptops did not write") from error

    def announce(self, presence: Presence, seconds: int) -> None:
        def write() -> None:
            self._redis.set(self._client + presence.client, presence.to_json(), ex=seconds)
            self._redis.sadd(self._clients, presence.client)

        self._answer(write)

    def withdraw(self, client: str) -> None:
        def write() -> None:
            self._redis.srem(self._clients, client)
            self._redis.delete(self._client + client)

        self._answer(write)

    def clients(self) -> list[Presence]:
        names: list[bytes] = sorted(self._answer(lambda: self._redis.smembers(self._clients)))
        if not names:
            return []
        keys = [self._client.encode() + name for name in names]
        texts = self._answer(lambda: self._redis.mget(keys))
        gone = [name for name, text in zip(names, texts, strict=True) if text is None]
        if gone:
            # Tidying is a courtesy; an operator who may not write still gets the list.
            with contextlib.suppress(StoreError):
                self._answer(lambda: self._redis.srem(self._clients, *gone))
        found = (Presence.from_json(text) for text in texts if text is not None)
        return [presence for presence in found if presence is not None]

    def listen(self) -> "RedisListener":
        connection = self._redis.connection_pool.make_connection()
        self._answer(lambda: _subscribe(connection, self._channel))
        return RedisListener(connection, self._answer)

    def close(self) -> None:
        self._redis.close()
        self._redis.connection_pool.disconnect()

    def _corrupt(self, answer: list[bytes], head: Head | None) -> StoreCorrupt:
        """What a script that answered wrongtype or broken has found."""
        key, what = answer[1].decode(), answer[2].decode()
        if answer[0] == b"broken":
            last = what.removesuffix("-0") if key == self._history else "pointers"
            return apart(self.environment, head, last)
        return StoreCorrupt(
            f"the key {key} holds a {what}, not what promptops writes",
            "another program uses this key; nothing was changed. Choose a namespace of your own "
            "with ?ns=NAME",
        )

    def _answer(self, ask: Callable[[], Any]) -> Any:
        """Ask, and turn what redis-py raises into our errors, none of which shows a password."""
        try:
            return ask()
        except redis.AuthenticationError as error:
            raise StoreUnreachable(
                f"{self.address} refused the user or the password",
                "check the user and the password in the store's URL",
            ) from error
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise StoreUnreachable(
                f"{self.address} does not answer: {_cause(error)}",
                "check the store's URL and that Redis runs there",
            ) from error
        except redis.ResponseError as error:
            raise _refusal(self.address, error) from error
        except redis.RedisError as error:
            raise StoreUnreachable(
                f"{self.address} does not speak as Redis does",
                "check the host and the port in the store's URL",
            ) from error


class RedisListener:
    """The channel of hints over a connection of its own.

    A half-open connection loses messages for ever without an error, so silence is broken with our
    own PING, and a PONG that does not come in time raises StoreUnreachable.
    """

    def __init__(self, connection: Any, answer: Callable[[Callable[[], Any]], Any]) -> None:
        self._connection = connection
        self._answer = answer
        self._heard = time.monotonic()
        self._asked: float | None = None
        self._closed = False
        self._lost = ""
        self._waiting = threading.Lock()
        self._process = os.getpid()

    def wait(self, seconds: float) -> bool:
        # redis-py connects a lost connection again, without the subscription: for ever deaf.
        if self._lost:
            raise StoreUnreachable(self._lost)
        try:
            with self._waiting:
                return self._hears(time.monotonic() + seconds)
        except StoreUnreachable as error:
            self._lost = error.message
            raise
        finally:
            if self._closed:
                self._disconnect()

    def _hears(self, deadline: float) -> bool:
        while not self._closed:
            now = time.monotonic()
            if now >= deadline:
                return False
            self._check_pulse(now)
            patience = min(SLICE, deadline - now)
            if self._answer(partial(self._connection.can_read, timeout=patience)):
                message = self._answer(self._connection.read_response)
                self._heard, self._asked = time.monotonic(), None
                if message[0] == b"message":
                    return True
        return False

    def _check_pulse(self, now: float) -> None:
        if self._asked is not None and now - self._asked > PONG_WITHIN:
            raise StoreUnreachable("the channel of changes went silent")
        if self._asked is None and now - self._heard > SILENCE:
            self._answer(lambda: self._connection.send_command("PING"))
            self._asked = now

    def close(self) -> None:
        self._closed = True
        self._disconnect()

    def _disconnect(self) -> None:
        """Now, or at the end of the `wait` that uses the connection. A forked child has no such
        `wait`, and the lock of its parent's.
        """
        if self._process != os.getpid():
            self._connection.disconnect()
        elif self._waiting.acquire(blocking=False):
            try:
                self._connection.disconnect()
            finally:
                self._waiting.release()


class _Script:
    """A Lua script of this folder, sent whole only to a server that does not know it yet."""

    def __init__(self, name: str) -> None:
        self._text = Path(__file__).with_name(name).read_text("utf-8")
        self._sha = hashlib.sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def run(self, client: redis.Redis, keys: list[str], arguments: list[Any]) -> Any:
        try:
            return client.evalsha(self._sha, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return client.eval(self._text, len(keys), *keys, *arguments)

    def run_readonly(self, client: redis.Redis, keys: list[str], arguments: list[Any]) -> Any:
        """By EVALSHA_RO, which a user with read permission only may call."""
        try:
            return client.evalsha_ro(self._sha, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return client.eval_ro(self._text, len(keys), *keys, *arguments)


def _connect(address: Address, timeouts: Timeouts) -> redis.Redis:
    place: dict[str, Any] = {"host": address.host, "port": address.port}
    if address.scheme == "unix":
        place = {"unix_socket_path": address.path}
    if address.scheme == "rediss":
        place |= {
            "ssl": True,
            "ssl_ca_certs": address.ca,
            "ssl_certfile": address.cert,
            "ssl_keyfile": address.key,
        }
    # Defaults of redis-py retry for up to a minute on a stopped server.
    return redis.Redis(
        **place,
        db=address.db,
        username=address.username,
        password=address.password,
        socket_connect_timeout=timeouts.connect,
        socket_timeout=timeouts.answer,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
        single_connection_client=False,
        protocol=2,
    )


def _as_head(epoch: bytes | str, revision: bytes | str) -> Head | None:
    return Head(int(epoch), int(revision)) if epoch else None


def _subscribe(connection: Any, channel: str) -> None:
    connection.connect()
    connection.send_command("SUBSCRIBE", channel)
    connection.read_response()


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
    # redis-py takes the first word away from the replies that it has a class for.
    hints = {
        redis.exceptions.NoPermissionError: PERMISSION,
        redis.exceptions.ReadOnlyError: "this is a replica; use the address of the primary",
        redis.exceptions.OutOfMemoryError: FULL,
    }
    hint = hints.get(type(error), MISCONF if text.startswith("MISCONF") else "")
    return StoreUnreachable(f"{address} refused: {text}", hint)
