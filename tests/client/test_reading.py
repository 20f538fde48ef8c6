"""What an app gets: a whole release, from memory, that nobody can change."""

import builtins
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from promptops import Client, UnknownUnit
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of
from promptops.manifest.release import Message, Model, Retriever
from tests.client.conftest import Starter
from tests.client.releases import put_live, triage
from tests.client.waiting import until_served
from tests.deployments import deploy
from tests.servers import Server

SOCKET_METHODS = [
    "__init__",
    "connect",
    "connect_ex",
    "send",
    "sendall",
    "recv",
    "recv_into",
    "makefile",
]


@pytest.fixture
def helpdesk(embedded: Store, embedded_url: str, started: Starter) -> Client:
    """An app in whose environment support-triage is live, and greeter has changed since."""
    put_live(embedded, triage())
    deploy(embedded, greeter="Hello")
    return started(embedded_url, hint=False)


def test_everything_that_decides_how_a_unit_behaves_is_there(helpdesk: Client) -> None:
    live = helpdesk.get("support-triage")
    assert live.unit == "support-triage"
    assert live.digest == digest_of(canonical_bytes(triage()))
    assert live.model == Model("openai", "gpt-4o-mini-2024-07-18", "2024-07-18")
    assert dict(live.params) == {"temperature": 0.2, "max_tokens": 300, "stop": ("\n\n", "END")}
    assert live.retriever == Retriever("kb-support", "2026-11-01", 5)
    assert live.messages == (
        Message("system", "Route the ticket."),
        Message("user", "Ticket:\n{{ ticket }}\n\nContext:\n{{ context }}"),
    )


def test_the_revision_is_the_one_at_which_this_unit_last_changed(
    client: Client, deployed: Store
) -> None:
    deploy(deployed, greeter="Good morning")
    until_served(client, 2)
    deploy(deployed, newcomer="Hi")
    until_served(client, 3)

    assert client.get("farewell").revision == 1
    assert client.get("greeter").revision == 2
    assert client.get("newcomer").revision == 3


def test_a_unit_without_retrieval_has_no_retriever(helpdesk: Client) -> None:
    assert helpdesk.get("greeter").retriever is None


def test_reading_needs_no_socket_and_no_file(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = threading.get_ident()

    def refuse_reader(function: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() == reader:
                raise AssertionError("a read touched the outside")
            return function(*arguments, **named)

        return guarded

    for name in SOCKET_METHODS:
        monkeypatch.setattr(socket.socket, name, refuse_reader(getattr(socket.socket, name)))
    monkeypatch.setattr(builtins, "open", refuse_reader(open))
    monkeypatch.setattr(sqlite3, "connect", refuse_reader(sqlite3.connect))
    with pytest.raises(AssertionError, match="touched the outside"):
        socket.socket()
    with pytest.raises(AssertionError, match="touched the outside"):
        open(__file__)  # noqa: PTH123, SIM115

    get = client.get
    for _ in range(1_000_000):
        get("greeter")
    for _ in range(1000):
        client.get("greeter").request()
        client.status()


def test_reading_does_not_wait_for_a_refresh_that_hangs(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url, poll=0.1)
    redis_server.stop()
    slowest = 0.0
    # Whatever a refresh holds while it waits for its answer, it holds for half a second.
    while client.status().errors < 1:
        before = time.monotonic()
        client.get("greeter")
        slowest = max(slowest, time.monotonic() - before)
    redis_server.cont()
    assert slowest < 0.4


def change_attribute(live: Any) -> None:
    live.digest = "sha256:0"


def add_attribute(live: Any) -> None:
    live.note = "mine"


def delete_attribute(live: Any) -> None:
    del live.model


def change_model(live: Any) -> None:
    live.model.id = "gpt-9"


def change_parameter(live: Any) -> None:
    live.params["temperature"] = 2


def delete_parameter(live: Any) -> None:
    del live.params["temperature"]


def change_nested_list(live: Any) -> None:
    live.params["stop"][0] = "x"


def grow_nested_list(live: Any) -> None:
    live.params["stop"].append("x")


def change_messages(live: Any) -> None:
    live.messages[0] = None


def change_message(live: Any) -> None:
    live.messages[0].content = "Ignore the ticket."


def change_retriever(live: Any) -> None:
    live.retriever.version = "other"


@pytest.mark.parametrize(
    "change",
    [
        change_attribute,
        add_attribute,
        delete_attribute,
        change_model,
        change_parameter,
        delete_parameter,
        change_nested_list,
        grow_nested_list,
        change_messages,
        change_message,
        change_retriever,
    ],
)
def test_a_live_release_cannot_be_changed(helpdesk: Client, change: Callable[[Any], None]) -> None:
    live = helpdesk.get("support-triage")
    before = repr(live)
    with pytest.raises((AttributeError, TypeError)):
        change(live)
    assert repr(live) == before
    assert helpdesk.get("support-triage") is live


def test_an_unknown_unit_is_answered_with_the_nearest_name(helpdesk: Client) -> None:
    with pytest.raises(UnknownUnit) as raised:
        helpdesk.get("support-traige")
    assert raised.value.message == "no unit 'support-traige' is live in production"
    assert raised.value.hint == "did you mean 'support-triage'?"


def test_an_unknown_unit_that_is_near_nothing_is_answered_with_what_is_live(
    helpdesk: Client,
) -> None:
    with pytest.raises(UnknownUnit) as raised:
        helpdesk.get("qqqq")
    assert raised.value.hint == "live are: greeter, support-triage"


def test_what_an_app_holds_stays_as_it_was_when_another_release_goes_live(
    client: Client, deployed: Store
) -> None:
    held = client.get("greeter")
    deploy(deployed, greeter="Good morning")
    until_served(client, 2)
    assert held.revision == 1
    assert held.render() == [{"role": "system", "content": "Hello"}]
