"""The moves of safe mode: to the safe release of what is live, and back to exactly where it was.

Pure functions, like `promptops.live.moves`. They ask for no holds and pass through a freeze: a
night is no time to find out what stands in the way.
"""

import shlex
from collections.abc import Iterable
from dataclasses import replace

from promptops.errors import Refused
from promptops.live.moves import Intent, Proposal, Skipped, next_revision, proposal
from promptops.live.records import Change, Pointer, SafeMode, State


def switch_on(
    state: State, units: Iterable[str], intent: Intent, *, request: str, skip_unsafe: bool
) -> Proposal:
    """Put the safe release in the place of what is live, and remember that.

    A unit without one raises Refused, unless `skip_unsafe` leaves it alone.
    """
    moved: list[tuple[Change, Pointer]] = []
    skipped: list[Skipped] = []
    for unit in sorted(units):
        live = state.pointers[unit]
        if live.safe_mode is not None:
            skipped.append(Skipped(unit, live.digest, f"is in safe mode since {live.since}"))
            continue
        if live.safe is None:
            if not skip_unsafe:
                raise _no_safe_release(unit, intent)
            skipped.append(Skipped(unit, live.digest, "has no safe release"))
            continue
        mode = SafeMode(live.digest, live.commit, live.since, intent.reason, intent.actor)
        change = Change(unit, live.digest, live.safe, live.commit, safe=live.safe)
        pointer = replace(
            live,
            digest=live.safe,
            revision=next_revision(state),
            since=intent.at,
            safe_mode=mode,
        )
        moved.append((change, pointer))
    return proposal("safe-mode on", state, intent, request, moved, tuple(skipped))


def switch_off(state: State, units: Iterable[str], intent: Intent, *, request: str) -> Proposal:
    """Go back to the release that was live, with its commit, its time and all holds."""
    moved: list[tuple[Change, Pointer]] = []
    skipped: list[Skipped] = []
    for unit in sorted(units):
        live = state.pointers[unit]
        mode = live.safe_mode
        if mode is None:
            skipped.append(Skipped(unit, live.digest, "is not in safe mode"))
            continue
        change = Change(unit, live.digest, mode.digest, mode.commit, safe=live.safe)
        pointer = replace(
            live,
            digest=mode.digest,
            revision=next_revision(state),
            since=mode.since,
            commit=mode.commit,
            safe_mode=None,
        )
        moved.append((change, pointer))
    return proposal("safe-mode off", state, intent, request, moved, tuple(skipped))


def _no_safe_release(unit: str, intent: Intent) -> Refused:
    back = shlex.join(["promptops", "rollback", unit, *intent.where])
    return Refused(
        "no-safe-release",
        f"{unit} is live without a safe release",
        f"go back instead: {back}; for the next time write safe: into its manifest and deploy",
    )
