"""Put back the bytes of releases that a store lost, or of which it holds others."""

from collections.abc import Iterable, Iterator

from promptops.delivery.build import Built
from promptops.delivery.drift import corruption
from promptops.errors import StoreCorrupt
from promptops.live.store import Store
from promptops.manifest.digest import digest_of


def put_back(store: Store, built: Iterable[Built]) -> Iterator[str]:
    """What is live, and its safe release, where a commit makes the very same; says what it did.

    A deployment has nothing to move there, so nobody else would. Raises StoreError.
    """
    pointers = store.read().pointers
    for item in built:
        pointer = pointers.get(item.unit)
        if pointer is None or pointer.retired:
            continue
        for digest, data in filter(None, [(item.digest, item.data), item.safe]):
            if digest not in {pointer.digest, pointer.safe}:
                continue
            if why := corruption(store, item.unit, digest):
                put_over(store, data)
                yield f"{item.unit}: {why}: it was put back"


def put_over(store: Store, data: bytes) -> str:
    """Store a release, also over other bytes that somebody put under its digest."""
    try:
        return store.put(data)
    except StoreCorrupt:
        store.forget_releases([digest_of(data)])
        return store.put(data)
