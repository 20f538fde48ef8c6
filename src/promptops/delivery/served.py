"""What each client serves of every unit: its head, what was live at that, and what it keeps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from promptops.live.presence import Presence
from promptops.live.records import Entry, Pointer, State
from promptops.live.store import Store, entries


@dataclass(frozen=True, slots=True)
class Served:
    """A release, and the revision that made it live where that is known."""

    digest: str
    revision: int | None


def served_by(store: Store, state: State, client: Presence) -> dict[str, Served] | None:
    """By unit; None when it cannot be told, as of a client that refuses the store as a whole."""
    head = state.head
    if head is None or client.error or client.epoch != head.epoch or client.head > head:
        return None
    units = live_at(client.revision, state.pointers, entries(store))
    for kept in client.kept:
        units.pop(kept.unit, None)
        if kept.digest:
            units[kept.unit] = Served(kept.digest, kept.revision or None)
    return units


def live_at(
    revision: int, pointers: Mapping[str, Pointer], history: Iterable[Entry]
) -> dict[str, Served]:
    """What was live at a revision, by unit; `history` is newest first, and read only if needed."""
    found = {
        unit: Served(pointer.digest, pointer.revision)
        for unit, pointer in pointers.items()
        if pointer.revision <= revision and pointer.retired is None
    }
    moved = {unit for unit, pointer in pointers.items() if pointer.revision > revision}
    for entry in history if moved and revision else ():
        for change in entry.changes:
            if change.unit not in moved or change.before == change.after:
                continue
            if entry.revision <= revision:
                found[change.unit] = Served(change.after, entry.revision)
                moved = moved - {change.unit}
            elif change.before is None:
                moved = moved - {change.unit}
        if not moved:
            break
    return found
