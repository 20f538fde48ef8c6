"""What the last rehearsal of each unit said, as the store keeps it: for rollback and status."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from promptops.delivery.rehearsal import Hindrance, Rehearsed, WayBack
from promptops.errors import StoreError
from promptops.live.records import Entry, Pointer
from promptops.live.store import Store
from promptops.live.stored import JUNK, encode, listed, typed

# A report is read on a bad night and by hundreds of units at once: what it quotes is bounded.
MOST_FINDINGS = 20
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Report:
    """A rehearsal of one unit: what it found, when, and how many seconds it took."""

    way: WayBack
    checked_at: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        return {**self.way.as_json(), "checked_at": self.checked_at, "seconds": self.seconds}

    def age(self, now: datetime) -> float:
        """Seconds since it was made."""
        return (now - datetime.fromisoformat(self.checked_at)).total_seconds()


@dataclass(frozen=True, slots=True)
class Earlier:
    """A release that was live before, the revision that last made it so, and its commit."""

    digest: str
    revision: int
    commit: str | None


def earlier(
    pointers: Mapping[str, Pointer], history: Iterable[Entry], last: int
) -> dict[str, list[Earlier]]:
    """For each unit the last distinct releases that were live and are not held, newest first.

    As a rollback would choose them: what only stood in for safe mode is none.
    """
    found: dict[str, dict[str, Earlier]] = {unit: {} for unit in pointers}
    open_units = set(pointers)
    for entry in history:
        if not open_units:
            break
        for change in entry.changes:
            live, digest = pointers.get(change.unit), change.after
            if live is None or change.before == digest or change.stands_in:
                continue
            seen = found[change.unit]
            if digest != live.meant and not live.holds(digest) and len(seen) < last:
                seen.setdefault(digest, Earlier(digest, entry.revision, change.commit))
            if len(seen) == last:
                open_units.discard(change.unit)
    return {unit: [*seen.values()] for unit, seen in found.items()}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def keep(store: Store, report: Report) -> None:
    """Raises StoreError."""
    facts = report.as_json()
    for target in facts["targets"]:
        target["findings"] = [
            {name: text[:LONGEST] for name, text in finding.items()}
            for finding in target["findings"][:MOST_FINDINGS]
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
            way = WayBack(unit, str(facts["live"]), targets)
            report = Report(way, str(facts["checked_at"]), 1.0 * facts["seconds"])
            report.age(datetime.now(UTC))  # which a time without a zone has not
            yield unit, report


def _target(facts: Any) -> Rehearsed:
    findings = tuple(
        Hindrance(**typed(each, Hindrance.__slots__)) for each in listed(facts["findings"])
    )
    return Rehearsed(**typed(facts, ("digest", "revision")), findings=findings)
