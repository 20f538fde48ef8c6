"""What an app reads is one release, whole, however many go live meanwhile."""

import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from promptops import Client
from promptops.client.live import LiveRelease
from promptops.live.store import Store
from tests.client import actors
from tests.client.conftest import Starter
from tests.client.releases import put_live
from tests.client.waiting import until_served


def editions_in(live: LiveRelease) -> set[str]:
    """Which editions its parts are of; one in a release that is whole."""
    system, user = live.messages
    retriever: Any = live.retriever
    schema: Any = live.output_schema
    return {
        live.model.version,
        str(live.params["seed"]),
        system.content,
        user.content,
        retriever.version,
        schema["const"],
    }


@pytest.mark.soak(short=200, full=10_000)
def test_no_read_sees_parts_of_two_releases(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    processes: ProcessPoolExecutor,
    times: int,
) -> None:
    put_live(embedded, actors.edition(0))
    client = started(embedded_url, poll=0.01)
    reads = 100 * times
    mixed: list[set[str]] = []
    seen: set[int] = set()

    def read(client: Client, count: int) -> None:
        for _ in range(count):
            live = client.get("greeter")
            seen.add(live.revision)
            if len(editions := editions_in(live)) != 1:
                mixed.append(editions)

    readers = [threading.Thread(target=read, args=(client, reads // 4)) for _ in range(4)]
    deploying = processes.submit(actors.deploy_whole_editions, embedded_url, times)
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    deploying.result(timeout=1200)
    until_served(client, times + 1)
    # Once more after the last change, in case the readers were faster than the changes.
    read(client, 1)
    assert mixed == []
    assert times + 1 in seen
    assert client.status().errors == 0
