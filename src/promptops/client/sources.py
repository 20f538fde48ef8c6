"""Where an app's releases come from: the store, else the last known good copy, else a bundle.

A copy is judged as an answer of the store is, and the store's answer replaces it only upwards.
"""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from promptops.client.damage import of_another_store
from promptops.client.kept import Kept
from promptops.client.snapshot import Snapshot
from promptops.errors import PromptopsError, StoreCorrupt
from promptops.live.store import Store

# An app that keeps no copy and has no bundle starts without what reads and writes them.
if TYPE_CHECKING:
    from promptops.client.copy_file import Copy
    from promptops.client.disk import Disk
    from promptops.client.keeping import Keeping

log = logging.getLogger("promptops")


class Sources:
    """What stands in for a store; for the refresher's thread, which alone reads and writes it.

    `source` says what is served: store, disk, bundle, or nothing yet; `doubt` what to say of a copy
    that is used all the same; `foreign` that it is of another store, whose revisions say nothing.
    """

    def __init__(self, store: Store, cache: str, bundle: str) -> None:
        self.source = ""
        self.doubt: StoreCorrupt | None = None
        self.foreign = False
        self._keeping = _keeping(store, cache) if cache else None
        self._bundle = bundle
        self._store = store
        self._foreign: Callable[[], Copy] | None = None
        self._why: dict[str, str] = {}

    @property
    def disk(self) -> "Disk | None":
        """The files in the cache, where there is one."""
        return self._keeping.disk if self._keeping is not None else None

    def start(self, accept: Callable[["Copy"], Snapshot]) -> Snapshot | None:
        """What `accept` makes of the first copy that it takes; None when there is none."""
        for source, where, read in self._copies():
            try:
                copy = read()
                served = accept(copy)
            except PromptopsError as error:
                self._why[where] = said(error)
                # A folder without a copy is an app's first start; a bundle was named to be there.
                missed = source == "bundle" or isinstance(error, StoreCorrupt)
                level = logging.WARNING if missed else logging.INFO
                log.log(level, "%s is not used: %s", where, self._why[where])
                continue
            self.source = source
            self.foreign = read is self._foreign
            self.doubt = copy.lost or (of_another_store(where) if self.foreign else None)
            if self._keeping is not None and source == "disk" and self.doubt is None:
                self._keeping.holds(served)
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
        if data is not None and self._keeping is not None:
            self._keeping.fetched(digest, data)
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
        """Keep what the store answered; never raises, because serving does not depend on it."""
        if self._keeping is not None and self.source == "store":
            self._keeping.save(served, earlier)

    def _copies(self) -> "list[tuple[str, str, Callable[[], Copy]]]":
        copies: list[tuple[str, str, Callable[[], Copy]]] = []
        if self._keeping is not None:
            disk = self._keeping.disk
            copies.append(("disk", "the copy on disk", self._keeping.read))
            # An app that moved to another store, on the night on which it must.
            others = [each for each in disk.copies() if each.store != disk.store]
            if others and disk.namespace is not None:
                last = max(others, key=lambda each: each.written_at())
                self._foreign = last.read
                copies.append(("disk", last.path(), self._foreign))
        if self._bundle:
            from promptops.client.disk import read_bundle  # noqa: PLC0415 - see above

            read = partial(read_bundle, self._bundle, self._store.environment)
            copies.append(("bundle", "the bundle", read))
        return copies


def _keeping(store: Store, cache: str) -> "Keeping":
    from promptops.client.keeping import Keeping  # noqa: PLC0415 - see above

    return Keeping(store, cache)


def said(error: PromptopsError) -> str:
    """In one line of a list; with the code, for `promptops explain`."""
    return error.message + (f" [{error.code}]" if error.code else "")
