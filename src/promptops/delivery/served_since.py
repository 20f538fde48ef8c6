"""What clients serve that an export does not know, because it was deployed or rolled back since.

A store that was wiped cannot tell it any more; who still serves it can. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptops.live.moves_of_restore import plausible
from promptops.live.presence import MOST_MOVED, MovedRelease, Presence
from promptops.live.records import Head, Pointer
from promptops.manifest.digest import short


@dataclass(frozen=True, slots=True)
class Since:
    """The clients above an export, the highest of their heads, and what they serve otherwise.

    `told` is False where they do not say all that moved since, as an older version does not.
    """

    clients: int
    head: Head
    units: tuple[MovedRelease, ...]
    told: bool

    @property
    def differs(self) -> bool:
        return bool(self.units) or not self.told

    @property
    def says(self) -> str:
        """Who serves which revision, and where it differs: `…; it differs in greeter (…)`."""
        verb = "client serves" if self.clients == 1 else "clients serve"
        said = f"{self.clients} {verb} up to revision {self.head.revision}"
        listed = [_said(each) for each in self.units]
        if not self.told:
            listed.append("more" if listed else "units that they do not name")
        return f"{said}, with another release of {', '.join(listed)}" if listed else said


def served_since(
    export: Head, pointers: Mapping[str, Pointer], clients: Iterable[Presence]
) -> Since | None:
    """None when no client is above the export; each unit is as the highest of them says."""
    above = sorted(
        (client for client in clients if client.head > export and plausible([client.head])),
        key=lambda client: client.head,
    )
    if not above:
        return None
    named = {each.unit: each for client in above for each in client.moved}
    units = tuple(
        each for unit, each in sorted(named.items()) if each.digest != _short_of(pointers.get(unit))
    )
    highest = [client for client in above if client.head == above[-1].head]
    told = any(_says_all(client, export) for client in highest)
    return Since(len(above), above[-1].head, units, told)


def _says_all(client: Presence, export: Head) -> bool:
    moved = [each.revision for each in client.moved if each.digest]
    return bool(client.moved) and (len(moved) < MOST_MOVED or min(moved) <= export.revision)


def _short_of(pointer: Pointer | None) -> str:
    return "" if pointer is None or pointer.retired else short(pointer.digest)


def _said(each: MovedRelease) -> str:
    if not each.digest:
        return f"{each.unit} (retired)"
    return f"{each.unit} ({each.digest} since revision {each.revision})"
