"""Safe mode: every unit's safe release in the place of what is live, in one swap, and back."""

import shlex
from collections.abc import Collection
from dataclasses import replace

from promptops.delivery.deployment import Deployment, carry_out, read_existing, repeated
from promptops.delivery.doubts import of_safe_mode
from promptops.delivery.drift import corruption
from promptops.delivery.lost import brings_back
from promptops.delivery.way_back import kept
from promptops.errors import Refused
from promptops.live import moves, moves_of_safe_mode
from promptops.live.moves import Intent, Proposal
from promptops.live.records import State
from promptops.live.store import Store


def switch(
    store: Store, units: Collection[str], intent: Intent, *, on: bool, resume: bool = False
) -> Deployment:
    """Switch units to their safe releases, or back; without units, all that can be.

    Raises UnknownUnit, Refused, StoreError, OutcomeUnknown.
    """
    request = moves.request_of("safe-mode on" if on else "safe-mode off", sorted(units))
    if resume:
        done = repeated(store, intent.operation, request)
        if done is not None:
            return done
    state = read_existing(store, intent.where)
    for unit in units:
        moves.served_pointer(state, unit, store.environment, intent.where)

    reports = kept(store) if on else {}

    def decide(state: State) -> Proposal:
        if on:
            named = units or state.live
            proposal = moves_of_safe_mode.switch_on(
                state, named, intent, request=request, skip_unsafe=not units
            )
            return replace(proposal, doubts=tuple(of_safe_mode(proposal, reports, intent)))
        named = units or [unit for unit, each in state.pointers.items() if each.safe_mode]
        proposal = moves_of_safe_mode.switch_off(state, named, intent, request=request)
        _refuse_damaged(store, proposal, intent)
        return proposal

    return carry_out(store, state, decide, request)


def _refuse_damaged(store: Store, proposal: Proposal, intent: Intent) -> None:
    """Raises Refused where a unit would leave a release that is whole for one that is not."""
    for unit, pointer in proposal.pointers.items():
        why = corruption(store, unit, pointer.digest)
        if why:
            back = shlex.join(["promptops", "rollback", unit, *intent.where])
            raise Refused(
                "missing-release",
                f"{unit} stays in safe mode: {why}",
                f"to mend the store: {brings_back(shlex.join(intent.where))}; to leave safe mode "
                f"for an earlier release: {back}",
            )
