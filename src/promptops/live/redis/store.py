"""An environment in Redis 7 or Valkey: its keys, and what is asked of them."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import redis

from promptops.errors import OutcomeUnknown, StoreCorrupt, StoreError, StoreUnreachable
from promptops.live.address import Address
from promptops.live.forking import follow_forks
from promptops.live.records import Entry, Head, Pointer, Presence, State
from promptops.live.redis.connection import PERMISSION, Lines, Script, answer, connect
from promptops.live.redis.listener import RedisListener
from promptops.live.redis.replica import Role
from promptops.live.store import PAGE, Swap, Timeouts, apart, check_size, check_written
from promptops.manifest.digest import digest_of

CATCH_UP = 100
NO_NUMBERS = "hash without epoch and revision as numbers"


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
        self._timeouts = timeouts
        self._lines = Lines()
        self._read_with = 0
        self._redis = connect(address, timeouts, self._lines)
        self._swap = Script("swap.lua")
        self._read = Script("read.lua")
        self._role = Role()
        follow_forks(self)

    def read(self, since: Head | None = None) -> State:
        known = ["", "", ""]
        if since is not None:
            known = [str(since.epoch), str(since.revision), str(since.revision + 1)]
        keys = [self._head, self._pointers, self._history]
        with self._connected() as connection:
            opened = self._lines.opened
            if opened != self._read_with:
                # Another server may answer now, with other releases at the very head of `since`.
                known = ["", "", ""]
            said = self._answer(
                lambda: self._read.run_readonly(connection, keys, [*known, CATCH_UP])
            )
            self._read_with = opened
            cut_off = self._answer(lambda: self._role.lost_its_primary(connection))
        if said[0] in {b"wrongtype", b"broken"}:
            raise self._corrupt(said, None)
        head = _as_head(said[0], said[1])
        flat = said[3]
        # A name that is not text is no unit, and its value no pointer.
        units = [name.decode(errors="backslashreplace") for name in flat[::2]]
        pointers = {
            unit: Pointer.from_json(text, unit)
            for unit, text in zip(units, flat[1::2], strict=True)
        }
        stale = f"source=replica link=down: {self.address} has lost its primary" if cut_off else ""
        return State(head, pointers, whole=said[2] == b"whole", stale=stale)

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        check_size(digest, len(data))
        key = self._release + digest
        self._answer(lambda: self._redis.set(key, data, nx=True))
        check_written(digest, data, self.release(digest))
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
        with self._connected() as connection:
            try:
                said = self._answer(lambda: self._swap.run(connection, keys, arguments))
            except StoreUnreachable as error:
                if isinstance(error.__cause__, redis.ResponseError):
                    raise
                raise OutcomeUnknown(
                    f"the answer of {self.address} to the swap was lost: {error.message}"
                ) from error
        outcome, first, second = (part.decode() for part in said)
        if outcome in {"wrongtype", "broken"}:
            raise self._corrupt(said, expected)
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

    def listen(self) -> RedisListener:
        connection = self._redis.connection_pool.make_connection()
        return RedisListener(connection, self.address, self._channel)

    def close(self) -> None:
        self._redis.close()
        self._redis.connection_pool.disconnect()

    def before_fork(self) -> None:
        """Nothing to wait for: a child connects anew."""

    def after_fork(self, *, child: bool) -> None:
        """In a child: new connections, and no lock of the old pool, which may be held."""
        if child:
            self._lines.let_go()
            self._lines = Lines()
            self._redis = connect(self.address, self._timeouts, self._lines)

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
            code="C612" if key == self._head and what == NO_NUMBERS else "C611",
        )

    def _answer(self, ask: Callable[[], Any]) -> Any:
        return answer(self.address, ask)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection that stands: when this raises StoreUnreachable, nothing was sent."""
        pool = self._redis.connection_pool
        connection = self._answer(pool.get_connection)
        try:
            yield connection
        finally:
            pool.release(connection)


def _as_head(epoch: bytes | str, revision: bytes | str) -> Head | None:
    return Head(int(epoch), int(revision)) if epoch else None
