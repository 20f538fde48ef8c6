"""An environment in Redis 7 or Valkey: its keys, and what is asked of them."""

import contextlib
import random
import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import redis

from promptops.errors import OutcomeUnknown, StoreCorrupt, StoreDenied, StoreError, StoreUnreachable
from promptops.live.address import Address
from promptops.live.forking import follow_forks
from promptops.live.presence import Presence
from promptops.live.records import Entry, Freeze, Head, Pointer, Seal, State
from promptops.live.redis.connection import Script, answer
from promptops.live.redis.keys import Keys
from promptops.live.redis.listener import RedisListener
from promptops.live.redis.replica import Role, confirmed_by
from promptops.live.redis.restoring import keys_below, remove_at, replace_all, seal_of
from promptops.live.redis.server import Server
from promptops.live.store import (
    PAGE,
    PERMISSION,
    Replicas,
    Swap,
    Timeouts,
    apart,
    check_size,
    check_written,
    needed,
)
from promptops.manifest.digest import digest_of
from promptops.manifest.release import MAX_BYTES

CATCH_UP = 100
NO_NUMBERS = "hash without epoch and revision as numbers"
# Bytes that are not loaded from what somebody else may have planted.
MAX_POINTER = MAX_BYTES
MAX_ENTRY = 16 * MAX_BYTES
MAX_PRESENCE = MAX_BYTES


class RedisStore:
    """Implements `promptops.live.store.Store`; `timeouts` bound every answer.

    Where `replicas` are named, a swap tells how many of them have it.
    """

    def __init__(
        self, address: Address, environment: str, timeouts: Timeouts, *, replicas: int = 0
    ) -> None:
        self.address = address
        self.environment = environment
        self._keys = Keys(address.namespace, environment)
        self._server = Server(address, timeouts, self._keys.head)
        self._replicas = replicas
        self._read_with = 0
        self._swap = Script("swap.lua")
        self._read = Script("read.lua")
        self._entries = Script("history.lua")
        self._present = Script("clients.lua")
        self._role = Role()
        self._listed, self._list_again = ("", 0), 0.0
        follow_forks(self)

    def read(self, since: Head | None = None) -> State:
        known = ["", "", ""]
        if since is not None:
            known = [str(since.epoch), str(since.revision), str(since.revision + 1)]
        keys = [self._keys.head, self._keys.pointers, self._keys.history]

        def once() -> tuple[Any, bool]:
            with self._server.connected() as connection:
                opened = self._server.opened
                # Another server may answer now, with other releases at the very head of `since`.
                wanted = known if opened == self._read_with else ["", "", ""]
                ask = partial(self._read.run_readonly, connection, keys)
                said = answer(self.address, partial(ask, [*wanted, CATCH_UP, MAX_POINTER]))
                self._read_with = opened
                return said, answer(self.address, partial(self._role.lost_its_primary, connection))

        said, cut_off = self._server.led(once)
        if said[0] in {b"wrongtype", b"broken", b"oversize"}:
            raise self._corrupt(said, None)
        head = _as_head(said[0], said[1])
        flat = said[3]
        # A name that is not text is no unit, and its value no pointer.
        units = [name.decode(errors="backslashreplace") for name in flat[::2]]
        pointers = {
            unit: Pointer.from_json(text, unit)
            for unit, text in zip(units, flat[1::2], strict=True)
        }
        freeze = Freeze.from_json(said[4]) if said[4] else None
        stale = f"source=replica link=down: {self.address} has lost its primary" if cut_off else ""
        return State(head, pointers, whole=said[2] == b"whole", freeze=freeze, stale=stale)

    def seal(self) -> Seal:
        found: Seal = self._server.ask(lambda: seal_of(self._server.client, self._keys))
        return found

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        check_size(digest, len(data))
        key = self._keys.release + digest
        self._server.ask(lambda: self._server.client.set(key, data, nx=True))
        found = self.release(digest)
        if found is None:
            raise StoreUnreachable(
                f"{self.address} lost a release that was written a moment ago",
                "another node was made primary, or Redis evicts; nothing was deployed, try again",
            )
        check_written(digest, data, found)
        return digest

    def release(self, digest: str) -> bytes | None:
        key = self._keys.release + digest
        # One question, and never more bytes than tell that there are too many.
        data: bytes | None = self._server.ask(
            lambda: self._server.client.getrange(key, 0, MAX_BYTES)
        )
        if data and len(data) > MAX_BYTES:
            check_size(
                digest, max(len(data), self._server.ask(lambda: self._server.client.strlen(key)))
            )
        # What is empty and what is missing are the same to GETRANGE.
        return data or self._server.ask(lambda: self._server.client.get(key))

    def swap(
        self,
        expected: Head | None,
        entry: Entry,
        pointers: Mapping[str, Pointer],
        freeze: str | None = None,
    ) -> Swap:
        before = ("", "") if expected is None else (str(expected.epoch), str(expected.revision))
        digests = needed(entry, pointers)
        keys = [
            self._keys.head,
            self._keys.pointers,
            self._keys.history,
            *(self._keys.release + d for d in digests),
        ]
        arguments = [
            *before,
            before[0] or "1",
            str(entry.revision),
            entry.operation,
            entry.to_json(),
            " ".join(pointers),
            self._keys.channel,
            "" if freeze is None else freeze or "lift",
            entry.link,
        ]
        for unit, pointer in pointers.items():
            arguments += [unit, pointer.to_json()]

        def once() -> tuple[Any, Replicas | None]:
            with self._server.connected() as connection:
                try:
                    said = answer(self.address, lambda: self._swap.run(connection, keys, arguments))
                    if said[0] != b"won" or not self._replicas:
                        return said, None
                    return said, confirmed_by(self._replicas, self.address, connection)
                except StoreUnreachable as error:
                    if isinstance(error.__cause__, redis.ResponseError):
                        raise
                    raise OutcomeUnknown(
                        f"the answer of {self.address} to the swap was lost: {error.message}"
                    ) from error

        said, replicas = self._server.led(once)
        outcome, first, second = (part.decode() for part in said)
        if outcome in {"wrongtype", "broken"}:
            raise self._corrupt(said, expected)
        if outcome == "missing":
            return Swap("missing", expected, first.removeprefix(self._keys.release))
        if outcome == "denied":
            raise StoreDenied(
                f"{self.address} refused: the user may not {second} {first}", PERMISSION
            )
        if outcome not in {"won", "same", "lost"}:
            raise StoreCorrupt(f"the swap answered {outcome!r}")
        return Swap(outcome, _as_head(first, second), replicas=replicas)

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:
        newest = "+" if before is None else f"({max(before, 1)}-0"
        said = self._server.run(self._entries, [self._keys.history], [newest, limit, MAX_ENTRY])
        if said[0] == b"ok":
            return [Entry.from_json(entry) for entry in said[1:]]
        raise self._corrupt([said[0], self._keys.history.encode(), said[2]], None)

    def keep_report(self, name: str, text: str) -> None:
        self._server.ask(lambda: self._server.client.hset(self._keys.rehearsals, name, text))

    def reports(self) -> dict[str, str]:
        found: dict[bytes, bytes] = self._server.ask(
            lambda: self._server.client.hgetall(self._keys.rehearsals)
        )
        return {name.decode(): text.decode() for name, text in sorted(found.items())}

    def releases(self) -> list[str]:
        names = self._server.ask(lambda: keys_below(self._server.client, self._keys.release))
        return [name.removeprefix(self._keys.release) for name in names]

    def forget_releases(self, digests: Collection[str], expected: Head | None = None) -> bool:
        names = [self._keys.release + digest for digest in digests]
        if expected is None:
            self._remove(names)
            return True
        done: bool = answer(
            self.address, lambda: remove_at(self._server.client, self._keys, expected, names)
        )
        return done

    def restore(
        self,
        expected: Head | None,
        head: Head,
        pointers: Mapping[str, Pointer],
        history: Sequence[Entry],
        freeze: str,
    ) -> bool:
        restored: bool = answer(
            self.address,
            lambda: replace_all(
                self._server.client, self._keys, expected, head, pointers, history, freeze
            ),
        )
        return restored

    def erase(self) -> None:
        self._remove(
            self._server.ask(lambda: keys_below(self._server.client, f"{self._keys.tag}:"))
        )

    def announce(self, presence: Presence, seconds: int) -> None:
        def write() -> None:
            now = time.monotonic()
            key, text = self._keys.client + presence.client, presence.to_json()
            before = self._server.client.set(key, text, ex=seconds, get=True)
            # It stays in the set as long as its record is there. Said again when that was gone, to
            # whatever server may be another one, and now and then, in case somebody took it out.
            listed = (presence.client, self._server.opened)
            if before is None or listed != self._listed or now >= self._list_again:
                self._server.client.sadd(self._keys.clients, presence.client)
                self._listed = listed
                self._list_again = now + seconds * random.uniform(0.5, 1)  # noqa: S311

        self._server.ask(write)

    def withdraw(self, client: str) -> None:
        self._listed = ("", 0)

        def write() -> None:
            self._server.client.srem(self._keys.clients, client)
            self._server.client.delete(self._keys.client + client)

        self._server.ask(write)

    def clients(self) -> list[Presence]:
        said = self._server.run(
            self._present, [self._keys.clients], [self._keys.client, MAX_PRESENCE]
        )
        rows = sorted(zip(said[::3], said[1::3], said[2::3], strict=True))
        gone = [name for name, text, _ in rows if text is None]
        if gone:
            # Tidying is a courtesy; an operator who may not write still gets the list.
            with contextlib.suppress(StoreError):
                self._server.ask(lambda: self._server.client.srem(self._keys.clients, *gone))
        found = [(Presence.from_json(text), left) for _, text, left in rows if text is not None]
        return [presence.aged(left / 1000) for presence, left in found if presence is not None]

    def listen(self) -> RedisListener:
        connection = self._server.own_connection()
        return RedisListener(connection, self.address, self._keys.channel)

    def close(self) -> None:
        self._server.close()

    def before_fork(self) -> None:
        """Nothing to wait for: a child connects anew."""

    def after_fork(self, *, child: bool) -> None:
        if child:
            self._server.begin_anew()
            self._read_with = 0

    def _corrupt(self, answer: list[bytes], head: Head | None) -> StoreCorrupt:
        """What a script that answered wrongtype or broken has found."""
        key, what = answer[1].decode(), answer[2].decode()
        if answer[0] == b"broken":
            last = what.removesuffix("-0") if key == self._keys.history else "pointers"
            return apart(self.environment, head, last)
        if answer[0] == b"strange":
            return StoreCorrupt("the history holds an entry that promptops did not write")
        if answer[0] == b"oversize":
            what = f"value of {what} bytes"
        return StoreCorrupt(
            f"the key {key} holds a {what}, not what promptops writes",
            "another program uses this key; nothing was changed. Choose a namespace of your own "
            "with ?ns=NAME",
            code="C612" if key == self._keys.head and what == NO_NUMBERS else "C611",
        )

    def _remove(self, names: Collection[str]) -> None:
        for name in names:
            self._server.ask(partial(self._server.client.unlink, name))


def _as_head(epoch: bytes | str, revision: bytes | str) -> Head | None:
    return Head(int(epoch), int(revision)) if epoch else None
