"""An environment that moves to another node: a name that points elsewhere, a slot of a cluster."""

from collections.abc import Iterator

import pytest

from promptops.errors import StoreUnreachable
from promptops.live.records import Head
from promptops.live.store import CLIENT
from tests.cli.proxy import Proxy
from tests.conftest import Opener
from tests.deployments import deploy, rollback
from tests.failover import Watched, watched
from tests.servers import VALKEY, Server, free_port, start_cluster
from tests.waiting import eventually

SLOT = "{promptops:production}"


@pytest.fixture
def pair() -> Iterator[Watched]:
    """A primary and a replica, which a proxy stands before as a name does."""
    with watched(sentinels=0) as servers:
        yield servers


@pytest.fixture
def name(pair: Watched) -> Iterator[Proxy]:
    proxy = Proxy(pair.primary.port)
    yield proxy
    proxy.close()


def test_a_rollback_finds_the_node_that_was_made_primary_in_its_middle(
    pair: Watched, name: Proxy, opened: Opener
) -> None:
    store = opened(f"redis://127.0.0.1:{name.port}")
    deploy(store, greeter="Hello")
    deploy(store, greeter="Bad")
    assert eventually(pair.in_step)

    def demote() -> None:
        pair.replica.ask("REPLICAOF", "NO", "ONE")
        pair.primary.ask("REPLICAOF", "127.0.0.1", pair.replica.port)
        name.server_port = pair.replica.port

    name.before_swap = demote
    assert rollback(store, "greeter") == Head(1, 3)
    assert pair.replica.ask("HGET", f"{SLOT}:head", "revision") == b"3"
    assert [entry.revision for entry in store.history()] == [3, 2, 1]


@pytest.fixture
def nodes() -> Iterator[list[Server]]:
    """A cluster of two, in which the first has all slots."""
    bus = free_port()
    nodes = [start_cluster()]
    try:
        nodes.append(Server(VALKEY, ["--cluster-enabled", "yes", "--cluster-port", str(bus)]))
        nodes[1].start()
        nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", nodes[1].port, bus)
        assert eventually(
            lambda: (
                all(b"cluster_known_nodes:2" in each.ask("CLUSTER", "INFO") for each in nodes)
                and b"cluster_state:ok" in nodes[1].ask("CLUSTER", "INFO")
            ),
            20,
        )
        yield nodes
    finally:
        for node in nodes:
            node.close()


def test_a_slot_that_moved_is_found_and_its_hints_are_heard_where_one_listened(
    nodes: list[Server], opened: Opener
) -> None:
    url = f"redis+cluster://127.0.0.1:{nodes[0].port}"
    store, reader = opened(url), opened(url, timeouts=CLIENT)
    assert store.read().head is None
    assert reader.read().head is None
    listener = reader.listen()

    slot = nodes[0].ask("CLUSTER", "KEYSLOT", SLOT)
    owner = nodes[1].ask("CLUSTER", "MYID")
    for node in (nodes[1], nodes[0]):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", owner)
    with pytest.raises(StoreUnreachable, match="refused: "):
        reader.read()
    assert deploy(store, greeter="Hello") == Head(1, 1)
    assert reader.read().head == Head(1, 1)
    assert listener.wait(5)
    listener.close()
    assert nodes[1].ask("EXISTS", f"{SLOT}:head") == 1


def test_a_plain_address_of_a_cluster_names_the_way_out(
    nodes: list[Server], opened: Opener
) -> None:
    with pytest.raises(StoreUnreachable) as moved:
        opened(f"redis://127.0.0.1:{nodes[1].port}").read()
    assert moved.value.hint == "this is a cluster; write redis+cluster:// in the store's URL"
    assert opened(f"redis+cluster://127.0.0.1:{nodes[1].port}").read().head is None
