"""Where an app's releases come from: the store, else the last known good copy, else a bundle.

A copy is judged as an answer of the store is, and the store's answer replaces it only upwards.
"""

import logging
import time
from collections.abc import Callable
from functools import partial

from promptops.client.copy_file import Copy, Kept
from promptops.client.disk import BUSY, Disk, read_bundle
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

    `source` says what is served: store, disk, bundle, or nothing yet.
    """

    def __init__(self, store: Store, cache: str, bundle: str) -> None:
        self.source = ""
        self.disk = (
            Disk(cache, store.environment, store.address.namespace or None) if cache else None
        )
        self._bundle = bundle
        self._store = store
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
            self._saved = served if source == "disk" else None
            log.info("%s holds revision %s", where, copy.head.revision)
            return served
        return None

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

    def save(self, served: Snapshot) -> None:
        """Keep what the store answered; never raises, because serving does not depend on it."""
        head = served.head
        if self.source != "store" or head is None:
            return
        if self.disk is None or (served is self._saved and self._is_there(self.disk)):
            self._fetched.clear()
            return
        now = time.monotonic()
        if now < self._not_before:
            return
        self._not_before = now + SAVE_EVERY
        try:
            self.disk.write(partial(self._next, head, served))
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

    def _is_there(self, disk: Disk) -> bool:
        """Whether nobody removed it; a folder that is closed to us is met at the next save."""
        try:
            return disk.stamp("copy") is not None
        except PromptopsError:
            return True

    def _copies(self) -> list[tuple[str, str, Callable[[], Copy]]]:
        copies: list[tuple[str, str, Callable[[], Copy]]] = []
        if self.disk is not None:
            copies.append(("disk", "the copy on disk", self.disk.read))
        if self._bundle:
            read = partial(read_bundle, self._bundle, self._store.environment)
            copies.append(("bundle", "the bundle", read))
        return copies

    def _next(self, head: Head, served: Snapshot, present: Copy | None) -> Copy | None:
        """The copy to write, from the one that is there; None when that is as new.

        At the same head, one in which less is refused is newer.
        """
        if present is not None and (
            present.head > head
            or (present.head == head and not served.refused.keys() < present.refused.keys())
        ):
            return None
        units = {unit: Kept(each.digest, each.revision) for unit, each in served.units.items()}
        known = {**(present.releases if present else {}), **self._fetched}
        past = {unit: _past(unit, kept, present) for unit, kept in units.items()} if present else {}
        for kept in units.values():
            if kept.digest not in known:
                known[kept.digest] = self._fetched_again(kept.digest)
        safe = {unit: Kept(digest, 0) for unit, digest in served.safe.items()}
        for unit, kept in [*safe.items()]:
            try:
                known[kept.digest] = known.get(kept.digest) or self._fetched_again(kept.digest)
            except StoreCorrupt:  # serving does not depend on it
                del safe[unit]
        refused, namespace = served.refused, self._store.address.namespace
        return Copy(self._store.environment, namespace, head, units, known, past, refused, safe)

    def _fetched_again(self, digest: str) -> bytes:
        """Of a copy that somebody removed or damaged meanwhile."""
        data = self._store.release(digest)
        if data is None or digest_of(data) != digest:
            raise StoreCorrupt(f"the release {digest} is missing")
        return data


def said(error: PromptopsError) -> str:
    """In one line of a list; with the code, for `promptops explain`."""
    return error.message + (f" [{error.code}]" if error.code else "")


def _past(unit: str, live: Kept, present: Copy) -> tuple[Kept, ...]:
    """The releases before the live one, newest first, each once."""
    before = present.units.get(unit)
    found = {kept.digest: kept for kept in ((before,) if before else ())}
    for kept in present.past.get(unit, ()):
        found.setdefault(kept.digest, kept)
    found.pop(live.digest, None)
    return tuple(found.values())[:PAST]
