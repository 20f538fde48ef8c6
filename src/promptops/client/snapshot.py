"""What a client holds of its environment: an immutable snapshot, and the step to the next one.

What is taken and what is refused is decided in `promptops.client.accept`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from promptops.client.accept import Refusal, check_head, check_inputs, stay_together
from promptops.client.live import LiveRelease, UnknownInputs, live_release
from promptops.client.passed import PassedInputs
from promptops.errors import ReleaseRejected, StoreCorrupt
from promptops.live.records import Head, Retired, State
from promptops.manifest.release import read_release

Moved = dict[str, tuple[str, int]]  # unit → the digest that is live, and since which revision


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The releases served at one head; `head` is None before the first was read.

    `refused` has the units of which something else is live than what is served, `retired` those
    that are not served any more, as the store says itself, `safe` the digests of the safe releases
    that a copy has to have.
    """

    head: Head | None = None
    units: Mapping[str, LiveRelease] = field(default_factory=dict)
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    retired: Mapping[str, Retired] = field(default_factory=dict)
    safe: Mapping[str, str] = field(default_factory=dict)

    def live(self) -> dict[str, str]:
        """The digest that the store named for each unit, whether it is served or refused."""
        named = {unit: served.digest for unit, served in self.units.items()}
        named |= {unit: refusal.digest for unit, refusal in self.refused.items()}
        return {unit: digest for unit, digest in named.items() if digest}


class Reader(NamedTuple):
    """How releases are read: `known` has those of a unit and digest that were read before, `fetch`
    gives the bytes of a digest, the rest is the app's.
    """

    known: Callable[[str, str], LiveRelease | None]
    fetch: Callable[[str], bytes | None]
    on_unknown: UnknownInputs
    passed: PassedInputs

    def read(self, unit: str, digest: str, revision: int) -> LiveRelease:
        """A verified release; raises ReleaseRejected."""
        known = self.known(unit, digest)
        if known is not None:
            return replace(known, revision=revision)
        data = self.fetch(digest)
        if data is None:
            raise ReleaseRejected("C610", f"the release {digest} of {unit} is missing")
        release = read_release(data, digest, unit)
        return live_release(release, digest, revision, self.on_unknown, self.passed.seen(unit))


def advance(served: Snapshot, state: State, reader: Reader, *, again: bool) -> Snapshot:
    """The next snapshot, or the one served when nothing changed.

    `again` says that there is a reason to try once more what was refused. Raises StoreCorrupt when
    what was read is refused as a whole.
    """
    head = check_head(served.head, served.live() if state.whole else {}, state)
    if head == served.head and not (served.refused and again):
        return served
    units, refused = dict(served.units), _gone(served, state)
    moved: Moved = {
        unit: (refusal.digest, refusal.revision)
        for unit, refusal in served.refused.items()
        if refusal.digest and (not state.whole or unit in state.pointers)
    }
    retired = {} if state.whole else dict(served.retired)
    for unit, pointer in state.pointers.items():
        known = served.units.get(unit)
        moved.pop(unit, None)
        retired.pop(unit, None)
        if pointer.retired is not None:
            units.pop(unit, None)
            retired[unit] = pointer.retired
            continue
        if known is None or known.digest != pointer.digest:
            moved[unit] = (pointer.digest, pointer.revision)
        elif known.revision != pointer.revision:
            units[unit] = replace(known, revision=pointer.revision)
    for together in _deployments(moved):
        taken, not_taken = _take(together, served, reader)
        units |= taken
        refused |= not_taken
    if head == served.head and refused == served.refused:
        return served
    return Snapshot(head, units, refused, retired, _safe(served, state))


def changed_units(
    before: Mapping[str, LiveRelease], after: Mapping[str, LiveRelease]
) -> tuple[str, ...]:
    """The units of which another release is served than before, sorted."""
    # What a step did not touch is the same object still, which is told without a look at it.
    touched = [unit for unit, live in after.items() if before.get(unit) is not live]
    digests = {unit: before[unit].digest for unit in touched if unit in before}
    came = {unit for unit in touched if digests.get(unit) != after[unit].digest}
    return tuple(sorted(came | (before.keys() - after.keys())))


def newly_refused(before: Snapshot, after: Snapshot) -> int:
    """How many releases are refused that were not, each counted for itself alone."""
    known = {(unit, each.digest, each.code) for unit, each in before.refused.items()}
    return sum(
        not each.because and (unit, each.digest, each.code) not in known
        for unit, each in after.refused.items()
    )


def _safe(served: Snapshot, state: State) -> dict[str, str]:
    """The safe release of each unit that has one."""
    known = {} if state.whole else {**served.safe}
    for unit, pointer in state.pointers.items():
        known.pop(unit, None)
        if pointer.safe and not pointer.retired:
            known[unit] = pointer.safe
    return known


def _gone(served: Snapshot, state: State) -> dict[str, Refusal]:
    """The units that the store does not name any more."""
    if not state.whole:
        names = {unit for unit, refusal in served.refused.items() if not refusal.digest}
    else:
        names = {*served.units}
    return {
        unit: Refusal("C610", f"the store has no pointer of {unit} any more", "", 0)
        for unit in sorted(names - {*state.pointers})
    }


def _deployments(moved: Moved) -> list[Moved]:
    """Units by the revision at which they moved, the oldest first."""
    found: dict[int, Moved] = {}
    for unit, (digest, revision) in moved.items():
        found.setdefault(revision, {})[unit] = (digest, revision)
    return [found[revision] for revision in sorted(found)]


def _take(
    together: Moved, served: Snapshot, reader: Reader
) -> tuple[dict[str, LiveRelease], dict[str, Refusal]]:
    """What is taken and what is refused of one deployment."""
    taken: dict[str, LiveRelease] = {}
    refused: dict[str, Refusal] = {}
    # What was refused before is looked at first: while it is, its neighbours need not be read.
    for unit in sorted(together, key=lambda unit: not _was_refused(unit, together, served)):
        if refused and unit in served.units:
            continue
        digest, revision = together[unit]
        try:
            taken[unit] = live = reader.read(unit, digest, revision)
            known = served.units.get(unit)
            before = known.required if known is not None else ()
            check_inputs(unit, live.required, before, reader.passed.registered(unit))
        except StoreCorrupt as error:
            refused[unit] = Refusal(error.code or "C601", error.message, digest, revision)
    others = {unit: digest for unit, (digest, _) in together.items() if unit not in refused}
    refused = stay_together(refused, others, served.units)
    return {unit: live for unit, live in taken.items() if unit not in refused}, refused


def _was_refused(unit: str, together: Moved, served: Snapshot) -> bool:
    before = served.refused.get(unit)
    return before is not None and before.digest == together[unit][0] and not before.because
