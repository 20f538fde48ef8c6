"""The move that takes units out of service: their pointers stay, as tombstones."""

from collections.abc import Iterable
from dataclasses import replace

from promptops.live.moves import RETIRE, Intent, Proposal, Skipped, next_revision, proposal
from promptops.live.records import Change, Pointer, Retired, State


def retire(state: State, units: Iterable[str], intent: Intent, *, request: str) -> Proposal:
    """Let clients drop the units; holds stay, safe mode ends."""
    moved: list[tuple[Change, Pointer]] = []
    skipped: list[Skipped] = []
    for unit in sorted(units):
        live = state.pointers[unit]
        if live.retired is not None:
            skipped.append(Skipped(unit, live.digest, f"was retired at {live.retired.at}"))
            continue
        commit = live.safe_mode.commit if live.safe_mode else live.commit
        pointer = replace(
            live,
            digest=live.meant,
            revision=next_revision(state),
            since=intent.at,
            commit=commit,
            safe_mode=None,
            retired=Retired(intent.reason, intent.at, intent.actor),
        )
        change = Change(unit, live.digest, live.meant, commit, safe=live.safe)
        moved.append((change, pointer))
    return proposal(RETIRE, state, intent, request, moved, tuple(skipped))
