"""Whether units may move: what the project's policies and its rule on versions say about them."""

from collections.abc import Collection

from promptops.delivery.build import InvalidUnits
from promptops.delivery.checkout import Checkout
from promptops.delivery.versions import forbidden_versions
from promptops.finding import Finding, errors_in
from promptops.live.records import State
from promptops.live.store import Store
from promptops.source.judge import judge
from promptops.source.policy import Standard


def judge_moves(
    store: Store, checkout: Checkout, standard: Standard, state: State, units: Collection[str]
) -> list[Finding]:
    """The warnings about units of a checkout that are about to move; raises InvalidUnits."""
    items = [item for item in checkout.built if item.unit in units]
    findings = [
        finding for item in items for finding in judge(checkout.tree, item.source, standard)
    ]
    findings += forbidden_versions(store, state.pointers, checkout.tree, items, standard.rules)
    if errors_in(findings):
        raise InvalidUnits(findings, store.environment)
    return findings
