"""A Redis that runs out of memory: full, it takes a rollback; evicting, it is told of."""

import time
from collections.abc import Iterator

import pytest

from promptops import Client
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Project
from tests.client.waiting import until, until_polled
from tests.conftest import Opener
from tests.servers import LASTING, Server

MEGABYTE = 1 << 20
POLL = 0.2


@pytest.fixture
def small_server() -> Iterator[Server]:
    """With 20 MB, of which it evicts nothing."""
    server = Server(options=(*LASTING, "--maxmemory", "20mb"))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def on_it(git_project: Project, small_server: Server, opened: Opener) -> Store:
    """Revision 2 of production: greeter says Good evening; Good night is committed."""
    git_project.variables["PRODUCTION_STORE"] = small_server.url
    store = opened(small_server.url)
    git_project.deploy(store)
    git_project.says("greeter", "Good evening.")
    git_project.deploy(store, "greeter")
    git_project.says("greeter", "Good night.")
    return store


def fill(server: Server) -> None:
    """As others do who share it; what a connection needs comes and goes, so by a wide margin."""
    for number in range(15):
        server.ask("SET", f"other:{number}", b"x" * MEGABYTE)
    server.ask("CONFIG", "SET", "maxmemory", "12mb")


def test_a_full_redis_takes_a_rollback_and_no_deploy(
    git_project: Project, on_it: Store, small_server: Server
) -> None:
    fill(small_server)
    deploy = git_project.run("deploy", "greeter", "--env", "production")
    assert (deploy.code, deploy.out) == (4, "")
    assert deploy.err.splitlines()[-1] == (
        " help: Redis is full; raise maxmemory. A rollback needs no space and still works"
    )
    assert on_it.read().head == Head(1, 2)
    rollback = git_project.run("rollback", "greeter", "--env", "production", "--json")
    assert (rollback.code, rollback.json["revision"]) == (0, 3)
    assert on_it.read().pointers["greeter"].digest == git_project.digest("greeter", commit="HEAD~2")
    doctor = git_project.here("doctor", "--env", "production", "--json")
    (environment,) = doctor.json["environments"]
    problems = [line["about"] for line in environment["lines"] if line["verdict"] == "problem"]
    assert (doctor.code, problems) == (1, ["memory"])


def test_an_evicting_redis_is_told_of_and_apps_serve_on(
    git_project: Project, on_it: Store, small_server: Server
) -> None:
    small_server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    told = git_project.here("doctor", "--env", "production")
    assert told.code == 1
    assert "problem  eviction     allkeys-random throws releases and pointers away" in told.out
    head = "{promptops:production}:head"
    with Client(small_server.url, environment="production", poll=POLL, presence=False) as client:
        client.wait_ready(10)
        until_polled(client, 2)
        served = {unit: client.get(unit).digest for unit in ("greeter", "farewell")}
        for number in range(60 * MEGABYTE // 10_000):
            small_server.ask("SET", f"other:{number}", b"x" * 10_000)
        # Which key goes is chance; the one without which there is no environment goes now.
        small_server.ask("DEL", head)
        gone = time.monotonic()
        alarmed = until(lambda: client.status().state != "READY")
        assert alarmed - gone <= 2 * POLL + 0.5  # and the time of an answer
        assert {unit: client.get(unit).digest for unit in served} == served
