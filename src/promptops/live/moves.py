"""The moves: what was read + what is asked for → the next pointers and the entry, or a refusal.

Pure functions. Time, actor and operation id come in with the Intent; nothing is read or written
here, so both stores and every command share one set of rules:

- The revision grows by one with every deployment, rollbacks and holds included.
- A deploy does not bring back a digest that is held; with `skip_held` it leaves that unit alone.
- What is already so changes nothing and leaves no entry.
- A unit in safe mode is left alone by deploys; a rollback leaves safe mode for its target. A
  retired unit comes back with a rollback or a deploy; what was retired itself, only by its name.
"""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from promptops.closest import closest
from promptops.errors import Refused, UnknownUnit
from promptops.live.records import Change, Entry, Hold, Pointer, SafeMode, State
from promptops.manifest.digest import short

RETIRE = "retire"  # the action of an entry after which its units are not live
_NONE: Mapping[str, str] = MappingProxyType({})


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
class Doubt:
    """Where a unit goes all the same, what speaks against it, and the command that tells more."""

    unit: str
    digest: str
    why: str
    hint: str

    def as_json(self) -> dict[str, str]:
        return {"unit": self.unit, "digest": self.digest, "why": self.why, "hint": self.hint}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a swap would write; `entry` is None when there is nothing to do.

    `freeze` is as `Store.swap` takes it.
    """

    entry: Entry | None
    pointers: Mapping[str, Pointer]
    skipped: tuple[Skipped, ...] = ()
    freeze: str | None = None
    doubts: tuple[Doubt, ...] = ()


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
    safe: Mapping[str, str] = _NONE,
) -> Proposal:
    """Make the wanted digests (unit → digest) live, with the safe releases that belong to them.

    Raises Refused when one is held or its unit is in safe mode; `skip_held` leaves it alone.
    """
    moved: list[tuple[Change, Pointer]] = []
    skipped: list[Skipped] = []
    for unit, digest in sorted(wanted.items()):
        live = state.pointers.get(unit)
        if live is not None and live.safe_mode is not None:
            if not skip_held:
                raise _in_safe_mode(unit, live.safe_mode, intent)
            skipped.append(Skipped(unit, digest, f"in safe mode: {live.safe_mode.reason}"))
            continue
        if live is not None and live.digest == digest and live.retired is None:
            if live.safe != safe.get(unit):
                after = replace(live, safe=safe.get(unit))
                moved.append((Change(unit, digest, digest, live.commit, safe=after.safe), after))
            continue
        if skip_held and live is not None and live.retired and live.digest == digest:
            skipped.append(Skipped(unit, digest, f"retired: {live.retired.reason}"))
            continue
        if live is not None and live.holds(digest):
            if not skip_held:
                raise _held(unit, digest, live, intent)
            skipped.append(Skipped(unit, digest, f"held: {why_held(live, digest)}"))
            continue
        before = None if live is None or live.retired else live.digest
        held = () if live is None else live.held
        commit = intent.commits.get(unit, intent.commit)
        pointer = Pointer(
            digest,
            next_revision(state),
            intent.at,
            commit,
            held,
            intent.break_glass,
            safe.get(unit),
        )
        moved.append((Change(unit, before, digest, commit, safe=pointer.safe), pointer))
    return proposal(action, state, intent, request, moved, tuple(skipped))


def holding(live: Pointer, digest: str, intent: Intent, reason: str) -> Pointer:
    """The pointer with one hold more."""
    return replace(live, held=(*live.held, Hold(digest, reason, intent.at, intent.actor)))


def hold(state: State, unit: str, digest: str, intent: Intent, *, request: str) -> Proposal:
    """Hold a digest, with the intent's reason; what is held already stays as it is."""
    live = state.pointers[unit]
    if live.holds(digest):
        return Proposal(None, {})
    change = Change(unit, live.digest, live.digest, live.commit, held=digest, safe=live.safe)
    after = holding(live, digest, intent, intent.reason)
    return proposal("hold", state, intent, request, [(change, after)])


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
    change = Change(unit, live.digest, live.digest, live.commit, lifted=digest, safe=live.safe)
    return proposal("lift", state, intent, request, [(change, replace(live, held=held))])


def live_pointer(state: State, unit: str, environment: str) -> Pointer:
    """The pointer of a unit; raises UnknownUnit with the nearest name."""
    if unit in state.pointers:
        return state.pointers[unit]
    close = closest(unit, state.pointers)
    raise UnknownUnit(
        f"there is no unit '{unit}' in {environment}",
        f"did you mean '{close}'?"
        if close
        else f"live are: {', '.join(sorted(state.pointers)) or 'none'}",
    )


def entry_of(
    action: str, state: State, intent: Intent, request: str, changes: tuple[Change, ...] = ()
) -> Entry:
    """The next entry of the history."""
    commits = {change.commit for change in changes}
    return Entry(
        revision=next_revision(state),
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


def served_pointer(state: State, unit: str, environment: str, where: Sequence[str] = ()) -> Pointer:
    """The pointer of a unit that is not retired; raises UnknownUnit.

    `where` are the options that name the environment in what one types.
    """
    live = live_pointer(state, unit, environment)
    if live.retired is not None:
        raise UnknownUnit(
            f"{unit} was retired in {environment} at {live.retired.at}: {live.retired.reason}",
            "to bring it back: "
            + shlex.join(["promptops", "deploy", unit, *(where or ("--env", environment))]),
        )
    return live


def next_revision(state: State) -> int:
    """The revision that the next deployment makes."""
    return 1 if state.head is None else state.head.revision + 1


def why_held(live: Pointer, digest: str) -> str:
    """The reason of a hold, and since when."""
    return next(f"{item.reason} ({item.at})" for item in live.held if item.digest == digest)


def _held(unit: str, digest: str, live: Pointer, intent: Intent) -> Refused:
    lifted = shlex.join(["promptops", "hold", unit, short(digest), "--lift", *intent.where])
    return Refused(
        "held",
        f"{short(digest)} is held for {unit}: {why_held(live, digest)}",
        f"a changed prompt deploys without ceremony; to allow this very one again: {lifted}",
    )


def _in_safe_mode(unit: str, mode: SafeMode, intent: Intent) -> Refused:
    back, off = (
        shlex.join(["promptops", *words, unit, *intent.where])
        for words in (("rollback",), ("safe-mode", "off"))
    )
    return Refused(
        "safe-mode",
        f"{unit} is in safe mode instead of {short(mode.digest)}: {mode.reason}",
        f"to leave it for an earlier release: {back}; to go back to {short(mode.digest)}: {off}; "
        "then deploy",
    )


def proposal(
    action: str,
    state: State,
    intent: Intent,
    request: str,
    moved: list[tuple[Change, Pointer]],
    skipped: tuple[Skipped, ...] = (),
) -> Proposal:
    """What a swap would write for these changes; nothing, when there are none."""
    if not moved:
        return Proposal(None, {}, skipped)
    entry = entry_of(action, state, intent, request, tuple(change for change, _ in moved))
    return Proposal(entry, {change.unit: pointer for change, pointer in moved}, skipped)
