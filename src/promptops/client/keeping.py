"""The last known good copy on disk, kept up with what the store answers.

Loaded by an app that keeps one, and by no other.
"""

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain

from promptops.client.copy_file import Change, Contents, Copy
from promptops.client.disk import Disk
from promptops.client.folder import BUSY
from promptops.client.journal import Journal
from promptops.client.kept import Kept
from promptops.client.snapshot import Snapshot
from promptops.errors import PromptopsError, StoreCorrupt
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import digest_of

log = logging.getLogger("promptops")

PAST = 3
SAVE_EVERY = 1.0
AFTER_A_FAILURE = 30.0


class Keeping:
    """The copy of a store's environment in a folder; for the refresher's thread alone."""

    def __init__(self, store: Store, cache: str) -> None:
        self.disk = Disk.of(cache, store.environment, store.address)
        self._journal = Journal(self.disk)
        self._store = store
        self._fetched: dict[str, bytes] = {}
        self._saved: Snapshot | None = None
        self._not_before = 0.0
        self._warned = False

    def read(self) -> Copy:
        """Raises StoreUnreachable when there is none, StoreCorrupt (C620 to C623) for a bad one."""
        return self._journal.read()

    def holds(self, served: Snapshot) -> None:
        """That the copy is as what is served."""
        self._saved = served

    def fetched(self, digest: str, data: bytes) -> None:
        """Remember a release until it is saved."""
        self._fetched[digest] = data

    def save(self, served: Snapshot, earlier: Callable[[str], Iterable[Kept]]) -> None:
        """Keep what the store answered; never raises, because serving does not depend on it.

        `earlier` are a unit's releases that were live before, newest first, for a new copy.
        """
        head = served.head
        if head is None:
            return
        if served is self._saved and self._journal.is_there():
            self._fetched.clear()
            return
        now = time.monotonic()
        if now < self._not_before:
            return
        self._not_before = now + SAVE_EVERY
        try:
            self._journal.save(partial(self._change, head, served, earlier))
        except PromptopsError as error:
            if error.code == BUSY:
                return
            self._not_before = now + AFTER_A_FAILURE
            live = {each.digest for each in served.units.values()}
            self._fetched = {name: data for name, data in self._fetched.items() if name in live}
            if not self._warned:
                log.warning("no copy is kept: %s; going on without", error)
            self._warned = True
            return
        self._saved, self._warned = served, False
        self._fetched.clear()

    def _change(
        self,
        head: Head,
        served: Snapshot,
        earlier: Callable[[str], Iterable[Kept]],
        there: Contents,
    ) -> Change | None:
        """What to add to the copy that is there; None when that is as new.

        At the same head, one in which less is refused is newer, and one that lost nothing.
        """
        newer = served.refused.keys() < there.refused.keys() or there.lost is not None
        if there.head > head or (there.head == head and not newer):
            return None
        units: dict[str, Kept | None] = dict.fromkeys(there.units.keys() - served.units.keys())
        past: dict[str, tuple[Kept, ...] | None] = dict.fromkeys(units)
        for unit in _moved(there, served):
            live = served.units[unit]
            units[unit] = kept = Kept(live.digest, live.revision)
            before = there.units.get(unit)
            found = (before, *there.past.get(unit, ())) if before else self._at_hand(earlier(unit))
            past[unit] = _past(kept, found)
        refused = {
            unit: served.refused.get(unit)
            for unit in there.refused.keys() | served.refused.keys()
            if there.refused.get(unit) != served.refused.get(unit)
        }
        releases = {
            kept.digest: self._fetched.get(kept.digest) or self._fetched_again(kept.digest)
            for kept in (*units.values(), *chain.from_iterable(filter(None, past.values())))
            if kept is not None and kept.digest not in there.digests
        }
        safe = self._safe(served, there, releases)
        return Change(head, units, past, refused, releases, safe)

    def _at_hand(self, earlier: Iterable[Kept]) -> Iterable[Kept]:
        """Those of which the bytes need not be fetched once more."""
        return (kept for kept in earlier if kept.digest in self._fetched)

    def _safe(
        self, served: Snapshot, there: Contents, releases: dict[str, bytes]
    ) -> dict[str, Kept | None]:
        """The safe releases that changed; what they need is added to the `releases`."""
        safe: dict[str, Kept | None] = dict.fromkeys(there.safe.keys() - served.safe.keys())
        for unit, digest in served.safe.items():
            if there.safe.get(unit) == (digest, 0):
                continue
            try:
                if digest not in there.digests and digest not in releases:
                    releases[digest] = self._fetched.get(digest) or self._fetched_again(digest)
                safe[unit] = Kept(digest, 0)
            except PromptopsError as error:  # serving does not depend on it
                log.debug("no safe release of %s is kept: %s", unit, error.message)
        return safe

    def _fetched_again(self, digest: str) -> bytes:
        """Of a copy that somebody removed or damaged meanwhile."""
        data = self._store.release(digest)
        if data is None or digest_of(data) != digest:
            raise StoreCorrupt(f"the release {digest} is missing")
        return data


def _moved(there: Contents, served: Snapshot) -> list[str]:
    """The units that are served otherwise; looked at one by one, so in as few steps as can be."""
    known, nothing = there.units, Kept("", 0)
    return [
        unit
        for unit, live in served.units.items()
        if (kept := known.get(unit, nothing))[0] != live.digest or kept[1] != live.revision
    ]


def _past(live: Kept, before: Iterable[Kept]) -> tuple[Kept, ...]:
    """The releases before the live one, newest first, each once."""
    found: dict[str, Kept] = {}
    for kept in before:
        found.setdefault(kept.digest, kept)
    found.pop(live.digest, None)
    return tuple(found.values())[:PAST]
