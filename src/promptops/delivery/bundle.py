"""A bundle: what is live, in one file, for an image that must start without a store."""

from collections.abc import Sequence

from promptops.client.copy_file import Copy, encode
from promptops.client.disk import read_bundle
from promptops.client.kept import Kept
from promptops.delivery import look
from promptops.delivery.deployment import read_existing
from promptops.live.store import Store
from promptops.manifest.release import read_release
from promptops.source.writing import file_named, write_file


def bundle(store: Store, path: str, where: Sequence[str] = ()) -> Copy:
    """Write what is live to a file, and return what was read back from it.

    `where` are the options that name the environment in what one types. Raises Refused where the
    environment was never deployed, UsageError for what is no place for a file, StoreError.
    """
    file = file_named(path)
    state = read_existing(store, where)
    assert state.head is not None  # noqa: S101 - an existing environment has one
    releases: dict[str, bytes] = {}
    for unit, pointer in state.live.items():
        data = look.bytes_of(store, unit, pointer, where)
        read_release(data, pointer.digest, unit)
        releases[pointer.digest] = data
    units = {unit: Kept(pointer.digest, pointer.revision) for unit, pointer in state.live.items()}
    safe: dict[str, Kept] = {}
    for unit, pointer in state.live.items():
        found = store.release(pointer.safe) if pointer.safe else None
        if pointer.safe and found is not None:
            read_release(found, pointer.safe, unit)
            releases[pointer.safe], safe[unit] = found, Kept(pointer.safe, 0)
    namespace = store.address.namespace
    copy = Copy(store.environment, namespace, state.head, units, releases, safe=safe)
    write_file(file, encode(copy))
    return read_bundle(path, store.environment)
