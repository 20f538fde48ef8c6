"""What a command says that changes what is live: the result, the refusal, the clients."""

import os
import time
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from promptops.cli import suggested
from promptops.cli.awaiting import awaited, clients_line
from promptops.cli.changes import change_line, displaced_line, doubt_lines
from promptops.cli.output import emit, in_line, say, say_warning
from promptops.cli.replicas import (
    STANDS,
    check_has_replicas,
    in_doubt,
    replica_facts,
    replica_line,
)
from promptops.cli.settings import Environment
from promptops.cli.streams import OutputLost
from promptops.delivery.deployment import Deployment
from promptops.delivery.way_back import now
from promptops.errors import OutcomeUnknown, PromptopsError, Refused, StoreError, Unconfirmed
from promptops.live.moves import Intent
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import short
from promptops.source.identity import actor


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


@contextmanager
def move(
    place: Environment,
    intent: Intent,
    output: str,
    *,
    dry_run: bool = False,
    replicas: int | None = None,
    role: str = "publisher",
) -> Iterator[Store]:
    """The store of a command that changes something; a refusal is printed as JSON too.

    What is swapped there waits for `replicas`; `role` is that of a user who may do it.
    """
    if replicas is not None:
        check_has_replicas(place)
    store = place.open(replicas or 0)
    try:
        with suggested.permitted(role, place.name):
            yield store
    except PromptopsError as error:
        # Every command has this done at its end; the JSON is written before.
        error.hint = suggested.completed(error.hint, place.name)
        if output == "json" and isinstance(error, Refused | OutcomeUnknown):
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


@contextmanager
def told_in_a_dry_run(*, dry_run: bool) -> Iterator[None]:
    """A refusal of who may do it, which holds up nobody who wants to see what it would do."""
    try:
        yield
    except Refused as refused:
        if not dry_run:
            raise
        say_warning(f"without --dry-run this is refused: {refused.message}")


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
    if done.doubts:
        facts["doubts"] = [doubt.as_json() for doubt in done.doubts]
    if done.repeated:
        facts["repeated"] = True
    if dry_run:
        facts["dry_run"] = True
    for skipped in done.skipped:
        say(in_line(f"skipped {skipped.unit}: {short(skipped.digest or '')} {skipped.why}"))
    missing = []
    if replicas is not None and not dry_run:
        facts["replicas"] = replica_facts(done, replicas)
        missing.append(in_doubt(done, facts["replicas"], intent))
    if wait is not None and not dry_run and done.head is not None:
        since = time.monotonic() if done.swapped is None else done.swapped
        missing.append(awaited(store, done, units, since, wait, facts))
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


def _together(missing: list[Unconfirmed]) -> Unconfirmed | None:
    if len(missing) < 2:
        return missing[0] if missing else None
    hints = "; ".join(each.hint.removeprefix(STANDS) for each in missing)
    return Unconfirmed("; ".join(each.message for each in missing), STANDS + hints)


def _untold(lost: OutputLost, facts: dict[str, Any]) -> Unconfirmed:
    status = suggested.command("status", *suggested.where(facts["environment"]))
    return Unconfirmed(
        f"{facts['environment']} is at revision {facts['revision']} ({facts['action']}), which "
        f"could not be told: {lost.message}",
        f"{STANDS}what is live: {status}",
    )


def _text(facts: dict[str, Any]) -> str:
    environment, revision = facts["environment"], facts["revision"]
    if facts["action"] == "none":
        at = f"revision {revision} stays" if revision else "it stays as it is"
        return _with_clients([f"{environment}: nothing to do, {at}"], facts)
    if facts.get("dry_run"):
        lines = [f"{environment} is at revision {revision or 0}; a {facts['action']} would change:"]
    elif facts.get("repeated"):
        lines = [f"{environment}: done before, as revision {revision} ({facts['action']})"]
    else:
        lines = [f"{environment} is at revision {revision} ({facts['action']})"]
    lines += [f"  {change_line(change, facts['action'])}" for change in facts["changes"]]
    lines += [f"  {displaced_line(each)}" for each in facts.get("displaced", ())]
    if "replicas" in facts:
        lines += filter(None, [replica_line(facts["replicas"])])
    lines += doubt_lines(facts.get("doubts", ()))
    return _with_clients(lines, facts)


def _with_clients(lines: list[str], facts: dict[str, Any]) -> str:
    if facts["clients"] is not None:
        lines.append(clients_line(facts["clients"]))
    return "\n".join(lines)
