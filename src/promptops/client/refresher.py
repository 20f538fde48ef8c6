"""The background thread of a client: polls the store, listens for hints, reports presence."""

import logging
import os
import random
import socket
import threading
import time
from dataclasses import replace

from promptops.client.callbacks import Callbacks, Changed
from promptops.client.lasting import LastingThread
from promptops.client.live import LiveRelease, UnknownInputs
from promptops.client.passed import PassedInputs
from promptops.client.snapshot import Reader, Snapshot, advance
from promptops.client.state import Told, judge
from promptops.errors import PromptopsError, StoreCorrupt, StoreDenied, StoreError
from promptops.live.forking import follow_forks
from promptops.live.records import Presence, RefusedRelease
from promptops.live.store import Listener, Store

log = logging.getLogger("promptops")

ANNOUNCE_EVERY = 10.0
ANNOUNCE_FOR = 30
SLICE = 0.25
BACKOFF_FROM, BACKOFF_TO, BACKOFF_WHEN_DENIED = 0.1, 5.0, 30.0
TIME_TO_WITHDRAW = 0.4
WHOLE_EVERY = 30.0


class Refresher:
    """Keeps `snapshot` current by replacing one reference; nobody else writes it.

    The poll is the truth and the hint the speed: a hint only ends the pause before the next poll.
    `ready` is set with the first release that can be served. `checked` is the monotonic time of
    the last poll whose answer was accepted, `error` what the last one ran into.
    """

    def __init__(
        self,
        store: Store,
        presence: Presence | None,
        passed: PassedInputs,
        *,
        poll: float,
        hint: bool,
    ) -> None:
        self.snapshot = Snapshot()
        self.ready = threading.Event()
        self.closing = threading.Event()
        self.callbacks = Callbacks()
        self.unknown_inputs = UnknownInputs()
        self.checked: float | None = None
        self.error: PromptopsError | None = None
        self.last_error = ""
        self.errors = 0
        self.rejected = 0
        self.poll = poll
        self.whole_every = WHOLE_EVERY
        self.thread = LastingThread("promptops-refresh", self._work, self._died)
        self._store = store
        self._presence = presence
        self._passed = passed
        self._reader = Reader(store.release, self.unknown_inputs, passed)
        self._announced = 0.0
        self._hint = hint
        self._listener: Listener | None = None
        self._failures = 0
        self._closed_at = 0.0
        self._whole_at: float | None = None
        self._told = Told()
        follow_forks(self)

    def start(self) -> None:
        if not self.thread.start():
            self._call_for_help()

    def is_alive(self) -> bool:
        return self.thread.is_alive()

    def ensure(self) -> None:
        """Start the thread again where it is missing; looked at by whoever asks for anything."""
        if self.closing.is_set() or self.thread.is_alive():
            return
        if isinstance(self.snapshot.units, _CallingForHelp):
            self.snapshot = replace(self.snapshot, units=dict(self.snapshot.units))
        self.thread.ensure()
        if not self.thread.is_alive():
            self._call_for_help()

    def close(self) -> None:
        """End the thread within a second, whatever the store does."""
        self._closed_at = time.monotonic()
        self.closing.set()
        self.callbacks.close()
        self.thread.join(2.0)

    def before_fork(self) -> None:
        """Nothing to wait for: what a child gets is thrown away there."""

    def after_fork(self, *, child: bool) -> None:
        """Follow in the child: a thread does not survive a fork, and locks may be held."""
        if not child or self.closing.is_set():
            return
        ready = self.ready.is_set()
        self.closing, self.ready = threading.Event(), threading.Event()
        if ready:
            self.ready.set()
        self.callbacks.renew()
        self._listener = None
        self._failures, self._announced = 0, 0.0
        if self._presence is not None:
            self._presence = introduce(self._presence.app, self._presence.version)
        self.thread.renew()
        self.start()

    def _work(self) -> None:
        while not self.closing.is_set():
            try:
                for step in (self._refresh, self._announce, self._pause):
                    if not self.closing.is_set():
                        step()
            except Exception as error:  # noqa: BLE001 - the boundary; it goes into log and status
                self._failed(PromptopsError(f"{type(error).__name__}: {error}"), unforeseen=True)
                self.closing.wait(self.poll)
        self._leave()

    def _died(self, error: BaseException) -> None:
        """The last thing that the thread does before another takes over."""
        self._listener = None
        self._failed(
            PromptopsError(f"the refresher died of {type(error).__name__} {error}".rstrip()),
            unforeseen=True,
        )
        self.closing.wait(min(self.poll, 1.0))

    def _call_for_help(self) -> None:
        """Let every `get` try to start the thread: there may be nobody else who would."""
        if not isinstance(self.snapshot.units, _CallingForHelp):
            units = _CallingForHelp(self.snapshot.units)
            units.refresher = self
            self.snapshot = replace(self.snapshot, units=units)
        self._tell()

    def _refresh(self) -> None:
        served = self.snapshot
        now = time.monotonic()
        # What changed since is enough while the store goes on as we know it. After any trouble it
        # may have been emptied and filled anew, so everything is read; and now and then, because
        # the same head can come to stand over other releases.
        whole = self._whole_at is None or now - self._whole_at >= self.whole_every
        since = None if whole or self.error is not None else served.head
        try:
            state = self._store.read(since)
            snapshot = advance(served, state, self._reader)
        except PromptopsError as error:
            self._failed(error)
            return
        self.checked = time.monotonic()
        if state.whole:
            self._whole_at = now
        self.error, self._failures = None, 0
        if snapshot is not served:
            self._serve(served, snapshot)
        self._tell()

    def _serve(self, served: Snapshot, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._announced = 0.0
        before = {(unit, each.digest, each.code) for unit, each in served.refused.items()}
        self.rejected += sum(
            not each.because and (unit, each.digest, each.code) not in before
            for unit, each in snapshot.refused.items()
        )
        if snapshot.units or not snapshot.refused:
            self.ready.set()
        changed = tuple(
            unit
            for unit in sorted({*served.units, *snapshot.units})
            if unit not in snapshot.units
            or unit not in served.units
            or served.units[unit].digest != snapshot.units[unit].digest
        )
        if snapshot.head is None or (snapshot.head == served.head and not changed):
            return
        log.info("serving revision %s; changed: %s", snapshot.head.revision, ", ".join(changed))
        self.callbacks.tell(Changed(snapshot.head.revision, changed))

    def _failed(self, error: PromptopsError, *, unforeseen: bool = False) -> None:
        """Remember an error; what the store as a whole is refused for goes into the presence."""
        known = self.error is not None and self.error.message == error.message
        if unforeseen and not known:
            log.warning("%s", error.message, exc_info=True)
        if isinstance(error, StoreCorrupt) and not known:
            self._announced = 0.0
            self.rejected += 1
        self.error, self.last_error = error, error.message
        self.errors += 1
        self._failures += 1
        self._tell()

    def _tell(self) -> None:
        if self.closing.is_set():
            return
        self._told.tell(judge(self), self.snapshot.head)

    def _announce(self) -> None:
        now = time.monotonic()
        if self._presence is None or (self._announced and now - self._announced < ANNOUNCE_EVERY):
            return
        snapshot, error = self.snapshot, self.error
        self._presence = replace(
            self._presence,
            epoch=snapshot.head.epoch if snapshot.head else 0,
            revision=snapshot.head.revision if snapshot.head else 0,
            age=None if self.checked is None else round(now - self.checked, 3),
            error=error.message if isinstance(error, StoreCorrupt) else "",
            refused=tuple(
                RefusedRelease(unit, each.digest, each.revision, each.code, each.reason)
                for unit, each in snapshot.refused.items()
            ),
            inputs=self._passed.names(),
        )
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
            self._drop_listener()
            self.closing.wait(self._backoff())
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

    def _backoff(self) -> float:
        """Full jitter, so that a store that comes back is not met by everybody at once."""
        longest = BACKOFF_FROM * 2 ** min(self._failures, 10)
        if isinstance(self.error, StoreDenied):
            # A password that is wrong stays wrong, and servers count and log the attempts.
            longest = min(BACKOFF_WHEN_DENIED, longest)
            return random.uniform(longest / 2, longest)  # noqa: S311
        # Never longer than a poll: within one, everybody follows again.
        return random.uniform(BACKOFF_FROM, min(BACKOFF_TO, self.poll, longest))  # noqa: S311

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


class _CallingForHelp(dict[str, LiveRelease]):
    """What is served while no thread refreshes it."""

    refresher: Refresher

    def __getitem__(self, unit: str) -> LiveRelease:
        self.refresher.ensure()
        return super().__getitem__(unit)


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
