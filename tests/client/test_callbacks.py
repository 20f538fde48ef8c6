"""Whom a client tells of a change, and what it tells."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from promptops import Client
from promptops.client.callbacks import Changed
from promptops.client.lasting import TRY_EVERY
from promptops.live.store import Store
from tests.client import actors
from tests.client.conftest import Starter
from tests.client.waiting import until, until_count, until_polled, until_served
from tests.deployments import deploy, rollback

Change = Callable[..., object]


def test_every_change_is_told_with_its_revision_and_units(
    client: Client, store_url: str, processes: ProcessPoolExecutor
) -> None:
    told: list[Changed] = []
    client.on_change(told.append)
    changes: list[tuple[Change, tuple[object, ...]]] = [
        (actors.deploy, ({"greeter": "Hi", "farewell": "So long"},)),
        (actors.rollback, ("greeter",)),
        (actors.deploy, ({"newcomer": "Hey"},)),
        (actors.hold, ("newcomer", "Hey")),
    ]
    for number, (change, arguments) in enumerate(changes, start=1):
        processes.submit(change, store_url, *arguments).result(timeout=30)
        until_count(told, number)
    assert told == [
        Changed(2, ("farewell", "greeter")),
        Changed(3, ("greeter",)),
        Changed(4, ("newcomer",)),
        Changed(5, ()),
    ]


def test_a_callback_finds_the_change_already_served(client: Client, deployed: Store) -> None:
    found: list[tuple[int, int]] = []
    client.on_change(
        lambda changed: found.append((changed.revision, client.get("greeter").revision))
    )
    deploy(deployed, greeter="Hi")
    until_count(found, 1)
    assert found == [(2, 2)]


def test_the_first_answer_is_a_change_of_every_unit(
    store: Store, store_url: str, started: Starter
) -> None:
    told: list[Changed] = []
    client = started(store_url, poll=0.2, ready=False)
    client.on_change(told.append)
    deploy(store, greeter="Hello", farewell="Bye")
    until_count(told, 1)
    assert told == [Changed(1, ("farewell", "greeter"))]


def test_nothing_is_told_while_nothing_changes(client: Client, deployed: Store) -> None:
    told: list[Changed] = []
    client.on_change(told.append)
    until_polled(client, 3)
    deploy(deployed, greeter="Hi")
    until(lambda: told)
    assert told == [Changed(2, ("greeter",))]


def test_a_slow_callback_delays_neither_following_nor_what_it_is_told(
    client: Client, deployed: Store
) -> None:
    told: list[int] = []
    done = threading.Event()

    def blocks(changed: Changed) -> None:
        done.wait(30)
        told.append(changed.revision)

    client.on_change(blocks)
    for number in range(2, 7):
        deploy(deployed, greeter=f"Hello {number}")
        until_served(client, number, seconds=2)
    assert told == []
    done.set()
    until_count(told, 5)
    assert told == [2, 3, 4, 5, 6]


def test_a_slow_callback_does_not_hold_up_the_others(client: Client, deployed: Store) -> None:
    told: list[int] = []
    done = threading.Event()
    client.on_change(lambda _: done.wait(30))
    client.on_change(lambda changed: told.append(changed.revision))
    for number in (2, 3):
        deploy(deployed, greeter=f"Hello {number}")
        until_count(told, number - 1)
    assert (told, done.is_set()) == ([2, 3], False)
    done.set()


def test_a_callback_that_raises_harms_nothing(
    client: Client, deployed: Store, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Changed] = []

    def raises(changed: Changed) -> None:
        raise RuntimeError("the app's own trouble")

    client.on_change(raises)
    client.on_change(told.append)
    deploy(deployed, greeter="Hi")
    until_count(told, 1)
    rollback(deployed, "greeter")
    until_count(told, 2)

    assert [changed.revision for changed in told] == [2, 3]
    assert (client.status().state, client.status().errors) == ("READY", 0)
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    # One line for all of half a minute: it may raise at every change.
    assert [record.getMessage() for record in warned] == ["a callback on change raised"]
    assert "the app's own trouble" in caplog.text


def test_a_callback_that_exits_ends_no_thread(client: Client, deployed: Store) -> None:
    told: list[int] = []

    def exits(changed: Changed) -> None:
        told.append(changed.revision)
        sys.exit("a thread cannot end its process")

    client.on_change(exits)
    for number in (2, 3):
        deploy(deployed, greeter=f"Hello {number}")
        until_count(told, number - 1)
    assert told == [2, 3]


def test_callbacks_whose_thread_cannot_start_are_told_of_later_changes(
    client: Client, deployed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    told: list[int] = []
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        client.on_change(lambda changed: told.append(changed.revision))
    time.sleep(TRY_EVERY)
    deploy(deployed, greeter="Hi")
    until_count(told, 1)
    assert told == [2]


def test_a_callback_may_close_its_client(client: Client, deployed: Store) -> None:
    closed = threading.Event()

    def close(changed: Changed) -> None:
        client.close()
        closed.set()

    client.on_change(close)
    deploy(deployed, greeter="Hi")
    assert closed.wait(10)
    until(lambda: not client._refresher.is_alive())


def test_no_callback_begins_after_closing(client: Client, deployed: Store) -> None:
    told: list[int] = []
    begun, done = threading.Event(), threading.Event()

    def slow(changed: Changed) -> None:
        told.append(changed.revision)
        begun.set()
        done.wait(30)

    client.on_change(slow)
    for number in range(2, 6):
        deploy(deployed, greeter=f"Hello {number}")
        until_served(client, number)
    assert begun.wait(10)
    client.close()
    deploy(deployed, greeter="Good morning")
    done.set()
    until(no_thread)
    assert told == [2]


class Late:
    """A callback that notes what it is told, and goes on when it may."""

    def __init__(self) -> None:
        self.told: list[Changed] = []
        self.may_go_on = threading.Event()

    def __call__(self, changed: Changed) -> None:
        self.told.append(changed)
        self.may_go_on.wait(60)


@pytest.fixture
def late(embedded: Store, embedded_url: str, started: Starter) -> tuple[Client, Late]:
    """While a callback was busy with revision 1 came 120 more, of farewell the 110th."""
    client = started(embedded_url, ready=False)
    late = Late()
    client.on_change(late)
    for number in range(1, 122):
        deploy(embedded, **{"farewell" if number == 110 else "greeter": f"Hello {number}"})
        until_served(client, number)
    [callback] = client._refresher.published.callbacks.all
    until(lambda: callback.merged == 20)
    assert len(callback._waiting) == 100
    return client, late


def test_a_callback_that_is_late_is_told_of_the_latest_release_of_every_unit(
    late: tuple[Client, Late],
) -> None:
    _, callback = late
    callback.may_go_on.set()
    until_count(callback.told, 101)
    assert [changed.revision for changed in callback.told] == [*range(1, 101), 121]
    assert callback.told[-1] == Changed(121, ("farewell", "greeter"))


def test_a_callback_that_is_late_is_told_nothing_after_closing(late: tuple[Client, Late]) -> None:
    client, callback = late
    client.close()
    callback.may_go_on.set()
    until(no_thread)
    assert [changed.revision for changed in callback.told] == [1]


def test_a_callback_that_comes_after_closing_starts_no_thread(client: Client) -> None:
    client.close()
    client.on_change(lambda changed: changed)
    assert no_thread()


def no_thread() -> bool:
    return not any(each.name.startswith("promptops") for each in threading.enumerate())


def test_a_callback_that_wants_to_exit_ends_neither_the_process_nor_the_telling(
    client: Client, deployed: Store
) -> None:
    told: list[int] = []

    def leaves(changed: Changed) -> None:
        told.append(changed.revision)
        sys.exit(1)

    client.on_change(leaves)
    for number in range(2, 5):
        deploy(deployed, greeter=f"Hello {number}")
        until_count(told, number - 1)
    assert client._refresher.published.callbacks.all[0].failed >= 2
    assert client.status().state == "READY"
