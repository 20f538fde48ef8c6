"""A password that was changed while apps run: they serve on, say so, and try it seldom."""

import time

import pytest

from promptops import Client
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.waiting import until, until_served
from tests.deployments import deploy, digest
from tests.servers import Server

HELLO = digest("greeter", "Hello")


def let_in(server: Server, password: str) -> None:
    server.ask("ACL", "SETUSER", "app", "on", "resetpass", f">{password}", "~*", "&*", "+@all")


def attempts(server: Server) -> int:
    return int(server.ask("INFO", "stats")["acl_access_denied_auth"])


@pytest.fixture
def client(on_redis: Store, redis_server: Server, started: Starter) -> Client:
    """Of the user app, polling often, with its channel of hints."""
    let_in(redis_server, "before")
    client = started(f"redis://app:before@127.0.0.1:{redis_server.port}/0", poll=0.1)
    until(lambda: redis_server.ask("PUBSUB", "NUMSUB", "{promptops:production}:changes")[1])
    return client


@pytest.mark.soak(short=5, full=60)
def test_who_has_the_old_password_tries_it_four_times_a_minute_at_most(
    client: Client, on_redis: Store, redis_server: Server, times: int
) -> None:
    let_in(redis_server, "after")
    deploy(on_redis, greeter="Hi")
    until_served(client, 2)  # connections outlive their password
    redis_server.ask("CLIENT", "KILL", "USER", "app")
    until(lambda: client.status().state == "STALE")
    began = time.monotonic()
    where = f"redis://***@127.0.0.1:{redis_server.port}/0"
    assert client.status().reason == f"{where} refused the user or the password"
    assert client.get("greeter").digest == digest("greeter", "Hi")
    time.sleep(max(0.0, began + times - time.monotonic()))
    assert 1 <= attempts(redis_server) <= 4
    assert client.status().revision == 2

    let_in(redis_server, "before")
    until(lambda: client.status().state == "READY", 31)


@pytest.mark.soak(short=2, full=60)
def test_a_channel_that_the_password_does_not_open_any_more_is_left_alone_for_a_while(
    client: Client, on_redis: Store, redis_server: Server, times: int
) -> None:
    let_in(redis_server, "after")
    redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    until(lambda: attempts(redis_server))
    began = time.monotonic()
    deploy(on_redis, greeter="Hi")
    assert until_served(client, 2) - began <= 0.1 * 1.1 + 1
    time.sleep(max(0.0, began + times - time.monotonic()))
    assert attempts(redis_server) <= 4
    assert (client.status().state, client.status().errors) == ("READY", 0)
