"""From an address to a store: the one place that loads the backend which the address names."""

from promptops.live.address import Address, parse_address
from promptops.live.store import OPERATOR, Store, Timeouts


def open_store(
    address: Address | str, environment: str, timeouts: Timeouts = OPERATOR, *, replicas: int = 0
) -> Store:
    """The store behind an address. Connects on first use, so this never blocks.

    In a Redis every swap waits for so many `replicas`, which other stores have none of.
    """
    if isinstance(address, str):
        address = parse_address(address)
    # Loaded when it is named, and not before: an app on SQLite never loads redis.
    if address.scheme == "sqlite":
        from promptops.live.sqlite import SqliteStore  # noqa: PLC0415

        return SqliteStore(address, environment, timeouts)
    if address.scheme == "memory":
        from promptops.live.memory import MemoryStore  # noqa: PLC0415

        return MemoryStore(address, environment, timeouts)
    from promptops.live.redis import RedisStore  # noqa: PLC0415

    return RedisStore(address, environment, timeouts, replicas=replicas)
