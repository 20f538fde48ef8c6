"""What operators see of the clients of an environment."""

import contextlib
import os
import socket
import sqlite3
from collections.abc import Callable

import pytest

from promptops import Client, __version__
from promptops.live.address import parse_address
from promptops.live.presence import MovedRelease
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import short
from tests.client.conftest import Starter
from tests.client.releases import point
from tests.client.waiting import until, until_served
from tests.deployments import deploy, digest


@pytest.fixture
def revisions(deployed: Store) -> Callable[[], list[int]]:
    """Those that the present clients say to serve."""
    return lambda: sorted(each.revision for each in deployed.clients())


def test_a_client_is_present_with_what_it_is_and_what_it_serves(
    client: Client, deployed: Store
) -> None:
    until(deployed.clients)
    (present,) = deployed.clients()
    assert (present.app, present.host, present.pid, present.version) == (
        "helpdesk",
        socket.gethostname(),
        os.getpid(),
        __version__,
    )
    assert (present.epoch, present.revision) == (1, 1)


def test_a_change_is_in_the_presence_at_once(
    deployed: Store, store_url: str, started: Starter, revisions: Callable[[], list[int]]
) -> None:
    started(store_url, poll=60)
    for number in range(2, 5):
        deploy(deployed, greeter=f"Hello {number}")
        until(lambda number=number: revisions() == [number], seconds=2)  # type: ignore[misc]


def test_a_client_that_waits_for_its_environment_is_present_when_it_serves_it(
    store: Store, store_url: str, started: Starter
) -> None:
    client = started(store_url, poll=0.2, ready=False)
    deploy(store, greeter="Hello")
    until_served(client, 1)
    until(lambda: [(each.epoch, each.revision) for each in store.clients()] == [(1, 1)], seconds=2)


def test_a_client_that_refuses_a_release_is_present_with_the_reason(
    client: Client, deployed: Store, revisions: Callable[[], list[int]]
) -> None:
    until(revisions)
    wanted = deployed.put(b"not a release")
    head = point(deployed, {"greeter": wanted})
    until(lambda: deployed.clients()[0].refused)
    (present,) = deployed.clients()
    (refused,) = present.refused
    assert (refused.unit, refused.digest, refused.revision) == ("greeter", wanted, 2)
    assert (refused.code, refused.reason) == ("C601", f"release {wanted} is not JSON")
    assert present.head == head
    (kept,) = present.kept
    assert (kept.digest, kept.revision, kept.pinned) == (digest("greeter", "Hello"), 1, False)
    assert not present.serves(head, {"greeter": wanted})
    assert present.declines(head, {"greeter": wanted})
    assert present.serves(head, {"farewell": digest("farewell", "Bye")})


def test_what_is_pinned_is_in_the_presence(
    deployed: Store, store_url: str, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    hello = digest("greeter", "Hello")
    monkeypatch.setenv("PROMPTOPS_PIN", f"greeter={hello}")
    started(store_url, poll=0.05)
    until(lambda: [each.pins for each in deployed.clients()] == [{"greeter": hello}])
    deploy(deployed, greeter="Hi")
    until(lambda: deployed.clients()[0].revision == 2)
    (present,) = deployed.clients()
    assert not present.serves(Head(1, 2), {"greeter": digest("greeter", "Hi")})


def test_what_moved_last_is_in_the_presence_also_what_is_refused_and_not_what_is_pinned(
    deployed: Store, store_url: str, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(deployed, farewell="Good bye", third="Oh")
    monkeypatch.setenv("PROMPTOPS_PIN", f"third={digest('third', 'Oh')}")
    started(store_url, poll=0.05)
    moved = [
        MovedRelease("farewell", short(digest("farewell", "Good bye")), 2),
        MovedRelease("greeter", short(digest("greeter", "Hello")), 1),
    ]
    until(lambda: [[*each.moved] for each in deployed.clients()] == [moved])
    wanted = deployed.put(b"not a release")
    point(deployed, {"greeter": wanted})
    moved = [MovedRelease("greeter", short(wanted), 3), moved[0]]
    until(lambda: [[*each.moved] for each in deployed.clients()] == [moved])


def test_a_store_that_is_accepted_again_is_said_at_once(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    deploy(embedded, greeter="Hi")
    started(embedded_url, poll=0.1)
    path = parse_address(embedded_url).path
    for revision, said in ((1, True), (2, False)):
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE head SET revision = ?", (revision,))
        until(lambda said=said: [bool(each.error) for each in embedded.clients()] == [said], 5)  # type: ignore[misc]


def test_a_client_that_keeps_to_itself_is_never_present(
    deployed: Store, store_url: str, started: Starter
) -> None:
    client = started(store_url, presence=False)
    deploy(deployed, greeter="Hi")
    until_served(client, 2)
    client.close()
    assert deployed.clients() == []


def test_two_clients_of_a_process_are_two_presences(
    deployed: Store, store_url: str, started: Starter
) -> None:
    web, worker = started(store_url, app="web"), started(store_url, app="worker")
    until(lambda: len(deployed.clients()) == 2)
    assert {each.app for each in deployed.clients()} == {"web", "worker"}
    web.close()
    assert [each.app for each in deployed.clients()] == ["worker"]
    worker.close()
    assert deployed.clients() == []
