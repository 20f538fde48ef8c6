"""Two people deploy at once: both learn the truth, and nothing is lost."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from promptops.live.address import parse_address
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Ended, Project, end_of, on_redis, short
from tests.cli.proxy import Proxy


@pytest.fixture
def proxy(deployed: Project, store_url: str) -> Iterator[Proxy]:
    """Between promptops and the server of the store."""
    address = parse_address(store_url)
    proxy = Proxy(address.port)
    deployed.variables["PRODUCTION_STORE"] = (
        f"redis://127.0.0.1:{proxy.port}/0?ns={address.namespace}"
    )
    yield proxy
    proxy.close()


@on_redis
def test_of_two_deploys_of_a_unit_one_wins_and_the_other_is_told_who(
    deployed: Project, proxy: Proxy, store: Store, store_url: str
) -> None:
    commit = deployed.says("greeter", "Good evening.")
    rival = deployed.says("greeter", "Good night.")
    direct = {"PRODUCTION_STORE": store_url, "GITHUB_ACTOR": "bo"}
    deploy = ("deploy", "greeter", "--env", "production")
    first: list[Ended] = []
    proxy.before_swap = lambda: first.append(deployed.run(*deploy, **direct))
    second = deployed.run(*deploy, "--commit", commit, "--json")
    assert [ended.code for ended in first] == [0]
    message = "bo was faster: revision 2, deploy of greeter"
    hint = (
        "nothing of yours was changed; look at promptops history --env production, then try again"
    )
    assert second.code == 3
    assert second.json["refused"] == {"code": "lost-race", "message": message, "hint": hint}
    assert second.json["revision"] == 2
    assert second.err.endswith(f"error[lost-race]: {message}\n help: {hint}\n")
    assert store.read().pointers["greeter"].commit == rival
    assert [entry.revision for entry in store.history()] == [2, 1]


@on_redis
def test_two_deploys_of_different_units_both_succeed(
    deployed: Project, proxy: Proxy, store: Store, store_url: str
) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.says("farewell", "Bye.")
    first: list[Ended] = []
    proxy.before_swap = lambda: first.append(
        deployed.run("deploy", "farewell", "--env", "production", PRODUCTION_STORE=store_url)
    )
    second = deployed.run("deploy", "greeter", "--env", "production", "--json")
    assert [ended.code for ended in first] == [0]
    assert (second.code, second.json["revision"]) == (0, 3)
    assert [[change.unit for change in entry.changes] for entry in store.history()] == [
        ["greeter"],
        ["farewell"],
        ["farewell", "greeter"],
    ]


@on_redis
def test_the_one_who_changed_the_unit_is_named_not_the_last_one(
    deployed: Project, proxy: Proxy, store_url: str
) -> None:
    commit = deployed.says("greeter", "Good evening.")
    deployed.says("greeter", "Good night.")
    deployed.says("farewell", "Bye.")

    def two_others() -> None:
        for actor, unit in (("bo", "greeter"), ("cy", "farewell")):
            command = ("deploy", unit, "--env", "production")
            deployed.run(*command, GITHUB_ACTOR=actor, PRODUCTION_STORE=store_url)

    proxy.before_swap = two_others
    done = deployed.run("deploy", "greeter", "--env", "production", "--commit", commit, "--json")
    assert (done.code, done.json["revision"]) == (3, 3)
    assert done.json["refused"]["message"] == "bo was faster: revision 2, deploy of greeter"


@on_redis
def test_a_plan_that_was_reviewed_does_not_survive_a_race(
    deployed: Project, proxy: Proxy, store: Store, store_url: str
) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.says("farewell", "Bye.")
    proxy.before_swap = lambda: deployed.run(
        "deploy", "farewell", "--env", "production", PRODUCTION_STORE=store_url
    )
    command = ("deploy", "greeter", "--env", "production", "--expect-revision", "1", "--json")
    done = deployed.run(*command)
    assert (done.code, done.json["refused"]["code"]) == (3, "moved")
    assert store.read().head == Head(1, 2)


@on_redis
@pytest.mark.parametrize("output", ["json", "text"])
def test_a_rollback_wins_the_race_and_says_what_it_displaced(
    deployed: Project, proxy: Proxy, store: Store, store_url: str, output: str
) -> None:
    good = deployed.digest("greeter")
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store, "greeter")
    bad = deployed.digest("greeter")
    deployed.says("greeter", "Good night.")
    newer = deployed.digest("greeter")
    proxy.before_swap = lambda: deployed.run(
        *("deploy", "greeter", "--env", "production"),
        GITHUB_ACTOR="bo",
        PRODUCTION_STORE=store_url,
    )
    done = deployed.run("rollback", "greeter", "--env", "production", "-o", output)
    assert (done.code, done.err) == (0, "")
    if output == "json":
        assert done.json["changes"] == [
            {"unit": "greeter", "from": newer, "to": good, "held": newer},
            {"unit": "greeter", "from": good, "to": good, "held": bad},
        ]
        assert done.json["displaced"] == [
            {"unit": "greeter", "digest": newer, "revision": 3, "action": "deploy", "actor": "bo"}
        ]
    else:
        assert done.out.splitlines() == [
            "production is at revision 4 (rollback)",
            f"  greeter  {short(newer)} → {short(good)}  held: {short(newer)}",
            f"  greeter  held: {short(bad)}",
            f"  displaced {short(newer)} of greeter: revision 3, deploy by bo",
            f"warning: greeter goes back to {short(good)}: it was never rehearsed",
            "  = help: promptops rehearse greeter --env production --target " + short(good),
        ]
    live = store.read().pointers["greeter"]
    assert (live.digest, live.revision) == (good, 4)
    assert {hold.digest for hold in live.held} == {newer, bad}
    # Neither of the two is ever gone back to, and the store is what its history says.
    again = deployed.run("rollback", "greeter", "--env", "production", "--json")
    assert (again.code, again.json["refused"]["code"]) == (3, "no-target")
    assert deployed.run("verify", "--env", "production").code == 0


@on_redis
def test_of_two_rollbacks_to_one_release_the_second_has_nothing_to_do(
    deployed: Project, proxy: Proxy, store: Store, store_url: str
) -> None:
    good = short(deployed.digest("greeter"))
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store, "greeter")
    command = ("rollback", "greeter", "--env", "production")
    proxy.before_swap = lambda: deployed.run(
        *command, GITHUB_ACTOR="bo", PRODUCTION_STORE=store_url
    )
    done = deployed.run(*command)
    assert (done.code, done.out) == (0, "production: nothing to do, revision 3 stays\n")
    assert done.err == (
        f"skipped greeter: {good} is live already: bo was faster, revision 3, rollback\n"
    )
    assert store.read().head == Head(1, 3)


def has_read(process: Popen[str], file: Path) -> bool:
    """Whether a process has the database open, so that writing is what it waits for."""
    try:
        return any(link.resolve() == file for link in Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError:
        return False


def test_of_two_racing_processes_on_sqlite_one_wins(
    deployed: Project, store: Store, store_url: str
) -> None:
    """Both have read revision 1 when the lock is lifted that keeps them from writing."""
    file = Path(parse_address(store_url).path)
    commits = [deployed.says("greeter", text) for text in ("Good evening.", "Good night.")]
    lock = sqlite3.connect(file, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    racers = [
        deployed.start(
            *("deploy", "greeter", "--env", "production", "--commit", commit),
            GITHUB_ACTOR=actor,
        )
        for actor, commit in zip(("bo", "cy"), commits, strict=True)
    ]
    deadline = time.monotonic() + 20
    while not all(has_read(racer, file) for racer in racers):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.3)
    lock.execute("ROLLBACK")
    lock.close()
    ends = [end_of(racer) for racer in racers]
    assert sorted(end.code for end in ends) == [0, 3]
    winner = [end.code for end in ends].index(0)
    loser = ends[1 - winner]
    assert loser.err.splitlines()[-2] == (
        f"error[lost-race]: {('bo', 'cy')[winner]} was faster: revision 2, deploy of greeter"
    )
    assert store.read().pointers["greeter"].commit == commits[winner]
    assert [entry.revision for entry in store.history()] == [2, 1]
