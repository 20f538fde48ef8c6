"""Rollback: point units back to earlier releases. Needs the store and nothing else."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any

from promptops.delivery.agreement import Agree, as_proposed
from promptops.delivery.avoid import (
    Blocked,
    Wrong,
    blocked_in,
    previous_unblocked,
    refuse_blocked,
    refuse_no_return,
)
from promptops.delivery.deployment import Deployment, carry_out, missing, read_existing, repeated
from promptops.delivery.doubts import of_rollback
from promptops.delivery.drift import corruption
from promptops.delivery.way_back import kept
from promptops.errors import UsageError
from promptops.live import moves, moves_of_rollback
from promptops.live.moves import Intent, Proposal, Skipped
from promptops.live.moves_of_rollback import Target
from promptops.live.overtaking import (
    Overtaking,
    displaced,
    left_since,
    overtakings,
    there_already,
)
from promptops.live.records import Entry, Head, State
from promptops.live.store import Store, entries, needed, newer
from promptops.manifest.digest import beginning, short


def rollback(
    store: Store,
    units: tuple[str, ...],
    to: str | None,
    intent: Intent,
    *,
    force: bool = False,
    resume: bool = False,
    dry_run: bool = False,
    agree: Agree = as_proposed,
) -> Deployment:
    """Put units back: to the release before, or to a digest, revision or commit.

    Without units, `to` a revision or commit puts the whole environment back. What the last
    rehearsal found blocked is skipped, or refused when it was named, unless `force`; and in any
    case what the store holds no more or otherwise than it was, which no client takes. Where it goes
    is decided and agreed to once: a move by somebody who was faster is displaced. With `dry_run`
    nobody is asked and nothing is written. Raises UsageError for what cannot be meant, Refused,
    StoreError, OutcomeUnknown.
    """
    request = moves.request_of("rollback", [sorted(units), to])
    if resume and not dry_run:
        done = repeated(store, intent.operation, request)
        if done is not None:
            return done
    state = read_existing(store, intent.where)
    units = _named(store, state, units, to)
    reports = {} if force else kept(store)
    blocked = blocked_in(reports, state)
    wrong = partial(corruption, store)
    typed = _typed(units, to, intent)
    targets, skipped = _targets_of(store, state, units, to, intent, blocked, wrong, typed)
    if to is not None:
        refuse_blocked(targets, blocked, wrong, typed)

    def agree_in_doubt(state: State, proposal: Proposal) -> Proposal:
        doubts = () if force else tuple(of_rollback(state, proposal, reports, intent))
        proposal = replace(proposal, doubts=doubts)
        return proposal if dry_run else agree(state, proposal)

    @cache
    def check_passed(_: Head | None) -> None:
        if not force:
            refuse_no_return(store, targets, typed)

    def move(now: State, **more: Any) -> Proposal:
        check_passed(now.head)  # which somebody who was faster may have changed
        return moves_of_rollback.rollback(now, targets, request=request, force=force, **more)

    agreed = agree_in_doubt(state, move(state, intent=intent, skipped=skipped))
    if dry_run:
        return _as_if_done(store, state, agreed)
    return _go_back(store, state, targets, skipped, intent, request, move, agreed)


def _typed(units: tuple[str, ...], to: str | None, intent: Intent) -> list[str]:
    """The command, without what one may say beside."""
    named = [] if to is None else ["--to", to]
    return ["promptops", "rollback", *units, *named, *intent.where]


def _as_if_done(store: Store, state: State, agreed: Proposal) -> Deployment:
    """What a swap would make of it: nothing, where a release is not there."""
    for digest in needed(agreed.entry, agreed.pointers) if agreed.entry else ():
        if store.release(digest) is None:
            raise missing(digest)
    return Deployment(state.head, agreed.entry, agreed.skipped, doubts=agreed.doubts)


def _go_back(
    store: Store,
    state: State,
    targets: Mapping[str, Target],
    skipped: tuple[Skipped, ...],
    intent: Intent,
    request: str,
    move: Callable[..., Proposal],
    agreed: Proposal,
) -> Deployment:
    """To the targets that were decided, from `state` or whatever others make of it meanwhile."""
    if agreed.entry is not None:
        intent = replace(intent, at=agreed.entry.at)
    faster: list[Overtaking] = []

    def decide(now: State) -> Proposal:
        """Where to go was decided, and agreed to: whoever is faster does not change it."""
        if now.head != state.head:
            faster[:] = overtakings(newer(store, state.head), targets)
        there = there_already(now, targets, faster)
        left = left_since(state, faster)
        again = move(now, intent=intent, skipped=(*skipped, *there), left=left)
        return replace(again, doubts=agreed.doubts)

    done = carry_out(store, state, decide, request, displaces=True)
    if done.entry is None or done.repeated:
        return done
    return replace(done, displaced=displaced(done.entry, faster))


def _named(store: Store, state: State, units: tuple[str, ...], to: str | None) -> tuple[str, ...]:
    """The units that were asked for, or the only one there is."""
    if not units and to is None:
        if len(state.pointers) != 1:
            raise UsageError(
                "say which unit to roll back",
                f"live are: {', '.join(sorted(state.pointers))}; the whole environment goes back "
                "with --to REVISION",
            )
        return tuple(state.pointers)
    for unit in units:
        moves.live_pointer(state, unit, store.environment)
    return units


def _targets_of(
    store: Store,
    state: State,
    units: tuple[str, ...],
    to: str | None,
    intent: Intent,
    blocked: Blocked,
    wrong: Wrong,
    typed: Sequence[str],
) -> tuple[dict[str, Target], tuple[Skipped, ...]]:
    if to is None:
        return _newest(store, state, units, blocked, wrong, typed)
    revision = _revision(store, state, to)
    if revision is not None:
        return moves_of_rollback.as_it_was(
            state, units or tuple(state.pointers), revision, entries(store)
        )
    unit, target = _release(store, to)
    if units and units != (unit,):
        raise UsageError(
            f"{short(target.digest)} is a release of {unit}",
            shlex.join(["promptops", "rollback", unit, "--to", to, *intent.where]),
        )
    return {unit: target}, ()


def _newest(
    store: Store,
    state: State,
    units: tuple[str, ...],
    blocked: Blocked,
    wrong: Wrong,
    typed: Sequence[str],
) -> tuple[dict[str, Target], tuple[Skipped, ...]]:
    targets: dict[str, Target] = {}
    skipped: list[Skipped] = []
    for unit in dict.fromkeys(units):
        targets[unit], left_out = previous_unblocked(
            state.pointers[unit], unit, lambda: entries(store), blocked.get(unit, {}), wrong, typed
        )
        skipped += left_out
    return targets, tuple(skipped)


def _revision(store: Store, state: State, to: str) -> int | None:
    """The revision that `to` names, by itself or by its commit; None when it is a digest."""
    newest = 0 if state.head is None else state.head.revision
    if to.isascii() and to.isdigit() and len(to) < 16:
        if 1 <= int(to) <= newest:
            return int(to)
        if len(to) < 7:
            raise UsageError(
                f"there is no revision {to} in {store.environment}",
                f"revisions are 1 to {newest}; see promptops history",
            )
    digits = beginning(to)
    if digits is None or digits != to.lower():
        return None
    for entry in entries(store):
        if (
            entry.action in {"deploy", "promote"}
            and entry.commit
            and entry.commit.startswith(digits)
        ):
            return entry.revision
    return None


def _release(store: Store, to: str) -> tuple[str, Target]:
    """The unit and release that a digest, or the beginning of one, names in the history."""
    wanted = beginning(to)
    found: dict[str, tuple[str, Target]] = {}
    if wanted is not None:
        for entry in entries(store):
            for unit, target in _targets(entry):
                if target.digest.removeprefix("sha256:").startswith(wanted):
                    found.setdefault(target.digest, (unit, target))
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        listed = ", ".join(short(digest) for digest in found)
        raise UsageError(f"'{to}' begins several digests", f"say more of it: {listed}")
    raise UsageError(
        f"'{to}' is no digest, revision or commit that was live in {store.environment}",
        "see promptops history for what one can go back to",
    )


def _targets(entry: Entry) -> list[tuple[str, Target]]:
    return [
        (change.unit, Target(change.after, change.commit, change.safe)) for change in entry.changes
    ]
