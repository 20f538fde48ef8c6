"""One release that a rehearsal is asked about, by its digest or its revision."""

import re
from collections.abc import Collection

from promptops.delivery.way_back import Earlier
from promptops.errors import UsageError
from promptops.live import moves_of_rollback
from promptops.live.records import State
from promptops.live.store import Store, entries

_HEX = re.compile(r"[0-9a-f]{6,64}")


def named_target(
    store: Store, state: State, units: Collection[str], named: str
) -> dict[str, list[Earlier]]:
    """The release of each unit that a revision or a digest names, held ones too.

    Raises UsageError when it names nothing, or what is live.
    """
    newest = 0 if state.head is None else state.head.revision
    if named.isascii() and named.isdigit() and len(named) < 6:
        if not 1 <= int(named) <= newest:
            raise UsageError(
                f"there is no revision {named} in {store.environment}",
                f"revisions are 1 to {newest}; see promptops history",
            )
        then, _ = moves_of_rollback.as_it_was(state, units, int(named), entries(store))
        found = {
            unit: [Earlier(target.digest, int(named), target.commit)]
            for unit, target in then.items()
        }
    else:
        found = _by_digest(store, units, named)
    found = {
        unit: targets
        for unit, targets in found.items()
        if targets[0].digest != state.pointers[unit].digest
    }
    if not found:
        raise UsageError(
            f"'{named}' names no earlier release of {', '.join(sorted(units))}",
            "see promptops history for what one can go back to",
        )
    return found


def _by_digest(store: Store, units: Collection[str], named: str) -> dict[str, list[Earlier]]:
    wanted = named.removeprefix("sha256:")
    found: dict[str, dict[str, Earlier]] = {}
    for entry in entries(store) if _HEX.fullmatch(wanted) else ():
        for change in entry.changes:
            digest = change.after
            if change.unit in units and digest.removeprefix("sha256:").startswith(wanted):
                target = Earlier(digest, entry.revision, change.commit)
                found.setdefault(change.unit, {}).setdefault(digest, target)
    if sum(map(len, found.values())) > 1:
        raise UsageError(f"'{named}' begins several digests", "say more of it")
    return {unit: [*targets.values()] for unit, targets in found.items()}
