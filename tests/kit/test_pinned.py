"""`pinned`: one unit, one release, every client, and no change in the app."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from promptops import Client, NotReady
from promptops.errors import PromptopsError, UnknownUnit, UsageError
from promptops.live.store import Store
from promptops.testing import MemoryStore, pinned
from tests.client.conftest import Starter
from tests.client.releases import triage
from tests.deployments import deploy
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]


def says(client: Client, unit: str = "greeter", **inputs: object) -> str:
    return client.get(unit).render(**inputs)[0]["content"]


@pytest.fixture
def client(embedded: Store, embedded_url: str, started: Starter) -> Client:
    """greeter says Hello and farewell says Bye."""
    deploy(embedded, greeter="Hello", farewell="Bye")
    return started(embedded_url, poll=0.05)


def test_inside_the_unit_is_pinned_and_others_are_as_before(client: Client) -> None:
    with pinned("greeter", text="Hi {{ name }}") as live:
        assert says(client, name="<Zoë> {{ x }}") == "Hi <Zoë> {{ x }}"
        assert client.get("greeter") is live
        assert says(client, "farewell") == "Bye"
    assert says(client) == "Hello"


def test_a_read_that_the_app_took_hold_of_before_is_pinned_too(client: Client) -> None:
    get = client.get
    with pinned("greeter", text="Hi"):
        assert get("greeter").render()[0]["content"] == "Hi"


def test_a_client_that_is_made_inside_is_pinned_even_without_a_store(tmp_path: Path) -> None:
    with (
        pinned("greeter", text="Hi"),
        Client(f"sqlite:///{tmp_path}/none.db", environment="production") as client,
    ):
        assert says(client) == "Hi"
        with pytest.raises(NotReady):
            client.get("farewell")


def test_a_deployment_inside_moves_the_others_only(client: Client, embedded: Store) -> None:
    with pinned("greeter", text="Hi"):
        deploy(embedded, greeter="Good morning", farewell="See you")
        assert eventually(lambda: says(client, "farewell") == "See you")
        assert says(client) == "Hi"
    assert says(client) == "Good morning"


def test_after_an_exception_all_is_as_before(client: Client) -> None:
    with pytest.raises(ZeroDivisionError), pinned("greeter", text="Hi"):
        raise ZeroDivisionError
    assert says(client) == "Hello"


def test_of_nested_pins_the_inner_one_counts(client: Client) -> None:
    outer = pinned("greeter", text="outer")
    with outer:
        with pinned("greeter", text="inner"):
            assert says(client) == "inner"
            with outer:
                assert says(client) == "outer"
            assert says(client) == "inner"
        assert says(client) == "outer"
    assert says(client) == "Hello"


def test_it_decorates_functions_and_coroutines(client: Client) -> None:
    @pinned("greeter", text="Hi")
    def plain() -> str:
        return says(client)

    @pinned("greeter", text="Hi")
    async def waiting() -> str:
        await asyncio.sleep(0)
        return says(client)

    assert (plain(), plain(), asyncio.run(waiting())) == ("Hi", "Hi", "Hi")
    assert says(client) == "Hello"


def test_a_class_and_a_generator_cannot_be_decorated() -> None:
    with pytest.raises(UsageError, match="use `with pinned"):
        pinned("greeter", text="Hi")(type("Test", (), {}))


def test_threads_with_pins_of_their_own_units_do_not_disturb_each_other(client: Client) -> None:
    wrong: list[str] = []

    def work(unit: str) -> None:
        for number in range(200):
            with pinned(unit, text=f"{unit} {number}"):
                if says(client, unit) != f"{unit} {number}":
                    wrong.append(f"{unit} {number}")

    threads = [threading.Thread(target=work, args=(f"unit-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sorted(client.status().units) == ["farewell", "greeter"]
    assert says(client) == "Hello"


def test_a_file_is_a_unit_a_release_or_a_text(tmp_path: Path, client: Client) -> None:
    (tmp_path / "prompt.md").write_text("From a text, {{ name }}", "utf-8")
    with pinned("greeter", file=tmp_path / "prompt.md"):
        assert says(client, name="Zoë") == "From a text, Zoë"
    with pinned(
        "support-triage", file=str(ROOT / "manifests/support-triage"), environment="production"
    ) as live:
        assert client.get("support-triage") is live
        assert live.model.id
    with pinned("support-triage", release=triage()) as live:
        assert client.get("support-triage").params["max_tokens"] == 300
    with pinned("support-triage", release=live):
        assert client.get("support-triage") is live


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "given: none"),
        ({"text": "a", "file": "b"}, "given: text and file"),
        ({"text": 7}, "text is int"),
        ({"text": "a", "environment": "production"}, "and no file is named"),
        ({"text": "{{ a.b }}"}, "the text for greeter is no template"),
        ({"file": "/nowhere/prompt.md"}, "/nowhere/prompt.md cannot be read: No such file"),
        ({"release": triage()}, "is not of unit greeter"),
        ({"release": {"a": {1, 2}}}, "the release is no JSON document"),
        ({"release": b"{}"}, "format"),
        ({"release": ["x"]}, "release is list"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_pinned(
    arguments: dict[str, object], message: str, client: Client
) -> None:
    with pytest.raises(PromptopsError, match=message):
        pinned("greeter", **arguments)  # type: ignore[arg-type]
    assert says(client) == "Hello"


def test_the_name_of_the_unit_comes_first() -> None:
    with pytest.raises(UsageError, match="is no unit's name"):
        pinned("", text="Hi")
    with pytest.raises(UsageError, match="is no unit's name"):
        pinned("No Good", text="Hi")


def test_what_is_pinned_is_of_no_age_and_well(started: Starter) -> None:
    client = started("sqlite:////nowhere/at/all.db", ready=False)
    with pinned("greeter", text="Hi"):
        assert client.get("greeter", max_age=0).unit == "greeter"
        assert client.health()["ok"] is True
    assert client.health()["ok"] is False


def test_an_app_that_waits_at_its_start_waits_for_no_empty_store_in_memory(
    started: Starter,
) -> None:
    client = started("memory:", ready=False)
    began = time.monotonic()
    client.wait_ready(30)
    asyncio.run(client.ready(30))
    assert time.monotonic() - began < 5
    with pytest.raises(NotReady):
        client.get("greeter")


def test_a_store_in_memory_is_deployed_to_and_rolled_back(started: Starter) -> None:
    store = MemoryStore()
    first = store.deploy("greeter", text="Hello")
    with Client(store.url, environment=store.environment) as client:
        client.wait_ready(5)
        second = store.deploy("greeter", text="Good morning")
        assert eventually(lambda: client.get("greeter").digest == second)
        assert store.rollback("greeter") == first
        assert eventually(lambda: says(client) == "Hello")
    with pytest.raises(PromptopsError, match="held"):
        store.deploy("greeter", text="Good morning")


def test_two_stores_without_a_name_are_two() -> None:
    one, other = MemoryStore(), MemoryStore()
    one.deploy("greeter", text="Hello")
    assert other.read().head is None
    assert MemoryStore("mine").url == "memory:mine"


def test_an_app_that_reads_its_environment_finds_a_store_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore("by-name", environment="production")
    store.deploy("greeter", text="Hello")
    monkeypatch.setenv("PROMPTOPS_STORE", "memory:by-name")
    monkeypatch.setenv("PROMPTOPS_ENV", "production")
    with Client.from_env() as client:
        client.wait_ready(5)
        assert says(client) == "Hello"
    store.forget()


FORKS = """
import os, threading
from promptops import Client
from promptops.testing import pinned

client = Client("memory:nobody", environment="test")
going = True

def pin_all_the_time():
    while going:
        with pinned("other", text="x"):
            pass

threads = [threading.Thread(target=pin_all_the_time) for _ in range(2)]
for thread in threads:
    thread.start()
codes = set()
with pinned("greeter", text="Hi"):
    for _ in range(50):
        child = os.fork()
        if child == 0:
            with pinned("greeter", text="Hi, child"):
                inner = client.get("greeter").render()[0]["content"]
            outer = client.get("greeter").render()[0]["content"]
            os._exit(0 if (inner, outer) == ("Hi, child", "Hi") else 1)
        codes.add(os.waitpid(child, 0)[1])
going = False
for thread in threads:
    thread.join()
os._exit(0 if codes == {0} else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_has_the_pins_and_never_waits_for_a_lock_of_its_parent() -> None:
    subprocess.run([sys.executable, "-c", FORKS], check=True, timeout=60)


def test_a_store_in_memory_refuses_what_a_real_one_would() -> None:
    store = MemoryStore()
    store.deploy("greeter", text="Hello")
    with pytest.raises(UnknownUnit):
        store.hold("farewell", "sha256:" + "0" * 64)
    with pytest.raises(UsageError, match="is no digest"):
        store.hold("greeter", "nonsense")
    with pytest.raises(UsageError, match="is no unit's name"):
        store.deploy("No Good", text="Hello")


def test_a_manifest_with_errors_says_the_first_of_them_and_where(tmp_path: Path) -> None:
    (tmp_path / "greeter").mkdir()
    (tmp_path / "greeter" / "manifest.yaml").write_text("apiVersion: promptops/v1\nname: greeter\n")
    with pytest.raises(UsageError, match=r"manifest\.yaml:\d+:\d+: .* \[E\d+\]"):
        pinned("greeter", file=tmp_path / "greeter")
