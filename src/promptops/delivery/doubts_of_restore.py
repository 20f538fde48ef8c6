"""What deploy would refuse of what a restore from git makes live: told, for it holds up nobody.

The world outside is not asked: a restore waits for no probe.
"""

import shlex
from collections.abc import Iterator

from promptops.delivery.avoid import past_no_return
from promptops.delivery.build import Built, InvalidUnits
from promptops.delivery.checkout import Checkout
from promptops.delivery.judgement import judge_moves
from promptops.delivery.no_return import against_moves
from promptops.delivery.restore import Prepared
from promptops.delivery.today import means_with
from promptops.finding import errors_in
from promptops.live.moves import Doubt, Intent
from promptops.live.moves_of_restore import changes_of
from promptops.live.records import State
from promptops.live.store import Store
from promptops.source.policy import Standard, standard_of
from promptops.source.project import Project


def of_restore(
    store: Store, project: Project, checkout: Checkout, prepared: Prepared, intent: Intent
) -> Iterator[Doubt]:
    """What speaks against the units that move.

    Raises InvalidProject for policies that cannot be applied, StoreCorrupt where a damaged store
    does not tell, which are reasons to say less and not to stop.
    """
    there = prepared.there
    state = State(there.head, there.pointers)
    moves = changes_of(there.pointers, prepared.restoration.pointers)
    moved = {each.unit: each.after for each in moves if each.before != each.after}
    items = [item for item in checkout.built if item.unit in moved]
    standard = standard_of(project, store.environment)

    def doubt(unit: str, code: str, message: str, *command: str) -> Doubt:
        why = f"goes live although deploy would refuse it ({code}): "
        hint = shlex.join(["promptops", *command])
        return Doubt(unit, moved[unit], why + message.removeprefix(f"{unit}: "), hint)

    for item in items:
        for code, message in _judged(store, checkout, standard, state, item):
            yield doubt(item.unit, code, message, "validate", "--env", store.environment)
    for unit, why in past_no_return(store, moved):
        yield doubt(unit, "blocked", why, "rehearse", unit, *intent.where)
    means = means_with(project, standard, {item.unit: item.source for item in items})
    for unit, refused in against_moves(store, state, items, means):
        about = ("clients",) if refused.code == "callers" else ("rehearse", unit)
        yield doubt(unit, refused.code, refused.message, *about, *intent.where)


def _judged(
    store: Store, checkout: Checkout, standard: Standard, state: State, item: Built
) -> list[tuple[str, str]]:
    try:
        judge_moves(store, checkout, standard, state, [item.unit])
    except InvalidUnits as invalid:
        return [(each.code, each.message) for each in errors_in(invalid.findings)]
    return []
