"""Wait until the present clients serve a head, and say who does not."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.store import Store

LOOK_EVERY = 0.01
# A client speaks every ten seconds. One that fell silent before its presence ran out did not leave.
SILENT_AFTER = 12.0


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many clients are present, how many serve the head, how long the slowest took."""

    present: int
    confirmed: int
    slowest_seconds: float | None
    missing: tuple[Presence, ...]


def await_clients(
    store: Store,
    head: Head,
    wanted: Mapping[str, str],
    since: float,
    seconds: float,
    app: str = "",
) -> Confirmation:
    """Look until every present client serves `head` or a later one, for at most `seconds`.

    `wanted` are the units that count, with their digests. Nobody is waited for who says that it
    refuses these or pins others, and who falls silent meanwhile is missing. `since` is the
    monotonic time of the swap, from which the slowest is measured. `app` leaves out the clients of
    others.
    """
    until = time.monotonic() + seconds
    slowest: float | None = None
    seen: set[str] = set()
    waited_for: dict[str, Presence] = {}
    while True:
        began = time.monotonic()
        clients = [each for each in store.clients() if app in {"", each.app}]
        now = time.monotonic()
        # Read after the clients: one that is above it then stays there because the store went back.
        latest = store.read(head).head if any(each.head > head for each in clients) else head
        confirmed = {client.client for client in clients if client.serves(head, wanted, latest)}
        if confirmed - seen:
            seen |= confirmed
            slowest = now - since
        behind = [client for client in clients if client.client not in confirmed]
        known = seen | {client.client for client in clients}
        silent = [
            each for name, each in waited_for.items() if name not in known and _fell_silent(each)
        ]
        if all(client.declines(head, wanted) for client in behind) or now >= until:
            present = len(clients) + len(silent)
            return Confirmation(present, len(confirmed), slowest, (*behind, *silent))
        waited_for |= {client.client: client for client in behind}
        # A crowd takes its time to be listed: the store has as much for others.
        time.sleep(max(LOOK_EVERY, time.monotonic() - began))


def _fell_silent(last: Presence) -> bool:
    """Whether a client that is gone had fallen silent when it was last seen, cut off or killed."""
    return last.age is not None and last.age >= SILENT_AFTER
