"""The chain of a history: each entry names the digest of the one before, so that none is edited,
dropped or moved unnoticed.

Pure. What the chain cannot show is a history that somebody wrote anew from the first entry to the
seal; an export that lies elsewhere can.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from promptops.live.records import Entry, Seal

RESTORE = "restore"  # the one action that may leave revisions out: those that the store had lost

Kind = Literal["edited", "gap", "reordered", "unlinked"]


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold: at the entry of `revision`."""

    kind: Kind
    revision: int
    message: str


@dataclass(frozen=True, slots=True)
class Walk:
    """A history of so many entries; its chain holds down to `since`, below which there was none."""

    breaks: tuple[Break, ...]
    entries: int
    since: int | None


def walk(newest_first: Iterable[Entry], seal: Seal) -> Walk:
    """Compare every entry with what the one after it knows of it, and the last with the seal."""
    entries = list(newest_first)
    if not entries:
        return Walk((), 0, None)
    begins = _begin(entries)
    breaks = [*_at_end(entries[0], seal), *_at_start(entries[-1])]
    for number, (newer, older) in enumerate(pairwise(entries)):
        breaks += _between(newer, older, chained=number < begins)
    breaks.sort(key=lambda each: -each.revision)
    return Walk(tuple(breaks), len(entries), entries[begins].revision)


def _begin(entries: Sequence[Entry]) -> int:
    """Where the chain begins: at the oldest entry that another one names."""
    linked = [number for number, entry in enumerate(entries) if entry.previous]
    return min(linked[-1] + 1, len(entries) - 1) if linked else 0


def _at_end(newest: Entry, seal: Seal) -> list[Break]:
    """The last entry, which none after it knows."""
    if seal.link in {"", newest.link} or seal.head is None or seal.head.revision != newest.revision:
        return []
    return [Break("edited", newest.revision, "the head knows another entry of this revision")]


def _between(newer: Entry, older: Entry, *, chained: bool) -> list[Break]:
    if older.revision >= newer.revision:
        return [Break("reordered", older.revision, f"it stands below revision {newer.revision}")]
    if older.revision < newer.revision - 1 and newer.action != RESTORE:
        return [_gap(older.revision + 1, newer.revision)]
    if not chained or newer.previous == older.link:
        return []
    if not newer.previous:
        return [Break("unlinked", newer.revision, "it does not name the entry before it")]
    return [Break("edited", older.revision, f"revision {newer.revision} knows another entry")]


def _at_start(oldest: Entry) -> list[Break]:
    if oldest.previous or (oldest.revision > 1 and oldest.action != RESTORE):
        return [_gap(1, oldest.revision)]
    return []


def _gap(first: int, before: int) -> Break:
    last = before - 1
    gone = f"revision {first} is" if first >= last else f"revisions {first} to {last} are"
    return Break("gap", before, f"{gone} not in the history")
