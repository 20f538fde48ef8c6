"""The drill: forward to what is live and back to what was, with real clients, beside the real one.

Nothing of the real environment changes but the record that is kept there.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from promptops.delivery.confirm import Confirmation, await_clients
from promptops.delivery.deployment import read_existing
from promptops.delivery.drill import processes
from promptops.delivery.drill.move import point
from promptops.delivery.drill.processes import APP, Order
from promptops.delivery.drill.record import KEPT_AS, Record
from promptops.delivery.drill.scratch import Scratch, copy_releases, scratch_beside
from promptops.errors import OutcomeUnknown, Refused, UsageError
from promptops.live import moves_of_rollback
from promptops.live.moves import Intent
from promptops.live.presence import Presence
from promptops.live.records import Head, State
from promptops.live.store import Store, entries
from promptops.version import VERSION

PATIENCE = 30.0
LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class Drill:
    """How it went; `missing` are the clients of the step that not all of them confirmed."""

    record: Record
    missing: tuple[Presence, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """`seconds` from the start of the command, `slowest` from its swap, until the last client."""

    confirmation: Confirmation
    seconds: float | None = None
    slowest: float | None = None

    def by_all(self, clients: int) -> bool:
        return self.confirmation.confirmed == clients


def drill(store: Store, clients: int, intent: Intent, patience: float = PATIENCE) -> Drill | None:
    """Swap forward and back with so many client processes, and keep the record.

    Each of the three steps, of which the first is the start of the clients, takes at most
    `patience` seconds. None when no unit has an earlier release to go back to. Raises UsageError,
    Refused, StoreError, OutcomeUnknown.
    """
    if store.address.scheme == "memory":
        raise UsageError(
            f"{store.address} is the memory of one process",
            "a drill needs a store that other processes can reach",
        )
    state = read_existing(store, intent.where)
    earlier = _earlier(store, state)
    if not earlier:
        return None
    with scratch_beside(store) as scratch:
        steps = _carried_out(store, scratch, state, earlier, clients, intent, patience)
    record = _record(steps, clients, len(earlier), intent)
    store.keep_report(KEPT_AS, record.to_json())
    return Drill(record, steps[-1].confirmation.missing)


def _earlier(store: Store, state: State) -> dict[str, str]:
    """Where a rollback would go, of the units that have such a release."""
    history = list(entries(store))
    found: dict[str, str] = {}
    for unit, live in sorted(state.live.items()):
        try:
            found[unit] = moves_of_rollback.previous(live, unit, history).digest
        except Refused:
            continue
    return found


def _carried_out(
    store: Store,
    scratch: Scratch,
    state: State,
    earlier: Mapping[str, str],
    clients: int,
    intent: Intent,
    patience: float,
) -> list[_Step]:
    """The steps until one is not confirmed by all: the start, forward, back."""
    beside = scratch.store
    live = {unit: pointer.digest for unit, pointer in state.live.items()}
    copy_releases(store, beside, {*live.values(), *earlier.values()})
    first = {**live, **earlier}
    began = point(beside, first, _of_drill(intent)).head
    if began is None:
        raise OutcomeUnknown("the scratch environment of the drill has no head")
    with processes.clients(beside.address, beside.environment, clients) as running:
        scratch.renew()
        steps = [_first(beside, began, first, running, patience)]
        there = {unit: live[unit] for unit in earlier}
        for wanted, to in ((there, there), (None, earlier)):
            if not steps[-1].by_all(clients):
                break
            scratch.renew()
            order = Order(
                beside.address, beside.environment, _of_drill(intent), wanted, tuple(earlier)
            )
            steps.append(_step(beside, order, to, clients, patience))
    return steps


def _first(
    beside: Store,
    head: Head,
    wanted: Mapping[str, str],
    running: Sequence[processes.Process],
    patience: float,
) -> _Step:
    """Until all who were started serve the environment as it begins, or one has ended."""
    started = time.monotonic()
    while (
        sum(each.app == APP for each in beside.clients()) < len(running)
        and all(process.poll() is None for process in running)
        and time.monotonic() - started < patience
    ):
        time.sleep(LOOK_EVERY)
    left = patience - (time.monotonic() - started)
    return _Step(await_clients(beside, head, wanted, started, left, APP))


def _step(
    beside: Store, order: Order, to: Mapping[str, str], clients: int, patience: float
) -> _Step:
    """One command, from its start until the last client serves what it moved."""
    started = time.monotonic()
    moved = processes.move(order, patience)
    if moved.live != to:
        raise OutcomeUnknown("a command of the drill went to other releases than a rollback would")
    left = patience - (time.monotonic() - started)
    confirmation = await_clients(beside, moved.head, moved.live, started, left, APP)
    step = _Step(confirmation)
    seconds = confirmation.slowest_seconds
    if not step.by_all(clients) or seconds is None:
        return step
    return _Step(confirmation, seconds, seconds - (moved.swapped - started))


def _of_drill(intent: Intent) -> Intent:
    return replace(intent, operation=str(uuid.uuid4()), reason="drill")


def _record(steps: list[_Step], clients: int, units: int, intent: Intent) -> Record:
    forward = steps[1].seconds if len(steps) > 1 else None
    back = steps[2] if len(steps) > 2 else None
    return Record(
        at=intent.at,
        actor=intent.actor,
        clients=clients,
        units=units,
        forward_seconds=_rounded(forward),
        back_seconds=_rounded(back.seconds if back else None),
        slowest=_rounded(back.slowest if back else None),
        confirmed=min(step.confirmation.confirmed for step in steps),
        version=VERSION,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
