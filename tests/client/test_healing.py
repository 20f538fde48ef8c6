"""The refresher dies, or cannot start: it is noticed, started again, counted and told."""

import asyncio
import ctypes
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from promptops import Client, Stale
from promptops.client.lasting import TRY_EVERY
from promptops.client.overlay import Shown, Units
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.waiting import until, until_served
from tests.deployments import deploy, digest
from tests.servers import Server

CHANCE = random.Random(21)  # noqa: S311 - no secret

# Threads cannot be started while their stacks find no room; what is served goes on, and who reads
# brings the refresher back as soon as there is room again.
EXHAUSTED = """
import ctypes, re, resource, sys, time
from pathlib import Path
from promptops import Client

client = Client(sys.argv[1], environment="production", poll=1.0)
client.on_change(lambda changed: changed)
client.wait_ready(20)
print("ready", flush=True)
used = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
soft, hard = resource.getrlimit(resource.RLIMIT_AS)
resource.setrlimit(resource.RLIMIT_AS, (used + (4 << 20), hard))
victim = client._refresher.thread._thread.ident
ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(victim), ctypes.py_object(SystemExit))
until = time.monotonic() + 10
while client.status().state != "FATAL" and time.monotonic() < until:
    time.sleep(0.01)
print(client.status().state, client.status().reason, client.get("greeter").render()[0]["content"])
resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
began = time.monotonic()
while client._refresher.thread.error and time.monotonic() < began + 10:
    client.get("greeter")
    time.sleep(0.01)
print(time.monotonic() - began <= 2, client.status().restarts >= 2, flush=True)
sys.stdin.readline()
while client.get("greeter").revision < 2 and time.monotonic() < began + 20:
    time.sleep(0.01)
print(client.get("greeter").render()[0]["content"], client.status().state, flush=True)
"""


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
    client = started(embedded_url)
    kill(client, error)
    killed = time.monotonic()
    until(lambda: client.status().restarts == 1)
    until(lambda: client.status().state == "READY")
    assert time.monotonic() - killed <= 2 * 2.0, "within two polls of the default"
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


@pytest.mark.soak(short=15, full=500)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_refresher_that_is_killed_at_any_moment_of_a_change_loses_nothing(
    embedded: Store, embedded_url: str, started: Starter, tmp_path: Path, times: int
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.05, cache=tmp_path / "cache")
    for number in range(times):
        head = deploy(embedded, greeter=f"Hello {number}")
        time.sleep(CHANCE.uniform(0, 0.01))
        kill(client, CHANCE.choice([SystemExit, KeyboardInterrupt, MemoryError]))
        until_served(client, head.revision, 5)
        assert client.get("greeter").digest == digest("greeter", f"Hello {number}")
    until(lambda: client.status().state == "READY")


def test_a_process_that_can_start_no_thread_serves_on_says_so_and_heals_by_being_read(
    embedded: Store, embedded_url: str
) -> None:
    deploy(embedded, greeter="Hello")
    app = subprocess.Popen(
        [sys.executable, "-c", EXHAUSTED, embedded_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert app.stdout is not None
    assert app.stdout.readline() == "ready\n"
    assert app.stdout.readline() == ("FATAL nothing refreshes: can't start new thread Hello\n")
    assert app.stdout.readline() == "True True\n"
    deploy(embedded, greeter="Good morning")
    said, warned = app.communicate("go on\n", timeout=30)
    assert said == "Good morning READY\n"
    assert "FATAL: nothing refreshes" in warned, "the log says so too"


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


def test_what_stays_behind_a_release_that_is_refused_is_of_the_age_of_its_last_confirmation(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    client = started(embedded_url, inputs={"greeter": []}, poll=0.1)
    deploy(embedded, greeter="Hello {{ name }}")
    until(lambda: client.status().refused)
    time.sleep(0.6)
    with pytest.raises(Stale, match=r"of greeter that production serves was last") as raised:
        client.get("greeter", max_age=0.5)
    assert raised.value.hint == client.status().refused["greeter"].reason
    assert client.get("farewell", max_age=0.5).digest == digest("farewell", "Bye")
    deploy(embedded, greeter="Hello again")
    until(lambda: not client.status().refused)
    assert client.get("greeter", max_age=0.5).digest == digest("greeter", "Hello again")


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
    assert type(client._refresher.published.shown.units) is dict
