"""The move back, and where one can go back to.

Pure functions, like `promptops.live.moves`. A rollback goes to the newest different release that
was live and is not held, and holds the one that it leaves: so a second one goes further back, and
never returns to the bad release.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from promptops.errors import Refused
from promptops.live.moves import (
    RETIRE,
    Intent,
    Proposal,
    Skipped,
    holding,
    next_revision,
    proposal,
    why_held,
)
from promptops.live.records import Change, Entry, Pointer, State
from promptops.manifest.digest import short

_NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a unit shall go back to, the commit that it was built from, and its safe release."""

    digest: str
    commit: str | None
    safe: str | None = None


def rollback(
    state: State,
    targets: Mapping[str, Target],
    intent: Intent,
    *,
    request: str,
    force: bool = False,
    skipped: tuple[Skipped, ...] = (),
    left: Mapping[str, Sequence[str]] = _NOTHING,
) -> Proposal:
    """Point units back to earlier digests, and hold what they leave.

    A held target raises Refused unless `force`, which lifts that hold. In safe mode what is left
    is the release that it stands in for; a retired unit leaves nothing. `left` has for each unit
    what else was live since the targets were decided, and is held as well.
    """
    reason = intent.reason or f"left by the rollback of revision {next_revision(state)}"
    moved: list[tuple[Change, Pointer]] = []
    for unit, target in sorted(targets.items()):
        live = state.pointers[unit]
        if live.digest != target.digest or live.retired is not None:
            if live.holds(target.digest) and not force:
                raise Refused(
                    "held",
                    f"{short(target.digest)} is held for {unit}: {why_held(live, target.digest)}",
                    "choose another --to, or say --force to go there all the same",
                )
            change, live = _back(live, unit, target, next_revision(state), intent, reason)
            moved.append((change, live))
        for digest in left.get(unit, ()):
            if digest != target.digest and not live.holds(digest):
                live = holding(live, digest, intent, reason)
                change = Change(
                    unit, live.digest, live.digest, live.commit, held=digest, safe=live.safe
                )
                moved.append((change, live))
    return proposal("rollback", state, intent, request, moved, skipped)


def _back(
    live: Pointer, unit: str, target: Target, revision: int, intent: Intent, reason: str
) -> tuple[Change, Pointer]:
    left = None if live.retired or live.meant == target.digest else live.meant
    safe = None if target.safe == target.digest else target.safe
    change = Change(
        unit,
        None if live.retired else live.digest,
        target.digest,
        target.commit,
        held=left,
        lifted=target.digest if live.holds(target.digest) else None,
        safe=safe,
    )
    held = tuple(hold for hold in live.held if hold.digest != target.digest)
    pointer = Pointer(target.digest, revision, intent.at, target.commit, held, safe=safe)
    if left is not None and not live.holds(left):
        pointer = holding(pointer, left, intent, reason)
    return change, pointer


def previous(live: Pointer, unit: str, history: Iterable[Entry]) -> Target:
    """The newest release before the live one that is different and not held.

    `history` is newest first. What stood in for another, in safe mode, is none to go back to; a
    retired unit goes back to what it was. Raises Refused, with what was seen, when there is none.
    """
    if live.retired is not None:
        return Target(live.digest, live.commit, live.safe)
    held: dict[str, None] = {}
    for entry in history:
        for change in entry.changes:
            if change.unit != unit or change.after == live.meant or change.stands_in:
                continue
            if not live.holds(change.after):
                return Target(change.after, change.commit, change.safe)
            held[change.after] = None
    if held:
        listed = ", ".join(f"{short(digest)} ({why_held(live, digest)})" for digest in held)
        raise Refused(
            "no-target",
            f"{unit} has no earlier release that is not held",
            f"held are: {listed}; go to one all the same with --to {short(next(iter(held)))} "
            "--force",
        )
    raise Refused(
        "no-target",
        f"{unit} has only ever had one release here, {short(live.meant)}",
        "there is nothing to go back to; fix the prompt and deploy",
    )


def as_it_was(
    state: State, units: Iterable[str], revision: int, history: Iterable[Entry]
) -> tuple[dict[str, Target], tuple[Skipped, ...]]:
    """What each unit pointed to at a revision; units that were not live then are skipped.

    Of one that was in safe mode, what the safe release stood in for.
    """
    wanted = missing = {*units}
    found: dict[str, Target] = {}
    for entry in history:
        if entry.revision > revision:
            continue
        for change in entry.changes:
            if change.unit not in missing or change.stands_in:
                continue
            missing = missing - {change.unit}
            if entry.action != RETIRE:
                found[change.unit] = Target(change.after, change.commit, change.safe)
        if not missing:
            break
    skipped = tuple(
        Skipped(unit, state.pointers[unit].digest, f"was not live at revision {revision}")
        for unit in sorted(wanted - set(found))
    )
    return found, skipped
