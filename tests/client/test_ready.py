"""`await client.ready()`: waiting for the first snapshot while the event loop goes on."""

import asyncio
import threading
import time

import pytest

from promptops import NotReady
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.deployments import deploy, digest
from tests.servers import Server


def test_it_returns_the_client_which_can_be_read(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, ready=False)
    assert asyncio.run(client.ready()) is client
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert asyncio.run(client.ready(0)) is client, "what is ready stays so"


def test_the_event_loop_goes_on_until_there_is_something_to_serve(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    client = started(embedded_url, ready=False, poll=0.05)

    async def turns_while_waiting() -> int:
        waiting = asyncio.create_task(client.ready(20))
        turns = 0
        while not waiting.done():
            await asyncio.sleep(0.001)
            turns += 1
            if turns == 50:
                await asyncio.to_thread(deploy, embedded, greeter="Hello")
        await waiting
        return turns

    assert asyncio.run(turns_while_waiting()) > 50
    assert client.get("greeter").digest == digest("greeter", "Hello")


def test_it_raises_after_its_seconds_and_says_what_was_tried(
    redis_server: Server, started: Starter
) -> None:
    redis_server.stop()
    client = started(redis_server.url, ready=False)
    began = time.monotonic()
    with pytest.raises(NotReady, match=r"was read after 1\.5 s; tried the store redis://"):
        asyncio.run(client.ready(1.5))
    assert 1.5 <= time.monotonic() - began <= 2


def test_who_stops_waiting_leaves_the_client_as_it_was(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    client = started(embedded_url, ready=False, poll=0.05)
    threads = {each.name for each in threading.enumerate()}

    async def give_up() -> None:
        async with asyncio.timeout(0.1):
            await client.ready(20)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    assert {each.name for each in threading.enumerate()} <= threads
    deploy(embedded, greeter="Hello")
    assert asyncio.run(client.ready(5)).status().revision == 1


def test_many_may_wait_at_once(embedded: Store, embedded_url: str, started: Starter) -> None:
    client = started(embedded_url, ready=False, poll=0.05)

    async def wait_together() -> int:
        waiting = [asyncio.create_task(client.ready(20)) for _ in range(50)]
        await asyncio.to_thread(deploy, embedded, greeter="Hello")
        return len({id(each) for each in await asyncio.gather(*waiting)})

    assert asyncio.run(wait_together()) == 1
