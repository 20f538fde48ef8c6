"""What a client is made with, and asked for: odd things are said, and end nothing."""

import asyncio
import copy
import math
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from promptops import Client, NotReady, UnknownUnit, UsageError
from promptops.client.disk import write_bundle
from promptops.live.store import Store
from promptops.testing import pinned
from tests.client.conftest import Starter
from tests.client.copies import copy as copy_of
from tests.client.releases import put_live, triage
from tests.client.waiting import until
from tests.deployments import deploy, digest

LEAVES = """
import sys, time
from promptops import Client
client = Client(sys.argv[1], environment="production", app="leaves")
client.wait_ready(20)
"""
POOL = """
import multiprocessing, sys, time, warnings
from promptops import Client
from promptops.live.opening import open_store
warnings.simplefilter("ignore")
client = Client(sys.argv[1], environment="production", app="pool")
client.wait_ready(20)
store = open_store(sys.argv[1], "production")

def until(count):
    end = time.monotonic() + 10
    while len(store.clients()) != count and time.monotonic() < end:
        time.sleep(0.05)
    print(len(store.clients()), flush=True)

with multiprocessing.get_context("fork").Pool(2) as pool:
    pool.map(abs, range(4))
    until(3)
    pool.close()
    pool.join()
    until(1)
"""


@pytest.mark.parametrize("poll", [0, -1, 1e-9, math.nan, math.inf, 1e9, True, "2", None])
def test_a_poll_that_is_no_time_to_wait_is_refused(embedded_url: str, poll: Any) -> None:
    with pytest.raises(UsageError, match="poll is") as raised:
        Client(embedded_url, environment="production", poll=poll)
    assert raised.value.hint == "pass seconds from 0.01 to 3600, such as 2.0"


@pytest.mark.parametrize("seconds", [-1, math.nan, True, "5", None])
def test_what_is_no_time_to_wait_is_refused(
    embedded: Store, embedded_url: str, started: Starter, seconds: Any
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url)
    with pytest.raises(UsageError, match="seconds is"):
        client.wait_ready(seconds)
    with pytest.raises(UsageError, match="seconds is"):
        asyncio.run(client.ready(seconds))
    if seconds is not None:
        with pytest.raises(UsageError, match="max_age is"):
            client.get("greeter", max_age=seconds)


@pytest.mark.parametrize("path", [5, b"cache", ["cache"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(UsageError, match=r"cache is .*, not a path"):
        Client(None, environment="production", cache=path)
    with pytest.raises(UsageError, match=r"bundle is .*, not a path"):
        Client(None, environment="production", bundle=path)


@pytest.mark.parametrize("name", ["presence", "hint"])
@pytest.mark.parametrize("switch", ["no", 0, None])
def test_what_is_no_switch_is_refused(embedded_url: str, name: str, switch: Any) -> None:
    with pytest.raises(UsageError, match=f"{name} is {switch!r}"):
        Client(embedded_url, environment="production", **{name: switch})


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_tilde_is_the_home_of_the_user(
    embedded: Store,
    embedded_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    by_variable: bool,
) -> None:
    deploy(embedded, greeter="Hello")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    if by_variable:
        monkeypatch.setenv("PROMPTOPS_CACHE", "~/copies")
    cache = None if by_variable else "~/copies"
    with Client(embedded_url, environment="production", cache=cache) as client:
        client.wait_ready(5)
    assert list((tmp_path / "home/copies").glob("*.copy"))
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("inputs", ["x", ["greeter"], {"greeter": None}, {"greeter": [1]}])
def test_inputs_that_are_no_names_are_refused(embedded_url: str, inputs: Any) -> None:
    with pytest.raises(UsageError, match="inputs"):
        Client(embedded_url, environment="production", inputs=inputs)


def test_names_may_come_from_an_iterator(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    names: Any = iter(["ticket"])
    put_live(embedded, triage())
    assert started(embedded_url, inputs={"support-triage": names}).status().refused == {}


@pytest.mark.parametrize("environment", [None, 5, b"production", ""])
def test_an_environment_without_a_name_is_refused(embedded_url: str, environment: Any) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an environment"):
        Client(embedded_url, environment=environment)


def test_a_store_that_is_not_named_is_said() -> None:
    for url in (None, "", "  "):
        with pytest.raises(UsageError, match="no cache or bundle stands in") as raised:
            Client(url, environment="production")
        assert "PROMPTOPS_STORE" in raised.value.hint
    with pytest.raises(UsageError, match="the store is int, not a URL"):
        Client(5, environment="production")  # type: ignore[arg-type]


def test_a_typo_in_the_store_does_not_end_an_app_that_has_a_bundle(
    started: Starter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = tmp_path / "prompts.bundle"
    write_bundle(str(bundle), copy_of())
    for url in ("${PRODUCTION_REDIS_URL}", "redis://localhost:xx/0", "  "):
        client = started(url, bundle=bundle)
        assert client.get("greeter").digest == digest("greeter", "Hello")
        assert (client.status().state, client.status().source) == ("STALE", "bundle")
    assert "the store URL cannot be read" in caplog.text


def test_what_is_no_name_of_a_unit_is_an_unknown_one(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    with pytest.raises(UnknownUnit, match="no unit 'None' is live"):
        started(embedded_url).get(None)  # type: ignore[arg-type]


def test_a_release_can_be_a_key_and_be_copied_but_not_pickled(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    live = started(embedded_url).get("greeter")
    assert {live: 1}[live] == 1
    assert copy.deepcopy(live) is live
    with pytest.raises(TypeError, match="pass its unit or token on"):
        pickle.dumps(live)


def test_what_cannot_be_called_back_is_refused(embedded_url: str, started: Starter) -> None:
    async def later(_: object) -> None: ...

    client = started(embedded_url, ready=False)
    for callback in (None, 5, later):
        with pytest.raises(UsageError, match="cannot be called back"):
            client.on_change(callback)  # type: ignore[arg-type]


def test_a_callback_that_wants_to_exit_ends_nothing(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.05)
    told: list[Any] = []

    def leave(_: object) -> None:
        raise SystemExit(1)

    client.on_change(leave)
    client.on_change(told.append)
    for text in ("Hi", "Hey"):
        deploy(embedded, greeter=text)
        until(lambda text=text: client.get("greeter").messages[0].content == text)  # type: ignore[misc]
    until(lambda: told and told[-1].revision == 3)


def test_a_process_that_ends_is_no_longer_present(
    deployed: Store, store_url: str, tmp_path: Path
) -> None:
    subprocess.run([sys.executable, "-c", LEAVES, store_url], check=True, timeout=30)
    assert deployed.clients() == []


def test_a_client_that_is_forgotten_ends_its_thread(embedded: Store, embedded_url: str) -> None:
    deploy(embedded, greeter="Hello")
    client = Client(embedded_url, environment="production", poll=0.05)
    client.wait_ready(5)
    refresher = client._refresher
    del client
    until(lambda: not refresher.is_alive())


def test_a_closed_client_is_not_healthy_and_waits_for_nothing(
    embedded_url: str, started: Starter
) -> None:
    client = started(embedded_url, ready=False)
    client.close()
    assert client.health()["ok"] is False
    with pytest.raises(NotReady):
        client.wait_ready(60)


def test_an_app_that_waits_can_be_tested_without_a_store(embedded_url: str) -> None:
    with pinned("greeter", text="Hello"), Client(embedded_url, environment="test") as client:
        client.wait_ready(60)
        asyncio.run(client.ready(60))
        assert client.get("greeter").messages[0].content == "Hello"


def test_a_policy_that_is_none_is_said_at_the_first_turn(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    with pytest.raises(UsageError, match="'folow' is no policy"):
        started(embedded_url).get("greeter", policy="folow")  # type: ignore[arg-type]


def test_a_process_that_ends_at_once_leaves_a_copy(
    embedded: Store, embedded_url: str, started: Starter, tmp_path: Path
) -> None:
    deploy(embedded, greeter="Hello")
    for number in range(5):
        started(embedded_url, cache=tmp_path / str(number)).close()
        assert started(None, cache=tmp_path / str(number)).status().source == "disk"


def test_workers_of_multiprocessing_that_end_are_no_longer_present(
    deployed: Store, store_url: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", POOL, store_url], check=True, timeout=60, capture_output=True
    )
    assert done.stdout.decode().split() == ["3", "1"], done.stderr.decode()
