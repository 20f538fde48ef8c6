"""What a command says that changes what is live: the result, the refusal, the clients."""

import os
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promptops.cli import suggested
from promptops.cli.changes import change_line
from promptops.cli.output import emit, in_line, printable, say
from promptops.cli.replicas import (
    STANDS,
    check_has_replicas,
    in_doubt,
    replica_facts,
    replica_line,
)
from promptops.cli.settings import Environment
from promptops.cli.streams import OutputLost
from promptops.delivery.confirm import Confirmation, await_clients
from promptops.delivery.confirmed import remember
from promptops.delivery.deployment import Deployment
from promptops.errors import OutcomeUnknown, Refused, StoreError, Unconfirmed
from promptops.live.moves import Intent
from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import short
from promptops.source.identity import actor

NOT_COUNTED = "clients without presence are not counted"


def new_intent(
    place: Environment, operation: str | None, reason: str, commit: str | None = None
) -> Intent:
    """Who does it, now, under the operation id that was named or a new one."""
    return Intent(
        operation=operation or str(uuid.uuid4()),
        # Not Path.cwd(), which fails where somebody has removed the current folder.
        actor=actor(os.environ, Path()),
        at=now(),
        reason=reason,
        commit=commit,
        where=tuple(suggested.where(place.name)),
    )


def now() -> str:
    """This moment, as the history writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def move(
    place: Environment,
    intent: Intent,
    output: str,
    *,
    dry_run: bool = False,
    replicas: int | None = None,
) -> Iterator[Store]:
    """The store of a command that changes something; a refusal is printed as JSON too.

    What is swapped there waits for `replicas`.
    """
    if replicas is not None:
        check_has_replicas(place)
    store = place.open(replicas or 0)
    try:
        yield store
    except (Refused, OutcomeUnknown) as error:
        if output == "json":
            action = "unknown" if isinstance(error, OutcomeUnknown) else "none"
            head = None if isinstance(error, OutcomeUnknown) else _head(store)
            facts = _facts(place, intent.operation, head, action)
            if dry_run:
                facts["dry_run"] = True
            with suppress(OutputLost):
                emit(output, facts | {"refused": _refusal(error)}, "")
        raise
    finally:
        # There is nothing left to interrupt.
        with suppress(KeyboardInterrupt):
            store.close()


def report(
    place: Environment,
    store: Store,
    intent: Intent,
    done: Deployment,
    *,
    wait: float | None,
    output: str,
    units: Collection[str] = (),
    dry_run: bool = False,
    more: Mapping[str, Any] | None = None,
    replicas: int | None = None,
) -> None:
    """Print what was done, as read back; raises Unconfirmed when clients or replicas are missing.

    `units` are those that were asked for, by which clients are judged when nothing was to do;
    `more` is what only this command has to say in JSON.
    """
    entry = done.entry
    facts = _facts(place, intent.operation, done.head, entry.action if entry else "none")
    facts |= more or {}
    facts["skipped"] = [skipped.as_json() for skipped in done.skipped]
    if entry is not None:
        facts["changes"] = [change.as_json() for change in entry.changes]
    if done.repeated:
        facts["repeated"] = True
    if dry_run:
        facts["dry_run"] = True
    for skipped in done.skipped:
        say(in_line(f"skipped {skipped.unit}: {short(skipped.digest or '')} {skipped.why}"))
    missing = []
    if replicas is not None and not dry_run:
        facts["replicas"] = replica_facts(done, replicas)
        if entry is None:
            say("nothing was written: no replica was asked")
        else:
            missing.append(in_doubt(done, facts["replicas"], intent))
    if wait is not None and not dry_run and done.head is not None:
        since = time.monotonic() if done.swapped is None else done.swapped
        missing.append(_await(store, done, units, since, wait, facts))
    unconfirmed = _together([each for each in missing if each is not None])
    if unconfirmed is not None:
        facts["refused"] = _refusal(unconfirmed)
    try:
        emit(output, facts, _text(facts))
    except OutputLost as lost:
        if entry is None or dry_run:
            raise
        raise _untold(lost, facts) from lost
    if unconfirmed is not None:
        raise unconfirmed


def _await(
    store: Store,
    done: Deployment,
    units: Collection[str],
    since: float,
    wait: float,
    facts: dict[str, Any],
) -> Unconfirmed | None:
    """Put who confirmed into the facts; what to raise when somebody is missing."""
    head = done.head or Head(0, 0)
    try:
        wanted = _wanted(store, done, units)
        confirmation = await_clients(store, head, wanted, since, wait)
        remember(store, head, confirmation, now())
    except (StoreError, KeyboardInterrupt) as error:
        return _uncounted(error)
    facts["clients"] = _clients(confirmation)
    if not confirmation.present:
        say(f"no client is present: nobody could confirm it; {NOT_COUNTED}")
    refusing = all(client.declines(head, wanted) for client in confirmation.missing)
    return _unconfirmed(confirmation, wait, refusing=refusing)


def _wanted(store: Store, done: Deployment, units: Collection[str]) -> dict[str, str]:
    """The digests that clients must serve: what was changed, or else what was asked for."""
    if done.entry is not None:
        return {change.unit: change.after for change in done.entry.changes}
    live = store.read().pointers
    return {unit: live[unit].digest for unit in units or live if unit in live}


def _facts(place: Environment, operation: str, head: Head | None, action: str) -> dict[str, Any]:
    return {
        "environment": place.name,
        "epoch": head and head.epoch,
        "revision": head and head.revision,
        "operation": operation,
        "action": action,
        "changes": [],
        "skipped": [],
        "clients": None,
    }


def _refusal(error: Refused | OutcomeUnknown | Unconfirmed) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _head(store: Store) -> Head | None:
    try:
        return store.read().head
    except StoreError:
        return None


def _clients(confirmation: Confirmation) -> dict[str, Any]:
    slowest = confirmation.slowest_seconds
    return {
        "present": confirmation.present,
        "confirmed": confirmation.confirmed,
        "slowest_seconds": None if slowest is None else round(slowest, 3),
        "missing": [client_facts(client) for client in confirmation.missing],
    }


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


def _unconfirmed(confirmation: Confirmation, wait: float, *, refusing: bool) -> Unconfirmed | None:
    missing = confirmation.missing
    if not missing:
        return None
    what = "do not take it" if refusing else f"did not confirm within {wait:g} s"
    hint = "look at those processes, and at promptops status"
    if refusing:
        pinned = any(client.pins for client in missing)
        hint = "promptops rollback goes back" + "; promptops pin --lift ends a pin" * pinned
    return Unconfirmed(
        f"{len(missing)} of {confirmation.present} clients {what}: "
        f"{', '.join(named(client) for client in missing)}",
        f"{STANDS}{hint}",
    )


def _together(missing: list[Unconfirmed]) -> Unconfirmed | None:
    if len(missing) < 2:
        return missing[0] if missing else None
    hints = "; ".join(each.hint.removeprefix(STANDS) for each in missing)
    return Unconfirmed("; ".join(each.message for each in missing), STANDS + hints)


def _uncounted(error: StoreError | KeyboardInterrupt) -> Unconfirmed:
    why = error.message if isinstance(error, StoreError) else "interrupted"
    return Unconfirmed(
        f"the clients could not be awaited: {why}",
        f"{STANDS}promptops status tells who serves it",
    )


def _untold(lost: OutputLost, facts: dict[str, Any]) -> Unconfirmed:
    return Unconfirmed(
        f"{facts['environment']} is at revision {facts['revision']} ({facts['action']}), which "
        f"could not be told: {lost.message}",
        f"{STANDS}promptops status tells what is live",
    )


def _text(facts: dict[str, Any]) -> str:
    environment, revision = facts["environment"], facts["revision"]
    if facts["action"] == "none":
        at = f"revision {revision} stays" if revision else "it stays as it is"
        return _with_clients([f"{environment}: nothing to do, {at}"], facts)
    if facts.get("dry_run"):
        lines = [f"{environment} is at revision {revision or 0}; a deploy would change:"]
    elif facts.get("repeated"):
        lines = [f"{environment}: done before, as revision {revision} ({facts['action']})"]
    else:
        lines = [f"{environment} is at revision {revision} ({facts['action']})"]
    lines += [f"  {change_line(change)}" for change in facts["changes"]]
    lines += [
        in_line(
            f"  displaced {short(each['digest'])} of {each['unit']}: revision {each['revision']}, "
            f"{each['action']} by {each['actor']}"
        )
        for each in facts.get("displaced", ())
    ]
    if "replicas" in facts:
        lines += filter(None, [replica_line(facts["replicas"])])
    return _with_clients(lines, facts)


def _with_clients(lines: list[str], facts: dict[str, Any]) -> str:
    clients = facts["clients"]
    if clients is not None:
        line = f"{clients['confirmed']} of {clients['present']} clients confirmed"
        if clients["slowest_seconds"] is not None:
            line += f", slowest {clients['slowest_seconds']:.2f} s"
        lines.append(f"{line}; {NOT_COUNTED}" if clients["present"] else line)
    return "\n".join(lines)
