"""What the last rehearsal of each unit said, as the store keeps it: for rollback and status."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from promptops.delivery.rehearsal import Hindrance, Rehearsed, WayBack, Weight
from promptops.errors import StoreError
from promptops.live.moves import RETIRE
from promptops.live.records import Entry, Pointer
from promptops.live.store import Store
from promptops.live.stored import JUNK, encode, listed, typed

# A report is read on a bad night and by hundreds of units at once: what it quotes is bounded.
MOST_FINDINGS = 20
LONGEST = 500
_WEIGHTS: tuple[Weight, ...] = ("error", "unknown", "warning")


@dataclass(frozen=True, slots=True)
class Report:
    """A rehearsal of one unit: what it found, when, and how many seconds it took."""

    way: WayBack
    checked_at: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {**self.way.as_json(), "checked_at": self.checked_at, "seconds": self.seconds}

    def is_from(self, live: Pointer) -> bool:
        """Whether it went back from what is live, or from what that stands in for."""
        return self.way.live in {live.digest, live.meant}

    def age(self, now: datetime) -> float:
        """Seconds since it was made."""
        return (now - datetime.fromisoformat(self.checked_at)).total_seconds()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A release that was live before, the revision that last made it so, and its commit.

    `since` are the releases that were live since, each with the revision that last made it so.
    """

    digest: str
    revision: int
    commit: str | None
    since: tuple[tuple[str, int], ...] = ()


def earlier(
    pointers: Mapping[str, Pointer], history: Iterable[Entry], last: int
) -> dict[str, list[Earlier]]:
    """For each unit the last distinct releases that were live and are not held, newest first.

    As a rollback would choose them: what only stood in for safe mode is none.
    """

    def wanted(unit: str, digest: str) -> bool:
        return digest != pointers[unit].meant and not pointers[unit].holds(digest)

    found: dict[str, list[Earlier]] = {unit: [] for unit in pointers}
    open_units = set(pointers)
    for unit, release in releases_before(history, pointers.keys(), wanted):
        if len(found[unit]) < last:
            found[unit].append(release)
        if len(found[unit]) == last:
            open_units.discard(unit)
        if not open_units:
            break
    return found


def releases_before(
    history: Iterable[Entry], units: Collection[str], wanted: Callable[[str, str], bool]
) -> Iterator[tuple[str, Earlier]]:
    """The releases that were live and are `wanted(unit, digest)`, by when they last were.

    `history` is newest first. What only stood in for safe mode was not live for this purpose.
    """
    since: dict[str, dict[str, int]] = {unit: {} for unit in units}
    for entry in history if units else ():
        for change in entry.changes if entry.action != RETIRE else ():
            seen, digest = since.get(change.unit), change.after
            if seen is None or digest in seen or change.before == digest or change.stands_in:
                continue
            if wanted(change.unit, digest):
                release = Earlier(digest, entry.revision, change.commit, tuple(seen.items()))
                yield change.unit, release
            seen[digest] = entry.revision


def now() -> str:
    """This moment, as the history writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def keep(store: Store, report: Report) -> None:
    """Raises StoreError."""
    facts = report.as_json()
    for target in filter(None, [*facts["targets"], facts["safe"]]):
        # The verdict is read from what is kept.
        worst_first = sorted(target["findings"], key=lambda each: _WEIGHTS.index(each["severity"]))
        target["findings"] = [
            {name: text[:LONGEST] for name, text in finding.items()}
            for finding in worst_first[:MOST_FINDINGS]
        ]
    store.keep_report(report.way.unit, encode(facts))


def kept(store: Store) -> dict[str, Report]:
    """The last reports by unit; what promptops did not write is not there.

    A store that does not let us read them stops nobody from going back.
    """
    try:
        texts = store.reports()
    except StoreError:
        return {}
    return dict(_readable(texts))


def _readable(texts: Mapping[str, str]) -> Iterator[tuple[str, Report]]:
    for unit, text in texts.items():
        if unit.startswith("~"):
            continue
        with suppress(*JUNK, AttributeError):
            facts = json.loads(text)
            targets = tuple(map(_target, listed(facts["targets"])))
            safe = facts.get("safe")
            safe = None if safe is None else _judged(safe, None)
            way = WayBack(unit, str(facts["live"]), targets, safe)
            report = Report(way, str(facts["checked_at"]), 1.0 * facts["seconds"])
            report.age(datetime.now(UTC))  # which a time without a zone has not
            yield unit, report


def _target(facts: Any) -> Rehearsed:
    return _judged(facts, typed(facts, ("revision",))["revision"])


def _judged(facts: Any, revision: int | None) -> Rehearsed:
    findings = tuple(
        Hindrance(**typed(each, Hindrance.__slots__)) for each in listed(facts["findings"])
    )
    return Rehearsed(**typed(facts, ("digest",)), revision=revision, findings=findings)
