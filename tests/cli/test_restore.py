"""export and restore: an environment that a store lost is rebuilt, and clients follow it."""

import re
import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from promptops.live.records import Freeze, Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import ADA, AT, Ended, Project, on_redis
from tests.client.sabotage import Saboteur
from tests.conftest import Opener
from tests.deployments import deploy, release
from tests.servers import Server

Contents = Callable[[], object]

PLACE = ("--env", "production")
EXPORT = ("export", *PLACE, "--out", "a.export")
RESTORE = ("restore", *PLACE, "--from", "a.export")
FROM_GIT = ("restore", *PLACE, "--from-git")

on_both = pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)


@pytest.fixture
def exported(rolled_back: Project) -> Project:
    """a.export has revision 3, at which greeter holds a release."""
    assert rolled_back.here(*EXPORT).code == 0
    return rolled_back


def verified(project: Project) -> bool:
    return project.here("verify", *PLACE).code == 0


def code_and_word(done: Ended) -> tuple[int, str]:
    return done.code, done.err.partition("error[")[2].partition("]")[0]


@on_both
def test_a_commit_goes_through_no_freeze(
    deployed: Project, store: Store, contents: Contents
) -> None:
    deployed.says("greeter", "Good day.")
    assert deployed.here("freeze", *PLACE, "--reason", "launch").code == 0
    before = contents()
    for forced in ((), ("--force",), ("--dry-run",)):
        done = deployed.here(*FROM_GIT, "HEAD", "--yes", *forced)
        assert code_and_word(done) == (3, "frozen")
        assert contents() == before
    assert deployed.here("unfreeze", *PLACE).code == 0
    assert deployed.here(*FROM_GIT, "HEAD", "--yes").code == 0
    assert store.read().pointers["greeter"].digest == deployed.digest("greeter")


@on_both
def test_what_was_wiped_comes_back_as_it_was_in_a_higher_epoch(
    exported: Project, store: Store, saboteur: Saboteur
) -> None:
    before, history = store.read(), store.history()
    releases = {digest: store.release(digest) for digest in store.releases()}
    saboteur.wipe()
    done = exported.run(*RESTORE, "--json")
    assert (done.code, done.err) == (0, "stored 3 releases\n")
    assert {name: done.json[name] for name in ("epoch", "revision", "action", "changes")} == {
        "epoch": 2,
        "revision": 4,
        "action": "restore",
        "changes": [],
    }
    assert (store.read().head, store.read().pointers) == (Head(2, 4), before.pointers)
    assert {digest: store.release(digest) for digest in store.releases()} == releases
    assert store.history()[1:] == history
    assert [each.link for each in store.history()[1:]] == [each.link for each in history]
    assert verified(exported)
    exported.says("greeter", "Good day.")
    assert exported.here("deploy", "--all", *PLACE).code == 0
    assert (store.read().head, verified(exported)) == (Head(2, 5), True)


@on_both
def test_a_freeze_comes_back_too(deployed: Project, store: Store, saboteur: Saboteur) -> None:
    state = store.read()
    assert state.head is not None
    freeze = Freeze("launch", AT, ADA)
    (entry,) = store.history()
    store.restore(state.head, state.head, state.pointers, [entry], freeze.to_json())
    assert deployed.here(*EXPORT).code == 0
    saboteur.wipe()
    assert deployed.here(*RESTORE).code == 0
    assert store.read().freeze == freeze


@on_both
def test_git_is_enough_where_there_is_no_export(
    rolled_back: Project, store: Store, saboteur: Saboteur
) -> None:
    saboteur.wipe()
    done = rolled_back.run(*FROM_GIT, "HEAD", "--json")
    assert done.code == 0, done.err
    assert {each["unit"] for each in done.json["changes"]} == {"greeter", "farewell"}
    live = store.read().pointers
    assert {unit: live[unit].digest for unit in live} == {
        unit: rolled_back.digest(unit) for unit in ("greeter", "farewell")
    }
    assert live["greeter"].commit == rolled_back.head
    assert (store.read().head or Head(0, 0)).epoch > 1_000_000, "nobody knew the last one"
    assert len(store.history()) == 1
    assert verified(rolled_back)


def test_from_git_what_is_held_stays_out_and_holds_stay(
    rolled_back: Project, store: Store, saboteur: Saboteur
) -> None:
    before = store.read().pointers
    saboteur.unpoint("farewell")
    done = rolled_back.here(*FROM_GIT, "HEAD", "--yes", "--json")
    assert done.code == 0, done.err
    assert [each["unit"] for each in done.json["skipped"]] == ["greeter"]
    assert store.read().pointers["greeter"] == before["greeter"]
    assert store.read().pointers["farewell"].digest == before["farewell"].digest
    assert (store.read().head, verified(rolled_back)) == (Head(2, 4), True)


def test_from_git_an_older_commit_than_what_is_live_is_refused(
    deployed_twice: Project, contents: Contents
) -> None:
    before = contents()
    assert code_and_word(deployed_twice.here(*FROM_GIT, "HEAD~1", "--yes")) == (3, "newer")
    assert contents() == before
    assert deployed_twice.here(*FROM_GIT, "HEAD~1", "--yes", "--force").code == 0
    assert verified(deployed_twice)


@on_both
@pytest.mark.parametrize("command", [["status"], ["rollback", "greeter"]])
def test_damage_is_mended_by_a_restore(
    exported: Project, store: Store, saboteur: Saboteur, command: list[str]
) -> None:
    live = store.read().pointers
    saboteur.overwrite(live["greeter"].digest, b"{}")
    saboteur.remove(live["farewell"].digest)
    saboteur.scribble("greeter", "nonsense")
    done = exported.here(*RESTORE, "--yes")
    assert done.code == 0, done.err
    assert "warning: damaged, and rebuilt by this: the pointer of greeter is not" in done.err
    assert (store.read().pointers, verified(exported)) == (live, True)

    saboteur.scribble("greeter", "nonsense")
    refused = exported.here(*command, *PLACE)
    restore = re.search(r"promptops (restore --from-git HEAD --env production) wri", refused.err)
    assert (refused.code, refused.err.count("--env production")) == (4, 2)
    assert restore is not None, refused.err
    assert exported.here(*shlex.split(restore[1]), "--yes").code == 0
    held = store.read().pointers["greeter"].held
    assert [hold.digest for hold in held] == [exported.digest("greeter")], "the history told it"
    assert verified(exported)


@on_both
def test_an_environment_that_lost_its_head_is_rebuilt_from_its_history(
    exported: Project, store: Store, saboteur: Saboteur
) -> None:
    live = store.read().pointers
    saboteur.behead()
    assert exported.here(*FROM_GIT, "HEAD", "--yes").code == 0
    head = store.read().head or Head(0, 0)
    assert (head.revision, head.epoch > 1_000_000, verified(exported)) == (4, True, True)
    assert {unit: store.read().pointers[unit].digest for unit in live} == {
        unit: pointer.digest for unit, pointer in live.items()
    }


@on_both
def test_a_history_that_cannot_be_read_is_not_lost_by_the_way(
    exported: Project, contents: Contents, saboteur: Saboteur
) -> None:
    saboteur.retell(saboteur.entries() | {2: "nonsense"})
    before = contents()
    for source in (RESTORE, (*FROM_GIT, "HEAD")):
        assert code_and_word(exported.here(*source, "--yes")) == (3, "newer")
    assert contents() == before
    assert exported.here(*RESTORE, "--yes", "--force").code == 0
    assert verified(exported)


@on_both
def test_a_dry_run_changes_nothing(exported: Project, contents: Contents) -> None:
    before = contents()
    done = exported.here(*RESTORE, "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "production: revision 3, epoch 1 becomes revision 4, epoch 2, with 2 units, 3 releases and "
        "4 entries of the history\n"
    )
    assert exported.here(*RESTORE, "--dry-run", "--json").json["revision"] == 4
    assert contents() == before


def test_a_dry_run_counts_what_the_run_counts(exported: Project, saboteur: Saboteur) -> None:
    names = ("revision", "releases", "entries", "lost", "skipped")
    for wiped in (False, True):
        for source in (RESTORE, (*FROM_GIT, "HEAD")):
            if wiped:
                saboteur.wipe()
            told, done = (
                exported.here(*source, how, "--force", "--json").json
                for how in ("--dry-run", "--yes")
            )
            assert {name: told[name] for name in names} == {name: done[name] for name in names}


def test_what_is_there_is_replaced_when_somebody_says_so(
    exported: Project, contents: Contents
) -> None:
    before = contents()
    assert code_and_word(exported.run(*RESTORE)) == (3, "confirmation-needed")
    assert contents() == before
    assert exported.run(*RESTORE, "--yes").code == 0


@on_both
def test_deployments_that_an_export_does_not_know_are_not_lost(
    exported: Project, contents: Contents, store: Store
) -> None:
    exported.says("greeter", "Good day.")
    exported.deploy(store, "greeter")
    before = contents()
    done = exported.here(*RESTORE, "--yes")
    assert code_and_word(done) == (3, "newer")
    assert "production has 1 deployment that a.export does not know; the last is revision 4" in (
        done.err
    )
    assert contents() == before
    assert exported.here(*RESTORE, "--yes", "--force").code == 0
    assert (store.read().head, len(store.history())) == (Head(2, 5), 4)
    assert verified(exported), "the revision that was lost is left out, and said"


@on_both
def test_the_same_operation_again_is_done_once(
    exported: Project, contents: Contents, saboteur: Saboteur
) -> None:
    saboteur.wipe()
    for source in (
        (*RESTORE, "--operation", "a"),
        (*FROM_GIT, "HEAD", "--yes", "--operation", "b"),
    ):
        first = exported.here(*source, "--json").json
        before = contents()
        again = exported.here(*source, "--json")
        assert (again.code, again.json["repeated"]) == (0, True)
        assert again.json["revision"] == first["revision"]
        assert contents() == before
    other = exported.here(*RESTORE, "--operation", "b", "--yes")
    assert code_and_word(other) == (3, "operation-reused")


def test_an_epoch_is_above_what_clients_know(exported: Project, saboteur: Saboteur) -> None:
    saboteur.wipe()
    assert code_and_word(exported.here(*RESTORE, "--epoch", "1")) == (3, "epoch")
    assert exported.here(*RESTORE, "--epoch", "7", "--json").json["epoch"] == 7


def test_an_export_of_another_environment_is_refused(exported: Project, store_url: str) -> None:
    place = ("--store", store_url, "--env", "staging")
    done = exported.here("restore", *place, "--from", "a.export")
    assert code_and_word(done) == (3, "other-environment")


def test_any_damage_of_an_export_is_found(
    exported: Project, contents: Contents, saboteur: Saboteur
) -> None:
    file = exported.root / "a.export"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    saboteur.wipe()
    before = contents()
    damaged = {
        "empty": b"",
        "not ours": b"{}\n",
        "cut": whole[: len(whole) // 2],
        "without its end": b"".join(lines[:-1]),
    }
    for number, line in enumerate(lines):
        middle = len(line) // 2
        flipped = line[:middle] + bytes([line[middle] ^ 1]) + line[middle + 1 :]
        damaged[f"flipped in {number}"] = b"".join([*lines[:number], flipped, *lines[number + 1 :]])
        damaged[f"without {number}"] = b"".join([*lines[:number], *lines[number + 1 :]])
        damaged[f"twice {number}"] = b"".join([*lines[:number], line, *lines[number:]])
    del damaged[f"twice {len(lines) - 1}"]  # what follows the end is not read
    for how, data in damaged.items():
        file.write_bytes(data)
        done = exported.here(*RESTORE)
        assert (done.code, done.out) == (2, ""), how
        assert contents() == before, how
    file.write_bytes(whole)
    assert exported.here(*RESTORE).code == 0


@on_both
def test_a_store_with_a_damaged_release_that_is_live_is_not_exported(
    rolled_back: Project, saboteur: Saboteur
) -> None:
    saboteur.remove(rolled_back.digest("greeter"))
    done = rolled_back.here(*EXPORT, "--json")
    assert (done.code, done.json["releases_gone"]) == (0, 1), "nothing points to it"
    (rolled_back.root / "a.export").unlink()
    saboteur.overwrite(rolled_back.digest("farewell"), release("farewell", "Give money."))
    done = rolled_back.here(*EXPORT)
    assert (done.code, done.out) == (1, "")
    assert "live as farewell, is missing or damaged; nothing was exported" in done.err
    assert [file.name for file in rolled_back.root.glob("*.export")] == []
    assert list(rolled_back.root.glob(".*.tmp")) == []


@pytest.fixture
def followers(redis_server: Server) -> Iterator[Callable[[Store], list[App]]]:
    apps: list[App] = []

    def start(store: Store) -> list[App]:
        apps.extend(App(redis_server.url, f"app-{number}") for number in range(3))
        for app in apps:
            app.wait_until_present(store)
        return apps

    yield start
    for app in apps:
        app.end()


def assert_followed(store: Store, since: float) -> None:
    """By the three apps, within five seconds."""
    head = store.read().head
    while sum(client.head == head and not client.error for client in store.clients()) < 3:
        assert time.monotonic() - since < 5
        time.sleep(0.05)


@on_redis
def test_a_wiped_redis_with_a_thousand_releases_is_back_and_followed_in_seconds(
    git_project: Project,
    redis_server: Server,
    opened: Opener,
    followers: Callable[[Store], list[App]],
    tmp_path: Path,
) -> None:
    store = opened(redis_server.url)
    for part in range(10):
        deploy(store, **{f"unit-{part}-{n}": f"{part} {n} " + "x" * 20_000 for n in range(100)})
    place = ("--store", redis_server.url, "--env", "production")
    file = str(tmp_path / "whole.export")
    assert git_project.run("export", *place, "--out", file).code == 0
    live = store.read().pointers
    followers(store)
    redis_server.ask("FLUSHALL")

    began = time.monotonic()
    done = git_project.installed("restore", *place, "--from", file, "--json")
    assert (done.code, time.monotonic() - began < 10) == (0, True), done.err
    restored = time.monotonic()
    assert (store.read().head, store.read().pointers) == (Head(2, 11), live)
    assert set(store.releases()) == {pointer.digest for pointer in live.values()}
    assert_followed(store, restored)


@on_redis
def test_clients_that_serve_on_after_a_wipe_follow_within_five_seconds(
    exported: Project,
    redis_server: Server,
    opened: Opener,
    followers: Callable[[Store], list[App]],
) -> None:
    place = ("--store", redis_server.url, "--env", "production")
    assert exported.here("restore", *place, "--from", "a.export").code == 0
    store = opened(redis_server.url)
    followers(store)
    assert exported.here("export", *place, "--out", "b.export").code == 0
    redis_server.ask("FLUSHALL")
    for command in (("--from", "b.export"), ("--from-git", "HEAD~1")):
        redis_server.ask("FLUSHALL")
        began = time.monotonic()
        done = exported.installed("restore", *place, *command)
        assert done.code == 0, done.err
        assert_followed(store, began)
