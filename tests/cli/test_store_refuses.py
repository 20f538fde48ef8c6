"""A Redis that refuses: the command says why and what to type, nothing changes, apps serve on."""

from collections.abc import Callable, Iterator

import pytest

from promptops import Client
from promptops.live.store import Store
from tests.cli.projects import Project, on_redis
from tests.client.waiting import until, until_polled
from tests.conftest import Opener
from tests.servers import Server


def misconf(server: Server) -> None:
    """Its disk takes no snapshot any more."""
    (server.folder / "gone").mkdir()
    server.ask("CONFIG", "SET", "dir", str(server.folder / "gone"))
    (server.folder / "gone").rmdir()
    server.ask("CONFIG", "SET", "save", "1 1")
    server.ask("BGSAVE")
    until(lambda: server.ask("INFO", "persistence")["rdb_last_bgsave_status"] == "err")


def readonly(server: Server) -> None:
    server.ask("REPLICAOF", "127.0.0.1", "1")


def noreplicas(server: Server) -> None:
    server.ask("CONFIG", "SET", "min-replicas-to-write", "1")


def noauth(server: Server) -> None:
    server.ask("CONFIG", "SET", "requirepass", "a-new-one")


def maxclients(server: Server) -> None:
    server.ask("CONFIG", "SET", "maxclients", "1")


REFUSALS: dict[Callable[[Server], None], tuple[str, tuple[str, ...], str]] = {
    misconf: ("MISCONF", ("redis-cli INFO persistence", "promptops pin"), "READY"),
    # What a replica of nobody says may be old.
    readonly: ("read only replica", ("redis-cli INFO replication",), "STALE"),
    noreplicas: (
        "NOREPLICAS",
        ("redis-cli INFO replication", "min-replicas-to-write", "promptops pin"),
        "READY",
    ),
    noauth: ("refused the user or the password", ("in the store's URL",), "READY"),
    maxclients: (
        "max number of clients reached",
        ("redis-cli CLIENT LIST", "raise maxclients", "promptops pin"),
        "READY",
    ),
}


@pytest.fixture
def guarded_server() -> Iterator[Server]:
    """One whose folder can be taken away."""
    server = Server(options=("--enable-protected-configs", "yes"))
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def on_it(git_project: Project, guarded_server: Server, opened: Opener) -> Store:
    """Revision 2 of production on that server."""
    git_project.variables["PRODUCTION_STORE"] = guarded_server.url
    store = opened(guarded_server.url)
    git_project.deploy(store)
    git_project.says("greeter", "Good evening.")
    git_project.deploy(store, "greeter")
    git_project.says("greeter", "Good night.")
    return store


@pytest.mark.parametrize("refuse", REFUSALS, ids=lambda refuse: refuse.__name__)
def test_a_refusal_is_said_with_its_cause_and_the_way_out(
    git_project: Project,
    on_it: Store,
    guarded_server: Server,
    refuse: Callable[[Server], None],
) -> None:
    cause, ways_out, state = REFUSALS[refuse]
    on_it.close()
    with Client(guarded_server.url, environment="production", poll=0.05, presence=False) as client:
        client.wait_ready(10)
        until_polled(client, 3)
        serves = dict(client.status().units)
        refuse(guarded_server)
        before = guarded_server.dump("*promptops*")

        for command in (("rollback", "greeter"), ("deploy", "greeter")):
            done = git_project.run(*command, "--env", "production")
            assert (done.code, done.out) == (4, "")
            said = done.err.splitlines()
            assert said[-2].startswith("error: redis://")
            assert cause in said[-2]
            assert said[-1].startswith(" help: ")
            assert all(way_out in said[-1] for way_out in ways_out)

        assert guarded_server.dump("*promptops*") == before
        until(lambda: client.status().state == state)
        assert (client.status().units, client.status().revision) == (serves, 2)


@on_redis
def test_the_url_of_staging_is_a_problem_for_production_and_takes_no_rollback(
    git_project: Project, store_url: str, opened: Opener, contents: Callable[[], object]
) -> None:
    git_project.deploy(opened(store_url, "staging"))
    before = contents()
    rollback = git_project.run("rollback", "greeter", "--env", "production")
    assert (rollback.code, rollback.out) == (3, "")
    doctor = git_project.run("doctor", "--env", "production")
    assert doctor.code == 1
    assert "the store does not hold production, but staging" in doctor.out
    assert contents() == before
