"""A client follows what other processes do to its environment."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from statistics import median

import pytest

from promptops import Client
from promptops.delivery.deployment import Deployment
from promptops.live.store import Store
from tests.client import actors
from tests.client.conftest import Starter
from tests.client.waiting import until_served
from tests.deployments import deploy, digest

Change = Callable[[], Future[Deployment]]


def follow_others(client: Client, url: str, processes: ProcessPoolExecutor) -> list[float]:
    """Five changes by another process; how long after each was sent it was served."""
    submit = processes.submit
    changes: list[tuple[Change, str]] = [
        (lambda: submit(actors.deploy, url, {"greeter": "Good morning"}), "Good morning"),
        (lambda: submit(actors.rollback, url, "greeter"), "Hello"),
        (lambda: submit(actors.hold, url, "greeter", "Good night"), "Hello"),
        (lambda: submit(actors.deploy, url, {"greeter": "Hi", "third": "Hey"}), "Hi"),
        (lambda: submit(actors.rollback, url, "greeter"), "Hello"),
    ]
    delays = []
    for revision, (change, text) in enumerate(changes, start=2):
        changing = change()
        seen = until_served(client, revision)
        delays.append(seen - (changing.result(timeout=30).swapped or 0))
        assert client.get("greeter").digest == digest("greeter", text)
        assert client.get("farewell").digest == digest("farewell", "Bye")
    assert client.get("third").revision == 5
    return delays


def test_a_change_by_another_process_is_served_within_a_quarter_of_a_second(
    deployed: Store, store_url: str, started: Starter, processes: ProcessPoolExecutor
) -> None:
    # The next poll is a minute away: what is seen at all, is seen by the hint.
    client = started(store_url, poll=60)
    assert median(follow_others(client, store_url, processes)) <= 0.25


def test_without_hints_a_change_is_served_within_one_poll(
    deployed: Store, store_url: str, started: Starter, processes: ProcessPoolExecutor
) -> None:
    client = started(store_url, hint=False, poll=0.2)
    # A poll of 0.2 s ± 10 %, and what reading takes on a busy machine.
    assert median(follow_others(client, store_url, processes)) <= 0.32


def test_a_hold_leaves_what_is_served_and_its_revision_as_they_were(
    client: Client, store_url: str, processes: ProcessPoolExecutor
) -> None:
    before = client.get("greeter")
    processes.submit(actors.hold, store_url, "greeter", "Hello").result(timeout=30)
    until_served(client, 2)
    served = client.get("greeter")
    assert (served.digest, served.revision) == (before.digest, before.revision)


@pytest.mark.soak(short=150, full=10_000)
def test_units_that_are_deployed_together_are_seen_together(
    store: Store, store_url: str, started: Starter, processes: ProcessPoolExecutor, times: int
) -> None:
    units = ["answer", "question", "summary"]
    editions = {digest(unit, str(n)): n for unit in units for n in range(times)}
    digest_of_edition = {str(n): digest("answer", str(n)) for n in range(times)}
    digest_of_edition["first"] = digest("answer", "first")
    deploy(store, **dict.fromkeys(units, "first"))
    client = started(store_url, poll=0.01)
    seen: set[tuple[str, ...]] = set()
    mixed: list[object] = []
    reads = 0
    stop = threading.Event()

    def read_all_the_time() -> None:
        nonlocal reads
        while not stop.is_set():
            seen.add(tuple(client.status().units.values()))
            for _ in range(20):
                answer = client.get("answer")
                text = answer.render()[0]["content"]
                if answer.digest != digest_of_edition[text]:
                    mixed.append((answer.digest, text))
            reads += 20
            time.sleep(0)

    reader = threading.Thread(target=read_all_the_time)
    reader.start()
    try:
        deploying = processes.submit(actors.deploy_editions, store_url, units, times)
        deploying.result(timeout=600)
        until_served(client, times + 1)
    finally:
        stop.set()
        reader.join()

    assert all(len({editions.get(each, -1) for each in together}) == 1 for together in seen)
    assert all(len(together) == 3 for together in seen)
    assert len(seen) > 10
    assert mixed == []
    assert reads >= 100 * times
    assert {client.get(unit).revision for unit in units} == {times + 1}
    assert client.status().errors == 0
