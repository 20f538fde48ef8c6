"""Pin a unit to a release for every process that shares a cache: needs neither store nor git."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from promptops.client.copy_file import Copy, Kept
from promptops.client.disk import Disk
from promptops.delivery.hold import whole_digest
from promptops.errors import Refused, StoreCorrupt, StoreUnreachable, UsageError
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import is_digest
from promptops.manifest.release import read_release


def pin(disk: Disk, copies: Sequence[Copy], store: Store | None, unit: str, digest: str) -> Copy:
    """Write the pin, release and all, and return the pins as read back.

    The release comes from the copies, else from the store. Raises UsageError for a digest that
    cannot be meant, Refused when nothing has the release, StoreError.
    """
    digest = digest.lower()
    known = {
        kept.digest: kept
        for copy in copies
        for kept in (
            *filter(None, [copy.safe.get(unit), copy.units.get(unit)]),
            *copy.past.get(unit, ()),
        )
    }
    if not known and not is_digest(digest):
        raise UsageError(
            f"no copy or bundle has a release of {unit}",
            "write the unit as it is named, or the whole digest, sha256:…",
        )
    whole = whole_digest(digest, known)
    data = next((copy.releases[whole] for copy in copies if whole in copy.releases), None)
    if data is None and store is not None:
        data = store.release(whole)
    if data is None:
        raise Refused(
            "not-found",
            f"neither the copy on disk nor a bundle nor a store has {whole}",
            "add --bundle FILE or --store URL with the release in it",
        )
    read_release(data, whole, unit)
    kept = known.get(whole, Kept(whole, 0))

    def with_it(copy: Copy) -> Copy:
        return replace(
            copy, units={**copy.units, unit: kept}, releases={**copy.releases, whole: data}
        )

    return _change(disk, copies, store, with_it)


def safe_digest(copies: Sequence[Copy], store: Store | None, unit: str) -> str:
    """Of the safe release that the copies have, else the store; raises Refused without one."""
    found = next((copy.safe[unit].digest for copy in copies if unit in copy.safe), None)
    if found is None and store is not None:
        pointer = store.read().pointers.get(unit)
        found = pointer.safe if pointer else None
    if found is None:
        raise Refused(
            "no-safe-release",
            f"neither the copy on disk nor a bundle nor a store has a safe release of {unit}",
            "pin it to an earlier one: promptops pin UNIT DIGEST",
        )
    return found


def lift(disk: Disk, unit: str) -> Copy:
    """Let the unit follow its deployments again; raises Refused when it is not pinned."""
    try:
        pins = disk.read("pins")
    except StoreUnreachable:
        pins = None
    if pins is None or unit not in pins.units:
        listed = ", ".join(sorted(pins.units)) if pins else ""
        raise Refused("not-pinned", f"{unit} is not pinned", f"pinned are: {listed or 'none'}")

    def without_it(copy: Copy) -> Copy:
        return replace(copy, units={name: copy.units[name] for name in copy.units if name != unit})

    return _change(disk, [pins], None, without_it)


def _change(
    disk: Disk, copies: Sequence[Copy], store: Store | None, change: Callable[[Copy], Copy]
) -> Copy:
    namespace = store.address.namespace if store is not None else copies[0].namespace
    empty = Copy(disk.environment, namespace, Head(0, 0), {}, {})
    disk.write(lambda present: change(present or empty), "pins")
    return disk.read("pins")


def read_copies(disk: Disk, bundle: Callable[[], Copy] | None) -> tuple[list[Copy], list[str]]:
    """What is at hand without a store, and what is missing of it and why."""
    copies, why = [], []
    for read in (disk.read, bundle):
        if read is not None:
            try:
                copy = read()
            except (StoreUnreachable, StoreCorrupt) as error:
                why.append(error.message)
                continue
            copies.append(copy)
            if copy.lost is not None:
                why.append(copy.lost.message)
    return copies, why
