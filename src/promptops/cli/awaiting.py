"""--wait: what the present clients confirmed, and what is said of those who did not."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from promptops.cli import suggested
from promptops.cli.output import printable, say
from promptops.cli.replicas import STANDS
from promptops.delivery.confirm import Confirmation, await_clients
from promptops.delivery.confirmed import remember
from promptops.delivery.deployment import Deployment
from promptops.delivery.way_back import now
from promptops.errors import StoreError, Unconfirmed
from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import short

NOT_COUNTED = "clients without presence are not counted"


def awaited(
    store: Store,
    done: Deployment,
    units: Collection[str],
    since: float,
    wait: float,
    facts: dict[str, Any],
) -> Unconfirmed | None:
    """Put who confirmed into the facts; what to raise when somebody is missing."""
    head = done.head or Head(0, 0)
    where = suggested.where(store.environment)
    try:
        wanted = _wanted(store, done, units)
        confirmation = await_clients(store, head, wanted, since, wait)
        remember(store, head, confirmation, now())
    except (StoreError, KeyboardInterrupt) as error:
        return _uncounted(error, where)
    facts["clients"] = _clients(confirmation)
    if not confirmation.present:
        say(f"no client is present: nobody could confirm it; {NOT_COUNTED}")
    missing = confirmation.missing
    if not missing:
        return None
    if all(client.declines(head, wanted) for client in missing):
        keeping = {unit for client in missing for unit in client.keeps_of(head, wanted)}
        ways = _ways_out(missing, sorted(keeping or wanted), where)
        return _unconfirmed(confirmation, "do not take it", ways)
    hint = f"look at those processes, and at {suggested.command('status', *where)}"
    return _unconfirmed(confirmation, f"did not confirm within {wait:g} s", hint)


def _wanted(store: Store, done: Deployment, units: Collection[str]) -> dict[str, str]:
    """The digests that clients must serve: what was changed, or else what was asked for."""
    if done.entry is not None:
        return {change.unit: change.after for change in done.entry.changes}
    live = store.read().pointers
    return {unit: live[unit].digest for unit in units or live if unit in live}


def _clients(confirmation: Confirmation) -> dict[str, Any]:
    slowest = confirmation.slowest_seconds
    return {
        "present": confirmation.present,
        "confirmed": confirmation.confirmed,
        "slowest_seconds": None if slowest is None else round(slowest, 3),
        "missing": [client_facts(client) for client in confirmation.missing],
    }


def clients_line(clients: Mapping[str, Any]) -> str:
    """`2 of 3 clients confirmed, slowest 0.02 s`, from the JSON of a confirmation."""
    line = f"{clients['confirmed']} of {clients['present']} clients confirmed"
    if clients["slowest_seconds"] is not None:
        line += f", slowest {clients['slowest_seconds']:.2f} s"
    return f"{line}; {NOT_COUNTED}" if clients["present"] else line


def client_facts(client: Presence) -> dict[str, Any]:
    """A client as scripts see it."""
    return {
        "client": client.client,
        "app": client.app,
        "host": client.host,
        "pid": client.pid,
        "version": client.version,
        "revision": client.revision,
        "pins": client.pins,
        "error": client.error,
        "refused": [asdict(each) for each in client.refused],
    }


def named(client: Presence) -> str:
    """Who it is, for a person, and why it does not follow."""
    reasons = [client.error] if client.error else [each.reason for each in client.refused[:1]]
    why = "".join(f", refuses: {reason}" for reason in reasons)
    why += "".join(f", pins {unit} to {short(digest)}" for unit, digest in client.pins.items())
    return printable(
        f"{client.app or client.client} on {client.host} (pid {client.pid}, revision "
        f"{client.revision}{why})"
    )


def _ways_out(missing: Iterable[Presence], units: Iterable[str], where: list[str]) -> str:
    """Of clients that decline these units."""
    ways = [f"to go back: {suggested.command('rollback', *units, *where)}"]
    for unit in sorted({unit for client in missing for unit in client.pins}):
        lift = suggested.command("pin", unit, "--lift", *where, "--cache", "DIR")
        ways.append(f"to end a pin: {lift}")
    return "; ".join(ways)


def _unconfirmed(confirmation: Confirmation, what: str, hint: str) -> Unconfirmed:
    missing = confirmation.missing
    return Unconfirmed(
        f"{len(missing)} of {confirmation.present} clients {what}: "
        f"{', '.join(named(client) for client in missing)}",
        f"{STANDS}{hint}",
    )


def _uncounted(error: StoreError | KeyboardInterrupt, where: list[str]) -> Unconfirmed:
    why = error.message if isinstance(error, StoreError) else "interrupted"
    return Unconfirmed(
        f"the clients could not be awaited: {why}",
        f"{STANDS}who serves it: {suggested.command('status', *where)}",
    )
