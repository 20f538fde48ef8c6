"""--wait-replicas: whether what was swapped would outlive the primary, and what nobody can tell."""

import re
from collections.abc import Callable, Iterator

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Ended, Project
from tests.failover import replicated
from tests.servers import SERVERS, Server

PLACE = ("--env", "production", "--wait-replicas", "1")
UNKNOWN = "unknown whether a failover would keep it"


@pytest.fixture(params=SERVERS)
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Server]]:
    with replicated(SERVERS[request.param]) as servers:
        yield servers


@pytest.fixture
def store_url(request: pytest.FixtureRequest) -> str:
    if "servers" not in request.fixturenames:
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/store.db"
    primary: Server = request.getfixturevalue("servers")[0]
    return primary.url


@pytest.fixture
def backend() -> str:
    return "sqlite"  # whose contents are compared


def doubtful(done: Ended, message: str, operation: str) -> None:
    """It ended in doubt, which is said in words and to scripts."""
    assert done.code == 5
    refused = done.json["refused"]
    assert re.fullmatch(message, refused["message"])
    assert refused["hint"] == (
        "the deployment stands; after a failover look again with promptops status --env "
        f"production, and give the same command with --operation {operation}, which does it again "
        "where it was lost"
    )
    said = f"error[unconfirmed]: {refused['message']}\n help: {refused['hint']}\n"
    assert done.err.endswith(said)


def test_a_replica_that_follows_confirms(
    deployed: Project, servers: tuple[Server, Server], store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.run("deploy", "greeter", *PLACE)
    assert done.code == 0
    assert re.fullmatch(r"1 of 1 replicas confirmed in \d+ ms", done.out.splitlines()[-1])
    done = deployed.run("rollback", "greeter", *PLACE, "--wait", "--json")
    assert done.code == 0
    replicas = done.json["replicas"]
    assert replicas == {"asked": 1, "confirmed": 1, "seconds": replicas["seconds"]}
    assert 0 <= replicas["seconds"] < 0.5
    done = deployed.run("rollback", "farewell", "--to", "1", *PLACE, "--json")
    assert (done.code, done.json["action"]) == (0, "none")
    assert done.err == "nothing was written: no replica was asked\n"
    assert done.json["replicas"] == {"asked": 1, "confirmed": None, "seconds": None}


def test_a_replica_that_hangs_leaves_it_unknown(
    deployed: Project, servers: tuple[Server, Server], store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    servers[1].stop()
    deploy = ("deploy", "greeter", *PLACE, "--operation", "run-1", "--json")
    done = deployed.run(*deploy)
    doubtful(done, rf"0 of 1 replicas confirmed in \d+ ms: {UNKNOWN}", "run-1")
    assert (done.json["action"], done.json["replicas"]["confirmed"]) == ("deploy", 0)
    assert done.json["replicas"]["seconds"] >= 0.5
    assert store.read().head == Head(1, 2)

    # What was written over a connection that is gone, no replica can be asked about.
    servers[1].cont()
    again = deployed.run(*deploy)
    message = f"the replicas were not asked, because another connection wrote it: {UNKNOWN}"
    doubtful(again, message, "run-1")
    assert again.json["repeated"]
    assert again.json["replicas"] == {"asked": 1, "confirmed": None, "seconds": None}


def test_clients_and_replicas_are_both_told(
    deployed: Project, servers: tuple[Server, Server], three_apps: list[App]
) -> None:
    deployed.says("greeter", "Good evening.")
    three_apps[1].stop()
    servers[1].stop()
    done = deployed.run("deploy", "greeter", *PLACE, "--wait=0.5")
    assert done.code == 5
    first, second = done.out.splitlines()[-2:]
    assert re.fullmatch(r"0 of 1 replicas confirmed in \d+ ms", first)
    assert second.startswith("2 of 3 clients confirmed, ")
    message, hint = done.err.splitlines()[-2:]
    assert f": {UNKNOWN}; 1 of 3 clients did not confirm within 0.5 s: " in message
    assert (
        hint.startswith("help: the deployment stands; after a failover look") or " help: " in hint
    )
    assert hint.endswith("; look at those processes, and at promptops status --env production")
    assert hint.count("the deployment stands") == 1


@pytest.mark.parametrize(
    "command",
    [
        ("deploy", "greeter", "--env", "production"),
        ("promote", "--from", "local", "--to", "production"),
        ("rollback", "greeter", "--env", "production"),
        ("safe-mode", "on", "--all", "--env", "production", "--reason", "loops"),
    ],
)
def test_a_file_has_no_replicas(
    deployed_twice: Project,
    contents: Callable[[], object],
    store_url: str,
    command: tuple[str, ...],
) -> None:
    deployed_twice.says("greeter", "Good night.")
    before = contents()
    done = deployed_twice.here(*command, "--wait-replicas", "1")
    assert (done.code, contents()) == (2, before)
    assert done.err == (f"error: {store_url} has no replicas\n help: leave --wait-replicas out\n")
