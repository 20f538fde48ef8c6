"""What clients had confirmed: one record for each deployment that somebody waited for."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from promptops.delivery.confirm import Confirmation
from promptops.errors import StoreError
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.live.stored import JUNK, encode

# A slot is written over by the deployment that comes so many later: publishers delete nothing.
SLOTS = 1000
_NAME = "~confirmed:"
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Confirmed:
    """How many of those present served a revision when the waiting ended, at `at`."""

    epoch: int
    revision: int
    at: str
    present: int
    confirmed: int
    slowest_seconds: float | None
    missing: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def remember(store: Store, head: Head, confirmation: Confirmation, at: str) -> None:
    """Keep it, if the store takes it: a full one must not make a deployment look failed."""
    missing = [f"{each.app or each.client} on {each.host}" for each in confirmation.missing]
    slowest = confirmation.slowest_seconds
    found = Confirmed(
        head.epoch,
        head.revision,
        at,
        confirmation.present,
        confirmation.confirmed,
        None if slowest is None else round(slowest, 3),
        tuple(missing[:_MOST_NAMES]),
    )
    with suppress(StoreError):
        store.keep_report(f"{_NAME}{head.revision % SLOTS}", encode(found.as_json()))


def confirmations(store: Store) -> dict[int, Confirmed]:
    """By revision, the last for each."""
    found: dict[int, Confirmed] = {}
    for name, text in store.reports().items():
        if name.startswith(_NAME):
            try:
                facts = json.loads(text)
                one = Confirmed(**facts | {"missing": tuple(facts["missing"])})
            except JUNK:
                continue
            found[one.revision] = one
    return found
