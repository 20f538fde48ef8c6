"""What the history says of every unit: the pointers as they must be, or once were. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from promptops.live.records import Change, Entry, Hold, Pointer

RETIRE = "retire"


def replay(oldest_first: Iterable[Entry]) -> dict[str, Pointer]:
    """The pointers after these entries, with their holds."""
    found: dict[str, Pointer] = {}
    for entry in oldest_first:
        for change in entry.changes:
            if entry.action == RETIRE:
                found.pop(change.unit, None)
            else:
                found[change.unit] = _after(found.get(change.unit), change, entry)
    return found


def named(pointers: Mapping[str, Pointer], history: Iterable[Entry]) -> list[str]:
    """The digests of all releases that somebody may still go to, sorted."""
    live = {pointer.digest for pointer in pointers.values()}
    return sorted(live | {change.after for entry in history for change in entry.changes})


def _after(live: Pointer | None, change: Change, entry: Entry) -> Pointer:
    held = tuple(each for each in live.held if each.digest != change.lifted) if live else ()
    if change.held is not None and all(each.digest != change.held for each in held):
        reason = entry.reason or f"left by the {entry.action} of revision {entry.revision}"
        held = (*held, Hold(change.held, reason, entry.at, entry.actor))
    if live is not None and change.before == change.after == live.digest:
        return replace(live, held=held)
    return Pointer(change.after, entry.revision, entry.at, change.commit, held)
