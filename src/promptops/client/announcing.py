"""What a client says of itself in the store, so that a deployment knows whom it reached."""

import logging
import os
import time
from collections.abc import Collection, Iterator
from dataclasses import replace

from promptops.client.passed import PassedInputs
from promptops.client.snapshot import Snapshot
from promptops.errors import PromptopsError, StoreCorrupt, StoreDenied, StoreError
from promptops.live.presence import (
    MOST_MOVED,
    SPOKEN_FOR,
    KeptRelease,
    MovedRelease,
    Presence,
    RefusedRelease,
)
from promptops.live.store import Store
from promptops.manifest.digest import short

log = logging.getLogger("promptops")

ANNOUNCE_EVERY = 10.0


class Announcing:
    """A presence, renewed while its process lives; nothing at all where there is to be none."""

    def __init__(self, store: Store, presence: Presence | None, passed: PassedInputs) -> None:
        self.presence = presence
        self._store = store
        self._passed = passed
        self._at = 0.0
        self._told = False

    def at_once(self) -> None:
        """Something worth saying has changed: say it with the next step."""
        self._at = 0.0

    def renew(self) -> None:
        """In a forked child, which is a client of its own."""
        self.at_once()
        if self.presence is not None:
            self.presence = introduce(self.presence.app, self.presence.version)

    def announce(
        self,
        snapshot: Snapshot,
        pins: Collection[str],
        checked: float | None,
        error: PromptopsError | None,
    ) -> None:
        now = time.monotonic()
        if self.presence is None or (self._at and now - self._at < ANNOUNCE_EVERY):
            return
        head = snapshot.head
        self.presence = replace(
            self.presence,
            epoch=head.epoch if head else 0,
            revision=head.revision if head else 0,
            age=None if checked is None else round(now - checked, 3),
            error=error.message if isinstance(error, StoreCorrupt) else "",
            refused=tuple(
                RefusedRelease(unit, each.digest, each.revision, each.code, each.reason)
                for unit, each in snapshot.refused.items()
            ),
            kept=tuple(_kept(snapshot, pins)),
            moved=tuple(_moved(snapshot, pins)),
            inputs=self._passed.names(),
        )
        self._at = now
        try:
            self._store.announce(self.presence, SPOKEN_FOR)
        except StoreError as failed:
            # Presence is a second, optional permission: without it the client serves as well.
            denied = isinstance(failed, StoreDenied) and not self._told
            self._told = self._told or denied
            level = logging.WARNING if denied else logging.DEBUG
            log.log(level, "presence is not reported: %s", failed.message)

    def withdraw(self) -> None:
        try:
            if self.presence is not None:
                self._store.withdraw(self.presence.client)
        except StoreError as failed:
            log.debug("presence was not withdrawn: %s", failed.message)


def _kept(snapshot: Snapshot, pins: Collection[str]) -> Iterator[KeptRelease]:
    """The units that do not follow, those first that somebody pinned."""
    for unit in [*sorted(pins), *sorted({*snapshot.refused} - {*pins})]:
        live = snapshot.units.get(unit)
        digest, revision = ("", 0) if live is None else (live.digest, live.revision)
        yield KeptRelease(unit, digest, revision, unit in pins)


def _moved(snapshot: Snapshot, pins: Collection[str]) -> Iterator[MovedRelease]:
    """What the store named last, which is what an old export would take back."""
    gone = snapshot.retired
    for unit in sorted(gone, key=lambda unit: gone[unit].at, reverse=True)[:MOST_MOVED]:
        yield MovedRelease(unit, "", 0)
    refused = snapshot.refused.items()
    named = {unit: (live.revision, live.digest) for unit, live in snapshot.units.items()}
    named |= {unit: (each.revision, each.digest) for unit, each in refused if each.digest}
    last = sorted(named.keys() - pins, key=lambda unit: (-named[unit][0], unit))[:MOST_MOVED]
    for unit in last:
        yield MovedRelease(unit, short(named[unit][1]), named[unit][0])


def introduce(app: str, version: str) -> Presence:
    """A presence with an id of its own, before anything is served."""
    return Presence(
        client=os.urandom(6).hex(),
        app=app,
        host=os.uname().nodename,
        pid=os.getpid(),
        version=version,
        epoch=0,
        revision=0,
    )
