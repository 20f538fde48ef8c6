"""An environment that a store does not hold: it never did, or it lost it.

Apps serve on through a store that was emptied, and say so in the same store within seconds. What
they serve is the proof that it was lost, and they follow nothing but a restore: a new environment
would begin at revision 1, which to them is a store that went back.
"""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from promptops.errors import Refused, StoreError
from promptops.live.address import Address
from promptops.live.moves_of_restore import plausible
from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.store import Store


@dataclass(frozen=True, slots=True)
class Lost:
    """The highest head that is served of an environment, and how many clients serve that."""

    clients: int
    head: Head

    @property
    def served(self) -> str:
        who = "1 client serves" if self.clients == 1 else f"{self.clients} clients serve"
        return f"{who} revision {self.head.revision} of it"

    @property
    def says(self) -> str:
        return f"{self.served}, and follow{'s' * (self.clients == 1)} nothing but a restore"

    def as_json(self) -> dict[str, Any]:
        """`{"clients", "epoch", "revision"}`."""
        return {"clients": self.clients, **asdict(self.head)}


def served_on(clients: Iterable[Presence]) -> Lost | None:
    """What is served of an environment that a store does not hold; None when nobody serves it."""
    heads = plausible(client.head for client in clients if client.epoch)
    highest = max(heads, default=None)
    return None if highest is None else Lost(heads.count(highest), highest)


def lost_by(store: Store) -> Lost | None:
    """The same of a store, given that it has no head; None also where presence cannot be read."""
    try:
        return served_on(store.clients())
    except StoreError:
        return None


def not_held(store: Store, where: Sequence[str] = ()) -> Refused:
    """Why there is nothing to work on, and every way out that there may be.

    `where` are the options that name the environment in what one types.
    """
    return absence(store.address, store.environment, lost_by(store), where)


def check_not_lost(store: Store, where: Sequence[str]) -> None:
    """Raises Refused where an environment that is about to be made was lost, and is served on."""
    lost = lost_by(store)
    if lost is not None:
        raise absence(store.address, store.environment, lost, where)


def absence(
    address: Address, environment: str, lost: Lost | None, where: Sequence[str] = ()
) -> Refused:
    """What is so, and what to type, given what is known to be served."""
    at = shlex.join(where or ("--env", environment))
    if lost is not None:
        message = f"{address} lost the environment '{environment}': {lost.says}"
        return Refused("lost-environment", message, brings_back(at))
    return Refused(
        "no-environment",
        f"{address} does not hold an environment '{environment}'",
        f"if it never did: check the store's URL and the name, or {creates(at)}; "
        f"if it lost it: {brings_back(at)}",
    )


def brings_back(at: str) -> str:
    """What one types when an environment was lost."""
    restore = f"promptops restore {at}"
    return f"{restore} --from FILE, or without an export: {restore} --from-git REV"


def creates(at: str) -> str:
    """What one types when there never was one."""
    return f"promptops deploy --all {at} --create"
