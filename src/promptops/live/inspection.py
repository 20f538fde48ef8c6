"""From an address to the facts about what is there; loads the backend that the address names."""

from promptops.live.address import Address
from promptops.live.facts import Durability, FileFacts, RedisFacts
from promptops.live.store import OPERATOR


def facts_of(address: Address, environment: str) -> RedisFacts | FileFacts | None:
    """None for a store in memory, about which there is nothing to know. Raises StoreUnreachable."""
    if address.scheme == "memory":
        return None
    if address.scheme == "sqlite":
        from promptops.live.sqlite.facts import facts as of_file  # noqa: PLC0415

        return of_file(address, environment)
    from promptops.live.redis.facts import facts as of_server  # noqa: PLC0415

    return of_server(address, environment, OPERATOR)


def durability_of(address: Address, environment: str) -> Durability:
    """What keeps the data of a Redis; nothing known of other stores. Raises StoreUnreachable."""
    if address.scheme in {"sqlite", "memory"}:
        return Durability()
    from promptops.live.redis.facts import durability  # noqa: PLC0415

    return durability(address, environment, OPERATOR)
