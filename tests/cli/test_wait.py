"""--wait: how many of the present clients serve it, and who does not."""

import re
import time

import pytest

from promptops.delivery.confirm import await_clients
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, everywhere, on_redis, short
from tests.client.releases import point

DEPLOY = ("deploy", "greeter", "--env", "production")


@everywhere
def test_every_client_confirms(deployed: Project, three_apps: list[App]) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.run(*DEPLOY, "--wait", "-o", "json")
    assert (done.code, done.err) == (0, "")
    clients = done.json["clients"]
    assert 0 < clients["slowest_seconds"] < 5
    assert clients == {
        "present": 3,
        "confirmed": 3,
        "slowest_seconds": clients["slowest_seconds"],
        "missing": [],
    }
    back = deployed.run("rollback", "greeter", "--env", "production", "--wait")
    assert (back.code, back.err) == (0, "")
    assert re.fullmatch(
        r"3 of 3 clients confirmed, slowest \d\.\d\d s; clients without presence are not counted",
        back.out.splitlines()[-1],
    )


def test_nobody_is_there_to_confirm(deployed: Project) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.run(*DEPLOY, "--wait", "--json")
    assert (done.code, done.json["clients"]) == (
        0,
        {"present": 0, "confirmed": 0, "slowest_seconds": None, "missing": []},
    )
    done = deployed.run("rollback", "greeter", "--env", "production", "--wait=1")
    assert done.out.endswith("\n0 of 0 clients confirmed\n")
    assert done.err == (
        "no client is present: nobody could confirm it; clients without presence are not counted\n"
    )


def test_what_is_live_already_can_be_waited_for(deployed: Project, three_apps: list[App]) -> None:
    done = deployed.run(*DEPLOY, "--wait", "--json")
    assert (done.code, done.json["action"], done.json["clients"]["confirmed"]) == (0, "none", 3)


@pytest.mark.parametrize("wait", ["--wait greeter", "greeter --wait", "--wait=5 greeter"])
def test_a_unit_may_follow_wait(deployed: Project, store: Store, wait: str) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.run("deploy", "--env", "production", *wait.split(), "--json")
    assert (done.code, done.json["clients"]["present"]) == (0, 0)
    assert store.read().head == Head(1, 2)
    done = deployed.run("rollback", "--env", "production", *wait.split())
    assert done.code == 0


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan", "inf"])
def test_seconds_are_a_number(deployed: Project, store: Store, seconds: str) -> None:
    deployed.says("greeter", "Good evening.")
    done = deployed.run(*DEPLOY, f"--wait={seconds}")
    assert done.code == 2
    assert done.err.startswith("error: Invalid value for '--wait': ")
    assert store.read().head == Head(1, 1)


@pytest.fixture
def one_hangs(three_apps: list[App]) -> App:
    three_apps[1].stop()
    return three_apps[1]


@on_redis
def test_a_client_that_hangs_is_listed_and_the_deployment_stands(
    deployed: Project, one_hangs: App, store: Store
) -> None:
    deployed.says("greeter", "Good evening.")
    missing = next(client for client in store.clients() if client.pid == one_hangs.pid)
    done = deployed.run(*DEPLOY, "--wait=1", "-o", "json")
    message = (
        f"1 of 3 clients did not confirm within 1 s: app-1 on {missing.host} "
        f"(pid {one_hangs.pid}, revision 1)"
    )
    hint = (
        "the deployment stands; look at those processes, and at promptops status --env production"
    )
    assert done.code == 5
    assert done.err == f"error[unconfirmed]: {message}\n help: {hint}\n"
    assert done.json["refused"] == {"code": "unconfirmed", "message": message, "hint": hint}
    assert (done.json["action"], done.json["revision"]) == ("deploy", 2)
    clients = done.json["clients"]
    assert 0 < clients["slowest_seconds"] < 1
    assert clients == {
        "present": 3,
        "confirmed": 2,
        "slowest_seconds": clients["slowest_seconds"],
        "missing": [
            {
                "client": missing.client,
                "app": "app-1",
                "host": missing.host,
                "pid": one_hangs.pid,
                "version": missing.version,
                "revision": 1,
                "pins": {},
                "error": "",
                "refused": [],
            }
        ],
    }
    assert store.read().head == Head(1, 2)
    assert store.read().pointers["greeter"].digest == deployed.digest("greeter")


@on_redis
def test_the_text_says_how_many_confirmed(deployed: Project, one_hangs: App) -> None:
    before = short(deployed.digest("greeter"))
    deployed.says("greeter", "Good evening.")
    done = deployed.run(*DEPLOY, "--wait=0.5")
    assert done.code == 5
    lines = done.out.splitlines()
    assert lines[:2] == [
        "production is at revision 2 (deploy)",
        f"  greeter  {before} → {short(deployed.digest('greeter'))}",
    ]
    assert re.fullmatch(r"2 of 3 clients confirmed, slowest 0\.\d\d s; .*", lines[2])
    assert done.err.startswith("error[unconfirmed]: 1 of 3 clients did not confirm within 0.5 s: ")


@on_redis
def test_a_repeated_operation_waits_too(deployed: Project, three_apps: list[App]) -> None:
    deployed.says("greeter", "Good evening.")
    command = (*DEPLOY, "--operation", "run-1", "--json")
    assert deployed.run(*command).json["clients"] is None
    again = deployed.run(*command, "--wait")
    assert (again.json["repeated"], again.json["clients"]["confirmed"]) == (True, 3)


@on_redis
def test_a_release_that_a_client_refuses_ends_the_wait_with_the_reason(
    deployed: Project, three_apps: list[App], store: Store
) -> None:
    wanted = store.put(b"not a release")
    point(store, {"greeter": wanted})
    done = deployed.run("clients", "--env", "production", "--revision", "2", "--json")
    deadline = time.monotonic() + 10
    while done.code == 0 or not all(client["refused"] for client in done.json["clients"]):
        assert time.monotonic() < deadline
        done = deployed.run("clients", "--env", "production", "--revision", "2", "--json")
    assert done.code == 5
    assert "3 of 3 clients do not serve revision 2: app-" in done.err
    assert f"refuses: release {wanted} is not JSON" in done.err
    assert {client["refused"][0]["code"] for client in done.json["clients"]} == {"C601"}
    confirmation = await_clients(store, Head(1, 2), {"greeter": wanted}, time.monotonic(), 30)
    assert (confirmation.confirmed, len(confirmation.missing)) == (0, 3)
    text = deployed.run("clients", "--env", "production")
    assert text.code == 0
    assert text.out.count(f"greeter: C601 release {wanted} is not JSON") == 3
