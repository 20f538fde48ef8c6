"""The background thread of a client: polls the store, listens for hints, reports presence."""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from promptops.client.announcing import Announcing
from promptops.client.earlier import Earlier
from promptops.client.lasting import LastingThread, set_as
from promptops.client.live import UnknownInputs
from promptops.client.passed import PassedInputs
from promptops.client.pausing import Hints, backoff, until_next
from promptops.client.pins import Pins
from promptops.client.published import Published
from promptops.client.snapshot import Reader, Snapshot, advance, newly_refused
from promptops.client.sources import Sources
from promptops.client.state import Told, judge
from promptops.errors import PromptopsError, StoreCorrupt, StoreError, StoreUnreachable
from promptops.live.forking import follow_forks
from promptops.live.presence import Presence
from promptops.live.store import Store

if TYPE_CHECKING:
    from promptops.client.copy_file import Copy

log = logging.getLogger("promptops")

TIME_TO_WITHDRAW = 0.4
WHOLE_EVERY = 30.0
RECALLED_ENTRIES = 50


class Refresher:
    """Keeps what is `published` current; nobody else writes it.

    The poll is the truth and the hint the speed: a hint only ends the pause before the next poll.
    `settled` is set when the store first answered or failed. `checked` is the monotonic time of the
    last poll whose answer was accepted, `error` what the last one ran into. `errors` counts such
    polls, `rejected` what was refused. `behind` has the units of which the live release is refused,
    with the time of the last poll that confirmed what they serve.
    """

    def __init__(
        self,
        store: Store,
        presence: Presence | None,
        passed: PassedInputs,
        *,
        poll: float,
        hint: bool,
        sources: Sources,
        pins: str,
    ) -> None:
        self.published = Published()
        self.earlier = Earlier()
        self.unknown_inputs = UnknownInputs()
        self.sources = sources
        self.settled = threading.Event()
        self.closing = threading.Event()
        self.checked: float | None = None
        self.behind: dict[str, float | None] = {}
        self.error: PromptopsError | None = None
        self.last_error = ""
        self.errors = 0
        self.rejected = 0
        self.poll = poll
        self.whole_every = WHOLE_EVERY
        self.thread = LastingThread(
            "promptops-refresh", self._work, self._died, self._call_for_help
        )
        self.announcing = Announcing(store, presence, passed)
        self._store = store
        self._passed = passed
        self._reader = Reader(self.earlier.find, sources.fetch, self.unknown_inputs, passed)
        self.pins = Pins(sources.disk, pins, self._reader._replace(fetch=sources.find))
        self._hints = Hints(store, wanted=hint)
        self._unpinned = self.published.snapshot
        self._failures = 0
        self._took = 0.0
        self._closed_at = 0.0
        self._whole_at: float | None = None
        self._recalled = self._forgotten = self._hinted = False
        self._names = 0
        self._told = Told()

    def start(self) -> None:
        self.thread.start()
        # Not before: a child that another thread forked meanwhile has nobody who uses this.
        follow_forks(self)

    def is_alive(self) -> bool:
        return self.thread.is_alive()

    def has_nothing_to_follow(self) -> bool:
        """Whether the store is empty; asked of one in memory alone, because it asks the store."""
        return self._store.seal().head is None

    def ensure(self) -> None:
        """Start the thread again where it is missing; looked at by whoever asks for anything."""
        if not self.closing.is_set():
            self.thread.ensure()

    def close(self) -> None:
        """End the thread within a second, whatever the store does."""
        self.end()
        self.thread.join(2.0)

    def end(self) -> None:
        """Let the thread end by itself, soon."""
        if not self.closing.is_set():
            self._closed_at = time.monotonic()
            self.closing.set()
            self.published.callbacks.close()

    def forget(self) -> None:
        """Let the thread end with its next poll: nobody can ask any more."""
        self._forgotten = True

    def before_fork(self) -> None:
        """Nothing to wait for: what a child gets is thrown away there."""

    def after_fork(self, *, child: bool) -> None:
        """Follow in the child: a thread does not survive a fork, and locks may be held."""
        if not child:
            return
        self.settled, self.closing = set_as(self.settled), set_as(self.closing)
        self.published.renew()
        if self.closing.is_set():
            return
        self.announcing.renew()
        self._hints.forget()
        self._failures = 0
        self.thread.renew()
        self.thread.start()

    def _work(self) -> None:
        self.published.show()
        if self._unpinned.head is None:
            self._take(self._stand_in, self._publish)
        while not self.closing.is_set():
            if self._forgotten:
                self.end()
                break
            self._take(
                self._refresh,
                self._publish,
                self._recall,
                self.settled.set,
                self._tell,
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
            self.settled.set()
            self.closing.wait(self.poll)

    def _died(self, error: BaseException) -> None:
        """The last thing that the thread does before another takes over."""
        self._hints.forget()
        self._failed(
            PromptopsError(f"the refresher died of {type(error).__name__} {error}".rstrip()),
            unforeseen=True,
        )
        self.closing.wait(min(self.poll, 1.0))

    def _call_for_help(self) -> None:
        """Let every `get` try to start the thread: there may be nobody else who would."""
        self.published.show(self._help)
        self._tell()

    def _help(self) -> None:
        self.ensure()
        if self.is_alive():
            self.published.show()

    def _stand_in(self) -> None:
        """Serve from disk or bundle until the store answers."""

        def accept(copy: "Copy") -> Snapshot:
            reader = self._reader._replace(fetch=copy.releases.get)
            snapshot = advance(self._unpinned, copy.state, reader, again=True)
            if not snapshot.units:
                for refusal in snapshot.refused.values():
                    raise StoreCorrupt(refusal.reason, code=refusal.code)
            # What the store named for a unit counts, not what stood in for it and is refused too.
            return replace(snapshot, refused={**snapshot.refused, **copy.refused})

        self._unpinned = self.sources.start(accept) or self._unpinned

    def _refresh(self) -> None:
        served = self._here(self._unpinned)
        now = time.monotonic()
        # What changed since is enough while the store goes on as we know it. After any trouble it
        # may have been emptied and filled anew, so everything is read; and now and then, because
        # the same head can come to stand over other releases.
        whole = self._whole_at is None or now - self._whole_at >= self.whole_every
        since = None if whole or self.error is not None else served.head
        names = self._passed.count()
        reason = self._hinted or names != self._names
        try:
            state = self._store.read(since)
            snapshot = advance(served, state, self._reader, again=reason or state.whole)
        except PromptopsError as error:
            self._took = time.monotonic() - now
            self._failed(error)
            return
        self._names = names
        if state.whole:
            # A little early, so that it is in time by the next poll, and clients that were started
            # together do not read everything together for ever.
            self._whole_at = now - self.whole_every * random.uniform(0.1, 0.3)  # noqa: S311
        if snapshot is not served:
            self.earlier.learn(self.published.snapshot.units, state.pointers)
        self._unpinned = snapshot
        self.sources.answered()
        if isinstance(self.error, StoreCorrupt):
            self.announcing.at_once()
        if state.stale:
            # Better than nothing, and no confirmation that it is what is live.
            self._failed(StoreUnreachable(state.stale, "use the address of the primary"))
            return
        self.behind = {unit: self.behind.get(unit, self.checked) for unit in snapshot.refused}
        self.checked = time.monotonic()
        self.error, self._failures = None, 0

    def _here(self, snapshot: Snapshot) -> Snapshot:
        """To this store the revisions of another one mean nothing."""
        return replace(snapshot, head=None) if self.sources.foreign else snapshot

    def _recall(self) -> None:
        """Once, and before anybody is told that we are ready: what conversations began with."""
        if self._recalled or self.checked is None:
            return
        self._recalled = True
        try:
            history = self._store.history(limit=RECALLED_ENTRIES)
            self.earlier.recall(self._unpinned.units, history, self._reader.read)
        except StoreError as error:
            log.debug("earlier releases were not read: %s", error.message)

    def _publish(self) -> None:
        """Serve what was read, with what is pinned in it, when that is another snapshot."""
        before, snapshot = self.published.snapshot, self.pins.over(self._unpinned)
        if snapshot is before or snapshot.head is None:
            self.published.say_ready()
            return
        self.published.replace(snapshot)
        self.earlier.pinned = self.pins.held
        self.announcing.at_once()
        self.rejected += newly_refused(before, snapshot)
        self.published.tell(before)

    def _failed(self, error: PromptopsError, *, unforeseen: bool = False) -> None:
        """Remember an error; what the store as a whole is refused for goes into the presence."""
        known = self.error is not None and self.error.message == error.message
        if unforeseen and not known:
            log.warning("%s", error.message, exc_info=True)
        if isinstance(error, StoreCorrupt) and not known:
            self.announcing.at_once()
            self.rejected += 1
        self.error, self.last_error = error, error.message
        self.errors += 1
        self._failures += 1
        self._tell()

    def _tell(self) -> None:
        verdict = judge(self)
        # Looked at last: somebody may close the client at any moment, and that is no news.
        if not self.closing.is_set():
            self._told.tell(verdict, self.published.snapshot.head)

    def _announce(self) -> None:
        # Where nothing could be read, an attempt to write only costs the time of another answer.
        if not isinstance(self.error, StoreUnreachable):
            self.announcing.announce(
                self._here(self.published.snapshot), self.pins.held, self.checked, self.error
            )

    def _save(self) -> None:
        self.sources.save(self._unpinned, self.earlier.kept)

    def _pause(self) -> None:
        """Wait for the next poll, or for a hint."""
        if self._failures:
            self._hints.drop()
            self.closing.wait(backoff(self.error, self._failures, self.poll, self._took))
        else:
            seconds = until_next(self.poll, hinted=self._hinted)
            self._hinted = self._hints.wait(seconds, self.closing)

    def _leave(self) -> None:
        self._hints.drop()
        # Of a process that ends at once, which the next one of its kind may need.
        self._save()
        # A store that hangs must not hold up the app: our record in it expires by itself.
        if time.monotonic() - self._closed_at < TIME_TO_WITHDRAW:
            self.announcing.withdraw()
        self._store.close()
