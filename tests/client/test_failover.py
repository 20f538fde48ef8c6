"""Another server comes to answer: a replica that is behind, one cut off, a second primary."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from promptops import Client
from promptops.cli.main import run
from promptops.errors import Stale
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.proxy import Proxy
from tests.client.waiting import until, until_polled, until_served
from tests.conftest import Opener
from tests.deployments import deploy, deploy_times, digest
from tests.servers import Server

Shown = Callable[..., Any]


@dataclass(frozen=True)
class Pair:
    """A primary, its replica behind `link`, and `name`, under which apps and operators know one."""

    primary: Server
    replica: Server
    link: Proxy
    name: Proxy

    def cut(self) -> None:
        """What the primary acknowledges from now on never comes to the replica."""
        self.link.silent = True

    def fail_over(self) -> None:
        self.primary.kill()
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self.name.switch(self.replica.port)

    def link_is(self, state: str) -> bool:
        return bool(self.replica.ask("INFO", "replication")["master_link_status"] == state)


@pytest.fixture
def pair() -> Iterator[Pair]:
    impatient = ("--repl-timeout", "2", "--repl-ping-replica-period", "1")
    primary = Server(options=(*impatient, "--repl-diskless-sync-delay", "0")).start()
    link, name = Proxy(primary.port), Proxy(primary.port)
    for proxy in (link, name):
        proxy.start()
    replica = Server(options=(*impatient, "--replicaof", "127.0.0.1", str(link.port))).start()
    try:
        found = Pair(primary, replica, link, name)
        until(lambda: found.link_is("up"))
        yield found
    finally:
        for each in (link, name, replica, primary):
            each.close()


@pytest.fixture
def replicated(pair: Pair, opened: Opener) -> Store:
    """The primary of the pair: greeter says Hello, and the replica knows."""
    store = opened(pair.primary.url)
    deploy(store, greeter="Hello")
    until(lambda: opened(pair.replica.url).read().head)
    return store


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Shown:
    """What a command prints as JSON."""

    def show(command: str, url: str) -> Any:
        capsys.readouterr()
        assert run([command, "--store", url, "--env", "production", "-o", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    return show


def assert_held(client: Client, code: str, revision: int, text: str) -> None:
    """It refuses what the store says, and serves on what it had, for a few more polls."""
    until(lambda: client.status().code == code, 5)
    for _ in range(3):
        before = client.status().errors
        until(lambda before=before: client.status().errors > before)  # type: ignore[misc]
        status = client.status()
        assert (status.state, status.code, status.revision) == ("ERROR", code, revision)
        assert client.get("greeter").digest == digest("greeter", text)


@pytest.mark.soak(short=8, full=160)
def test_changes_that_a_failover_lost_are_served_on_until_newer_ones_come(
    pair: Pair, replicated: Store, opened: Opener, started: Starter, shown: Shown, times: int
) -> None:
    store = opened(pair.name.url)
    clients = [started(pair.name.url, app=f"app{number}") for number in range(3)]
    pair.cut()
    deploy_times(store, times - 1)
    head = deploy(store, greeter="Latest")
    for client in clients:
        until_served(client, head.revision)
    pair.fail_over()

    for client in clients:
        assert_held(client, "C613", head.revision, "Latest")
        assert client.status().reason == (
            f"REGRESSED: the store went back from revision {head.revision} (epoch 1) to 1 (epoch 1)"
        )
    until(lambda: sum("REGRESSED" in each.error for each in store.clients()) == 3)
    said = shown("clients", pair.name.url)
    assert [each["revision"] for each in said["clients"]] == [head.revision] * 3
    assert all("REGRESSED" in each["error"] for each in said["clients"])
    assert shown("status", pair.name.url)["clients"] == {"present": 3, "current": 0}

    repaired = deploy_times(store, times + 1)
    began = time.monotonic()
    for client in clients:
        assert until_served(client, repaired.revision) - began <= 5
        assert client.status().state == "READY"


@pytest.mark.soak(short=8, full=160)
def test_one_restore_repairs_what_a_failover_lost(
    pair: Pair,
    replicated: Store,
    opened: Opener,
    started: Starter,
    tmp_path: Path,
    times: int,
) -> None:
    store = opened(pair.name.url)
    clients = [started(pair.name.url, app=f"app{number}") for number in range(3)]
    pair.cut()
    deploy_times(store, times - 1)
    head = deploy(store, greeter="Latest")
    for client in clients:
        until_served(client, head.revision)
    place = ("--store", pair.name.url, "--env", "production")
    file = str(tmp_path / "nightly.export")
    assert run(["export", *place, "--out", file]) == 0
    pair.fail_over()
    for client in clients:
        assert_held(client, "C613", head.revision, "Latest")

    assert run(["restore", *place, "--from", file, "--yes"]) == 0
    began = time.monotonic()
    for client in clients:
        until(lambda client=client: client.status().epoch == 2, 5)  # type: ignore[misc]
        assert (client.status().state, client.status().revision) == ("READY", head.revision + 1)
        assert client.get("greeter").digest == digest("greeter", "Latest")
    assert time.monotonic() - began <= 5
    assert run(["verify", *place]) == 0


def test_a_replica_that_lost_its_primary_is_said_and_no_confirmation(
    pair: Pair, replicated: Store, started: Starter
) -> None:
    client = started(pair.replica.url, poll=1)
    assert client.status().state == "READY"
    pair.cut()
    deploy(replicated, greeter="Hi")
    until(lambda: pair.link_is("down"))

    noticed = time.monotonic()
    assert until(lambda: client.status().state == "STALE") - noticed <= 2 * 1.1
    where = f"redis://127.0.0.1:{pair.replica.port}/0"
    assert client.status().reason == f"source=replica link=down: {where} has lost its primary"
    assert (client.status().revision, client.status().source) == (1, "store")
    until(lambda: (client.status().age or 0) > 0.5)
    with pytest.raises(Stale, match=r"max_age is 0\.5 s"):
        client.get("greeter", max_age=0.5)
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert started(pair.replica.url).status().state == "STALE"  # better than nothing at a start

    pair.link.silent = False
    until(lambda: pair.link_is("up"))
    until_served(client, 2)
    assert client.status().state == "READY"


def test_a_replica_that_would_rather_say_nothing_is_served_on_too(
    pair: Pair, replicated: Store, started: Starter
) -> None:
    client = started(pair.replica.url, poll=0.2)
    pair.replica.ask("CONFIG", "SET", "replica-serve-stale-data", "no")
    pair.primary.kill()
    until(lambda: "Link with MASTER is down" in client.status().reason)
    assert (client.status().state, client.status().revision) == ("STALE", 1)
    assert client.get("greeter").digest == digest("greeter", "Hello")


def test_a_user_who_may_not_ask_for_the_role_asks_once_and_is_served(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    redis_server.ask("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", "-role")
    url = redis_server.url.replace("redis://", "redis://app:secret@")
    client = started(url, poll=0.02)
    until_polled(client, 25)
    assert (client.status().state, client.status().errors) == ("READY", 0)
    (refused,) = redis_server.ask("ACL", "LOG")
    assert b"role" in refused


def test_two_primaries_under_one_name_are_noticed_whichever_is_ahead(
    pair: Pair, replicated: Store, opened: Opener, started: Starter, shown: Shown
) -> None:
    one, other = replicated, opened(pair.replica.url)
    pair.replica.ask("REPLICAOF", "NO", "ONE")
    deploy(one, greeter="From one")
    deploy(other, greeter="From the other")
    client = started(pair.name.url)
    neighbour = started(pair.replica.url)

    pair.name.switch(pair.replica.port)
    assert_held(client, "C614", 2, "From one")
    assert neighbour.get("greeter").digest == digest("greeter", "From the other")

    pair.name.switch(pair.primary.port)
    until(lambda: client.status().state == "READY", 5)
    deploy(one, greeter="From one again")
    until_served(client, 3)
    pair.name.switch(pair.replica.port)
    assert_held(client, "C613", 3, "From one again")
    until(lambda: {each.revision for each in other.clients()} == {2, 3})
    found = shown("clients", pair.replica.url)["clients"]
    assert {(each["revision"], each["error"][:9]) for each in found} == {(2, ""), (3, "REGRESSED")}
