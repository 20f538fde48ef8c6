"""Restore: an environment rebuilt from an export or from git, and clients that follow it."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from promptops.delivery.ages import age
from promptops.delivery.checkout import Checkout
from promptops.delivery.deployment import Deployment, in_doubt, repeated
from promptops.delivery.export import Export, releases_of
from promptops.delivery.lost import Lost, served_on
from promptops.delivery.mending import put_over
from promptops.errors import Refused, StoreCorrupt, StoreUnreachable
from promptops.live import moves_of_restore as moves
from promptops.live.freezing import check_not_frozen
from promptops.live.moves import Intent, request_of
from promptops.live.moves_of_restore import Restoration
from promptops.live.presence import Presence
from promptops.live.records import Entry, Freeze, Head, Pointer, State
from promptops.live.replay import replay
from promptops.live.store import Store, entries
from promptops.live.stored import JUNK
from promptops.manifest.digest import short


@dataclass(frozen=True, slots=True)
class There:
    """What the store still has, as far as it can be read; `lost` says what cannot.

    `known` are the heads that the store and its clients are at; `history` is newest first, None
    when it cannot be read.
    """

    head: Head | None
    clients: Sequence[Presence]
    known: Sequence[Head]
    pointers: Mapping[str, Pointer]
    history: Sequence[Entry] | None
    freeze: Freeze | None
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A restore that is decided and not done; `releases` gives `count` releases to be stored.

    `lost` are the deployments that it leaves out, newest first, `since` what clients serve beyond
    the export and whatever the store knows.
    """

    there: There
    restoration: Restoration
    count: int
    releases: Callable[[], Iterable[bytes]] = field(compare=False)
    lost: Sequence[Entry] = ()
    since: Lost | None = None


def look(store: Store) -> There:
    """What is there; damage is told and not raised, because a restore is what mends it.

    Where the pointers are damaged, they are what the history says.
    """
    clients = store.clients()
    known = [client.head for client in clients if client.epoch]
    head = store.seal().head
    known += [head] if head else []
    history: list[Entry] | None = None
    lost = ""
    try:
        history = list(entries(store))
        # Without a head the epoch is not known; no revision is used again all the same.
        known += [Head(0, history[0].revision)] if history else []
    except StoreCorrupt as error:
        lost = error.message
    try:
        state = store.read()
    except StoreCorrupt as error:
        pointers = replay(reversed(history or []))
        return There(head, clients, known, pointers, history, None, lost or error.message)
    return There(head, clients, known, state.pointers, history, state.freeze, lost)


def done_before(store: Store, source: Export | Checkout, operation: str) -> Deployment | None:
    """What the operation id did before; a history that cannot be read tells of nothing.

    Raises Refused when it did something else.
    """
    with suppress(StoreCorrupt):
        return repeated(store, operation, _request(source))
    return None


def _request(source: Export | Checkout) -> str:
    if isinstance(source, Export):
        return request_of("restore", [source.environment, source.head.epoch, source.head.revision])
    return request_of("restore", [_wanted(source), _safe(source)])


def _wanted(checkout: Checkout) -> dict[str, str]:
    return {item.unit: item.digest for item in checkout.built}


def _safe(checkout: Checkout) -> dict[str, str]:
    return {item.unit: item.safe[0] for item in checkout.built if item.safe}


def prepare(
    store: Store, source: Export | Checkout, intent: Intent, *, force: bool, epoch: int | None
) -> Prepared:
    """Raises Refused where something newer would be lost, unless `force`, or where a commit would
    go through a freeze.
    """
    there = look(store)
    if isinstance(source, Checkout):
        # It deploys what is in git, and a freeze that can be read is one of a store that is well.
        check_not_frozen(State(there.head, freeze=there.freeze), intent)
    if not force:
        _check_readable(there)
    if isinstance(source, Export):
        lost = moves.unknown_to(source.history, there.history or ())
        since = (
            None if lost else served_on(each for each in there.clients if each.head > source.head)
        )
        if not force:
            _check_export(store, source, lost, since, intent)
        return replace(_of_export(there, source, intent, epoch), lost=lost, since=since)
    if not force:
        _check_commit(source, there)
    return _of_commit(there, source, intent, epoch)


def _check_readable(there: There) -> None:
    if there.history is None:
        raise Refused(
            "newer",
            f"what was deployed cannot be told: {there.lost}",
            "promptops verify says more; to lose the history that is there: --force",
        )


def _check_export(
    store: Store, export: Export, newer: Sequence[Entry], since: Lost | None, intent: Intent
) -> None:
    if export.environment != store.environment:
        raise Refused(
            "other-environment",
            f"{export.path} is an export of {export.environment}, not of {store.environment}",
            "name that environment, or say --force when it is meant",
        )
    if newer:
        raise Refused(
            "newer",
            f"{store.environment} has {len(newer)} deployment{'s' * (len(newer) != 1)} that "
            f"{export.path} does not know; the last is revision {newer[0].revision}, "
            f"{newer[0].action} by {newer[0].actor}",
            "export it first, or take a newer export; to lose them all the same: --force",
        )
    if since is not None:
        old = age(export.at, datetime.fromisoformat(intent.at))
        raise Refused(
            "newer",
            f"{export.path} was written {old} ago, at revision {export.head.revision}, and "
            f"{since.served}: what came since would be lost",
            "take a newer export, or what is in git: --from-git REV; to lose that all the same: "
            "--force",
        )


def _check_commit(checkout: Checkout, there: There) -> None:
    for unit, pointer in sorted(there.pointers.items()):
        is_older = checkout.is_older
        if pointer.commit and is_older and is_older(str(checkout.commit), pointer.commit):
            raise Refused(
                "newer",
                f"{unit} is live from commit {pointer.commit[:12]}, and "
                f"{str(checkout.commit)[:12]} is older than that",
                "name a newer commit; to put the older one there all the same: --force",
            )


def _of_export(there: There, export: Export, intent: Intent, epoch: int | None) -> Prepared:
    head = moves.next_head([*there.known, export.head], epoch, intent.at)
    was = (export.pointers, export.history, export.freeze)
    done = moves.from_export(head, *was, intent, _request(export))
    return Prepared(there, done, len(export.digests), lambda: releases_of(export.path))


def _of_commit(there: There, checkout: Checkout, intent: Intent, epoch: int | None) -> Prepared:
    head = moves.next_head(there.known, epoch, intent.at)
    freeze = there.freeze.to_json() if there.freeze else ""
    was = (there.pointers, (there.history or [])[::-1], freeze)
    wanted = (_wanted(checkout), _safe(checkout))
    done = moves.from_commit(head, *was, *wanted, intent, _request(checkout))
    stored = [item.data for item in checkout.built]
    stored += [item.safe[1] for item in checkout.built if item.safe]
    return Prepared(there, done, len(stored), lambda: stored)


def restore(store: Store, prepared: Prepared, tell: Callable[[int, int], None]) -> Deployment:
    """Do it: the releases first, and then all else at once.

    Raises Refused when somebody was faster, or a release is nowhere; StoreError.
    """
    put = set()
    for number, data in enumerate(prepared.releases(), 1):
        put.add(put_over(store, data))
        tell(number, prepared.count)
    there, wanted = prepared.there, prepared.restoration
    for unit, pointer in sorted(wanted.pointers.items()):
        if pointer.digest not in put and store.release(pointer.digest) is None:
            raise Refused(
                "missing-release",
                f"the release {short(pointer.digest)}, live as {unit}, is neither in the store nor "
                "in what is restored",
                "restore from an export, or from the commit that made it",
            )
    sent = time.monotonic()
    if not _replaced(store, there.head, wanted):
        raise Refused(
            "lost-race",
            "somebody deployed meanwhile",
            "nothing was restored; look at promptops history, then try again",
        )
    with in_doubt(wanted.history[-1]):
        (last,) = store.history(limit=1)
        if store.seal().head != wanted.head or last != wanted.history[-1]:
            raise StoreCorrupt("the store does not have what was restored", "promptops verify")
    return Deployment(wanted.head, last, wanted.skipped, swapped=sent)


def restore_reports(store: Store, exported: Mapping[str, str]) -> None:
    """What rehearsals found, so that a rollback knows what is blocked; raises StoreError."""
    for name, text in sorted(missing_reports(exported, store.reports()).items()):
        store.keep_report(name, text)


def missing_reports(exported: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """The exported reports without those of which the store has a newer one."""
    return {
        name: text
        for name, text in exported.items()
        if name not in there or _made_at(there[name]) < _made_at(text)
    }


def _made_at(text: str) -> str:
    """Empty for what does not say it; what says it does so in one form, which can be compared."""
    try:
        facts = json.loads(text)
        return str(facts.get("checked_at") or facts.get("at") or "")
    except (*JUNK, AttributeError):
        return ""


def _replaced(store: Store, expected: Head | None, wanted: Restoration) -> bool:
    """Raises OutcomeUnknown when the answer is lost and nobody can tell whether it happened."""
    try:
        return store.restore(expected, wanted.head, wanted.pointers, wanted.history, wanted.freeze)
    except (StoreUnreachable, KeyboardInterrupt):
        with in_doubt(wanted.history[-1]):
            if store.seal().head == wanted.head:
                return True
        raise
