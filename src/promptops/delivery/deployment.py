"""Carry a decision out: read, decide, swap, read back; again when somebody else was faster."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from promptops.delivery.lost import not_held
from promptops.errors import OutcomeUnknown, Refused, StoreCorrupt, StoreUnreachable
from promptops.live.moves import Doubt, Proposal, Skipped
from promptops.live.overtaking import Overtaking
from promptops.live.records import Entry, Head, State
from promptops.live.store import Replicas, Store, Swap, find_operation, newer
from promptops.manifest.digest import short

ROUNDS = 10
INSIST = 3.0


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was done, as the store tells it: `entry` is None when there was nothing to do.

    A dry run has the entry that would have been written, and the head that is.
    `repeated` says that the operation had been done before, by another call; `swapped` is the
    monotonic time at which the swap was sent, None when none was. `displaced` is what others made
    live while a rollback was under way, and what it left with the rest. `replicas` is what they
    said to our own swap, None when none was made or its answer was lost.
    """

    head: Head | None
    entry: Entry | None
    skipped: tuple[Skipped, ...] = ()
    repeated: bool = False
    swapped: float | None = None
    displaced: tuple[Overtaking, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    replicas: Replicas | None = None


def repeated(store: Store, operation: str, request: str) -> Deployment | None:
    """What an operation id did before, or None.

    Raises Refused when the id was used for something else.
    """
    entry = find_operation(store, operation)
    if entry is None:
        return None
    if entry.request != request:
        raise Refused(
            "operation-reused",
            f"operation {operation} did something else at revision {entry.revision}: "
            f"{entry.action} by {entry.actor}",
            "choose another --operation, or leave it out",
        )
    head = store.read().head
    return Deployment(head and Head(head.epoch, entry.revision), entry, repeated=True)


def read_existing(store: Store, where: Sequence[str] = ()) -> State:
    """The state of an environment that the store holds; raises Refused when it does not.

    `where` are the options that name the environment in what one types.
    """
    state = store.read()
    if state.head is None:
        raise not_held(store, where)
    return state


def carry_out(
    store: Store,
    state: State,
    decide: Callable[[State], Proposal],
    request: str,
    *,
    displaces: bool = False,
) -> Deployment:
    """Swap what `decide` proposes, beginning with `state`.

    A lost race is decided anew, unless a unit of this very change was changed by the winner: then
    Refused says who won. What `displaces` is stopped by a restore alone. Raises OutcomeUnknown
    when the store's answer stays lost.
    """
    for _ in range(ROUNDS):
        proposal = decide(state)
        if proposal.entry is None:
            return Deployment(state.head, None, proposal.skipped)
        entry = _chained(store, state, proposal.entry)
        sent = time.monotonic()
        swap = _insist(store, state.head, entry, proposal)
        with in_doubt(entry):
            if swap.outcome == "won":
                entry = _read_back(store, entry)
                return Deployment(
                    swap.head,
                    entry,
                    proposal.skipped,
                    swapped=sent,
                    doubts=proposal.doubts,
                    replicas=swap.replicas,
                )
            if swap.outcome == "missing":
                raise missing(swap.digest)
            if swap.outcome == "same" or _is_newer(store, entry.operation, state.head):
                return _done_already(store, entry, proposal, request, sent)
            state = _after_losing(store, state, proposal, displaces=displaces)
    raise Refused(
        "lost-race",
        f"{ROUNDS} other deployments were faster, one after the other",
        "nothing was changed; try again",
    )


def missing(digest: str) -> Refused:
    """Why no pointer is set to a release."""
    return Refused(
        "missing-release",
        f"the release {short(digest)} is not in the store",
        "nothing was changed; deploy it from the commit that made it",
    )


def _chained(store: Store, state: State, entry: Entry) -> Entry:
    """With the link to the entry before: while the head stands, that is the last one."""
    last = store.history(limit=1) if state.head is not None else []
    return replace(entry, previous=last[0].link if last else "")


def _is_newer(store: Store, operation: str, head: Head | None) -> bool:
    """Whether an operation was done since the head that we had read."""
    return any(entry.operation == operation for entry in newer(store, head))


def _done_already(
    store: Store, entry: Entry, proposal: Proposal, request: str, sent: float
) -> Deployment:
    """Our operation is in the history, although no swap of ours was acknowledged."""
    done = repeated(store, entry.operation, request)
    if done is None:
        raise StoreCorrupt(f"the head names operation {entry.operation}, the history does not")
    if done.entry != entry:
        return done  # another process used the id in this moment
    # Our first try went through, and its answer was lost.
    return replace(
        done,
        skipped=proposal.skipped,
        doubts=proposal.doubts,
        repeated=False,
        swapped=sent,
    )


def _after_losing(store: Store, lost: State, proposal: Proposal, *, displaces: bool) -> State:
    """Read anew; raises Refused when the winner is in our way."""
    state = store.read() if lost.head is None else read_existing(store)
    changed = {
        unit for unit in proposal.pointers if state.pointers.get(unit) != lost.pointers.get(unit)
    }
    restored = (
        lost.head is not None and state.head is not None and state.head.epoch != lost.head.epoch
    )
    if restored if displaces else changed:
        since = [*newer(store, lost.head)]
        ours = (entry for entry in since if changed.intersection(entry.units))
        raise _overtaken(next(ours, since[0]))
    return state


def _overtaken(winner: Entry) -> Refused:
    of = f" of {', '.join(winner.units)}" if winner.units else ""
    return Refused(
        "lost-race",
        f"{winner.actor} was faster: revision {winner.revision}, {winner.action}{of}",
        "nothing of yours was changed; look at promptops history, then try again",
    )


def _insist(store: Store, expected: Head | None, entry: Entry, proposal: Proposal) -> Swap:
    """Swap; when the answer is lost, ask again: the operation id makes that safe."""
    until = time.monotonic() + INSIST
    lost: OutcomeUnknown | None = None
    try:
        while True:
            try:
                return store.swap(expected, entry, proposal.pointers, proposal.freeze)
            except OutcomeUnknown as error:
                lost = error
            except StoreUnreachable:
                # This time nothing was sent; what was sent before may have arrived.
                if lost is None:
                    raise
            if time.monotonic() >= until:
                raise _unknown(lost.message, entry) from lost
            time.sleep(0.2)
    except KeyboardInterrupt as error:
        raise _unknown("interrupted while the swap was under way", entry) from error


@contextmanager
def in_doubt(entry: Entry) -> Iterator[None]:
    """After a swap was sent, a store that falls silent does not mean that nothing happened."""
    try:
        yield
    except StoreUnreachable as error:
        message = f"the swap was sent and could not be read back: {error.message}"
        raise _unknown(message, entry) from error
    except KeyboardInterrupt as error:
        raise _unknown("interrupted before the swap was read back", entry) from error


def _unknown(message: str, entry: Entry) -> OutcomeUnknown:
    return OutcomeUnknown(
        message,
        f"see whether it happened: promptops history --operation {entry.operation}; the same "
        f"command with --operation {entry.operation} is safe",
    )


def _read_back(store: Store, entry: Entry) -> Entry:
    found = store.history(before=entry.revision + 1, limit=1)
    if not found or found[0] != entry:
        raise StoreCorrupt(f"revision {entry.revision} is not in the history as it was written")
    return found[0]
