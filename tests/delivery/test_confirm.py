"""Waiting for clients: who counts, when it ends, and how long the slowest took."""

import threading
import time
from dataclasses import replace

import pytest

from promptops.delivery.confirm import await_clients
from promptops.live.presence import KeptRelease, Presence
from promptops.live.records import Head
from promptops.live.store import Store
from tests.conftest import Opener
from tests.deployments import deploy, digest

NEW = {"greeter": digest("greeter", "Hi")}


def presence(client: str, revision: int) -> Presence:
    return Presence(client, "helpdesk", "host", 1, "0.1.0", 1, revision)


@pytest.fixture
def at_two(store: Store) -> Store:
    """An environment at revision 2."""
    deploy(store, greeter="Hello")
    deploy(store, greeter="Hi")
    return store


def test_without_clients_there_is_nothing_to_wait_for(at_two: Store) -> None:
    done = await_clients(at_two, Head(1, 2), NEW, time.monotonic(), 30)
    assert (done.present, done.confirmed, done.slowest_seconds, done.missing) == (0, 0, None, ())


def test_a_later_head_counts_too(at_two: Store) -> None:
    """Somebody deployed again meanwhile, and the clients are there already."""
    deploy(at_two, farewell="Bye")
    at_two.announce(presence("ann", 2), 30)
    at_two.announce(presence("bob", 3), 30)
    done = await_clients(at_two, Head(1, 2), NEW, time.monotonic() - 0.5, 10)
    assert (done.present, done.confirmed, done.missing) == (2, 2, ())
    assert done.slowest_seconds is not None
    assert 0.5 <= done.slowest_seconds < 5


def test_who_serves_what_the_store_has_lost_does_not_confirm(at_two: Store) -> None:
    for client, revision in (("ann", 2), ("bob", 3)):
        at_two.announce(presence(client, revision), 30)
    done = await_clients(at_two, Head(1, 2), NEW, time.monotonic(), 0.2)
    assert (done.present, done.confirmed) == (2, 1)
    assert {client.client for client in done.missing} == {"bob"}


def test_who_does_not_confirm_is_listed_when_the_time_is_over(at_two: Store) -> None:
    at_two.announce(presence("ann", 2), 30)
    at_two.announce(presence("bob", 1), 30)
    started = time.monotonic()
    done = await_clients(at_two, Head(1, 2), NEW, started, 0.2)
    assert 0.2 <= time.monotonic() - started < 2
    assert (done.present, done.confirmed) == (2, 1)
    assert done.missing == (presence("bob", 1),)


def test_no_time_is_one_look(at_two: Store) -> None:
    at_two.announce(presence("bob", 1), 30)
    assert await_clients(at_two, Head(1, 2), NEW, time.monotonic(), 0).missing


def test_who_refused_the_store_while_it_was_lower_is_waited_for(
    at_two: Store, store_url: str, opened: Opener
) -> None:
    at_two.announce(replace(presence("ann", 1), error="REGRESSED"), 30)
    other = opened(store_url)
    following = threading.Timer(0.2, other.announce, (presence("ann", 2), 30))
    following.start()
    done = await_clients(at_two, Head(1, 2), NEW, time.monotonic(), 30)
    following.join(30)
    assert (done.present, done.confirmed) == (1, 1)


def test_the_wait_ends_with_the_last_client_and_measures_it(
    at_two: Store, store_url: str, opened: Opener
) -> None:
    for client in ("ann", "bob"):
        at_two.announce(presence(client, 1), 30)
    swapped = time.monotonic()
    other = opened(store_url)

    def follow() -> None:
        for client in ("ann", "bob"):
            time.sleep(0.15)
            other.announce(presence(client, 2), 30)

    following = threading.Thread(target=follow)
    following.start()
    done = await_clients(at_two, Head(1, 2), NEW, swapped, 30)
    following.join()
    assert (done.present, done.confirmed, done.missing) == (2, 2, ())
    assert done.slowest_seconds is not None
    assert 0.3 <= done.slowest_seconds < 3


def test_a_client_that_leaves_is_not_waited_for(
    at_two: Store, store_url: str, opened: Opener
) -> None:
    at_two.announce(presence("ann", 2), 30)
    at_two.announce(presence("bob", 1), 30)
    leaving = threading.Timer(0.1, opened(store_url).withdraw, ["bob"])
    leaving.start()
    done = await_clients(at_two, Head(1, 2), NEW, time.monotonic(), 30)
    leaving.join()
    assert (done.present, done.confirmed, done.missing) == (1, 1, ())


def test_a_client_that_fell_silent_is_missing_when_its_presence_has_run_out(
    at_two: Store,
) -> None:
    at_two.announce(presence("ann", 2), 30)
    at_two.announce(replace(presence("bob", 1), age=0.0), 1)  # of thirty: silent for 29
    done = await_clients(at_two, Head(1, 2), NEW, time.monotonic(), 30)
    assert [client.client for client in at_two.clients()] == ["ann"]
    assert (done.present, done.confirmed) == (2, 1)
    assert [client.client for client in done.missing] == ["bob"]


def test_nobody_waits_for_who_refuses_or_pins(at_two: Store) -> None:
    """Until somebody has read the deployment, an older refusal says nothing about it."""
    kept = KeptRelease("greeter", digest("greeter", "Hello"), 1, pinned=False)
    refusing = replace(presence("ann", 2), kept=(kept,))
    pinning = replace(presence("bob", 1), kept=(replace(kept, pinned=True),))
    not_yet = replace(presence("cy", 1), kept=(kept,))
    for each in (refusing, pinning, presence("di", 2)):
        at_two.announce(each, 30)
    started = time.monotonic()
    done = await_clients(at_two, Head(1, 2), NEW, started, 30)
    assert time.monotonic() - started < 5
    assert (done.present, done.confirmed, done.missing) == (3, 1, (refusing, pinning))

    at_two.announce(not_yet, 30)
    started = time.monotonic()
    done = await_clients(at_two, Head(1, 2), NEW, started, 0.3)
    assert time.monotonic() - started >= 0.3
    assert not_yet in done.missing
