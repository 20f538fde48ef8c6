"""What a unit is in the four directions in which an environment can drift.

- git against pointer: in sync, behind, ahead, held, drifted, missing (not live), invalid (in git);
- a pointer without a manifest: orphan;
- pointer against the bytes of its release: corrupt;
- pointer against clients: skewed, when one keeps another release by a pin or a refusal, or refuses
  the store; stale, when one has not heard of it yet, or of nothing for half a minute.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptops.delivery.served import Served
from promptops.errors import ReleaseRejected, StoreCorrupt
from promptops.live.presence import Presence
from promptops.live.records import Head, Pointer
from promptops.live.store import Store
from promptops.manifest.digest import digest_of, short
from promptops.manifest.release import read_release

SILENT = 30.0

# What the ordinary course of things brings with it; `promptops plan --exit-code` tells it too.
EXPECTED = frozenset({"in sync", "behind", "ahead", "held", "live", "retired"})


@dataclass(frozen=True, slots=True)
class Astray:
    """A client that does not serve what is live: `state` is skewed or stale."""

    client: str
    state: str
    why: str


def corruption(store: Store, unit: str, digest: str) -> str:
    """What is wrong with a unit's release in the store; empty when nothing is.

    One in the format of a newer promptops is whole, as far as this one can tell.
    """
    try:
        data = store.release(digest)
    except StoreCorrupt as error:
        return error.message
    if data is None:
        return f"the release {short(digest)} is not in the store"
    if digest_of(data) != digest:
        return f"the store holds other bytes as {short(digest)}"
    try:
        read_release(data, digest, unit)
    except ReleaseRejected as error:
        return "" if error.code == "C603" else error.message
    return ""


def astray(
    unit: str,
    pointer: Pointer,
    head: Head,
    clients: Iterable[tuple[Presence, Mapping[str, Served] | None]],
) -> tuple[Astray, ...]:
    """The clients that do not serve what a pointer names, or serve what is retired.

    Each comes with what it serves, by unit.
    """
    found = []
    for client, units in clients:
        why = _astray(unit, pointer, head, client, units)
        if why is not None:
            found.append(Astray(f"{client.app or client.client} on {client.host}", *why))
    return tuple(found)


def _astray(
    unit: str, pointer: Pointer, head: Head, client: Presence, units: Mapping[str, Served] | None
) -> tuple[str, str] | None:
    if client.error:
        return "skewed", client.error
    if client.head > head:
        return "skewed", f"it serves revision {client.revision} of epoch {client.epoch}"
    served = None if units is None else units.get(unit)
    wanted = None if pointer.retired else pointer.digest
    if (served and served.digest) != wanted:
        return _serves_other(unit, served, head, client)
    if client.age is not None and client.age > SILENT:
        return "stale", f"it has not heard of the store for {client.age:.0f} s"
    return None


def _serves_other(
    unit: str, served: Served | None, head: Head, client: Presence
) -> tuple[str, str]:
    what = "no release of it" if served is None else short(served.digest)
    if unit in client.pins:
        return "skewed", f"it pins {what}"
    if client.head == head:
        refused = [each.reason for each in client.refused if each.unit == unit]
        return "skewed", f"it serves {what}" + "".join(f": {why}" for why in refused)
    if client.epoch < head.epoch:
        return "stale", f"it is at revision {client.revision} of epoch {client.epoch}"
    return "stale", f"it is at revision {client.revision} and serves {what}"


def worst(in_git: str, corrupt: str, clients: Iterable[Astray]) -> str:
    """The one word for a unit."""
    states = {each.state for each in clients}
    if corrupt:
        return "corrupt"
    return next((state for state in ("skewed", "stale") if state in states), in_git)
