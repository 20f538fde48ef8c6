"""Who is here, and who is told at once: presence and the channel of changes."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from promptops.errors import StoreUnreachable
from promptops.live.address import parse_address
from promptops.live.presence import Presence
from promptops.live.records import Head
from promptops.live.redis import RedisListener
from promptops.live.store import CLIENT, Listener, Store
from tests.conftest import Opener
from tests.deployments import deploy
from tests.live import actors
from tests.servers import Server
from tests.waiting import eventually

ANN = Presence("ann", "shop", "host-1", 11, "0.1.0", epoch=1, revision=1)
BOB = Presence("bob", "shop", "host-2", 12, "0.1.0", epoch=1, revision=2)


@pytest.fixture
def listener(deployed: Store) -> Iterator[Listener]:
    """Listens to production, and has heard what there was to hear."""
    listener = deployed.listen()
    while listener.wait(0.05):
        pass
    yield listener
    listener.close()


def test_clients_are_listed_by_id(deployed: Store, store_url: str, opened: Opener) -> None:
    deployed.announce(BOB, 30)
    opened(store_url).announce(ANN, 30)
    assert opened(store_url).clients() == [ANN, BOB]


def test_a_client_that_announces_itself_again_is_listed_once(deployed: Store) -> None:
    deployed.announce(ANN, 30)
    deployed.announce(replace(ANN, revision=2), 30)
    assert [client.revision for client in deployed.clients()] == [2]


def test_a_client_of_a_wiped_server_is_listed_when_it_speaks_again(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url)
    store.announce(ANN, 30)
    redis_server.ask("FLUSHALL")
    assert store.clients() == []
    store.announce(ANN, 30)
    assert store.clients() == [ANN]


def test_a_client_that_withdraws_is_gone(deployed: Store) -> None:
    deployed.announce(ANN, 30)
    deployed.announce(BOB, 30)
    deployed.withdraw("ann")
    deployed.withdraw("nobody")
    assert deployed.clients() == [BOB]


def test_a_client_that_falls_silent_is_forgotten(
    deployed: Store, contents: Callable[[], object]
) -> None:
    deployed.announce(BOB, 30)
    with_bob = contents()
    deployed.announce(ANN, 1)
    assert eventually(lambda: deployed.clients() == [BOB], 3)
    assert deployed.clients() == [BOB]
    deployed.withdraw("ann")
    assert "ann" not in str(contents())
    assert deployed.read().head == Head(1, 1)
    assert str(with_bob)


def test_a_presence_in_one_environment_is_none_in_another(
    deployed: Store, store_url: str, opened: Opener
) -> None:
    staging = opened(store_url, "staging")
    deploy(staging, greeter="Hello")
    deployed.announce(ANN, 30)
    assert staging.clients() == []


def test_a_presence_changes_nothing_that_is_live(deployed: Store) -> None:
    before = deployed.read()
    deployed.announce(ANN, 30)
    assert deployed.read() == before


def test_presence_in_sqlite_does_not_make_a_store(tmp_path: Path, opened: Opener) -> None:
    store = opened(f"sqlite:///{tmp_path}/store.db")
    store.announce(ANN, 30)
    store.withdraw("ann")
    assert store.clients() == []
    assert list(tmp_path.iterdir()) == []


JUNK = ["", "x", "[]", "7", "{}", "\xff", ANN.to_json().replace("1,", '"one",'), "[" * 9999]


def test_a_strangers_junk_among_the_clients_of_redis_is_ignored(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    store = opened(redis_url)
    deploy(store, greeter="Hello")
    store.announce(ANN, 30)
    tag = f"{{{parse_address(redis_url).namespace}:production}}"
    for number, junk in enumerate(JUNK):
        shared_server.ask("SADD", f"{tag}:clients", f"junk-{number}")
        shared_server.ask("SET", f"{tag}:client:junk-{number}", junk.encode("latin-1"))
    shared_server.ask("SADD", f"{tag}:clients", b"\xff\xfe", "", "a hash", "nobody")
    shared_server.ask("HSET", f"{tag}:client:a hash", "a", "b")
    assert store.clients() == [ANN]
    assert store.clients() == [ANN]


def test_a_strangers_junk_among_the_clients_of_sqlite_is_ignored(
    tmp_path: Path, opened: Opener
) -> None:
    store = opened(f"sqlite:///{tmp_path}/store.db")
    deploy(store, greeter="Hello")
    store.announce(ANN, 30)
    with closing(sqlite3.connect(tmp_path / "store.db")) as db, db:
        rows: list[tuple[object, ...]]
        rows = [("production", f"junk-{number}", junk, 9e9) for number, junk in enumerate(JUNK)]
        rows += [("production", "null", None, 9e9), ("production", "expires", "x", None)]
        db.executemany("INSERT INTO clients VALUES (?, ?, ?, ?)", rows)
    assert store.clients() == [ANN]


def test_a_listener_in_another_process_wakes_at_once(
    deployed: Store, store_url: str, processes: ProcessPoolExecutor, tmp_path: Path
) -> None:
    ready, moments = tmp_path / "ready", []
    hearing = processes.submit(actors.hear, store_url, str(ready), times=5)
    for number in range(5):
        assert eventually(ready.exists)
        ready.unlink()
        deploy(deployed, greeter=f"Hello {number}")
        moments.append(time.monotonic())
    delays = sorted(
        heard - told for heard, told in zip(hearing.result(timeout=20), moments, strict=True)
    )
    assert len(delays) == 5
    assert delays[2] < 0.1
    assert delays[-1] < 0.25


def test_a_rollback_wakes_as_a_deployment_does(deployed: Store, listener: Listener) -> None:
    assert not listener.wait(0.05)
    deploy(deployed, greeter="Good morning")
    assert listener.wait(5)


def test_a_wait_without_news_ends_in_its_time(listener: Listener) -> None:
    start = time.monotonic()
    assert not listener.wait(0.3)
    assert 0.3 <= time.monotonic() - start < 0.5
    assert not listener.wait(0)


def test_a_listener_may_be_there_before_the_environment(store: Store) -> None:
    listener = store.listen()
    while listener.wait(0.05):
        pass
    deploy(store, greeter="Hello")
    assert listener.wait(5)
    listener.close()


@pytest.mark.parametrize("moment", [0.0, 0.001, 0.05, 0.1, 0.2])
def test_a_close_from_another_thread_ends_a_wait(listener: Listener, moment: float) -> None:
    ended: list[object] = []

    def wait() -> None:
        try:
            ended.append(listener.wait(30))
        except Exception as error:  # noqa: BLE001 - whatever comes, the test wants to see it
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(moment)
    start = time.monotonic()
    listener.close()
    thread.join(5)
    assert time.monotonic() - start < 0.5
    assert ended == [False]


def test_a_closed_listener_hears_nothing_more(deployed: Store, listener: Listener) -> None:
    listener.close()
    listener.close()
    deploy(deployed, greeter="Good morning")
    start = time.monotonic()
    assert not listener.wait(5)
    assert time.monotonic() - start < 0.5


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_closed_listeners_leave_no_file_open(deployed: Store) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    deployed.close()
    before = open_files()
    listeners = [deployed.listen() for _ in range(6)]
    with ThreadPoolExecutor(3) as waiting:
        for each in listeners:
            while each.wait(0.02):
                pass
        waits = [waiting.submit(each.wait, 30) for each in listeners[:3]]
        time.sleep(0.05)
        for each in listeners:
            each.close()
        assert not any(wait.result(timeout=5) for wait in waits)
    deployed.close()
    assert open_files() == before


def test_a_forked_child_drops_the_listener_and_the_parent_goes_on_hearing(
    redis_url: str, opened: Opener, processes: ProcessPoolExecutor, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    hearing = processes.submit(actors.fork_while_listening, redis_url, str(ready))
    assert eventually(ready.exists)
    deploy(opened(redis_url), greeter="Hello")
    assert hearing.result(timeout=20) == ("the child has no socket", True)


def test_a_hint_is_of_one_environment_of_redis_only(redis_url: str, opened: Opener) -> None:
    production, staging = opened(redis_url), opened(redis_url, "staging")
    listener = production.listen()
    deploy(staging, greeter="Hello")
    assert not listener.wait(0.1)
    deploy(production, greeter="Hello")
    assert listener.wait(5)
    listener.close()


def test_a_listener_that_lost_its_connection_says_so_and_stays_dead(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url, timeouts=CLIENT)
    listener = store.listen()
    redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    for _ in range(3):
        with pytest.raises(StoreUnreachable):
            listener.wait(5)
    anew = store.listen()
    deploy(store, greeter="Hello")
    assert anew.wait(5)
    anew.close()
    listener.close()


def test_a_listener_whose_connection_was_reset_never_pretends_to_listen_again(
    redis_server: Server, opened: Opener
) -> None:
    listener = opened(redis_server.url, timeouts=CLIENT).listen()
    assert isinstance(listener, RedisListener)
    # A server that dies with unread bytes before it resets the connection, and redis-py would
    # then make a new one by itself, without the subscription.
    redis_server.stop()
    listener._connection.send_command("PING")
    redis_server.restart()
    for _ in range(3):
        with pytest.raises(StoreUnreachable):
            listener.wait(0.5)
    listener.close()


def test_a_listener_tells_a_quiet_server_from_a_hung_one(
    redis_server: Server, shared_servers: Callable[[str], Server], opened: Opener
) -> None:
    quiet = opened(shared_servers("valkey").url, "a quiet environment", CLIENT)
    hung = opened(redis_server.url, timeouts=CLIENT)
    with closing(quiet.listen()) as listener, closing(hung.listen()) as deaf:
        redis_server.stop()
        with ThreadPoolExecutor(1) as waiting:
            start = time.monotonic()
            heard = waiting.submit(listener.wait, 3.5)
            with pytest.raises(StoreUnreachable, match="the channel of changes went silent"):
                deaf.wait(30)
            assert 2.5 < time.monotonic() - start < 4
            assert not heard.result()
        deploy(quiet, greeter="Hello")
        assert listener.wait(5)


def test_an_answer_that_came_while_nobody_listened_is_no_silence(
    redis_server: Server, opened: Opener
) -> None:
    store = opened(redis_server.url, timeouts=CLIENT)
    with closing(store.listen()) as listener:
        redis_server.stop()
        assert not listener.wait(2.3)  # it has asked by now
        redis_server.cont()
        time.sleep(1.2)  # a poll, on a busy machine
        assert not listener.wait(0.1)
        deploy(store, greeter="Hello")
        assert listener.wait(5)
