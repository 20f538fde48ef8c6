"""What an operator does to an environment as a whole, and no client ever does."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import redis

from promptops.errors import StoreCorrupt
from promptops.live.records import Entry, Head, Pointer, Seal
from promptops.live.redis.keys import Keys


def replace_all(
    client: redis.Redis,
    keys: Keys,
    expected: Head | None,
    head: Head,
    pointers: Mapping[str, Pointer],
    history: Sequence[Entry],
    freeze: str,
) -> bool:
    """As one transaction, which a server that is full refuses as a whole.

    False when the head is not `expected`, or moves meanwhile. Raises what redis-py raises.
    """
    pipe: Any
    with client.pipeline(transaction=True) as pipe:
        pipe.watch(keys.head)
        if seal_of(pipe, keys).head != expected:
            return False
        pipe.multi()
        pipe.delete(keys.head, keys.pointers, keys.history)
        facts: dict[str, int | str] = {"epoch": head.epoch, "revision": head.revision}
        facts |= {"operation": history[-1].operation, "link": history[-1].link}
        pipe.hset(keys.head, mapping=facts | ({"freeze": freeze} if freeze else {}))
        for unit, pointer in pointers.items():
            pipe.hset(keys.pointers, unit, pointer.to_json())
        for entry in history:
            units = " ".join(entry.units)
            fields = {"entry": entry.to_json(), "units": units}
            pipe.xadd(keys.history, fields, id=f"{entry.revision}-0")
        pipe.publish(keys.channel, head.revision)
        try:
            pipe.execute()
        except redis.WatchError:
            return False
    return True


def seal_of(client: Any, keys: Keys) -> Seal:
    """Raises StoreCorrupt for a head that is not in numbers."""
    epoch, revision, link = client.hmget(keys.head, "epoch", "revision", "link")
    if epoch is None and revision is None:
        return Seal(None)
    try:
        return Seal(Head(int(epoch), int(revision)), (link or b"").decode())
    except (TypeError, ValueError) as error:
        raise StoreCorrupt(
            f"the key {keys.head} holds no head that promptops wrote",
            f"when nobody else uses it, delete it (DEL {keys.head}), then promptops restore",
            code="C612",
        ) from error


def remove_at(client: redis.Redis, keys: Keys, expected: Head, names: Collection[str]) -> bool:
    """Remove keys while the head is `expected`, as one transaction; False when it is not."""
    pipe: Any
    with client.pipeline(transaction=True) as pipe:
        pipe.watch(keys.head)
        if seal_of(pipe, keys).head != expected:
            return False
        pipe.multi()
        for name in names:
            pipe.unlink(name)
        try:
            pipe.execute()
        except redis.WatchError:
            return False
    return True


def keys_below(client: redis.Redis, prefix: str) -> list[str]:
    """The keys that begin so: what they are made of has no sign that a pattern would read."""
    found = client.scan_iter(prefix + "*", count=1000)
    return sorted({name.decode(errors="backslashreplace") for name in found})
