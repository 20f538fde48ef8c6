"""The store goes away, is emptied, or comes back: an app that once read it serves on."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from promptops import Client
from promptops.live.address import parse_address
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.reading import reading_all_the_time
from tests.client.sabotage import Saboteur
from tests.client.waiting import until, until_refused, until_served
from tests.conftest import Opener
from tests.deployments import deploy, digest
from tests.servers import Server

GONE = "POINTER_MISSING: the store does not hold this environment any more"
HELLO, BYE = digest("greeter", "Hello"), digest("farewell", "Bye")


@pytest.fixture
def durable_server() -> Iterator[Server]:
    """A server of the test's own that remembers what it held when it was killed."""
    server = Server(options=("--appendonly", "yes", "--appendfsync", "always"))
    try:
        yield server.start()
    finally:
        server.close()


def until_stale(client: Client, seconds: float = 10, state: str = "STALE") -> None:
    """STALE within ten seconds, and then older every time one looks."""
    until(lambda: client.status().state == state, seconds)
    ages = []
    for _ in range(3):
        ages.append(client.status().age or 0)
        time.sleep(0.05)
    assert ages == sorted(ages)
    assert ages[2] >= ages[0] + 0.1


def until_ready(client: Client, seconds: float) -> None:
    until(lambda: client.status().state == "READY", seconds)
    status = client.status()
    assert (status.reason, status.age is not None and status.age < seconds) == ("", True)


def assert_follows(client: Client, store: Store) -> None:
    revision = deploy(store, greeter="Good morning").revision
    until_served(client, revision, 5)
    assert client.get("greeter").digest == digest("greeter", "Good morning")
    assert client.get("farewell").digest == BYE


def test_an_app_is_served_while_its_store_hangs(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url)
    with reading_all_the_time(client):
        redis_server.stop()
        until_stale(client)
        until_refused(client, 1)
        status = client.status()
        assert status.reason == (
            f"redis://127.0.0.1:{redis_server.port}/0 does not answer: no answer in time"
        )
        assert (status.epoch, status.revision) == (1, 1)
        assert (status.age or 0) >= 0.5
        assert status.units == {"farewell": BYE, "greeter": HELLO}
        redis_server.cont()
        until_ready(client, 2.5)
    assert_follows(client, on_redis)


def test_an_app_is_served_while_its_store_is_dead(
    durable_server: Server, opened: Opener, started: Starter
) -> None:
    store = opened(durable_server.url)
    deploy(store, greeter="Hello", farewell="Bye")
    client = started(durable_server.url)
    with reading_all_the_time(client):
        durable_server.kill()
        until_stale(client)
        assert "Connection refused" in client.status().reason
        durable_server.start()
        until_ready(client, 3)
    assert_follows(client, store)

    # And by hint again, not by the poll of every two seconds.
    delays = []
    for number in range(3, 8):
        deploy(store, greeter=f"Hello {number}")
        sent = time.monotonic()
        delays.append(until_served(client, number) - sent)
    assert median(delays) <= 0.25


def test_a_store_that_was_away_for_long_is_followed_again_within_one_poll(
    durable_server: Server, opened: Opener, started: Starter
) -> None:
    store = opened(durable_server.url)
    deploy(store, greeter="Hello", farewell="Bye")
    client = started(durable_server.url, poll=0.2)
    durable_server.kill()
    until_refused(client, 10)
    durable_server.start()
    until_ready(client, 1)
    assert_follows(client, store)


def test_a_user_who_was_locked_out_is_served_until_let_in_again(
    on_redis: Store, redis_server: Server, started: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    let_in = ("ACL", "SETUSER", "app", "on", ">correct-horse", "~*", "&*", "+@all")
    redis_server.ask(*let_in)
    client = started(f"redis://app:correct-horse@127.0.0.1:{redis_server.port}/0", poll=0.2)
    with reading_all_the_time(client):
        redis_server.ask("ACL", "DELUSER", "app")
        until_stale(client)
        where = f"redis://***@127.0.0.1:{redis_server.port}/0"
        until(lambda: client.status().reason == f"{where} refused the user or the password")
        assert "correct-horse" not in caplog.text + repr(client.status())
        redis_server.ask(*let_in)
        until_ready(client, 15)
    assert_follows(client, on_redis)


def test_one_trouble_is_logged_once_and_so_is_its_end(
    on_redis: Store, redis_server: Server, started: Starter, caplog: pytest.LogCaptureFixture
) -> None:
    client = started(redis_server.url, poll=0.1)
    redis_server.ask("FLUSHALL")
    until_refused(client, 4)
    deploy(on_redis, greeter="Hi", farewell="Bye")
    deploy(on_redis, greeter="Good morning")
    until_ready(client, 5)
    until(lambda: "READY again" in caplog.text)

    warnings = [record.getMessage() for record in caplog.records if record.name == "promptops"]
    assert warnings[0] == f"ERROR: {GONE} [C610]; serving on what is known"
    assert len(warnings) == len(set(warnings))
    assert warnings[-1] == "READY again; serving revision 2"


@pytest.mark.parametrize("restarts", [False, True])
def test_an_emptied_server_is_served_on_and_followed_when_it_was_filled_again(
    on_redis: Store, redis_server: Server, started: Starter, restarts: bool
) -> None:
    client = started(redis_server.url, poll=0.2)
    with reading_all_the_time(client):
        redis_server.restart() if restarts else redis_server.ask("FLUSHALL")
        until_stale(client, state="ERROR")
        assert (client.status().code, client.status().reason) == ("C610", GONE)
        assert client.status().units == {"farewell": BYE, "greeter": HELLO}
        deploy(on_redis, greeter="Hello", farewell="Bye")
        until_ready(client, 5)
    assert_follows(client, on_redis)


def test_a_store_that_went_back_is_refused_and_the_newer_release_served_on(
    client: Client, deployed: Store, saboteur: Saboteur
) -> None:
    deploy(deployed, greeter="Good morning")
    revision = deploy(deployed, greeter="Good evening").revision
    until_served(client, revision)

    with reading_all_the_time(client):
        saboteur.wipe()
        deploy(deployed, greeter="Hello", farewell="So long")
        until(lambda: "went back" in client.status().reason)
        status = client.status()
        assert (
            status.reason
            == "REGRESSED: the store went back from revision 3 (epoch 1) to 1 (epoch 1)"
        )
        assert (status.state, status.epoch, status.revision) == ("ERROR", 1, 3)
        assert status.units == {"farewell": BYE, "greeter": digest("greeter", "Good evening")}


def test_a_store_that_went_back_and_was_filled_with_others_is_never_served_in_part(
    client: Client, deployed: Store, saboteur: Saboteur
) -> None:
    for text in ("Good morning", "Good evening"):
        deploy(deployed, greeter=text)
    until_served(client, 3)
    saboteur.wipe()
    until_stale(client, state="ERROR")

    deploy(deployed, greeter="Hello", farewell="So long")
    for number in range(2, 5):
        deploy(deployed, greeter=f"Hello {number}")

    until_served(client, 4)
    assert client.status().units == {
        "farewell": digest("farewell", "So long"),
        "greeter": digest("greeter", "Hello 4"),
    }


def test_other_releases_at_the_very_revision_that_is_served_are_refused(
    client: Client, deployed: Store, saboteur: Saboteur
) -> None:
    saboteur.wipe()
    until_stale(client, state="ERROR")
    deploy(deployed, greeter="Good morning", farewell="Bye")
    until_refused(client, 2)
    status = client.status()
    assert (status.state, status.revision) == ("ERROR", 1)
    assert status.reason == "the store holds other releases at revision 1 (epoch 1) than it did"
    assert status.units == {"farewell": BYE, "greeter": HELLO}

    deploy(deployed, farewell="So long")
    until_ready(client, 5)
    assert client.status().units == {
        "farewell": digest("farewell", "So long"),
        "greeter": digest("greeter", "Good morning"),
    }


def sqlite_files(url: str) -> list[Path]:
    path = Path(parse_address(url).path)
    return sorted(path.parent.glob(path.name + "*"))


def test_an_app_is_served_while_the_file_of_its_store_is_gone(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    embedded.close()
    client = started(embedded_url, poll=0.2)
    with reading_all_the_time(client):
        for file in sqlite_files(embedded_url):
            file.unlink()
        until_stale(client, 2, "ERROR")
        assert (client.status().code, client.status().reason) == ("C610", GONE)


def test_a_file_that_was_replaced_by_a_newer_one_is_followed(
    embedded: Store, embedded_url: str, started: Starter, tmp_path: Path, opened: Opener
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    embedded.close()
    client = started(embedded_url, poll=0.2)
    newer = opened(f"sqlite:///{tmp_path}/newer.db")
    for text in ("Good morning", "Good evening"):
        deploy(newer, greeter=text, farewell=text)
    newer.close()

    (there,) = [Path(parse_address(embedded_url).path)]
    for file in sqlite_files(embedded_url):
        if file != there:
            file.unlink()
    shutil.move(tmp_path / "newer.db", there)

    until_served(client, 2, 2)
    assert client.status().units == {
        "farewell": digest("farewell", "Good evening"),
        "greeter": digest("greeter", "Good evening"),
    }
