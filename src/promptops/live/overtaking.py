"""What others made live while a rollback was under way: pure, like `promptops.live.moves`.

A rollback goes where it was decided to go, whoever is faster. What went live meanwhile is left and
held like the rest, or else a second rollback would return to it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from promptops.live.moves import RETIRE, Skipped
from promptops.live.moves_of_rollback import Target
from promptops.live.records import Change, Entry, State


@dataclass(frozen=True, slots=True)
class Overtaking:
    """A change of a unit by somebody who was faster, and the deployment that it is of."""

    entry: Entry
    change: Change

    def as_json(self) -> dict[str, str | int]:
        """`{"unit", "digest", "revision", "action", "actor"}`"""
        return {
            "unit": self.change.unit,
            "digest": self.change.after,
            "revision": self.entry.revision,
            "action": self.entry.action,
            "actor": self.entry.actor,
        }


def overtakings(since: Iterable[Entry], units: Collection[str]) -> list[Overtaking]:
    """What moved or retired one of the units, newest first as `since` is."""
    return [
        Overtaking(entry, change)
        for entry in since
        for change in entry.changes
        if change.unit in units and (change.before != change.after or entry.action == RETIRE)
    ]


def left_since(began: State, found: Iterable[Overtaking]) -> dict[str, list[str]]:
    """All that was live of the units that moved since a rollback began, the first one first.

    What stood in for another, in safe mode, is nothing that one could return to.
    """
    left: dict[str, list[str]] = {}
    for each in reversed([*found]):
        unit = each.change.unit
        was = began.live.get(unit)
        seen = left.setdefault(unit, [was.meant] if was else [])
        if not each.change.stands_in:
            seen.append(each.change.after)
    return left


def there_already(
    state: State, targets: Mapping[str, Target], found: Iterable[Overtaking]
) -> tuple[Skipped, ...]:
    """The units that somebody who was faster took where they shall go."""
    by = {each.change.unit: each.entry for each in reversed([*found])}
    live = state.live
    return tuple(
        Skipped(
            unit,
            live[unit].digest,
            f"is live already: {entry.actor} was faster, revision {entry.revision}, {entry.action}",
        )
        for unit, entry in sorted(by.items())
        if unit in live and live[unit].digest == targets[unit].digest
    )


def displaced(entry: Entry, found: Iterable[Overtaking]) -> tuple[Overtaking, ...]:
    """Those that an entry took back."""
    went = {each.unit: each.after for each in entry.changes if each.before != each.after}
    return tuple(
        each for each in found if went.get(each.change.unit) not in {None, each.change.after}
    )
