"""Pin a unit to a release for every process that shares a cache: needs neither store nor git."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from promptops.client.copy_file import Copy
from promptops.client.disk import Disk
from promptops.client.kept import Kept
from promptops.delivery.hold import whole_digest
from promptops.errors import Refused, StoreCorrupt, StoreUnreachable, UsageError
from promptops.live.records import Head
from promptops.live.store import Store, entries
from promptops.manifest.digest import beginning, is_digest
from promptops.manifest.release import read_release


def pin(disk: Disk, copies: Sequence[Copy], store: Store | None, unit: str, digest: str) -> Copy:
    """Write the pin, release and all, and return the pins as read back.

    The release comes from the copies, else from the store. Raises UsageError for a digest that
    cannot be meant, Refused when nothing has the release, StoreError.
    """
    digest, digits = digest.lower(), beginning(digest)
    known = {
        kept.digest: kept
        for copy in copies
        for kept in (
            *filter(None, [copy.safe.get(unit), copy.units.get(unit)]),
            *copy.past.get(unit, ()),
        )
    }
    if store is not None and not any(each.startswith(f"sha256:{digits}") for each in known):
        known |= _seen(store, unit)
    if not known and not is_digest(digest):
        units = sorted({unit for copy in copies for unit in copy.units})
        raise UsageError(
            f"no copy or bundle has a release of {unit}",
            f"they have: {', '.join(units)}" if units else "add --bundle FILE or --store URL",
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


def _seen(store: Store, unit: str) -> dict[str, Kept]:
    """What was ever live, with the last revision that made it so."""
    seen: dict[str, Kept] = {}
    for entry in entries(store):
        for change in entry.changes:
            if change.unit == unit:
                seen.setdefault(change.after, Kept(change.after, entry.revision))
    return seen


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
    except StoreCorrupt as error:
        path = shlex.quote(disk.path("pins"))
        raise StoreCorrupt(
            error.message, f"to lift every pin in it: rm {path}", code=error.code
        ) from error
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
    kept = [each.read for each in disk.copies()] or [disk.read]
    for read in (*kept, bundle):
        if read is not None:
            try:
                copy = read()
            except (StoreUnreachable, StoreCorrupt) as error:
                why.append(error.message)
                continue
            copies.append(copy)
            if copy.lost is not None:
                why.append(copy.lost.message)
    try:
        disk.read("pins")
    except StoreCorrupt:
        why.append(f"{disk.path('pins')} is damaged, and what else was pinned in it is lost")
    except StoreUnreachable:
        pass  # nothing is pinned
    return copies, why
