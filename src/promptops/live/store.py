"""What a store can do; Redis and SQLite keep the same promises, shown by one contract suite."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Literal, NamedTuple, Protocol

from promptops.errors import ReleaseRejected, StoreCorrupt
from promptops.live.address import Address
from promptops.live.presence import Presence
from promptops.live.records import Entry, Head, Pointer, Seal, State
from promptops.manifest.release import MAX_BYTES

PAGE = 200
# The hint of a StoreDenied for want of a permission, and not of a password.
PERMISSION = "the user of the store's URL lacks this permission"


class Replicas(NamedTuple):
    """How many replicas say that they have a swap, after how many seconds.

    `asked` is how many were waited for; `confirmed` is None when they could not be asked, and then
    `why` says why.
    """

    asked: int
    confirmed: int | None
    seconds: float
    why: str = ""


class Swap(NamedTuple):
    """How a swap ended.

    won: `head` is the new one · same: this operation was done before · lost: `head` is the one
    that won · missing: `digest` is not in the store. Only *won* changed anything. `replicas` are
    told of what won in a store that was opened to wait for them.
    """

    outcome: Literal["won", "same", "lost", "missing"]
    head: Head | None
    digest: str = ""
    replicas: Replicas | None = None


class Listener(Protocol):
    """The hint that something changed; a hint to look, never the truth."""

    def wait(self, seconds: float) -> bool:
        """Block for at most `seconds`; True when it is worth looking. Raises StoreUnreachable."""
        ...

    def close(self) -> None:
        """End a `wait` within a quarter of a second, from any thread."""
        ...


class Store(Protocol):
    """One environment in one store. Every method may raise StoreUnreachable or StoreCorrupt."""

    address: Address
    environment: str

    def read(self, since: Head | None = None) -> State:
        """Head and pointers of one moment; with `since`, only what changed after it."""
        ...

    def seal(self) -> Seal:
        """The head and the link of the last entry, also where the pointers cannot be read."""
        ...

    def put(self, data: bytes) -> str:
        """Write release bytes once, read them back, and return their digest."""
        ...

    def release(self, digest: str) -> bytes | None:
        """The stored bytes, unchecked, at most 1 MiB; None when they are not there."""
        ...

    def swap(
        self,
        expected: Head | None,
        entry: Entry,
        pointers: Mapping[str, Pointer],
        freeze: str | None = None,
    ) -> Swap:
        """The one primitive: if the head is still `expected` and every release is there, write.

        With `expected` None the environment is created. `freeze` is a Freeze as JSON to set, empty
        to lift the one there is, None to leave it. Raises OutcomeUnknown when the answer was lost;
        the same call again is safe.
        """
        ...

    def history(self, before: int | None = None, limit: int = PAGE) -> list[Entry]:
        """Entries with a revision below `before`, newest first."""
        ...

    def keep_report(self, name: str, text: str) -> None:
        """Keep the last report of a rehearsal: of a unit, or of `~drill`."""
        ...

    def reports(self) -> dict[str, str]:
        """The last reports, by name."""
        ...

    def releases(self) -> list[str]:
        """The digests of all releases that are stored, sorted; slow, for an operator."""
        ...

    def forget_releases(self, digests: Collection[str], expected: Head | None = None) -> bool:
        """Delete releases, whoever points to them; False when the head is not `expected`.

        With that named, nobody can have come to point to one since it was read, and a swap that
        comes later finds it missing.
        """
        ...

    def restore(
        self,
        expected: Head | None,
        head: Head,
        pointers: Mapping[str, Pointer],
        history: Sequence[Entry],
        freeze: str,
    ) -> bool:
        """Put all but the releases in the place of what is there, if that is still at `expected`.

        `history` is oldest first and ends at `head`. False when somebody was faster: nothing was
        changed then.
        """
        ...

    def erase(self) -> None:
        """Delete the environment, releases and all: for one that was made to be thrown away."""
        ...

    def announce(self, presence: Presence, seconds: int) -> None:
        """Say that a client is here; forgotten after `seconds`."""
        ...

    def withdraw(self, client: str) -> None:
        """Forget a client."""
        ...

    def clients(self) -> list[Presence]:
        """The clients that are present, by id."""
        ...

    def listen(self) -> Listener:
        """A new listener with a connection of its own."""
        ...

    def close(self) -> None: ...


def needed(entry: Entry, pointers: Mapping[str, Pointer]) -> list[str]:
    """The releases without which there is no swap: a rollback asks for its target alone."""
    digests = {pointer.digest for pointer in pointers.values()}
    if entry.action == "deploy":
        digests |= {pointer.safe for pointer in pointers.values() if pointer.safe}
    return sorted(digests)


class Timeouts(NamedTuple):
    """Seconds to wait for a connection, for an answer, and for another node to be made primary."""

    connect: float
    answer: float
    failover: float = 0.0


OPERATOR = Timeouts(connect=2.0, answer=5.0, failover=3.0)
CLIENT = Timeouts(connect=0.5, answer=0.5)
REPLICAS_WITHIN = 0.5


def check_size(digest: str, size: int) -> None:
    """Raises ReleaseRejected for a release that is too large to be loaded or stored."""
    if size > MAX_BYTES:
        raise ReleaseRejected("C604", f"release {digest} has {size} bytes, over {MAX_BYTES}")


def check_written(digest: str, written: bytes, found: bytes | None) -> None:
    """Raises StoreCorrupt when what was written cannot be read back."""
    if found != written:
        raise StoreCorrupt(
            f"the store holds other bytes under {digest}",
            "somebody changed the store by hand; nothing was deployed",
        )


def apart(environment: str, head: Head | None, last: int | str) -> StoreCorrupt:
    """The error for a head that is not where the history ends."""
    at = "none" if head is None else head.revision
    return StoreCorrupt(
        f"head and history of {environment} do not belong together: the head is at revision {at}, "
        f"the history ends at {last}",
        "somebody changed the store by hand or lost a part of it; nothing was changed now. "
        "Compare with an export, then promptops restore",
        code="C610" if head is None else "",
    )


def entries(store: Store, before: int | None = None) -> Iterator[Entry]:
    """The whole history below `before`, newest first, read page by page.

    Raises StoreCorrupt where a page goes up, which would have no end.
    """
    while page := store.history(before):
        yield from page
        lowest = min(entry.revision for entry in page)
        if before is not None and lowest >= before:
            raise StoreCorrupt(
                f"the history of {store.environment} is out of order below revision {before}",
                "somebody changed the store by hand; promptops verify says more",
            )
        before = lowest


def newer(store: Store, head: Head | None) -> Iterator[Entry]:
    """What was done since somebody read this head, newest first."""
    known = 0 if head is None else head.revision
    return takewhile(lambda entry: entry.revision > known, entries(store))


def find_operation(store: Store, operation: str) -> Entry | None:
    """The entry that an operation id left, if it left one."""
    return next((entry for entry in entries(store) if entry.operation == operation), None)
