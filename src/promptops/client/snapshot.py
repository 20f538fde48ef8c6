"""What a client holds of its environment: an immutable snapshot, and the step to the next one.

What is accepted, given the head that is served and the one that was read:

1. the same head: nothing changed; when it comes with other releases, refused as a lower one is;
2. a higher (epoch, revision): accepted, when every release of it is there and verified;
3. a lower one, or none at all: refused, and what is served stays.

A revision is taken whole or not at all, so units deployed together are seen together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from promptops.client.live import LiveRelease, UnknownInputs, live_release
from promptops.errors import ReleaseRejected, StoreCorrupt
from promptops.live.records import Head, State
from promptops.manifest.release import read_release


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The live releases of one head; `head` is None before the first was read."""

    head: Head | None = None
    units: Mapping[str, LiveRelease] = field(default_factory=dict)


def advance(
    served: Snapshot,
    state: State,
    fetch: Callable[[str], bytes | None],
    on_unknown: UnknownInputs,
) -> Snapshot:
    """The next snapshot, or the one served when nothing changed.

    `fetch` gives the bytes of a digest. Raises StoreCorrupt or ReleaseRejected when what was read
    cannot be accepted.
    """
    if state.head is None:
        raise StoreCorrupt(
            "the store does not hold this environment",
            "check the URL and the environment's name, or deploy to it first",
        )
    if state.head == served.head:
        _check_unchanged(served, state)
        return served
    if served.head is not None and state.head < served.head:
        raise StoreCorrupt(
            f"the store went back from revision {served.head.revision} "
            f"(epoch {served.head.epoch}) to {state.head.revision} (epoch {state.head.epoch})",
            "it lost deployments; the newer releases are served on",
        )
    units = {} if state.whole else dict(served.units)
    for unit, pointer in state.pointers.items():
        known = served.units.get(unit)
        if known is not None and known.digest == pointer.digest:
            units[unit] = replace(known, revision=pointer.revision)
            continue
        data = fetch(pointer.digest)
        if data is None:
            raise ReleaseRejected("C610", f"the release {pointer.digest} of {unit} is missing")
        release = read_release(data, pointer.digest, unit)
        units[unit] = live_release(release, pointer.digest, pointer.revision, on_unknown)
    return Snapshot(state.head, units)


def _check_unchanged(served: Snapshot, state: State) -> None:
    """Raises StoreCorrupt when the head that is served has come to stand over other releases."""
    live = {unit: pointer.digest for unit, pointer in state.pointers.items()}
    if state.whole and live != {unit: known.digest for unit, known in served.units.items()}:
        assert state.head is not None  # noqa: S101 - it is the one that is served
        raise StoreCorrupt(
            f"the store holds other releases at revision {state.head.revision} "
            f"(epoch {state.head.epoch}) than it did",
            "it lost deployments and got others; the releases of before are served on",
        )
