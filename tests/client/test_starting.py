"""A client that starts: from arguments or the environment, with or without a store."""

import errno
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from promptops import Client, NotReady
from promptops.errors import UsageError
from promptops.live.store import Store
from tests.client import actors
from tests.client.conftest import Starter
from tests.client.waiting import until, until_refused
from tests.conftest import Opener
from tests.deployments import deploy, digest
from tests.servers import Server

SECRET = "correct-horse"


def assert_not_ready(client: Client, seconds: float, message: str) -> None:
    """It gives up at the bound ± 0.5 s, and says what it tried."""
    began = time.monotonic()
    with pytest.raises(NotReady) as raised:
        client.wait_ready(seconds)
    assert abs(time.monotonic() - began - seconds) <= 0.5
    assert raised.value.message == message
    assert raised.value.hint
    assert client.status().state == "NOT_READY"
    assert client.status().revision is None


def test_a_client_is_ready_with_all_that_is_live(
    deployed: Store, store_url: str, started: Starter
) -> None:
    client = started(store_url)
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert client.get("farewell").digest == digest("farewell", "Bye")


def test_making_a_client_does_not_wait_for_the_store(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    redis_server.stop()
    began = time.monotonic()
    client = started(redis_server.url, ready=False)
    assert time.monotonic() - began < 0.4
    redis_server.cont()
    client.wait_ready(10)


def test_a_store_that_refuses_connections_leaves_a_client_not_ready(
    redis_server: Server, started: Starter
) -> None:
    redis_server.kill()
    client = started(redis_server.url, ready=False)
    where = f"redis://127.0.0.1:{redis_server.port}/0"
    assert_not_ready(
        client,
        0.7,
        f"nothing of production was read after 0.7 s; tried the store {where}: {where} does not "
        f"answer: Error {errno.ECONNREFUSED} connecting to 127.0.0.1:{redis_server.port}. "
        "Connection refused",
    )


def test_a_store_that_hangs_leaves_a_client_not_ready(
    redis_server: Server, started: Starter
) -> None:
    redis_server.stop()
    client = started(redis_server.url, ready=False)
    where = f"redis://127.0.0.1:{redis_server.port}/0"
    assert_not_ready(
        client,
        0.8,
        f"nothing of production was read after 0.8 s; tried the store {where}: {where} does not "
        "answer: no answer in time",
    )


def test_an_environment_that_does_not_exist_leaves_a_client_not_ready(
    store: Store, store_url: str, started: Starter
) -> None:
    client = started(store_url, ready=False)
    assert_not_ready(
        client,
        0.3,
        f"nothing of production was read after 0.3 s; tried the store {store.address}: the store "
        "does not hold this environment",
    )


def test_a_client_that_is_asked_before_its_first_answer_says_to_wait(
    redis_server: Server, started: Starter
) -> None:
    redis_server.stop()
    client = started(redis_server.url, ready=False)
    with pytest.raises(NotReady) as raised:
        client.get("greeter")
    assert raised.value.message == (
        "nothing of production was read yet; tried the store "
        f"redis://127.0.0.1:{redis_server.port}/0: no answer so far"
    )
    assert raised.value.hint == "call wait_ready(seconds) before the first get"


def test_a_client_becomes_ready_when_its_environment_is_created_later(
    store: Store, store_url: str, started: Starter, processes: ProcessPoolExecutor
) -> None:
    client = started(store_url, poll=0.1, ready=False)
    with pytest.raises(NotReady):
        client.get("greeter")
    until_refused(client, 6)

    processes.submit(actors.deploy, store_url, {"greeter": "Hello"}).result(timeout=30)
    client.wait_ready(1)

    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert client.status().state == "READY"
    assert client.status().reason == ""


def test_waiting_for_an_environment_writes_nothing_that_looks_like_one(
    store: Store, store_url: str, started: Starter
) -> None:
    client = started(store_url, poll=0.2, ready=False)
    until_refused(client, 2)
    assert store.read().head is None
    assert store.history() == []


@pytest.mark.parametrize("password", [SECRET, ""])
def test_a_refused_password_is_said_and_never_shown(
    redis_server: Server, started: Starter, caplog: pytest.LogCaptureFixture, password: str
) -> None:
    redis_server.ask("ACL", "SETUSER", "app", "on", ">other", "~*", "&*", "+@all")
    client = started(
        f"redis://app:{password}@127.0.0.1:{redis_server.port}/0", poll=0.2, ready=False
    )
    until_refused(client, 1)
    with pytest.raises(NotReady) as raised:
        client.wait_ready(0.1)

    where = f"redis://***@127.0.0.1:{redis_server.port}/0"
    said = [str(raised.value), repr(raised.value), repr(client.status()), caplog.text]
    assert where in raised.value.message
    assert client.status().store == where
    assert not [text for text in said if SECRET in text or "app:" in text]


def test_a_client_is_made_from_environment_variables(
    deployed: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTOPS_STORE", store_url)
    monkeypatch.setenv("PROMPTOPS_ENV", "production")
    monkeypatch.setenv("PROMPTOPS_APP", "helpdesk")
    with Client.from_env() as client:
        client.wait_ready(10)
        assert client.get("greeter").digest == digest("greeter", "Hello")
        until(deployed.clients)
        assert [present.app for present in deployed.clients()] == ["helpdesk"]


def test_an_app_without_a_name_may_use_environment_variables(
    embedded: Store, embedded_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(embedded, greeter="Hello")
    monkeypatch.setenv("PROMPTOPS_STORE", embedded_url)
    monkeypatch.setenv("PROMPTOPS_ENV", "production")
    monkeypatch.delenv("PROMPTOPS_APP", raising=False)
    with Client.from_env() as client:
        client.wait_ready(10)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "PROMPTOPS_STORE and PROMPTOPS_ENV"),
        ({"PROMPTOPS_STORE": "sqlite:///x.db"}, "PROMPTOPS_ENV"),
        ({"PROMPTOPS_ENV": "production"}, "PROMPTOPS_STORE"),
        ({"PROMPTOPS_ENV": "production", "PROMPTOPS_STORE": ""}, "PROMPTOPS_STORE"),
    ],
)
def test_environment_variables_that_are_missing_are_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: str
) -> None:
    for name in ("PROMPTOPS_STORE", "PROMPTOPS_ENV", "PROMPTOPS_APP"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as raised:
        Client.from_env()
    assert raised.value.message == f"{missing} not set in the environment"


def test_a_url_that_cannot_be_read_is_a_usage_error_at_once(started: Starter) -> None:
    with pytest.raises(UsageError, match="names no kind of store") as raised:
        started(f"http://app:{SECRET}@localhost/")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("poll", [0, -1, float("nan")])
def test_a_poll_without_a_pause_is_a_usage_error(
    embedded_url: str, started: Starter, poll: float
) -> None:
    with pytest.raises(UsageError, match="poll is "):
        started(embedded_url, poll=poll)


def test_two_environments_of_one_store_are_read_apart(
    deployed: Store, store_url: str, started: Starter, opened: Opener
) -> None:
    deploy(opened(store_url, "staging"), greeter="Hello, testers")
    started(store_url)
    with Client(store_url, environment="staging") as staging:
        staging.wait_ready(10)
        assert staging.status().units == {"greeter": digest("greeter", "Hello, testers")}
