"""status: what is live, who serves it, and how that compares with git."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import AT, Project, everywhere, on_redis, short
from tests.conftest import Opener

Contents = Callable[[], object]

STATUS = ("status", "--env", "production")


def states(project: Project) -> dict[str, str]:
    done = project.here(*STATUS, "--json")
    assert (done.code, done.err) == (0, "")
    return {unit["unit"]: unit["state"] for unit in done.json["units"]}


@everywhere
def test_the_status_has_exactly_these_facts(rolled_back: Project) -> None:
    first, second = rolled_back.git("rev-parse", "HEAD~1", "HEAD").split()
    done = rolled_back.run(*STATUS, "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 3,
        "freeze": None,
        "units": [
            {
                "unit": "farewell",
                "digest": rolled_back.digest("farewell"),
                "revision": 1,
                "commit": first,
                "since": AT,
                "state": "in sync",
                "in_git": "in sync",
                "corrupt": "",
                "astray": [],
                "held": [],
                "way_back": None,
            },
            {
                "unit": "greeter",
                "digest": rolled_back.digest("greeter", commit="HEAD~1"),
                "revision": 3,
                "commit": first,
                "since": AT,
                "state": "held",
                "in_git": "held",
                "corrupt": "",
                "astray": [],
                "held": [rolled_back.digest("greeter")],
                "way_back": None,
            },
        ],
        "clients": {"present": 0, "current": 0},
        "drill": {"last": None, "warning": ""},
        "lost": None,
    }
    assert second != first


def test_the_text_is_a_table(rolled_back: Project, store_url: str) -> None:
    first = rolled_back.git("rev-parse", "HEAD~1")[:12]
    farewell = short(rolled_back.digest("farewell"))
    good = short(rolled_back.digest("greeter", commit="HEAD~1"))
    bad = short(rolled_back.digest("greeter"))
    done = rolled_back.here(*STATUS)
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"production is at revision 3 in {store_url}\n"
        "UNIT      DIGEST        REVISION  COMMIT        SINCE                     STATE    HELD\n"
        f"farewell  {farewell}  1         {first}  {AT}  in sync\n"
        f"greeter   {good}  3         {first}  {AT}  held     {bad}\n"
        "0 of 0 clients serve it\n"
    )


def test_a_unit_is_behind_when_git_is_newer(deployed: Project) -> None:
    assert states(deployed) == {"farewell": "in sync", "greeter": "in sync"}
    deployed.says("greeter", "Good evening.")
    assert states(deployed) == {"farewell": "in sync", "greeter": "behind"}


def test_what_is_not_committed_is_not_git(deployed: Project) -> None:
    deployed.write("manifests/greeter/system.md", "Only half written\n")
    assert states(deployed)["greeter"] == "in sync"


def test_after_a_rollback_git_wants_what_is_held(rolled_back: Project) -> None:
    assert states(rolled_back)["greeter"] == "held"
    rolled_back.says("greeter", "Good evening, without refunds.")
    assert states(rolled_back)["greeter"] == "behind"
    rolled_back.says("greeter", "Good morning.")
    assert states(rolled_back)["greeter"] == "in sync"


def test_a_unit_that_git_lost_and_one_that_was_never_deployed(deployed: Project) -> None:
    deployed.git("rm", "--quiet", "-r", "manifests/farewell")
    deployed.unit("newcomer", "Hello, I am new.")
    deployed.commit("farewell goes, newcomer comes")
    done = deployed.here(*STATUS, "--json")
    by_name = {unit["unit"]: unit for unit in done.json["units"]}
    assert by_name["farewell"]["state"] == "orphan"
    assert by_name["newcomer"] == {
        "unit": "newcomer",
        "digest": None,
        "revision": None,
        "commit": None,
        "since": None,
        "state": "missing",
        "in_git": "missing",
        "corrupt": "",
        "astray": [],
        "held": [],
        "way_back": None,
    }
    line = next(line for line in deployed.here(*STATUS).out.splitlines() if "newcomer" in line)
    assert line.split() == ["newcomer", "-", "-", "-", "-", "missing"]


def test_a_unit_that_is_invalid_in_git_is_said_to_be(deployed: Project) -> None:
    deployed.says("greeter", "{{ gest }}")
    assert states(deployed)["greeter"] == "invalid"


def test_without_a_repository_a_unit_is_live(deployed: Project, empty_folder: Project) -> None:
    empty_folder.write("promptops.yaml", (deployed.root / "promptops.yaml").read_text("utf-8"))
    done = empty_folder.here(*STATUS, "--json")
    assert done.code == 0
    assert {unit["state"] for unit in done.json["units"]} == {"live"}
    assert done.err == (
        f"warning: not compared with git: {empty_folder.root} is not in a git repository\n"
    )


def test_a_dirty_deployment_has_no_commit(git_project: Project) -> None:
    git_project.here("deploy", "--all", "--env", "local", "--dirty")
    done = git_project.here("status", "--env", "local", "--json")
    assert {unit["commit"] for unit in done.json["units"]} == {None}
    assert {unit["state"] for unit in done.json["units"]} == {"in sync"}


@everywhere
def test_an_environment_that_was_never_held(
    git_project: Project, store_url: str, contents: Contents
) -> None:
    done = git_project.run(*STATUS, "--json")
    assert done.code == 0
    assert (done.json["epoch"], done.json["revision"]) == (None, None)
    assert {unit["state"] for unit in done.json["units"]} == {"missing"}
    shown = store_url.partition("?")[0]
    said = git_project.here(*STATUS)
    message, hint = said.out.splitlines()
    assert (said.code, message) == (0, f"{shown} does not hold an environment 'production'")
    assert hint.startswith("  if it never did: check the store's URL and the name, or promptops ")
    assert contents() in (None, {})


def test_an_environment_is_compared_with_its_own_overlay(
    git_project: Project, store_url: str, opened: Opener
) -> None:
    git_project.deploy(opened(store_url, "staging"))
    done = git_project.here("status", "--store", store_url, "--env", "staging", "--json")
    assert {unit["state"] for unit in done.json["units"]} == {"in sync"}


@on_redis
def test_the_clients_that_are_there_are_counted(
    deployed: Project, three_apps: list[App], store: Store
) -> None:
    assert deployed.run(*STATUS, "--json").json["clients"] == {"present": 3, "current": 3}
    assert deployed.here(*STATUS).out.endswith("3 of 3 clients serve it\n")


@on_redis
def test_a_client_that_hangs_is_present_and_not_current(
    deployed: Project, three_apps: list[App], store: Store
) -> None:
    three_apps[0].stop()
    deployed.says("greeter", "Good evening.")
    deployed.run("deploy", "greeter", "--env", "production", "--wait=0.5")
    assert deployed.run(*STATUS, "--json").json["clients"] == {"present": 3, "current": 2}


def test_a_drill_of_long_ago_is_warned_of(deployed: Project, store: Store) -> None:
    facts: dict[str, Any] = {
        "at": AT,
        "actor": "Ada",
        "version": "0.1.0",
        "clients": 20,
        "units": 2,
    }
    facts |= {"forward_seconds": 0.4, "back_seconds": 0.43, "slowest": 0.1, "confirmed": 20}
    now = datetime.now(UTC)
    for days, warned in ((89, False), (91, True)):
        facts["at"] = (now - timedelta(days=days, minutes=1)).isoformat()
        store.keep_report("~drill", json.dumps(facts))
        done = deployed.here(*STATUS)
        assert f"\nlast drill: {days} days ago, 20 of 20 clients, back in 0.43 s\n" in done.out
        warning = f"the last drill is {days} days old"
        way_out = "promptops rehearse --drill --env production"
        assert done.err == (f"warning: {warning}: {way_out}\n" if warned else "")
        drill = deployed.here(*STATUS, "--json").json["drill"]
        assert drill == {"last": facts, "warning": warning if warned else ""}


def test_a_record_that_nobody_of_ours_wrote_stops_no_status(
    deployed: Project, store: Store
) -> None:
    store.keep_report("~drill", "gibberish")
    assert deployed.here(*STATUS, "--json").json["drill"] == {"last": None, "warning": ""}
