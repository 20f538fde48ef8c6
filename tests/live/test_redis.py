"""What only Redis and Valkey can do to us: scripts, large numbers, permissions, memory, cluster."""

import threading
from collections.abc import Callable, Iterator

import pytest

from promptops.errors import StoreDenied, StoreError, StoreUnreachable
from promptops.live import moves
from promptops.live.address import parse_address
from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.store import CLIENT
from promptops.manifest.release import MAX_BYTES
from tests.conftest import Opener
from tests.deployments import (
    deploy,
    deploy_times,
    digest,
    intent,
    release,
    rollback,
    try_to_deploy,
)
from tests.servers import SERVERS, Server, free_port, start_cluster
from tests.waiting import eventually

# What a client needs, and nothing that writes.
READER = "ping select client hello evalsha_ro eval_ro type hmget hget hgetall xrange xrevrange"
READER += " hkeys hstrlen strlen get getrange smembers pttl subscribe"


def tag(url: str) -> str:
    return f"{{{parse_address(url).namespace}:production}}"


@pytest.fixture
def as_user(shared_server: Server, redis_url: str) -> Iterator[Callable[..., str]]:
    """Makes a user with these rules, and the URL of the same namespace for it."""
    name = parse_address(redis_url).namespace

    def make(*rules: str) -> str:
        shared_server.ask("ACL", "SETUSER", name, "reset", "on", ">secret", *rules)
        return redis_url.replace("redis://", f"redis://{name}:secret@")

    yield make
    shared_server.ask("ACL", "DELUSER", name)


def test_a_script_flush_between_swaps_is_not_noticed(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    store = opened(redis_url)
    for number in range(1, 101):
        shared_server.ask("SCRIPT", "FLUSH")
        assert deploy(store, greeter=f"Hello {number}") == Head(1, number)
        shared_server.ask("SCRIPT", "FLUSH")
        assert store.read(Head(1, number - 1 or 1)).head == Head(1, number)
    assert [entry.revision for entry in store.history()] == list(range(100, 0, -1))


@pytest.mark.parametrize("revision", [9007199254740993, 99999999999999, 999999999999999998])
def test_large_revisions_are_exact(
    redis_url: str, shared_server: Server, opened: Opener, revision: int
) -> None:
    store = opened(redis_url)
    deploy(store, farewell="Bye")
    (first,) = store.history()
    shared_server.ask("HSET", f"{tag(redis_url)}:head", "revision", str(revision))
    last = f"{revision}-0"
    shared_server.ask(
        "XADD", f"{tag(redis_url)}:history", last, "entry", first.to_json(), "units", "farewell"
    )

    assert deploy(store, greeter="Hello") == Head(1, revision + 1)

    assert store.read().head == Head(1, revision + 1)
    changed = store.read(Head(1, revision))
    assert not changed.whole
    assert list(changed.pointers) == ["greeter"]
    assert changed.pointers["greeter"].revision == revision + 1
    assert store.history()[0].revision == revision + 1
    assert store.history(before=revision + 1, limit=1) == [first]
    (newest, _) = shared_server.ask("XREVRANGE", f"{tag(redis_url)}:history", "+", "-")[0]
    assert newest == f"{revision + 1}-0".encode()
    swap = try_to_deploy(store, {"greeter": "Hi"}, expected=Head(1, revision + 2))
    assert swap.outcome == "lost"


def test_a_reader_may_read_and_listen_and_not_write(
    redis_url: str,
    shared_server: Server,
    opened: Opener,
    as_user: Callable[..., str],
) -> None:
    writer = opened(redis_url)
    deploy(writer, greeter="Hello")
    writer.put(release("greeter", "Hi"))
    writer.announce(Presence("ann", "shop", "host", 1, "0", 1, 1), 30)
    shared_server.ask("SADD", f"{tag(redis_url)}:clients", "somebody who is gone")
    shared_server.ask("SCRIPT", "FLUSH")
    space = f"{{{parse_address(redis_url).namespace}:*"
    reader = opened(
        as_user(f"%R~{space}", f"&{space}", "-@all", *(f"+{each}" for each in READER.split())),
        timeouts=CLIENT,
    )
    before = shared_server.dump(space)

    assert reader.read() == writer.read()
    assert reader.read(Head(1, 1)).head == Head(1, 1)
    assert reader.release(digest("greeter", "Hello")) == release("greeter", "Hello")
    assert reader.history() == writer.history()
    assert [client.client for client in reader.clients()] == ["ann"]
    listener = reader.listen()
    refused = pytest.raises(StoreDenied, match=r"refused: .* permission")
    wanted = {"greeter": digest("greeter", "Hi")}
    proposal = moves.deploy(reader.read(), wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    with refused as error:
        reader.swap(Head(1, 1), proposal.entry, proposal.pointers)
    assert error.value.hint == "the user of the store's URL lacks this permission"
    with refused:
        reader.put(b"{}")
    with refused:
        reader.announce(Presence("bob", "shop", "host", 1, "0", 1, 1), 30)
    assert shared_server.dump(space) == before

    deploy(writer, greeter="Good morning")
    assert listener.wait(5)
    listener.close()


@pytest.mark.parametrize(
    ("rules", "lacks"),
    [
        ("~* +@all resetchannels", "PUBLISH {}:changes"),
        ("~* &* +@all -xadd", "XADD {}:history"),
        ("~* &* +@all -hincrby", "HINCRBY {}:head"),
    ],
)
def test_a_permission_that_is_missing_is_noticed_before_the_first_write(
    redis_url: str,
    shared_server: Server,
    opened: Opener,
    as_user: Callable[..., str],
    rules: str,
    lacks: str,
) -> None:
    store = opened(as_user(*rules.split()))
    for text in ("Hello", "Hi"):
        store.put(release("greeter", text))
    for expected in (None, Head(1, 1)):
        before = shared_server.dump(f"{tag(redis_url)}:*")
        with pytest.raises(StoreDenied) as error:
            try_to_deploy(store, {"greeter": "Hi"}, expected)
        assert error.value.message.endswith(
            f"refused: the user may not {lacks.format(tag(redis_url))}"
        )
        assert shared_server.dump(f"{tag(redis_url)}:*") == before
        if expected is None:
            deploy(opened(redis_url), greeter="Hello")


def test_a_full_server_refuses_a_new_release_and_still_rolls_back(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url)
    deploy(store, greeter="Hello")
    deploy(store, greeter="Bad")
    redis_server.ask("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis_server.ask("CONFIG", "SET", "maxmemory", "1")
    redis_server.ask("SCRIPT", "FLUSH")
    before = redis_server.dump()

    with pytest.raises(StoreUnreachable) as full:
        store.put(release("greeter", "Good"))
    assert full.value.message.endswith(
        "refused: command not allowed when used memory > 'maxmemory'."
    )
    assert full.value.hint == (
        "Redis is full; raise maxmemory. A rollback needs no space and still works"
    )
    assert redis_server.dump() == before

    assert rollback(store, "greeter") == Head(1, 3)
    assert store.read().pointers["greeter"].digest == digest("greeter", "Hello")
    assert store.read(Head(1, 2)).pointers == store.read().pointers
    assert store.release(digest("greeter", "Hello")) == release("greeter", "Hello")


def test_a_replica_refuses_a_swap_and_names_the_way_out(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url)
    head = deploy(store, greeter="Hello")
    store.put(release("greeter", "Hi"))
    wanted = {"greeter": digest("greeter", "Hi")}
    proposal = moves.deploy(store.read(), wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    before = redis_server.dump()

    with pytest.raises(StoreUnreachable) as refused:
        store.swap(head, proposal.entry, proposal.pointers)

    assert refused.value.hint == (
        "this is a replica; use the address of the primary, which redis-cli INFO replication names"
    )
    assert store.read().head == head
    assert redis_server.dump() == before


def test_a_server_that_cannot_save_says_so_and_nothing_changes(opened: Opener) -> None:
    server = Server(options=["--enable-protected-configs", "yes"]).start()
    try:
        store = opened(server.url)
        head = deploy(store, greeter="Hello")
        store.put(release("greeter", "Hi"))
        (server.folder / "gone").mkdir()
        server.ask("CONFIG", "SET", "dir", str(server.folder / "gone"))
        (server.folder / "gone").rmdir()
        server.ask("CONFIG", "SET", "save", "1 1")
        server.ask("BGSAVE")
        assert eventually(
            lambda: server.ask("INFO", "persistence")["rdb_last_bgsave_status"] == "err"
        )
        with pytest.raises(StoreUnreachable) as refused:
            try_to_deploy(store, {"greeter": "Hi"}, head)
        assert refused.value.hint == (
            "Redis cannot save to its disk; free space there or mend its configuration, which "
            "redis-cli INFO persistence tells of. An app with a cache goes back without Redis by "
            "promptops pin"
        )
        assert store.read().head == head
    finally:
        server.close()


@pytest.mark.parametrize("kind", SERVERS)
def test_all_keys_of_an_environment_are_in_one_slot_of_a_cluster(kind: str, opened: Opener) -> None:
    server = start_cluster(SERVERS[kind])
    try:
        for url in (server.url, f"redis+cluster://127.0.0.1:{free_port()},127.0.0.1:{server.port}"):
            store = opened(f"{url}?ns={kind}{len(url)}", "odd } name {", CLIENT)
            deploy(store, greeter="Hello", farewell="Bye")
            deploy_times(store, 3)
            rollback(store, "greeter")
            for name in ("ann", "bob"):
                store.announce(Presence(name, "shop", "host", 1, "0", 1, 1), 30)
            assert store.read().head == Head(1, 5)
            assert len(store.history()) == 5
            assert len(store.clients()) == 2
            listener = store.listen()
            deploy(store, farewell="So long")
            assert listener.wait(5)
            listener.close()
    finally:
        server.close()


def test_of_an_oversize_release_no_more_is_sent_than_one_may_have(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    store = opened(redis_url)
    key = f"{tag(redis_url)}:release:{digest('greeter', 'Hello')}"
    shared_server.ask("SETRANGE", key, 64 * MAX_BYTES - 1, "x")
    try:
        before = sent(shared_server)
        with pytest.raises(StoreError, match="has 67108864 bytes, over 1048576"):
            store.release(digest("greeter", "Hello"))
        assert sent(shared_server) - before < MAX_BYTES + 20_000
    finally:
        shared_server.ask("DEL", key)


def test_an_empty_release_is_not_a_missing_one(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    store = opened(redis_url)
    assert store.release(digest("greeter", "Hello")) is None
    shared_server.ask("SET", f"{tag(redis_url)}:release:{digest('greeter', 'Hello')}", "")
    assert store.release(digest("greeter", "Hello")) == b""


def sent(server: Server) -> int:
    return int(server.ask("INFO", "stats")["total_net_output_bytes"])


def test_a_store_may_be_used_by_several_threads(redis_url: str, opened: Opener) -> None:
    store = opened(redis_url)
    deploy_times(store, 5)
    failed: list[Exception] = []

    def read_often() -> None:
        try:
            for _ in range(50):
                assert store.read().head == Head(1, 5)
                assert store.release(digest("greeter", "Good morning"))
        except Exception as error:  # noqa: BLE001 - whatever comes, the test wants to see it
            failed.append(error)

    threads = [threading.Thread(target=read_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
