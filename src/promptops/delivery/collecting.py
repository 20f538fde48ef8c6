"""Which releases nobody can need any more: the decision, with time as an argument.

Needed is what a pointer names (live, held, safe, what safe mode stands in for), what a rollback can
go to (the last distinct releases of each unit that are not held, and all that a deployment of the
last days names, or that was live when these began), what a present client pins, keeps or refuses,
and what a report of a rehearsal names. A release that is not needed is marked first, and deleted
when it still is not after the grace: a deploy puts releases before anything points to them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from promptops.errors import Refused
from promptops.live.moves_of_rollback import previous
from promptops.live.presence import Presence
from promptops.live.records import Change, Entry, State

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Keeping:
    """How much is kept: all of the last `days`, the `last` targets of each unit."""

    days: int = 90
    last: int = 50
    grace: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to delete, and since when the rest of what is not needed was seen so."""

    delete: tuple[str, ...]
    marks: Mapping[str, datetime]


def needed(
    state: State,
    history: Iterable[Entry],
    clients: Iterable[Presence],
    reports: Iterable[str],
    keeping: Keeping,
    now: datetime,
) -> set[str]:
    """The digests that somebody may need; `history` is all of it, newest first."""
    history = tuple(history)
    found = {digest for pointer in state.pointers.values() for digest in pointer.releases}
    found |= _of_history(state, history, keeping, now)
    found |= set(_next_targets(state, history))
    for client in clients:
        found |= {each.digest for each in client.kept} | {each.digest for each in client.refused}
    for report in reports:
        found |= set(_DIGEST.findall(report))
    # Whoever goes to a release, by force too, has to find the safe one that belongs to it.
    changes = (change for entry in history for change in entry.changes)
    return found | {change.safe for change in changes if change.safe and change.after in found}


def decide(
    stored: Collection[str],
    needed: Collection[str],
    marks: Mapping[str, datetime],
    keeping: Keeping,
    now: datetime,
) -> Decision:
    """Delete what was marked long enough ago; a mark of the future counts from now on."""
    since = {digest: min(marks.get(digest, now), now) for digest in sorted({*stored} - {*needed})}
    # What is seen for the first time is never deleted, however short the grace.
    delete = tuple(
        digest for digest, at in since.items() if digest in marks and now - at >= keeping.grace
    )
    return Decision(delete, {digest: at for digest, at in since.items() if digest not in delete})


def _of_history(
    state: State, history: Iterable[Entry], keeping: Keeping, now: datetime
) -> set[str]:
    begin = now - timedelta(days=keeping.days)
    found: set[str] = set()
    targets: dict[str, set[str]] = {}
    at_the_beginning: set[str] = set()
    for entry in history:
        recent = _time(entry.at, now) >= begin
        for change in entry.changes:
            unit, pointer = change.unit, state.pointers.get(change.unit)
            seen = targets.setdefault(unit, set())
            usable = not change.stands_in and not (
                pointer and (pointer.holds(change.after) or change.after == pointer.meant)
            )
            if usable and len(seen) < keeping.last:
                seen.add(change.after)
            if recent:
                found |= set(_named(change))
            elif change.after in seen or unit not in at_the_beginning:
                found |= {change.after, change.safe or change.after}
            if not recent and not change.stands_in:
                at_the_beginning.add(unit)
    return found


def _next_targets(state: State, history: Iterable[Entry]) -> Iterator[str]:
    """What a rollback would go to now, however long ago it was live."""
    for unit, pointer in state.pointers.items():
        try:
            target = previous(pointer, unit, history)
        except Refused:
            continue
        yield target.digest
        if target.safe:
            yield target.safe


def _named(change: Change) -> Iterator[str]:
    return filter(None, (change.before, change.after, change.held, change.lifted, change.safe))


def _time(text: str, unreadable: datetime) -> datetime:
    """What nobody can read is as good as new."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return unreadable
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def read_marks(text: str, now: datetime) -> dict[str, datetime]:
    """What `written_marks` wrote, one line each; what is no mark is left out."""
    pairs = (line.split(" ", 1) for line in text.splitlines() if " " in line)
    return {digest: _time(at, now) for digest, at in pairs if _DIGEST.fullmatch(digest)}


def written_marks(marks: Mapping[str, datetime]) -> str:
    """As a note that a store keeps."""
    return "\n".join(f"{digest} {at.isoformat()}" for digest, at in sorted(marks.items()))
