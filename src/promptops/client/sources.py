"""Where an app's releases come from: the store, else the last known good copy, else a bundle.

A copy is judged as an answer of the store is, and the store's answer replaces it only upwards.
"""

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain

from promptops.client.copy_file import Change, Contents, Copy, Kept
from promptops.client.damage import of_another_store
from promptops.client.disk import Disk, read_bundle
from promptops.client.folder import BUSY
from promptops.client.journal import Journal
from promptops.client.snapshot import Snapshot
from promptops.errors import PromptopsError, StoreCorrupt
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import digest_of

log = logging.getLogger("promptops")

Fetch = Callable[[str], bytes | None]

PAST = 3
SAVE_EVERY = 1.0
AFTER_A_FAILURE = 30.0


class Sources:
    """What stands in for a store; for the refresher's thread, which alone reads and writes it.

    `source` says what is served: store, disk, bundle, or nothing yet; `doubt` what to say of a copy
    that is used all the same; `foreign` that it is of another store, whose revisions say nothing.
    """

    def __init__(self, store: Store, cache: str, bundle: str) -> None:
        self.source = ""
        self.doubt: StoreCorrupt | None = None
        self.foreign = False
        self.disk = Disk.of(cache, store.environment, store.address) if cache else None
        self._journal = Journal(self.disk) if self.disk is not None else None
        self._bundle = bundle
        self._store = store
        self._foreign: Callable[[], Copy] | None = None
        self._why: dict[str, str] = {}
        self._fetched: dict[str, bytes] = {}
        self._saved: Snapshot | None = None
        self._not_before = 0.0
        self._warned = False

    def start(self, accept: Callable[[Copy], Snapshot]) -> Snapshot | None:
        """What `accept` makes of the first copy that it takes; None when there is none."""
        for source, where, read in self._copies():
            try:
                copy = read()
                served = accept(copy)
            except PromptopsError as error:
                self._why[where] = said(error)
                level = logging.WARNING if isinstance(error, StoreCorrupt) else logging.INFO
                log.log(level, "%s is not used: %s", where, self._why[where])
                continue
            self.source = source
            self.foreign = read is self._foreign
            self.doubt = copy.lost or (of_another_store(where) if self.foreign else None)
            self._saved = served if source == "disk" and self.doubt is None else None
            if self.doubt is not None:
                log.warning("%s", said(self.doubt))
            log.info("%s holds revision %s", where, copy.head.revision)
            return served
        return None

    def answered(self) -> None:
        """What is served is what the store said."""
        self.source, self.doubt, self.foreign = "store", None, False

    def tried(self) -> str:
        """Why the copies could not stand in, to put behind what the store said; for any thread."""
        return "".join(f"; {where}: {why}" for where, why in tuple(self._why.items()))

    def fetch(self, digest: str) -> bytes | None:
        """The bytes in the store; remembered until they are saved."""
        data = self._store.release(digest)
        if data is not None and self.disk is not None:
            self._fetched[digest] = data
        return data

    def find(self, digest: str) -> bytes | None:
        """The bytes wherever they are; raises PromptopsError when they are nowhere."""
        for _, _, read in self._copies():
            try:
                data = read().releases.get(digest)
            except PromptopsError:
                continue
            if data is not None:
                return data
        return self._store.release(digest)

    def save(self, served: Snapshot, earlier: Callable[[str], Iterable[Kept]]) -> None:
        """Keep what the store answered; never raises, because serving does not depend on it.

        `earlier` are a unit's releases that were live before, newest first, for a new copy.
        """
        head = served.head
        if self.source != "store" or head is None:
            return
        if self._journal is None or (served is self._saved and self._journal.is_there()):
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

    def _copies(self) -> list[tuple[str, str, Callable[[], Copy]]]:
        copies: list[tuple[str, str, Callable[[], Copy]]] = []
        if self.disk is not None and self._journal is not None:
            copies.append(("disk", "the copy on disk", self._journal.read))
            # An app that moved to another store, on the night on which it must.
            others = [each for each in self.disk.copies() if each.store != self.disk.store]
            if len(others) == 1:
                self._foreign = others[0].read
                copies.append(("disk", others[0].path(), self._foreign))
        if self._bundle:
            read = partial(read_bundle, self._bundle, self._store.environment)
            copies.append(("bundle", "the bundle", read))
        return copies

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


def said(error: PromptopsError) -> str:
    """In one line of a list; with the code, for `promptops explain`."""
    return error.message + (f" [{error.code}]" if error.code else "")


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
