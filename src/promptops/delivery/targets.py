"""One release that a rehearsal is asked about, by its digest or its revision."""

import shlex
from collections.abc import Callable, Collection, Sequence

from promptops.delivery.way_back import Earlier, releases_before
from promptops.errors import UsageError
from promptops.live import moves_of_rollback
from promptops.live.records import State
from promptops.live.store import Store, entries
from promptops.manifest.digest import beginning, short


def named_target(
    store: Store, state: State, units: Collection[str], named: str, where: Sequence[str]
) -> dict[str, list[Earlier]]:
    """The release of each unit that a revision or a digest names, held ones too.

    What is live already is among them only where it is all that is named. `where` are the options
    that name the environment. Raises UsageError when it names nothing.
    """
    newest = 0 if state.head is None else state.head.revision
    if named.isascii() and named.isdigit() and len(named) < 6:
        if not 1 <= int(named) <= newest:
            raise UsageError(
                f"there is no revision {named} in {store.environment}",
                f"revisions are 1 to {newest}; see promptops history",
            )
        then, _ = moves_of_rollback.as_it_was(state, units, int(named), entries(store))
        found = _lived(store, then, lambda unit, digest: digest == then[unit].digest)
    else:
        found = _by_digest(store, state, units, named, where)
    others = {
        unit: targets
        for unit, targets in found.items()
        if targets[0].digest != state.pointers[unit].digest
    }
    if not found:
        raise UsageError(
            f"'{named}' names no release that was live of {', '.join(sorted(units))}",
            "see promptops history for what one can go back to",
        )
    return others or found


def _by_digest(
    store: Store, state: State, units: Collection[str], named: str, where: Sequence[str]
) -> dict[str, list[Earlier]]:
    wanted = beginning(named)
    if wanted is None:
        return {}
    found = _lived(
        store, state.pointers, lambda _, digest: digest.removeprefix("sha256:").startswith(wanted)
    )
    ours = {unit: targets for unit, targets in found.items() if unit in units}
    if found and not ours:
        unit = min(found)
        target = ("--target", short(found[unit][0].digest))
        raise UsageError(
            f"'{named}' is a release of {unit}",
            shlex.join(["promptops", "rehearse", unit, *where, *target]),
        )
    if sum(map(len, ours.values())) > 1:
        raise UsageError(f"'{named}' begins several digests", "say more of it")
    return ours


def _lived(
    store: Store, units: Collection[str], wanted: Callable[[str, str], bool]
) -> dict[str, list[Earlier]]:
    found: dict[str, list[Earlier]] = {}
    for unit, release in releases_before(entries(store), units, wanted):
        found.setdefault(unit, []).append(release)
    return found
