"""Retire: take units out of service, once no present client asks for them."""

from collections.abc import Collection
from dataclasses import dataclass

from promptops.delivery.agreement import Agree, as_proposed
from promptops.delivery.deployment import Deployment, carry_out, read_existing, repeated
from promptops.errors import Refused
from promptops.live import moves
from promptops.live.freezing import check_not_frozen
from promptops.live.moves import Intent, Proposal
from promptops.live.moves_of_retiring import retire as retire_units
from promptops.live.presence import Presence
from promptops.live.records import State
from promptops.live.store import Store


@dataclass(frozen=True, slots=True)
class Asking:
    """A client that registered inputs of a unit, or was seen to render it, and the unit."""

    client: Presence
    unit: str


def retire(
    store: Store,
    units: tuple[str, ...],
    intent: Intent,
    *,
    force: bool,
    resume: bool = False,
    agree: Agree = as_proposed,
) -> Deployment:
    """Retire units together; what is asked for only with `force`. Raises UnknownUnit, Refused."""
    request = moves.request_of("retire", sorted(units))
    if resume:
        done = repeated(store, intent.operation, request)
        if done is not None:
            return done
    state = read_existing(store, intent.where)
    for unit in units:
        moves.live_pointer(state, unit, store.environment)
    asking = who_asks(store.clients(), [unit for unit in units if unit in state.live])
    if asking and not force:
        raise _still_asked(asking)

    def decide(state: State) -> Proposal:
        check_not_frozen(state, intent)
        return agree(state, retire_units(state, set(units), intent, request=request))

    return carry_out(store, state, decide, request)


def _still_asked(asking: list[Asking]) -> Refused:
    named = ", ".join(
        f"{each.unit} by {each.client.app or each.client.client} on {each.client.host} "
        f"(pid {each.client.pid})"
        for each in asking
    )
    return Refused(
        "still-asked",
        f"present clients ask for what would be retired: {named}",
        "end those processes or deploy them without it first; --force retires it all the same",
    )


def who_asks(clients: Collection[Presence], units: Collection[str]) -> list[Asking]:
    """The present clients that use one of the units."""
    return [Asking(each, unit) for each in clients for unit in sorted({*units} & {*each.inputs})]
