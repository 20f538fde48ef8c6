"""One command of a drill: opens the store, decides, swaps and reads back, as others do."""

import pickle
import sys
from collections.abc import Mapping

from promptops.delivery.deployment import Deployment, carry_out
from promptops.delivery.drill.processes import Moved, Order
from promptops.delivery.rollback import rollback
from promptops.errors import PromptopsError
from promptops.live import moves
from promptops.live.moves import Intent, Proposal
from promptops.live.opening import open_store
from promptops.live.records import State
from promptops.live.store import Store


def point(store: Store, wanted: Mapping[str, str], intent: Intent) -> Deployment:
    """Make digests live whose releases are in the store."""
    request = moves.request_of("deploy", dict(wanted))

    def decide(state: State) -> Proposal:
        return moves.deploy(state, wanted, intent, skip_held=False, request=request)

    return carry_out(store, store.read(), decide, request)


def main() -> None:
    order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from who started us
    store = open_store(order.address, order.environment)
    try:
        if order.wanted is None:
            answer: object = _moved(rollback(store, order.units, None, order.intent))
        else:
            answer = _moved(point(store, order.wanted, order.intent))
    except PromptopsError as error:
        answer = error
    finally:
        store.close()
    sys.stdout.buffer.write(pickle.dumps(answer))


def _moved(done: Deployment) -> Moved | None:
    if done.head is None or done.entry is None or done.swapped is None:
        return None
    live = {change.unit: change.after for change in done.entry.changes}
    return Moved(done.head, live, done.swapped)


if __name__ == "__main__":
    main()
