"""Redis behind three sentinels: the primary is found, lost, and found again elsewhere."""

import time
from collections.abc import Iterator
from functools import partial

import pytest

from promptops.errors import OutcomeUnknown, StoreDenied, StoreUnreachable
from promptops.live import moves
from promptops.live.records import Head
from promptops.live.redis.primary import LOOK_EVERY
from promptops.live.store import CLIENT, Store, Swap, Timeouts
from tests.conftest import Opener
from tests.deployments import deploy, digest, intent, release, rollback, try_to_deploy
from tests.failover import Watched, watched
from tests.servers import SERVERS, Server, free_port
from tests.waiting import eventually

IMPATIENT = Timeouts(connect=0.2, answer=0.2)


@pytest.fixture
def failing() -> Iterator[Watched]:
    """For one failover."""
    with watched() as servers:
        yield servers


@pytest.fixture(scope="module")
def steady() -> Iterator[Watched]:
    """For tests that leave the primary alone."""
    with watched() as servers:
        yield servers


def a_swap(store: Store) -> Swap:
    """greeter shall say Hi."""
    state = store.read()
    wanted = {"greeter": store.put(release("greeter", "Hi"))}
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    return store.swap(state.head, proposal.entry, proposal.pointers)


@pytest.mark.parametrize("kind", SERVERS)
def test_after_the_primary_died_the_same_store_goes_back_at_the_new_one(
    kind: str, opened: Opener
) -> None:
    with watched(SERVERS[kind]) as servers:
        store, reader = opened(servers.url), opened(servers.url, timeouts=CLIENT)
        deploy(store, greeter="Hello")
        deploy(store, greeter="Bad")
        listener = reader.listen()
        assert eventually(servers.in_step)
        servers.primary.kill()

        with pytest.raises(StoreUnreachable):
            reader.read()
        with pytest.raises(StoreUnreachable):
            listener.wait(5)
        assert eventually(servers.promoted, 10)
        assert rollback(store, "greeter") == Head(1, 3)
        assert reader.read().pointers["greeter"].digest == digest("greeter", "Hello")
        listener = reader.listen()
        deploy(store, greeter="Hi")
        assert listener.wait(5)
        listener.close()


def test_an_operator_waits_for_the_new_primary_and_not_for_long(
    failing: Watched, opened: Opener
) -> None:
    store = opened(failing.url)
    deploy(store, greeter="Hello")
    assert eventually(failing.in_step)
    for sentinel in failing.sentinels[1:]:
        sentinel.stop()  # without a majority nobody is promoted
    failing.primary.kill()
    start = time.monotonic()
    with pytest.raises(StoreUnreachable, match=r"^redis\+sentinel://.*/main/0 does not answer: "):
        store.read()
    assert 3 <= time.monotonic() - start < 6


def test_a_swap_in_the_middle_of_a_failover_finds_the_new_primary(
    failing: Watched, opened: Opener
) -> None:
    store = opened(failing.url)
    deploy(store, greeter="Hello")
    wanted = {"greeter": store.put(release("greeter", "Hi"))}
    state = store.read()
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    swap = partial(store.swap, state.head, proposal.entry, proposal.pointers)
    assert eventually(failing.in_step)
    failing.fail_over()
    # As the sentinels would after ten seconds, but with the store's connection left alone.
    failing.primary.ask("REPLICAOF", "127.0.0.1", failing.replica.port)
    assert swap().outcome == "won"
    assert [entry.revision for entry in opened(failing.url).history()] == [2, 1]
    (head,) = failing.replica.ask("HMGET", "{promptops:production}:head", "revision")
    assert head == b"2"


def test_flips_while_the_primary_changes_end_in_an_answer_or_an_error_that_says_so(
    failing: Watched, opened: Opener
) -> None:
    store = opened(failing.url)
    deploy(store, greeter="Hello")
    failing.sentinels[0].ask("SENTINEL", "FAILOVER", "main")
    ended = set[str]()
    until = time.monotonic() + LOOK_EVERY + 2
    while time.monotonic() < until:
        start = time.monotonic()
        try:
            # Lost is what was read at the old primary and sent to the new one.
            ended.add(try_to_deploy(store, {"greeter": str(start)}, store.read().head).outcome)
        except (StoreUnreachable, OutcomeUnknown) as error:
            ended.add(type(error).__name__)
        assert time.monotonic() - start < 12
    assert ended <= {"won", "lost", "missing", "StoreUnreachable", "OutcomeUnknown"}
    assert "won" in ended
    assert failing.promoted()
    assert store.read().head == opened(failing.url).read().head


def test_flips_that_a_failover_lost_show_as_a_lower_head(failing: Watched, opened: Opener) -> None:
    store = opened(failing.url)
    deploy(store, greeter="Hello")
    assert eventually(failing.in_step)
    failing.primary.ask("ACL", "SETUSER", "default", "-psync", "-sync")
    failing.primary.ask("CLIENT", "KILL", "TYPE", "replica")
    for number in range(160):
        deploy(store, greeter=f"Lost {number}")
    assert store.read().head == Head(1, 161)
    failing.primary.kill()
    assert eventually(failing.promoted, 10)

    state = store.read(Head(1, 161))
    assert (state.head, state.whole) == (Head(1, 1), True)
    assert state.pointers["greeter"].digest == digest("greeter", "Hello")
    assert [entry.revision for entry in store.history()] == [1]


def test_a_sentinel_that_hangs_costs_its_share_of_the_time_once(
    steady: Watched, opened: Opener
) -> None:
    steady.sentinels[0].stop()
    try:
        store = opened(steady.url, timeouts=IMPATIENT)
        start = time.monotonic()
        store.read()
        first = time.monotonic()
        assert first - start < 0.4
        store.listen().close()
        assert time.monotonic() - first < 0.06
    finally:
        steady.sentinels[0].cont()


def test_sentinels_that_are_gone_or_hang_are_said_in_time(steady: Watched, opened: Opener) -> None:
    gone = f"redis+sentinel://u:secret@127.0.0.1:{free_port()},127.0.0.1:{free_port()}/main"
    for sentinel in steady.sentinels:
        sentinel.stop()
    try:
        for url in (steady.url, gone):
            store = opened(url, timeouts=IMPATIENT)
            for call in (store.read, store.listen, partial(store.put, b"{}")):
                start = time.monotonic()
                with pytest.raises(StoreUnreachable) as error:
                    call()
                assert time.monotonic() - start < 0.8
                said = f"{store.address} does not answer: nobody there names the node to use; "
                assert error.value.message.startswith(said)
                assert "secret" not in str(error.value)
    finally:
        for sentinel in steady.sentinels:
            sentinel.cont()


def test_a_primary_that_the_sentinels_do_not_know_is_said(steady: Watched, opened: Opener) -> None:
    with pytest.raises(StoreUnreachable, match="the sentinel watches no primary called other "):
        opened(steady.url.replace("/main", "/other"), timeouts=CLIENT).read()


def test_a_replica_is_not_taken_for_the_primary_that_a_sentinel_calls_it(
    steady: Watched, opened: Opener
) -> None:
    config = f"sentinel monitor main 127.0.0.1 {steady.replica.port} 2\n"
    alone = Server(options=["--sentinel"], config=config)
    try:
        url = f"redis+sentinel://127.0.0.1:{alone.start().port}/main"
        with pytest.raises(StoreUnreachable, match="which is no primary now "):
            opened(url, timeouts=CLIENT).read()
    finally:
        alone.close()


def test_sentinels_with_passwords_of_their_own(steady: Watched, opened: Opener) -> None:
    config = f"sentinel monitor main 127.0.0.1 {steady.primary.port} 2\n"
    alone = Server(options=["--sentinel"], config=config)
    try:
        url = f"redis+sentinel://127.0.0.1:{alone.start().port}/main"
        alone.ask("ACL", "SETUSER", "watcher", "on", ">pass+word", "+@all")
        alone.ask("ACL", "SETUSER", "default", "resetpass", ">other")
        let_in = opened(f"{url}?sentinel_user=watcher&sentinel_password=pass%2Bword&ns=own")
        assert let_in.read().head is None
        for wrong in (url, f"{url}?sentinel_password=wrong-one"):
            with pytest.raises(StoreDenied) as error:
                opened(wrong).read()
            assert "wrong-one" not in str(error.value)
    finally:
        alone.close()
