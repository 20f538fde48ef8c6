"""What the history says of every unit: the pointers as they must be, or once were. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from promptops.live.records import Change, Entry, Hold, Pointer, Retired

RETIRE = "retire"


def replay(oldest_first: Iterable[Entry]) -> dict[str, Pointer]:
    """The pointers after these entries, with their holds; those that were retired as well."""
    found: dict[str, Pointer] = {}
    for entry in oldest_first:
        for change in entry.changes:
            live = found.get(change.unit)
            if entry.action == RETIRE and live is not None:
                gone = Retired(entry.reason, entry.at, entry.actor)
                found[change.unit] = replace(live, digest=change.after, retired=gone)
            else:
                found[change.unit] = _after(found.get(change.unit), change, entry)
    return found


def named(pointers: Mapping[str, Pointer], history: Iterable[Entry]) -> list[str]:
    """The digests of all releases that somebody may still go to, sorted."""
    held = {hold.digest for pointer in pointers.values() for hold in pointer.held}
    return sorted(held | deployed(pointers, history))


def deployed(pointers: Mapping[str, Pointer], history: Iterable[Entry]) -> set[str]:
    """Those that were stored once; what is held may be known from elsewhere only."""
    live = pointers.values()
    found = {digest for each in live for digest in (each.digest, each.meant, each.safe) if digest}
    changes = [change for entry in history for change in entry.changes]
    found |= {change.after for change in changes}
    return found | {change.safe for change in changes if change.safe}


def _after(live: Pointer | None, change: Change, entry: Entry) -> Pointer:
    held = tuple(each for each in live.held if each.digest != change.lifted) if live else ()
    if change.held is not None and all(each.digest != change.held for each in held):
        reason = entry.reason or f"left by the {entry.action} of revision {entry.revision}"
        held = (*held, Hold(change.held, reason, entry.at, entry.actor))
    if live is not None and change.before == change.after == live.digest:
        return replace(live, held=held)
    return Pointer(change.after, entry.revision, entry.at, change.commit, held)
