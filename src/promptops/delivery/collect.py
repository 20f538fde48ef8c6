"""Collect: mark the releases that nobody can need, and delete those that were marked before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from promptops.delivery.collecting import (
    Decision,
    Keeping,
    decide,
    needed,
    read_marks,
    written_marks,
)
from promptops.delivery.deployment import ROUNDS, read_existing
from promptops.errors import Refused
from promptops.live.records import Head
from promptops.live.store import Store, entries

NOTE = "~collect"  # among the reports: what was seen unneeded, and since when


@dataclass(frozen=True, slots=True)
class Collected:
    """How many releases there are, and which of them were deleted or are marked."""

    stored: int
    decision: Decision


def look(
    store: Store, keeping: Keeping, now: datetime, where: Sequence[str] = ()
) -> tuple[Head | None, Collected]:
    """What could be deleted, and the head at which that is so; nothing is written.

    `where` are the options that name the environment in what one types.
    """
    # First: what is stored after this is not looked at, and what points to it not missed.
    stored = store.releases()
    state = read_existing(store, where)
    reports = store.reports()
    marks = read_marks(reports.pop(NOTE, ""), now)
    wanted = needed(state, entries(store), store.clients(), reports.values(), keeping, now)
    return state.head, Collected(len(stored), decide(stored, wanted, marks, keeping, now))


def collect(
    store: Store,
    keeping: Keeping,
    now: datetime,
    may_delete: Callable[[Collected], None],
    where: Sequence[str] = (),
) -> Collected:
    """Mark and delete; `may_delete` raises what it has against that, and then nothing is deleted.

    Raises Refused, StoreError. Deleted is only while nothing is deployed: a deployment meanwhile
    makes all of it be looked at anew.
    """
    for _ in range(ROUNDS):
        head, found = look(store, keeping, now, where)
        decision = found.decision
        if not decision.delete:
            store.keep_report(NOTE, written_marks(decision.marks))
            return found
        may_delete(found)
        if store.forget_releases(decision.delete, head):
            store.keep_report(NOTE, written_marks(decision.marks))
            return found
    raise Refused(
        "lost-race",
        f"{ROUNDS} deployments came between, one after the other",
        "nothing was deleted; try again",
    )
