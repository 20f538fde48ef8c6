"""The background thread of a client: polls the store, listens for hints, reports presence."""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from promptops.client.callbacks import Callbacks, Changed
from promptops.client.earlier import Earlier
from promptops.client.live import UnknownInputs
from promptops.client.overlay import Shown
from promptops.client.pins import Pins
from promptops.client.snapshot import Snapshot, advance
from promptops.client.sources import Sources
from promptops.errors import PromptopsError, StoreError
from promptops.live.records import Presence
from promptops.live.store import Listener, Store

log = logging.getLogger("promptops")

ANNOUNCE_EVERY = 10.0
ANNOUNCE_FOR = 30
SLICE = 0.25
BACKOFF_FROM, BACKOFF_TO = 0.1, 5.0
TIME_TO_WITHDRAW = 0.4


class Refresher(threading.Thread):
    """Keeps `snapshot` current by replacing one reference; nobody else writes it.

    The poll is the truth and the hint the speed: a hint only ends the pause before the next poll.
    `ready` is set with the first snapshot, `settled` when the store first answered or failed.
    `checked` is the monotonic time of the last poll that the store answered, `error` what the last
    one ran into.
    """

    def __init__(
        self,
        store: Store,
        presence: Presence | None,
        *,
        poll: float,
        hint: bool,
        sources: Sources,
        pins: Mapping[str, str],
    ) -> None:
        super().__init__(name="promptops-refresh", daemon=True)
        self.shown = Shown()
        self.snapshot = Snapshot()
        self.earlier = Earlier()
        self.ready = threading.Event()
        self.closing = threading.Event()
        self.callbacks = Callbacks()
        self.unknown_inputs = UnknownInputs()
        self.sources = sources
        self.pins = Pins(sources.disk, pins, sources.find, self.unknown_inputs)
        self.settled = threading.Event()
        self._unpinned = self.snapshot
        self.checked: float | None = None
        self.error: PromptopsError | None = None
        self.errors = 0
        self._store = store
        self._presence = presence
        self._announced = 0.0
        self.poll = poll
        self._hint = hint
        self._listener: Listener | None = None
        self._failures = 0
        self._closed_at = 0.0

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    @snapshot.setter
    def snapshot(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.shown.publish(snapshot.units)

    def run(self) -> None:
        self._take(self._stand_in, self._publish)
        while not self.closing.is_set():
            self._take(
                self._refresh,
                self._publish,
                self.settled.set,
                self._announce,
                self._save,
                self._pause,
            )
        self._leave()

    def _take(self, *steps: Callable[[], None]) -> None:
        try:
            for step in steps:
                if not self.closing.is_set():
                    step()
        except Exception as error:  # noqa: BLE001 - the boundary; it goes into log and status
            self._failed(PromptopsError(f"{type(error).__name__}: {error}"), unforeseen=True)
            self.closing.wait(self.poll)

    def close(self) -> None:
        """End the thread within a second, whatever the store does."""
        self._closed_at = time.monotonic()
        self.closing.set()
        self.callbacks.close()
        self.join(timeout=2.0)

    def _stand_in(self) -> None:
        """Serve from disk or bundle until the store answers."""
        accept = partial(advance, self._unpinned, on_unknown=self.unknown_inputs)
        self._unpinned = self.sources.start(accept) or self._unpinned

    def _refresh(self) -> None:
        served = self._unpinned
        # What changed since is enough while the store goes on as we know it. After any trouble it
        # may have been emptied and filled anew, so everything is read.
        since = served.head if self.error is None and self.checked is not None else None
        try:
            state = self._store.read(since)
            snapshot = advance(served, state, self.sources.fetch, self.unknown_inputs)
        except PromptopsError as error:
            self._failed(error)
            return
        self.checked = time.monotonic()
        if self.error is not None:
            log.warning(
                "the store answers again; serving revision %s", state.head and state.head.revision
            )
        self.error, self._failures = None, 0
        if snapshot is not served:
            self.earlier.learn(self.snapshot.units, state.pointers)
        self._unpinned, self.sources.source = snapshot, "store"

    def _save(self) -> None:
        if self._unpinned.head is not None:
            self.sources.save(self._unpinned.head, self._unpinned.units)

    def _publish(self) -> None:
        """Serve what was read, with what is pinned in it, when that is another snapshot."""
        served, snapshot = self.snapshot, self.pins.over(self._unpinned)
        if snapshot is served or snapshot.head is None:
            return
        self.snapshot = snapshot
        self._announced = 0.0
        self.ready.set()
        changed = tuple(
            unit
            for unit in sorted({*served.units, *snapshot.units})
            if unit not in snapshot.units
            or unit not in served.units
            or served.units[unit].digest != snapshot.units[unit].digest
        )
        log.info("serving revision %s; changed: %s", snapshot.head.revision, ", ".join(changed))
        self.callbacks.tell(Changed(snapshot.head.revision, changed))

    def _failed(self, error: PromptopsError, *, unforeseen: bool = False) -> None:
        """Remember an error; one line in the log when it is not the one we had."""
        if self.error is None or self.error.message != error.message:
            log.warning("%s; serving on what is known", error.message, exc_info=unforeseen)
        self.error = error
        self.errors += 1
        self._failures += 1

    def _announce(self) -> None:
        now = time.monotonic()
        if self._presence is None or (self._announced and now - self._announced < ANNOUNCE_EVERY):
            return
        head = self.snapshot.head
        if head is not None:
            self._presence = replace(self._presence, epoch=head.epoch, revision=head.revision)
        try:
            self._store.announce(self._presence, ANNOUNCE_FOR)
            self._announced = now
        except StoreError as error:
            # Presence is a second, optional permission: without it the client serves as well.
            log.debug("presence was not reported: %s", error.message)
            self._announced = now

    def _pause(self) -> None:
        """Wait for the next poll, or for a hint."""
        if self._failures:
            # Full jitter, so that a store that comes back is not met by everybody at once.
            # Never longer than a poll: within one, everybody follows again.
            longest = min(BACKOFF_TO, self.poll, BACKOFF_FROM * 2 ** min(self._failures, 10))
            self._drop_listener()
            self.closing.wait(random.uniform(BACKOFF_FROM, longest))  # noqa: S311
            return
        seconds = self.poll * random.uniform(0.9, 1.1)  # noqa: S311
        if not self._hint:
            self.closing.wait(seconds)
            return
        until = time.monotonic() + seconds
        try:
            if self._listener is None:
                self._listener = self._store.listen()
                return  # look once more: what changed before the subscription gave no hint
            while (left := until - time.monotonic()) > 0 and not self.closing.is_set():
                if self._listener.wait(min(SLICE, left)):
                    return
        except StoreError as error:
            log.debug("the channel of hints broke: %s", error.message)
            self._drop_listener()
            self.closing.wait(max(0.0, until - time.monotonic()))

    def _drop_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _leave(self) -> None:
        self._drop_listener()
        # A store that hangs must not hold up the app: our record in it expires by itself.
        in_time = time.monotonic() - self._closed_at < TIME_TO_WITHDRAW
        try:
            if self._presence is not None and in_time:
                self._store.withdraw(self._presence.client)
        except StoreError as error:
            log.debug("presence was not withdrawn: %s", error.message)
        self._store.close()


def introduce(app: str, version: str) -> Presence:
    """A presence with an id of its own, before anything is served."""
    return Presence(
        client=os.urandom(6).hex(),
        app=app,
        host=socket.gethostname(),
        pid=os.getpid(),
        version=version,
        epoch=0,
        revision=0,
    )
