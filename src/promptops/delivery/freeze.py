"""Freeze an environment, or end that: a deployment of its own, which moves no unit."""

from promptops.delivery.agreement import Agree, as_proposed
from promptops.delivery.deployment import Deployment, carry_out, read_existing, repeated
from promptops.live import freezing, moves
from promptops.live.moves import Intent, Proposal
from promptops.live.records import State
from promptops.live.store import Store


def freeze(
    store: Store,
    intent: Intent,
    *,
    lift: bool = False,
    resume: bool = False,
    agree: Agree = as_proposed,
) -> Deployment:
    """Let nothing but rollback and safe mode pass, or with `lift` everything again.

    Raises Refused, StoreError, OutcomeUnknown.
    """
    request = moves.request_of("unfreeze" if lift else "freeze", [])
    if resume:
        done = repeated(store, intent.operation, request)
        if done is not None:
            return done

    def decide(state: State) -> Proposal:
        move = freezing.unfreeze if lift else freezing.freeze
        return agree(state, move(state, intent, request=request))

    return carry_out(store, read_existing(store, intent.where), decide, request)
