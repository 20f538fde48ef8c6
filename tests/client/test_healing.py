"""The refresher dies, or cannot start: it is noticed, started again, counted and told."""

import ctypes
import threading

import pytest

from promptops import Client, Stale
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

    def no_more(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", no_more)
        client = started(embedded_url, poll=0.2, ready=False)
        assert client.status().state == "FATAL"
        assert client.status().reason == "nothing refreshes: can't start new thread"
        assert client.health()["ok"] is False
    until(lambda: client.status().state == "READY", 3)
    assert client.get("greeter").digest == digest("greeter", "Hello")
    assert client.status().restarts == 1


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
