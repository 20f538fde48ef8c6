"""retire: a unit that nobody asks for any more."""

import subprocess
import sys
import time
from collections.abc import Iterator
from shlex import join

import pytest

from promptops import Client, UnknownUnit
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.client.waiting import until

PLACE = ("--env", "production")
RETIRE = ("retire", "greeter", *PLACE, "--reason", "replaced by farewell")

_ASKING = """
import sys
from promptops import Client

inputs = {"greeter": ["guest"]} if sys.argv[2] == "asks" else None
client = Client(sys.argv[1], environment="production", app="helpdesk", inputs=inputs)
client.wait_ready(10)
sys.stdin.read()
client.close()
"""


@pytest.fixture
def asking(deployed: Project, store: Store, store_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """An app that registered what it passes to greeter."""
    app = subprocess.Popen(
        [sys.executable, "-c", _ASKING, store_url, "asks"], stdin=subprocess.PIPE
    )
    deadline = time.monotonic() + 10
    while not any(client.inputs for client in store.clients()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield app
    app.communicate(timeout=10)


@everywhere
def test_a_present_client_that_asks_for_it_is_named(
    deployed: Project, store: Store, asking: subprocess.Popen[bytes]
) -> None:
    refused = deployed.run(*RETIRE, "--json")
    assert (refused.code, refused.json["refused"]["code"]) == (3, "still-asked")
    assert f"greeter by helpdesk on {store.clients()[0].host} (pid {asking.pid})" in refused.err
    assert store.read().pointers["greeter"].retired is None
    # The other unit is nobody's.
    assert deployed.run("retire", "farewell", *PLACE, "--reason", "r", "--wait").code == 0
    assert deployed.run(*RETIRE, "--force").code == 0


@everywhere
def test_clients_drop_it_without_an_error_and_a_deploy_brings_it_back(
    deployed: Project, store: Store, store_url: str
) -> None:
    with Client(store_url, environment="production", poll=0.05) as client:
        client.wait_ready(10)
        done = deployed.run(*RETIRE, "--wait", "--json")
        assert (done.code, done.json["action"], done.json["clients"]["confirmed"]) == (
            0,
            "retire",
            1,
        )
        with pytest.raises(UnknownUnit, match=r"greeter was retired .* replaced by farewell"):
            client.get("greeter")
        assert client.get("farewell").messages[0].content == "Good night.\n"
        assert (client.status().state, client.status().errors, client.status().refused) == (
            "READY",
            0,
            {},
        )
        assert client.status().retired["greeter"].reason == "replaced by farewell"
        with Client(store_url, environment="production") as later:
            later.wait_ready(10)
            with pytest.raises(UnknownUnit, match="greeter was retired"):
                later.get("greeter")
        # A deploy of all does not bring back what was retired, one by name does.
        skipped = deployed.run("deploy", "--all", *PLACE, "--json").json["skipped"]
        assert [each["why"] for each in skipped] == ["retired: replaced by farewell"]
        back = deployed.run("deploy", "greeter", *PLACE, "--wait", "--json")
        assert (back.code, back.json["changes"][0]["from"]) == (0, None)
        assert client.get("greeter").messages[0].content == "Good morning.\n"
        assert client.status().retired == {}
    assert store.read().pointers["greeter"].retired is None


def test_what_changed_since_comes_back_with_a_deploy_of_all(
    deployed: Project, store: Store
) -> None:
    deployed.here(*RETIRE)
    deployed.says("greeter", "Good evening.")
    assert "(new)" not in deployed.here("plan", *PLACE).out
    assert deployed.here("deploy", "--all", *PLACE).code == 0
    assert store.read().pointers["greeter"].retired is None


def test_it_is_seen_and_rollback_undoes_it(deployed: Project, store: Store, store_url: str) -> None:
    before = store.read().pointers["greeter"].digest
    deployed.here(*RETIRE)
    status = deployed.here("status", *PLACE)
    assert "greeter was retired at" in status.out
    units = deployed.here("status", *PLACE, "--json").json["units"]
    assert {unit["unit"]: unit["state"] for unit in units} == {
        "farewell": "in sync",
        "greeter": "retired",
    }
    shown = deployed.here("show", "greeter", *PLACE)
    assert (shown.code, "greeter was retired in production at" in shown.err) == (2, True)
    named = deployed.here("show", "greeter", *PLACE, "--store", store_url)
    assert named.err.endswith(f"promptops deploy greeter {join(PLACE)} --store {store_url}\n")
    assert "retire" in deployed.here("history", "greeter", *PLACE).out
    assert deployed.here("plan", *PLACE, "--exit-code").code == 0
    back = deployed.here("rollback", "greeter", *PLACE)
    line = f"  greeter  (retired) → {short(before)}"
    assert (back.code, back.out.splitlines()[1]) == (0, line)
    assert f"  {line}  from commit" in deployed.here("history", "greeter", *PLACE).out
    live = store.read().pointers["greeter"]
    assert (live.digest, live.retired, live.held) == (before, None, ())


def test_all_units_may_be_retired(deployed: Project, store_url: str) -> None:
    assert deployed.here("retire", "greeter", "farewell", *PLACE, "--reason", "r").code == 0
    with Client(store_url, environment="production", poll=0.05) as client:
        client.wait_ready(10)
        assert until(lambda: client.status().state == "READY")
        assert client.status().units == {}
    assert (
        deployed.here("retire", "greeter", *PLACE, "--reason", "r", "--json").json["action"]
        == "none"
    )
    assert deployed.here("retire", "greeting", *PLACE, "--reason", "r").code == 2
    assert deployed.here("retire", "greeter", *PLACE).code == 2
    back = deployed.here("rollback", *PLACE, "--to", "1", "--json")
    assert [change["unit"] for change in back.json["changes"]] == ["farewell", "greeter"]
