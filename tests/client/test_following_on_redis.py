"""Following on Redis when the hints are broken, or when the user may do little."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from statistics import median

import pytest
import redis

from promptops.live.address import parse_address
from promptops.live.store import Store
from tests.client import actors
from tests.client.conftest import Starter
from tests.client.waiting import until, until_polled, until_served
from tests.conftest import Opener
from tests.deployments import deploy, digest, rollback
from tests.servers import Server

READING = ("-@all", "+@read", "+@connection", "+eval_ro", "+evalsha_ro")


@pytest.fixture
def reader(redis_url: str, shared_server: Server, opened: Opener) -> Iterator[str]:
    """The address of an environment, for a user who may read it and hear its hints."""
    deploy(opened(redis_url), greeter="Hello")
    namespace = parse_address(redis_url).namespace
    allowed = (f"%R~{{{namespace}:*", f"&{{{namespace}:*", *READING, "+subscribe")
    shared_server.ask("ACL", "SETUSER", namespace, "on", ">secret", *allowed)
    yield redis_url.replace("redis://", f"redis://{namespace}:secret@")
    shared_server.ask("ACL", "DELUSER", namespace)


def listeners(server: Server) -> int:
    """How many clients of production hear hints."""
    return int(server.ask("PUBSUB", "NUMSUB", "{promptops:production}:changes")[1])


def connections(server: Server) -> int:
    """How many there are over TCP; the tests' own hand on the server has a Unix socket."""
    listed: bytes = server.ask("CLIENT", "LIST")
    return listed.count(b" addr=127.0.0.1:")


def test_a_user_who_may_only_read_serves_and_follows_by_hint(
    reader: str, redis_url: str, opened: Opener, started: Starter
) -> None:
    store = opened(redis_url)
    client = started(reader, poll=60)
    deploy(store, greeter="Good morning")
    until_served(client, 2)
    rollback(store, "greeter")
    until_served(client, 3)

    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert (client.status().state, client.status().errors) == ("READY", 0)
    assert store.clients() == []


def test_a_user_who_may_not_subscribe_follows_within_one_poll(
    reader: str, redis_url: str, shared_server: Server, opened: Opener, started: Starter
) -> None:
    user = parse_address(reader).username or ""
    shared_server.ask("ACL", "SETUSER", user, "resetchannels", "-subscribe")
    store = opened(redis_url)
    client = started(reader, poll=0.2)
    delays = []
    for number in range(3):
        deploy(store, greeter=f"Hello {number}")
        delays.append(-time.monotonic() + until_served(client, number + 2))
    # A poll of 0.2 s ± 10 %, and what reading takes on a busy machine.
    assert median(delays) <= 0.32
    assert (client.status().state, client.status().errors) == ("READY", 0)


def test_connections_for_hints_that_are_refused_are_not_left_open(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    redis_server.ask("ACL", "SETUSER", "default", "resetchannels")
    client = started(redis_server.url, poll=0.01)
    before = connections(redis_server)
    until_polled(client, 20)
    assert connections(redis_server) <= before + 1


def sent(server: Server, port: str, act: Callable[[], object]) -> list[str]:
    """The commands that came from a port meanwhile, without those within scripts."""
    with redis.Redis(unix_socket_path=str(server.socket)) as line, line.monitor() as monitor:
        act()
        server.ask("ECHO", "the end")
        commands = iter(monitor.next_command, None)
        found = []
        for each in commands:
            name = each["command"].partition(" ")[0].upper()
            if name == "ECHO":
                break
            if each["client_port"] == port and each["client_type"] == "tcp":
                found.append(name)
    return found


def test_a_change_costs_a_client_what_it_must_and_a_rollback_no_release(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url, poll=60)
    until(lambda: listeners(redis_server))

    def follows(change: Callable[[], object], revision: int) -> None:
        change()
        until_served(client, revision)
        until(lambda: [each.revision for each in on_redis.clients()] == [revision])

    follows(lambda: deploy(on_redis, greeter="Hi"), 2)
    on_redis.close()
    listed = [
        dict(fact.partition("=")[::2] for fact in line.split())
        for line in redis_server.ask("CLIENT", "LIST").decode().splitlines()
    ]
    (port,) = {
        each["addr"].rpartition(":")[2]
        for each in listed
        if each["addr"].startswith("127.") and each["sub"] == "0"
    }
    forth, back = lambda: deploy(on_redis, greeter="Bad"), lambda: rollback(on_redis, "greeter")
    found = sent(redis_server, port, lambda: follows(forth, 3))
    assert found == ["EVALSHA_RO", "GETRANGE", "SET"]
    assert sent(redis_server, port, lambda: follows(back, 4)) == ["EVALSHA_RO", "SET"]
    assert client.get("greeter").digest == digest("greeter", "Hi")


@pytest.mark.parametrize(("hint", "needed"), [(True, 2), (False, 1)])
def test_a_client_needs_two_connections_and_one_without_hints(
    on_redis: Store, redis_server: Server, started: Starter, hint: bool, needed: int
) -> None:
    on_redis.close()
    client = started(redis_server.url, hint=hint, poll=0.05)
    until(lambda: listeners(redis_server) == hint)
    for number in range(5):
        deploy(on_redis, greeter=f"Hello {number}")
        until_served(client, number + 2)
    on_redis.close()
    until(lambda: connections(redis_server) == needed)
    client.close()
    until(lambda: connections(redis_server) == 0)


def test_a_rollback_on_a_full_server_is_followed(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    deploy(on_redis, greeter="Good morning")
    client = started(redis_server.url, poll=60)
    until(lambda: listeners(redis_server))
    redis_server.ask("CONFIG", "SET", "maxmemory", "1")
    rollback(on_redis, "greeter")
    until_served(client, 3)
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert client.status().errors == 0


def test_hints_that_break_off_are_rebuilt_and_nothing_is_missed_meanwhile(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url, poll=0.2)
    for number in range(5):
        until(lambda: listeners(redis_server))
        redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
        deploy(on_redis, greeter=f"Hello {number}")
        until_served(client, number + 2)
    until(lambda: listeners(redis_server))
    assert (client.status().state, client.status().errors) == ("READY", 0)


def test_a_server_that_forgot_its_scripts_is_followed_all_the_same(
    on_redis: Store, redis_server: Server, started: Starter, processes: ProcessPoolExecutor
) -> None:
    client = started(redis_server.url, poll=60)
    redis_server.ask("SCRIPT", "FLUSH")
    processes.submit(actors.deploy, redis_server.url, {"greeter": "Hi"}).result(timeout=30)
    until_served(client, 2)
    assert client.status().errors == 0
