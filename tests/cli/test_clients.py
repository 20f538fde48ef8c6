"""clients, and --wait: what each client serves of every unit, and who stays behind on purpose."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from promptops import Client
from promptops.delivery.served import Served, live_at
from promptops.live.presence import KeptRelease, Presence, RefusedRelease
from promptops.live.store import Store, entries
from promptops.version import VERSION
from tests.cli.apps import App
from tests.cli.projects import Project, everywhere, on_redis, short
from tests.cli.rehearsals import release, says
from tests.waiting import eventually

CLIENTS = ("clients", "--env", "production")


def presence(client: str, revision: int, *kept: KeptRelease) -> Presence:
    return Presence(client, client, "host", 7, VERSION, 1, revision, age=0.5, kept=kept)


@pytest.fixture
def one_pins(deployed: Project, store: Store, store_url: str) -> Iterator[App]:
    """Of two apps, one keeps greeter at what is live now."""
    pin = f"greeter={deployed.digest('greeter')}"
    apps = [App(store_url, "follows"), App(store_url, "pins", PROMPTOPS_PIN=pin)]
    try:
        for app in apps:
            app.wait_until_present(store)
        yield apps[1]
    finally:
        for app in apps:
            app.end()


@everywhere
def test_a_client_that_pins_is_named_at_once(
    deployed: Project, one_pins: App, store: Store
) -> None:
    morning = deployed.digest("greeter")
    deployed.says("greeter", "Good evening.")
    began = time.monotonic()
    done = deployed.run("deploy", "greeter", "--env", "production", "--wait=20", "--json")
    assert time.monotonic() - began < 10
    assert done.code == 5
    assert (done.json["clients"]["present"], done.json["clients"]["confirmed"]) == (2, 1)
    assert done.json["clients"]["missing"][0]["pins"] == {"greeter": morning}
    assert done.err.startswith("error[unconfirmed]: 1 of 2 clients do not take it: pins on ")
    assert f", pins greeter to {short(morning)})\n" in done.err
    place = "--env production"
    assert done.err.endswith(
        f" help: the deployment stands; to go back: promptops rollback greeter {place}; to end a "
        f"pin: promptops pin greeter --lift {place} --cache DIR\n"
    )

    assert eventually(lambda: {each.revision for each in store.clients()} == {2})
    listed = {each["app"]: each for each in deployed.run(*CLIENTS, "--json").json["clients"]}
    evening = deployed.digest("greeter")
    assert listed["follows"]["units"]["greeter"] == {"digest": evening, "revision": 2}
    assert listed["pins"]["units"]["greeter"]["digest"] == morning
    assert listed["pins"]["units"]["farewell"] == listed["follows"]["units"]["farewell"]
    assert f"greeter {short(morning)} (revision -, pinned)" in deployed.run(*CLIENTS).out
    assert deployed.run(*CLIENTS, "--revision", "2").code == 5
    assert deployed.run(*CLIENTS, "--revision", "1").code == 0
    assert deployed.run("status", "--env", "production", "--json").json["clients"] == {
        "present": 2,
        "current": 1,
    }

    back = deployed.run("rollback", "greeter", "--env", "production", "--wait", "--json")
    assert (back.code, back.json["clients"]["confirmed"]) == (0, 2), "what it pins is live again"


@on_redis
def test_what_was_refused_is_not_confirmed_by_asking_again(
    deployed_twice: Project, store: Store
) -> None:
    """A job that is run again has nothing to deploy, and must not say that all is well."""
    kept = KeptRelease("greeter", "sha256:" + "0" * 64, 1, pinned=False)
    why = RefusedRelease("greeter", deployed_twice.digest("greeter"), 2, "C606", "needs a name")
    refusing = Presence("a", "web", "host", 7, VERSION, 1, 2, age=0.5, refused=(why,), kept=(kept,))
    store.announce(refusing, 30)
    command = ("--env", "production", "--wait=20", "--json")
    done = deployed_twice.run("deploy", "greeter", *command)
    assert (done.code, done.json["action"]) == (5, "none")
    assert "1 of 1 clients do not take it: web on host (pid 7, revision 2, refuses: needs a na" in (
        done.err
    )
    assert deployed_twice.run("deploy", "farewell", *command).code == 0


def test_who_is_behind_serves_what_was_live_then(rolled_back: Project, store: Store) -> None:
    morning, evening = rolled_back.digest("greeter", commit="HEAD~1"), rolled_back.digest("greeter")
    night = rolled_back.digest("farewell")
    kept = KeptRelease("greeter", evening, 2, pinned=False)
    for each in (presence("a", 1), presence("b", 2), presence("c", 3), presence("d", 3, kept)):
        store.announce(each, 30)
    store.announce(presence("e", 9), 30)
    done = rolled_back.here(*CLIENTS, "--json")
    units = {each["client"]: each["units"] for each in done.json["clients"]}
    farewell = {"digest": night, "revision": 1}
    assert units == {
        "a": {"farewell": farewell, "greeter": {"digest": morning, "revision": 1}},
        "b": {"farewell": farewell, "greeter": {"digest": evening, "revision": 2}},
        "c": {"farewell": farewell, "greeter": {"digest": morning, "revision": 3}},
        "d": {"farewell": farewell, "greeter": {"digest": evening, "revision": 2}},
        "e": None,
    }
    text = rolled_back.here(*CLIENTS)
    instead = f"greeter {short(evening)} (revision 2)"
    assert text.out.splitlines()[0].split("  ")[0] == "APP"
    shown = [instead in line for line in text.out.splitlines()[1:]]
    assert shown == [False, True, False, True, False]


def test_a_unit_that_came_later_is_not_served_before(deployed: Project, store: Store) -> None:
    deployed.unit("newcomer", "Hello")
    deployed.commit("newcomer comes")
    deployed.deploy(store, "newcomer")
    pointers = store.read().pointers
    assert set(live_at(1, pointers, entries(store))) == {"farewell", "greeter"}
    assert live_at(2, pointers, ())["newcomer"] == Served(deployed.digest("newcomer"), 2)
    assert live_at(0, pointers, entries(store)) == {}


def test_nobody_is_there(deployed: Project, tmp_path: Path) -> None:
    done = deployed.here(*CLIENTS)
    assert (done.code, done.out) == (0, "no client is present; one with presence=False never is\n")


@everywhere
def test_a_deploy_warns_of_clients_that_cannot_read_its_format(
    deployed: Project, store: Store
) -> None:
    for version in ("0.0.9", "0.1.0", "0.1.1rc1", "1", "what?"):
        store.announce(replace(presence(version, 1), version=version), 30)
    deployed.says("greeter", "Good evening.")
    for more in (["--dry-run"], []):
        done = deployed.run("deploy", "greeter", "--env", "production", *more)
        assert done.code == 0
        assert done.err == (
            "warning: not every present client can read the format of this release: 0.0.9 on host "
            "(pid 7, revision 1) has promptops 0.0.9\n"
        )


def test_a_client_that_serves_nothing_of_a_unit_is_told_from_one_that_serves_what_is_live(
    deployed: Project, store_url: str, store: Store
) -> None:
    inputs = {"greeter": ["nothing"]}
    release(deployed, store, **says("guest", "lang"))
    with Client(store_url, environment="production", app="picky", inputs=inputs) as client:
        client.wait_ready(10)
        assert eventually(lambda: any(each.refused for each in store.clients()))
        row = deployed.here(*CLIENTS).out.splitlines()[-1]
        assert "greeter (nothing)" in row
