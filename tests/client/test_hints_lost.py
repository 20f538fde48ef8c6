"""Hints that are lost without an error: the poll finds every change, and the channel is rebuilt."""

import time
from collections.abc import Iterator
from statistics import median

import pytest

from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.proxy import Proxy
from tests.client.waiting import until, until_served
from tests.deployments import deploy
from tests.servers import Server

POLL = 2.0


@pytest.fixture
def proxy(on_redis: Store, redis_server: Server) -> Iterator[Proxy]:
    """Stands before the server of `on_redis`."""
    proxy = Proxy(redis_server.port)
    proxy.start()
    yield proxy
    proxy.close()


@pytest.mark.soak(short=1, full=20)
def test_a_channel_that_was_swallowed_is_rebuilt_and_no_change_is_late(
    on_redis: Store, proxy: Proxy, started: Starter, times: int
) -> None:
    client = started(proxy.url)
    for number in range(times):
        until(lambda number=number: proxy.subscriptions == number + 1)  # type: ignore[misc]
        proxy.lose_hints()
        lost = time.monotonic()
        head = deploy(on_redis, greeter=f"Hello {number}")
        assert until_served(client, head.revision) - lost <= POLL + 1
        rebuilt = until(lambda number=number: proxy.subscriptions == number + 2)  # type: ignore[misc]
        assert rebuilt - lost <= 5
        delays = []
        for again in range(5):
            head = deploy(on_redis, greeter=f"Hello {number} {again}")
            delays.append(-time.monotonic() + until_served(client, head.revision))
        assert median(delays) <= 0.25
    assert (client.status().state, client.status().errors) == ("READY", 0)


@pytest.mark.soak(short=2, full=30)
def test_a_channel_that_lives_and_says_nothing_delays_a_change_by_one_poll(
    on_redis: Store, proxy: Proxy, started: Starter, times: int
) -> None:
    client = started(proxy.url)
    until(lambda: proxy.subscriptions == 1)
    proxy.mute = True
    for number in range(times):
        head = deploy(on_redis, greeter=f"Hello {number}")
        sent = time.monotonic()
        assert until_served(client, head.revision) - sent <= 2.7
    assert (client.status().state, client.status().errors, proxy.subscriptions) == ("READY", 0, 1)
