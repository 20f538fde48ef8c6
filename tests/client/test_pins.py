"""Pins: an operator holds a unit to one release, whatever is deployed, store or not."""

import time
from pathlib import Path

import pytest

from promptops import Client
from promptops.client.disk import write_bundle
from promptops.delivery import pin as pins
from promptops.errors import StoreCorrupt, UsageError
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.copies import copy, disk, saved
from tests.client.test_standing_in import until_saved
from tests.client.waiting import until, until_served
from tests.deployments import deploy, digest
from tests.servers import Server

HELLO, HI = digest("greeter", "Hello"), digest("greeter", "Hi")
SHORT = HELLO.removeprefix("sha256:")[:12]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def deployed_twice(embedded: Store, embedded_url: str, started: Starter, cache: Path) -> Client:
    """greeter said Hello and says Hi; a client follows, and its copy has both."""
    deploy(embedded, greeter="Hello", farewell="Bye")
    client = started(embedded_url, cache=cache, poll=0.1)
    until_saved(cache, 1)
    deploy(embedded, greeter="Hi")
    until_saved(cache, 2)
    return client


def pin(cache: Path, release: str) -> None:
    copies, why = pins.read_copies(disk(cache), None)
    assert why == []
    pins.pin(disk(cache), copies, None, "greeter", release)


def test_a_pin_is_followed_within_a_poll_and_so_is_its_lift(
    deployed_twice: Client, embedded: Store, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = deployed_twice
    began = time.monotonic()
    pin(cache, SHORT)
    assert until(lambda: client.get("greeter").digest == HELLO) - began < 0.5
    status = client.status()
    assert (status.pins, status.state) == ({"greeter": HELLO}, "READY")
    assert status.reason == f"greeter is pinned to {SHORT}"
    assert f"greeter is pinned to {SHORT}" in caplog.text
    assert client.get("greeter").revision == 1

    deploy(embedded, greeter="Good day", farewell="So long")
    until_served(client, 3)
    assert client.get("greeter").digest == HELLO
    assert client.get("farewell").digest == digest("farewell", "So long")

    pins.lift(disk(cache), "greeter")
    until(lambda: client.get("greeter").digest == digest("greeter", "Good day"))
    assert (client.status().pins, client.status().reason) == ({}, "")


def test_a_pin_reaches_open_conversations_whatever_their_policy(
    deployed_twice: Client, cache: Path
) -> None:
    token = deployed_twice.get("greeter").token
    pin(cache, SHORT)
    until(lambda: deployed_twice.get("greeter").digest == HELLO)
    assert deployed_twice.get("greeter", token=token, policy="pin").digest == HELLO
    pins.lift(disk(cache), "greeter")
    until(lambda: deployed_twice.get("greeter").digest == HI)
    assert deployed_twice.get("greeter", token=token, policy="pin").digest == HI


def test_a_pin_needs_no_store(
    on_redis: Store, redis_server: Server, started: Starter, cache: Path
) -> None:
    first = started(redis_server.url, cache=cache, poll=0.1)
    until_saved(cache, 1)
    deploy(on_redis, greeter="Hi")
    until_saved(cache, 2)
    redis_server.kill()

    began = time.monotonic()
    pin(cache, HELLO)
    assert until(lambda: first.get("greeter").digest == HELLO) - began < 0.5
    second = started(redis_server.url, cache=cache, poll=0.1)
    assert second.get("greeter").digest == HELLO
    assert (second.status().source, second.status().pins) == ("disk", {"greeter": HELLO})


def test_a_pin_outlives_the_releases_that_the_copy_keeps(
    deployed_twice: Client, embedded: Store, started: Starter, cache: Path
) -> None:
    pin(cache, HELLO)
    for number in range(3, 8):
        deploy(embedded, greeter=str(number))
        until_saved(cache, number)
    assert HELLO not in saved(cache).read().releases
    assert started(None, cache=cache).get("greeter").digest == HELLO


def test_a_pin_changes_neither_what_is_saved_nor_what_is_accepted(
    deployed_twice: Client, cache: Path
) -> None:
    pin(cache, HELLO)
    until(lambda: deployed_twice.status().pins)
    time.sleep(0.5)
    assert saved(cache).read().units["greeter"].digest == HI
    assert (deployed_twice.status().errors, deployed_twice.status().state) == (0, "READY")


def test_damaged_pins_are_said_and_those_known_hold(deployed_twice: Client, cache: Path) -> None:
    pin(cache, HELLO)
    until(lambda: deployed_twice.get("greeter").digest == HELLO)
    Path(disk(cache).path("pins")).write_bytes(b"garbage")
    until(lambda: "[C621]" in deployed_twice.status().reason)
    assert deployed_twice.get("greeter").digest == HELLO


def test_pins_of_the_environment_variable_are_found_on_disk(
    deployed_twice: Client, started: Starter, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTOPS_PIN", f"greeter={HELLO}")
    client = started(None, cache=cache)
    assert client.get("greeter").digest == HELLO
    assert client.status().pins == {"greeter": HELLO}
    assert deployed_twice.get("greeter").digest == HI


def test_pins_of_the_environment_variable_are_found_in_the_bundle_and_in_the_store(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle = tmp_path / "prompts.bundle"
    write_bundle(str(bundle), copy(1, "In the bundle"))
    deploy(embedded, greeter="Hello")
    deploy(embedded, greeter="Hi")
    for text in ("In the bundle", "Hello"):
        monkeypatch.setenv("PROMPTOPS_PIN", f" greeter={digest('greeter', text)} ,")
        client = started(embedded_url, bundle=bundle)
        assert client.get("greeter").digest == digest("greeter", text)


def test_a_pin_to_what_is_nowhere_is_refused_and_said(
    embedded: Store, embedded_url: str, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    nowhere = "sha256:" + "0" * 64
    monkeypatch.setenv("PROMPTOPS_PIN", f"greeter={nowhere},farewell={HELLO}")
    client = started(embedded_url, poll=0.1)
    assert client.get("greeter").digest == HELLO
    assert client.get("farewell").digest == digest("farewell", "Bye")
    assert client.status().pins == {}
    assert client.status().reason == (
        f"greeter is not pinned to 000000000000: no source has the release {nowhere}; farewell is "
        f"not pinned to {SHORT}: release {HELLO} is not of unit farewell [C605]"
    )


@pytest.mark.parametrize("typed", ["farewell", f"farewell={SHORT}", f"={HELLO}", "a" * 9999])
def test_a_typo_in_the_variable_is_said_and_ends_no_app(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    typed: str,
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    deploy(embedded, greeter="Hi")
    monkeypatch.setenv("PROMPTOPS_PIN", f"{typed}, greeter = {HELLO.upper().replace('SHA', 'sha')}")
    client = started(embedded_url)
    assert client.get("greeter").digest == HELLO
    assert client.status().pins == {"greeter": HELLO}
    said = f"PROMPTOPS_PIN has {typed[:120]!r}, which pins nothing: write unit=sha256:… with"
    assert said in client.status().reason
    assert caplog.text.count(said) == 1


def test_a_digest_may_be_short_where_only_the_store_knows_it(
    embedded: Store, deployed_twice: Client, cache: Path
) -> None:
    for number in range(4):
        deploy(embedded, greeter=f"Hi {number}")
        until_saved(cache, number + 3)
    copies, _ = pins.read_copies(disk(cache), None)
    with pytest.raises(UsageError, match="is no digest of this unit"):
        pins.pin(disk(cache), copies, None, "greeter", SHORT)
    found = pins.pin(disk(cache), copies, embedded, "greeter", SHORT)
    assert found.units["greeter"] == (HELLO, 1)
    until(lambda: deployed_twice.get("greeter").digest == HELLO)


def test_pins_that_everybody_can_write_to_are_said_while_an_app_runs(
    deployed_twice: Client, cache: Path
) -> None:
    pin(cache, HELLO)
    until(lambda: deployed_twice.get("greeter").digest == HELLO)
    Path(disk(cache).path("pins")).chmod(0o666)
    until(lambda: "[C623]" in deployed_twice.status().reason)
    assert deployed_twice.get("greeter").digest == HELLO


def test_damaged_pins_are_replaced_with_a_word_and_lifted_by_removing_them(
    deployed_twice: Client, cache: Path
) -> None:
    pin(cache, HELLO)
    file = Path(disk(cache).path("pins"))
    file.write_bytes(b"garbage")
    with pytest.raises(StoreCorrupt) as raised:
        pins.lift(disk(cache), "greeter")
    assert (raised.value.code, raised.value.hint) == ("C621", f"to lift every pin in it: rm {file}")
    copies, why = pins.read_copies(disk(cache), None)
    assert why == [f"{file} is damaged, and what else was pinned in it is lost"]
    pins.pin(disk(cache), copies, None, "greeter", HI)
    until(lambda: deployed_twice.status().pins == {"greeter": HI})


def test_a_pin_is_followed_while_the_store_hangs(
    on_redis: Store, redis_server: Server, started: Starter, cache: Path
) -> None:
    client = started(redis_server.url, cache=cache)
    until_saved(cache, 1)
    deploy(on_redis, greeter="Hi")
    until_saved(cache, 2)
    redis_server.stop()
    until(lambda: client.status().state == "STALE")
    began = time.monotonic()
    pin(cache, HELLO)
    assert until(lambda: client.get("greeter").digest == HELLO) - began <= 2
