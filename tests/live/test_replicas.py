"""A swap that waits for replicas, in the places where a primary may be."""

from collections.abc import Iterator

import pytest

from promptops.live import moves
from promptops.live.opening import open_store
from promptops.live.store import REPLICAS_WITHIN, Replicas, Store
from tests.deployments import intent, release
from tests.failover import watched
from tests.servers import SERVERS


def swapped(url: str, text: str) -> Replicas:
    """What the replicas said to a deployment."""
    store = open_store(url, "production", replicas=1)
    try:
        return _swap(store, text)
    finally:
        store.close()


def _swap(store: Store, text: str) -> Replicas:
    state = store.read()
    wanted = {"greeter": store.put(release("greeter", text))}
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    swap = store.swap(state.head, proposal.entry, proposal.pointers)
    assert swap.outcome == "won"
    assert swap.replicas is not None
    lost = store.swap(state.head, moves.entry_of("x", state, intent(), ""), {})
    assert (lost.outcome, lost.replicas) == ("lost", None)
    return swap.replicas


@pytest.fixture(scope="module")
def sentinels() -> Iterator[str]:
    with watched() as servers:
        yield servers.url


def test_the_primary_behind_sentinels_has_one(sentinels: str) -> None:
    said = swapped(sentinels, "Hello")
    assert (said.asked, said.confirmed) == (1, 1)
    assert said.seconds < REPLICAS_WITHIN


@pytest.mark.parametrize("backend", [*SERVERS, "cluster"], indirect=True)
def test_where_there_is_none_nobody_confirms(store_url: str) -> None:
    said = swapped(store_url, "Hello")
    assert (said.asked, said.confirmed, said.why) == (1, 0, "")
    assert said.seconds >= REPLICAS_WITHIN
