"""Outages of the store as they come: hung, killed again and again, or busy with something else.

What an app notices of each is nothing: every read is answered, and within microseconds.
"""

import socket
import time

import pytest

from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.reading import reading_all_the_time
from tests.client.waiting import until, until_polled, until_served
from tests.conftest import Opener
from tests.deployments import deploy, digest
from tests.servers import Server

HELLO = digest("greeter", "Hello")


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) * 99 // 100]


@pytest.mark.soak(short=4, full=60)
def test_a_store_that_hangs_for_a_minute_costs_an_app_nothing(
    on_redis: Store, redis_server: Server, started: Starter, times: int
) -> None:
    client = started(redis_server.url)
    with reading_all_the_time(client) as seconds:
        redis_server.stop()
        stopped = time.monotonic()
        assert until(lambda: client.status().state == "STALE") - stopped <= 10
        time.sleep(max(0.0, stopped + times - time.monotonic()))
        age = client.status().age or 0
        assert age >= times - 5
        assert age >= times - 2.5  # a poll and the time of an answer
        assert client.status().units == {"farewell": digest("farewell", "Bye"), "greeter": HELLO}
        redis_server.cont()
        woken = time.monotonic()
        assert until(lambda: client.status().state == "READY") - woken <= 2
        assert (client.status().age or 0) < 2
    assert p99(seconds) < 5e-6
    deploy(on_redis, greeter="Hi")
    until_served(client, 2, 5)


@pytest.mark.soak(short=2, full=50)
def test_a_store_that_is_killed_and_restarted_loses_nobody_and_no_change(
    opened: Opener, started: Starter, times: int
) -> None:
    server = Server(options=("--appendonly", "yes", "--appendfsync", "always"))
    try:
        store = opened(server.start().url)
        deploy(store, greeter="Hello")
        clients = [started(server.url) for _ in range(3)]
        for number in range(times):
            head = deploy(store, greeter=f"Hello {number}")
            for client in clients:
                until_served(client, head.revision)
            with reading_all_the_time(clients[0]):
                server.kill()
                until(lambda: all(client.status().state == "STALE" for client in clients))
                server.start()
                began = time.monotonic()
                ready = until(lambda: all(c.status().state == "READY" for c in clients))
            assert ready - began <= 3
            assert store.read().head == head
            assert {client.status().revision for client in clients} == {head.revision}
        revisions = [entry.revision for entry in store.history(limit=times + 1)]
        assert revisions == list(range(times + 1, 0, -1))
    finally:
        server.close()


def occupy(server: Server, command: str) -> socket.socket:
    """Keep the server busy with one command."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(server.socket))
    line.sendall(f"{command}\r\n".encode())
    return line


@pytest.mark.parametrize(
    ("command", "reason", "end"),
    [
        ('EVAL "while true do end" 0', "refused: BUSY ", ("SCRIPT", "KILL")),
        ("DEBUG SLEEP 1.5", "does not answer: no answer in time", ("PING",)),
    ],
    ids=["a slow script", "a long sleep"],
)
def test_a_store_that_is_busy_with_something_else_costs_an_app_nothing(
    opened: Opener, started: Starter, command: str, reason: str, end: tuple[str, ...]
) -> None:
    server = Server(options=("--busy-reply-threshold", "50", "--enable-debug-command", "yes"))
    try:
        store = opened(server.start().url)
        deploy(store, greeter="Hello")
        client = started(server.url, poll=0.2)
        until_polled(client, 3)
        with reading_all_the_time(client) as seconds, occupy(server, command):
            until(lambda: reason in client.status().reason)
            assert (client.status().state, client.status().revision) == ("STALE", 1)
            server.ask(*end)
            began = time.monotonic()
            assert until(lambda: client.status().state == "READY") - began <= 2
        assert p99(seconds) < 5e-6
        deploy(store, greeter="Hi")
        until_served(client, 2, 5)
    finally:
        server.close()
