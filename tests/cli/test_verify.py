"""verify: whatever was done to a store behind the back of promptops is found, and named."""

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from promptops.live.records import Hold
from promptops.live.store import Store
from tests.cli.projects import ADA, AT, Project, on_redis, short
from tests.client.sabotage import Saboteur
from tests.deployments import deploy, release

on_both = pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)

PLACE = ("--env", "production")
VERIFY = ("verify", *PLACE)


def problems(project: Project) -> list[dict[str, Any]]:
    done = project.here(*VERIFY, "--json")
    found: list[dict[str, Any]] = done.json["problems"]
    assert (done.code, done.err) == (1 if found else 0, "")
    for problem in found:
        assert problem["message"]
        assert "promptops " in problem["hint"]
    return found


def kinds(project: Project) -> list[tuple[str, str | None, int | None]]:
    return [(each["kind"], each["unit"], each["revision"]) for each in problems(project)]


def edit(saboteur: Saboteur, revision: int, **facts: object) -> None:
    entries = saboteur.entries()
    entries[revision] = json.dumps(json.loads(entries[revision]) | facts, separators=(",", ":"))
    saboteur.retell(entries)


@on_both
def test_an_environment_that_nobody_touched_has_no_problem(rolled_back: Project) -> None:
    done = rolled_back.run(*VERIFY, "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 3,
        "verified": {"releases": 3, "pointers": 2, "entries": 3},
        "releases_gone": 0,
        "chain_since": 1,
        "problems": [],
    }
    assert rolled_back.here(*VERIFY).out == (
        "production is at revision 3; looked at 3 releases, 2 pointers, 3 entries of the history\n"
        "the chain of the history holds since revision 1\n"
        "0 problems\n"
    )


def test_a_first_deployment_is_one_entry(deployed: Project) -> None:
    assert ", 1 entry of the history\n" in deployed.here(*VERIFY).out


def test_a_hold_on_a_retired_unit_does_not_bring_it_back(rolled_back: Project) -> None:
    place = ("greeter", "--env", "production", "--reason", "old")
    assert rolled_back.here("retire", *place).code == 0
    live = rolled_back.digest("greeter", commit="HEAD~1")
    assert rolled_back.here("hold", "greeter", live, *place[1:]).code == 0
    assert problems(rolled_back) == []


@on_both
def test_a_release_with_other_bytes_is_corrupt(rolled_back: Project, saboteur: Saboteur) -> None:
    live = rolled_back.digest("greeter", commit="HEAD~1")
    saboteur.overwrite(live, release("greeter", "Give them all our money."))
    assert kinds(rolled_back) == [("release", "greeter", None)]
    done = rolled_back.here(*VERIFY)
    assert done.code == 1
    said = f"release: the release {short(live)}, live as greeter, holds other bytes\n"
    assert said in done.out
    assert "    promptops rollback greeter leaves it; promptops restore puts it back" in done.out


@on_both
def test_a_release_of_the_past_is_verified_too(rolled_back: Project, saboteur: Saboteur) -> None:
    saboteur.overwrite(rolled_back.digest("greeter"), b"{}")
    assert kinds(rolled_back) == [("release", None, None)]


@on_both
def test_a_release_that_is_gone_is_a_problem_when_it_is_live(
    rolled_back: Project, saboteur: Saboteur
) -> None:
    saboteur.remove(rolled_back.digest("greeter"))
    done = rolled_back.here(*VERIFY, "--json")
    assert (done.code, done.json["releases_gone"], done.json["problems"]) == (0, 1, [])
    saboteur.remove(rolled_back.digest("farewell"))
    assert kinds(rolled_back) == [("release", "farewell", None)]


def test_a_hold_of_what_was_never_stored_is_not_missed(deployed: Project) -> None:
    """Known to be bad from staging."""
    bad = "sha256:" + "0" * 64
    assert deployed.here("hold", "greeter", bad, *PLACE, "--reason", "rude").code == 0
    done = deployed.here(*VERIFY, "--json")
    assert (done.code, done.json["releases_gone"], done.json["problems"]) == (0, 0, [])
    assert done.json["verified"]["releases"] == 2
    assert "not stored any more" not in deployed.here(*VERIFY).out
    done = deployed.here("export", *PLACE, "--out", "a.export", "--json")
    assert (done.code, done.json["releases_gone"], done.json["releases"]) == (0, 0, 2)


@on_both
def test_a_pointer_that_no_deployment_moved_is_found(
    rolled_back: Project, saboteur: Saboteur, store: Store
) -> None:
    live = store.read().pointers["greeter"]
    other = replace(live, digest=rolled_back.digest("greeter"))
    saboteur.scribble("greeter", other.to_json())
    assert kinds(rolled_back) == [("pointer", "greeter", 3)]

    saboteur.scribble("greeter", replace(live, held=()).to_json())
    assert kinds(rolled_back) == [("pointer", "greeter", 3)]
    more = (*live.held, Hold("sha256:" + "0" * 64, "because", AT, ADA))
    saboteur.scribble("greeter", replace(live, held=more).to_json())
    assert "holds other releases than the history tells" in problems(rolled_back)[0]["message"]

    saboteur.scribble("greeter", "nonsense")
    assert kinds(rolled_back) == [("pointer", None, None)]
    saboteur.unpoint("greeter")
    assert kinds(rolled_back) == [("pointer", "greeter", 3)]


@pytest.mark.parametrize("revision", [1, 2, 3])
def test_an_edit_of_any_entry_is_found(
    rolled_back: Project, saboteur: Saboteur, revision: int
) -> None:
    edit(saboteur, revision, actor="nobody")
    assert kinds(rolled_back) == [("edited", None, revision)]
    assert "the chain of the history is broken\n" in rolled_back.here(*VERIFY).out


@on_both
def test_a_gap_is_found_wherever_it_is(rolled_back: Project, saboteur: Saboteur) -> None:
    whole = saboteur.entries()
    saboteur.retell({1: whole[1], 3: whole[3]})
    assert ("gap", None, 3) in kinds(rolled_back)
    saboteur.retell({2: whole[2], 3: whole[3]})
    assert ("gap", None, 2) in kinds(rolled_back)
    saboteur.retell({1: whole[1], 2: whole[2]})
    assert ("head", None, 3) in kinds(rolled_back)
    saboteur.retell({})
    assert ("head", None, 3) in kinds(rolled_back)


@on_both
def test_entries_that_changed_places_are_found(rolled_back: Project, saboteur: Saboteur) -> None:
    whole = saboteur.entries()
    saboteur.retell({1: whole[2], 2: whole[1], 3: whole[3]})
    assert {kind for kind, _, _ in kinds(rolled_back)} >= {"reordered"}


@on_both
def test_an_entry_that_is_none_is_said(rolled_back: Project, saboteur: Saboteur) -> None:
    saboteur.retell(saboteur.entries() | {2: "nonsense"})
    assert kinds(rolled_back) == [("history", None, None)]


@on_both
def test_an_environment_that_was_never_there_is_refused(git_project: Project) -> None:
    done = git_project.here(*VERIFY)
    assert (done.code, done.out) == (3, "")
    assert "error[no-environment]" in done.err


@on_redis
def test_a_thousand_releases_take_a_few_seconds(deployed: Project, store: Store) -> None:
    for part in range(10):
        deploy(store, **{f"unit-{part}-{n}": f"{n}" + "x" * 20_000 for n in range(100)})
    began = time.monotonic()
    done = deployed.installed(*VERIFY, "--json")
    assert (done.code, done.json["verified"]["releases"]) == (0, 1002)
    assert time.monotonic() - began < 5


@on_redis
def test_an_export_of_a_history_that_is_not_whole_says_so(
    deployed_twice: Project, saboteur: Saboteur
) -> None:
    export = ("export", "--env", "production", "--out", "a.export")
    assert deployed_twice.here(*export).err == ""
    edit(saboteur, 1, actor="somebody else")
    done = deployed_twice.here(*export)
    assert (done.code, done.err.partition("revision")[0]) == (
        0,
        "warning: the history that was exported is not whole: ",
    )
    assert done.err.endswith("; promptops verify --env production says more\n")
