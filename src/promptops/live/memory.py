"""An environment in the memory of this process: for tests of apps, and gone with the process."""

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from promptops.live.address import Address
from promptops.live.presence import Presence
from promptops.live.records import Entry, Freeze, Head, Pointer, Seal, State
from promptops.live.store import PAGE, Swap, Timeouts, check_size, needed
from promptops.manifest.digest import digest_of


@dataclass(slots=True)
class _Environment:
    """`pointers` have with them the revision of the deployment that wrote them."""

    head: Head | None = None
    operation: str | None = None
    pointers: dict[str, tuple[int, Pointer]] = field(default_factory=dict)
    history: list[Entry] = field(default_factory=list)
    releases: dict[str, bytes] = field(default_factory=dict)
    freeze: Freeze | None = None
    reports: dict[str, str] = field(default_factory=dict)
    clients: dict[str, tuple[float, Presence]] = field(default_factory=dict)
    news: threading.Condition = field(default_factory=threading.Condition, repr=False)


_stores: defaultdict[str, defaultdict[str, _Environment]] = defaultdict(
    lambda: defaultdict(_Environment)
)
_opening = threading.Lock()


class MemoryStore:
    """Implements `promptops.live.store.Store`; one lock is the transaction.

    Every store of this name and environment in the process is the same one.
    """

    def __init__(self, address: Address, environment: str, _timeouts: Timeouts) -> None:
        self.address = address
        self.environment = environment
        with _opening:
            self._here = _stores[address.path][environment]

    def read(self, since: Head | None = None) -> State:
        here = self._here
        with here.news:
            head = here.head
            known = 0
            if since is not None and head is not None and since.epoch == head.epoch:
                known = since.revision if since.revision <= head.revision else 0
            pointers = {
                unit: pointer for unit, (at, pointer) in here.pointers.items() if at > known
            }
            return State(head, pointers, whole=known == 0, freeze=here.freeze)

    def seal(self) -> Seal:
        here = self._here
        with here.news:
            return Seal(here.head, here.history[-1].link if here.history else "")

    def put(self, data: bytes) -> str:
        digest = digest_of(data)
        check_size(digest, len(data))
        with self._here.news:
            self._here.releases.setdefault(digest, data)
        return digest

    def release(self, digest: str) -> bytes | None:
        return self._here.releases.get(digest)

    def swap(
        self,
        expected: Head | None,
        entry: Entry,
        pointers: Mapping[str, Pointer],
        freeze: str | None = None,
    ) -> Swap:
        here = self._here
        with here.news:
            if here.operation == entry.operation:
                return Swap("same", here.head)
            if here.head != expected:
                return Swap("lost", here.head)
            for digest in needed(entry, pointers):
                if digest not in here.releases:
                    return Swap("missing", expected, digest)
            epoch = 1 if expected is None else expected.epoch
            here.head, here.operation = Head(epoch, entry.revision), entry.operation
            here.pointers |= {unit: (entry.revision, each) for unit, each in pointers.items()}
            if freeze is not None:
                here.freeze = Freeze.from_json(freeze) if freeze else None
            here.history.append(entry)
            here.news.notify_all()
            return Swap("won", here.head)

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:
        with self._here.news:
            newest_first = reversed(self._here.history)
            found = [one for one in newest_first if before is None or one.revision < before]
        return found[:limit]

    def keep_report(self, name: str, text: str) -> None:
        with self._here.news:
            self._here.reports[name] = text

    def reports(self) -> dict[str, str]:
        return dict(self._here.reports)

    def releases(self) -> list[str]:
        return sorted(self._here.releases)

    def forget_releases(self, digests: Collection[str], expected: Head | None = None) -> bool:
        with self._here.news:
            if expected not in {None, self._here.head}:
                return False
            for digest in digests:
                self._here.releases.pop(digest, None)
        return True

    def restore(
        self,
        expected: Head | None,
        head: Head,
        pointers: Mapping[str, Pointer],
        history: Sequence[Entry],
        freeze: str,
    ) -> bool:
        here = self._here
        with here.news:
            if here.head != expected:
                return False
            here.head, here.operation = head, history[-1].operation
            here.pointers = {unit: (head.revision, each) for unit, each in pointers.items()}
            here.history = list(history)
            here.freeze = Freeze.from_json(freeze) if freeze else None
            here.news.notify_all()
        return True

    def erase(self) -> None:
        here = self._here
        with here.news:
            here.head, here.operation, here.freeze = None, None, None
            for held in (here.pointers, here.history, here.releases, here.reports, here.clients):
                held.clear()
            here.news.notify_all()

    def announce(self, presence: Presence, seconds: int) -> None:
        with self._here.news:
            self._here.clients[presence.client] = (time.monotonic() + seconds, presence)

    def withdraw(self, client: str) -> None:
        with self._here.news:
            self._here.clients.pop(client, None)

    def clients(self) -> list[Presence]:
        now = time.monotonic()
        with self._here.news:
            present = sorted(self._here.clients.items())
        return [each.aged(expires - now) for _, (expires, each) in present if expires >= now]

    def listen(self) -> "MemoryListener":
        return MemoryListener(self._here)

    def close(self) -> None:
        """Nothing is open."""


class MemoryListener:
    """Wakes with the swap itself."""

    def __init__(self, here: _Environment) -> None:
        self._here = here
        self._seen = here.head
        self._closed = False

    def wait(self, seconds: float) -> bool:
        with self._here.news:
            self._here.news.wait_for(
                lambda: self._closed or self._here.head != self._seen, max(seconds, 0)
            )
            changed = not self._closed and self._here.head != self._seen
            self._seen = self._here.head
        return changed

    def close(self) -> None:
        with self._here.news:
            self._closed = True
            self._here.news.notify_all()


def contents(name: str) -> str:
    """Everything that a store holds, to compare before with after."""
    return repr(_stores[name])


def forget(name: str) -> None:
    """Drop a store: who has it open keeps what it was, a new one by that name is empty."""
    with _opening:
        _stores.pop(name, None)
