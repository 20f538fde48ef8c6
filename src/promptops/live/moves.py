"""The moves: what was read + what is asked for → the next pointers and the entry, or a refusal.

Pure functions. Time, actor and operation id come in with the Intent; nothing is read or written
here, so both stores and every command share one set of rules:

- The revision grows by one with every deployment, rollbacks and holds included.
- A deploy does not bring back a digest that is held; with `skip_held` it leaves that unit alone.
- A rollback goes to the newest different release that was live and is not held, and holds the one
  that it leaves: so a second one goes further back, and never returns to the bad release.
- What is already so changes nothing and leaves no entry.
"""

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from promptops.errors import Refused, UnknownUnit
from promptops.live.records import Change, Entry, Hold, Pointer, State
from promptops.manifest.digest import short


@dataclass(frozen=True, slots=True)
class Intent:
    """Who wants it, why, when (RFC 3339, UTC), from which commit, under which operation id.

    `commits` names those of units that come from another one. `break_glass` says why past the
    protection of the environment, where that is so. `where` are the options that name the
    environment, for hints, which name whole commands.
    """

    operation: str
    actor: str
    at: str
    reason: str = ""
    commit: str | None = None
    where: tuple[str, ...] = ()
    break_glass: str = ""
    commits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A unit that was left alone, and why."""

    unit: str
    digest: str | None
    why: str

    def as_json(self) -> dict[str, str | None]:
        return {"unit": self.unit, "digest": self.digest, "why": self.why}


@dataclass(frozen=True, slots=True)
class Target:
    """Where a unit shall go back to, and the commit that the release was built from."""

    digest: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a swap would write; `entry` is None when there is nothing to do.

    `freeze` is as `Store.swap` takes it.
    """

    entry: Entry | None
    pointers: Mapping[str, Pointer]
    skipped: tuple[Skipped, ...] = ()
    freeze: str | None = None


def request_of(action: str, facts: object) -> str:
    """A short name of what was asked for: equal requests have equal names."""
    text = json.dumps([action, facts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def deploy(
    state: State,
    wanted: Mapping[str, str],
    intent: Intent,
    *,
    skip_held: bool,
    request: str,
    action: str = "deploy",
) -> Proposal:
    """Make the wanted digests (unit → digest) live. Raises Refused when one is held."""
    moved: list[tuple[Change, Pointer]] = []
    skipped: list[Skipped] = []
    for unit, digest in sorted(wanted.items()):
        live = state.pointers.get(unit)
        if live is not None and live.digest == digest:
            continue
        if live is not None and live.holds(digest):
            if not skip_held:
                raise _held(unit, digest, live, intent)
            skipped.append(Skipped(unit, digest, f"held: {_why(live, digest)}"))
            continue
        before = None if live is None else live.digest
        held = () if live is None else live.held
        commit = intent.commits.get(unit, intent.commit)
        pointer = Pointer(digest, _next(state), intent.at, commit, held, intent.break_glass)
        moved.append((Change(unit, before, digest, commit), pointer))
    return _proposal(action, state, intent, request, moved, tuple(skipped))


def rollback(
    state: State,
    targets: Mapping[str, Target],
    intent: Intent,
    *,
    request: str,
    force: bool = False,
    skipped: tuple[Skipped, ...] = (),
) -> Proposal:
    """Point units back to earlier digests, and hold what they leave.

    A held target raises Refused unless `force`, which lifts that hold.
    """
    moved: list[tuple[Change, Pointer]] = []
    for unit, target in sorted(targets.items()):
        live = state.pointers[unit]
        if live.digest == target.digest:
            continue
        was_held = live.holds(target.digest)
        if was_held and not force:
            raise Refused(
                "held",
                f"{short(target.digest)} is held for {unit}: {_why(live, target.digest)}",
                "choose another --to, or say --force to go there all the same",
            )
        held = tuple(hold for hold in live.held if hold.digest != target.digest)
        if not live.holds(live.digest):
            reason = intent.reason or f"left by the rollback of revision {_next(state)}"
            held = (*held, Hold(live.digest, reason, intent.at, intent.actor))
        change = Change(
            unit,
            live.digest,
            target.digest,
            target.commit,
            held=live.digest,
            lifted=target.digest if was_held else None,
        )
        pointer = Pointer(target.digest, _next(state), intent.at, target.commit, held)
        moved.append((change, pointer))
    return _proposal("rollback", state, intent, request, moved, skipped)


def hold(state: State, unit: str, digest: str, intent: Intent, *, request: str) -> Proposal:
    """Hold a digest, with the intent's reason; what is held already stays as it is."""
    live = state.pointers[unit]
    if live.holds(digest):
        return Proposal(None, {})
    held = (*live.held, Hold(digest, intent.reason, intent.at, intent.actor))
    change = Change(unit, live.digest, live.digest, live.commit, held=digest)
    return _proposal("hold", state, intent, request, [(change, replace(live, held=held))])


def lift(state: State, unit: str, digest: str, intent: Intent, *, request: str) -> Proposal:
    """Lift a hold; raises Refused when there is none, with the list of what is held."""
    live = state.pointers[unit]
    if not live.holds(digest):
        listed = ", ".join(short(item.digest) for item in live.held)
        raise Refused(
            "not-held",
            f"{short(digest)} is not held for {unit}",
            f"held are: {listed}" if listed else "nothing is held for it",
        )
    held = tuple(item for item in live.held if item.digest != digest)
    change = Change(unit, live.digest, live.digest, live.commit, lifted=digest)
    return _proposal("lift", state, intent, request, [(change, replace(live, held=held))])


def previous(live: Pointer, unit: str, history: Iterable[Entry]) -> Target:
    """The newest release before the live one that is different and not held.

    `history` is newest first. Raises Refused, with what was seen, when there is none.
    """
    held: dict[str, None] = {}
    for entry in history:
        for change in entry.changes:
            if change.unit != unit or change.after == live.digest:
                continue
            if not live.holds(change.after):
                return Target(change.after, change.commit)
            held[change.after] = None
    if held:
        listed = ", ".join(f"{short(digest)} ({_why(live, digest)})" for digest in held)
        raise Refused(
            "no-target",
            f"{unit} has no earlier release that is not held",
            f"held are: {listed}; go to one all the same with --to {short(next(iter(held)))} "
            "--force",
        )
    raise Refused(
        "no-target",
        f"{unit} has only ever had one release here, {short(live.digest)}",
        "there is nothing to go back to; fix the prompt and deploy",
    )


def as_it_was(
    state: State, units: Iterable[str], revision: int, history: Iterable[Entry]
) -> tuple[dict[str, Target], tuple[Skipped, ...]]:
    """What each unit pointed to at a revision; units that were not live then are skipped."""
    wanted = set(units)
    found: dict[str, Target] = {}
    for entry in history:
        if entry.revision > revision:
            continue
        for change in entry.changes:
            if change.unit in wanted and change.unit not in found:
                found[change.unit] = Target(change.after, change.commit)
        if len(found) == len(wanted):
            break
    skipped = tuple(
        Skipped(unit, state.pointers[unit].digest, f"was not live at revision {revision}")
        for unit in sorted(wanted - set(found))
    )
    return found, skipped


def live_pointer(state: State, unit: str, environment: str) -> Pointer:
    """The pointer of a unit; raises UnknownUnit with the nearest name."""
    if unit in state.pointers:
        return state.pointers[unit]
    close = get_close_matches(unit, state.pointers, n=1)
    raise UnknownUnit(
        f"there is no unit '{unit}' in {environment}",
        f"did you mean '{close[0]}'?"
        if close
        else f"live are: {', '.join(sorted(state.pointers)) or 'none'}",
    )


def entry_of(
    action: str, state: State, intent: Intent, request: str, changes: tuple[Change, ...] = ()
) -> Entry:
    """The next entry of the history."""
    commits = {change.commit for change in changes}
    return Entry(
        revision=_next(state),
        action=action,
        at=intent.at,
        actor=intent.actor,
        commit=commits.pop() if len(commits) == 1 else None,
        reason=intent.reason,
        operation=intent.operation,
        request=request,
        changes=changes,
        break_glass=intent.break_glass,
    )


def _next(state: State) -> int:
    return 1 if state.head is None else state.head.revision + 1


def _why(live: Pointer, digest: str) -> str:
    return next(f"{item.reason} ({item.at})" for item in live.held if item.digest == digest)


def _held(unit: str, digest: str, live: Pointer, intent: Intent) -> Refused:
    lifted = shlex.join(["promptops", "hold", unit, short(digest), "--lift", *intent.where])
    return Refused(
        "held",
        f"{short(digest)} is held for {unit}: {_why(live, digest)}",
        f"a changed prompt deploys without ceremony; to allow this very one again: {lifted}",
    )


def _proposal(
    action: str,
    state: State,
    intent: Intent,
    request: str,
    moved: list[tuple[Change, Pointer]],
    skipped: tuple[Skipped, ...] = (),
) -> Proposal:
    if not moved:
        return Proposal(None, {}, skipped)
    entry = entry_of(action, state, intent, request, tuple(change for change, _ in moved))
    return Proposal(entry, {change.unit: pointer for change, pointer in moved}, skipped)
