"""The refresher dies, or cannot start: it is noticed, started again, counted and told."""

import asyncio
import ctypes
import threading

import pytest

from promptops import Client, Stale
from promptops.client.lasting import TRY_EVERY
from promptops.client.overlay import Shown, Units
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.waiting import until, until_served
from tests.deployments import deploy, digest
from tests.servers import Server


def kill(client: Client, error: type[BaseException]) -> None:
    """Raise an error in the refresher, wherever it is."""
    thread = client._refresher.thread._thread
    assert thread is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), ctypes.py_object(error)
    )


def no_more(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_refresher_that_died_is_started_again_and_follows(
    embedded: Store, embedded_url: str, started: Starter, error: type[BaseException]
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.2)
    kill(client, error)
    until(lambda: client.status().restarts == 1)
    assert client.status().last_error == f"the refresher died of {error.__name__}"
    deploy(embedded, greeter="Good morning")
    until_served(client, 2, 2)
    assert client.status().state == "READY"
    assert client.health()["ok"] is True


def test_a_refresher_that_cannot_start_is_started_by_whoever_asks(
    embedded: Store, embedded_url: str, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(embedded, greeter="Hello")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        client = started(embedded_url, poll=0.2, ready=False)
        assert client.status().state == "FATAL"
        assert client.status().reason == "nothing refreshes: can't start new thread"
        assert client.health()["ok"] is False
    until(lambda: client.status().state == "READY", 3)
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert client.status().restarts == 1


@pytest.mark.parametrize("awaited", [False, True])
def test_who_waits_for_a_client_starts_the_refresher_as_soon_as_one_can(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    monkeypatch: pytest.MonkeyPatch,
    awaited: bool,
) -> None:
    deploy(embedded, greeter="Hello")
    start = threading.Thread.start
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        client = started(embedded_url, poll=0.2, ready=False)
        later = threading.Timer(TRY_EVERY + 0.2, lambda: setattr(threading.Thread, "start", start))
        start(later)
        if awaited:
            asyncio.run(client.ready(5))
        else:
            client.wait_ready(5)
        later.join(20)
    assert client.get("greeter").digest == digest("greeter", "Hello")


def test_an_app_may_refuse_what_is_too_old(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url, poll=0.1)
    assert client.get("greeter", max_age=5).digest == digest("greeter", "Hello")
    redis_server.kill()
    until(lambda: (client.status().age or 0) > 0.5)
    with pytest.raises(Stale, match=r"confirmed 0\.\d s ago by its store; max_age is 0\.5 s"):
        client.get("greeter", max_age=0.5)
    assert client.get("greeter").digest == digest("greeter", "Hello")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_refresher_that_died_and_cannot_start_is_started_by_a_mere_read(
    embedded: Store, embedded_url: str, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.2)
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        kill(client, SystemExit)
        until(lambda: not client._refresher.is_alive())
    deploy(embedded, greeter="Good morning")
    until(lambda: client.get("greeter").digest == digest("greeter", "Good morning"), 3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_who_is_late_to_call_for_help_hides_no_newer_release(
    embedded: Store, embedded_url: str, started: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.2)
    late, go_on, first = threading.Event(), threading.Event(), client._refresher.thread._thread
    publish = Shown.publish

    def publish_late(shown: Shown, units: Units) -> None:
        if threading.current_thread() is first:
            late.set()
            go_on.wait(20)
        publish(shown, units)

    monkeypatch.setattr(Shown, "publish", publish_late)
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        kill(client, SystemExit)
        assert late.wait(20)
    deploy(embedded, greeter="Good morning")
    until(lambda: client.status().units["greeter"] == digest("greeter", "Good morning"))
    go_on.set()
    assert first is not None
    first.join(20)
    assert client.get("greeter").digest == digest("greeter", "Good morning")
    assert type(client._refresher.shown.units) is dict
