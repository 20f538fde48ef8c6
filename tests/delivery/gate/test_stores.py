"""Stores are read, in every state, and never written."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from promptops.errors import StoreCorrupt, StoreUnreachable
from promptops.live.store import Store
from tests.cli.projects import Project
from tests.conftest import Opener
from tests.delivery.gate.judging import drift, judged, one_backend, only, planned
from tests.servers import Server, free_port

Contents = Callable[[], object]


def test_in_an_environment_that_was_never_held_everything_is_new(
    project: Project, store: Store
) -> None:
    project.says("greeter", "Good evening.")
    found = judged(project, store)
    made = only(found).plan
    assert made is not None
    assert (found.verdict, made.head, len(made.units)) == ("pass", None, 2)
    assert (drift(found), only(found).held) == ({}, ())


def test_nothing_is_written(
    rolled_back: Project, store: Store, store_url: str, opened: Opener, contents: Contents
) -> None:
    rolled_back.says("greeter", "Good day.")
    before = contents()
    assert before
    judged(rolled_back, store, opened(store_url, "staging"))
    rolled_back.says("greeter", "{{ gest }}")
    judged(rolled_back, store)
    assert contents() == before


def test_a_file_that_is_not_there_is_not_made(
    project: Project, tmp_path: Path, opened: Opener
) -> None:
    judged(project, opened(f"sqlite:///{tmp_path}/elsewhere/new.db"))
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("backend", ["valkey"], indirect=True)
def test_a_user_who_may_only_read_is_enough(
    rolled_back: Project,
    store_url: str,
    opened: Opener,
    shared_servers: Callable[[str], Server],
) -> None:
    server, name = shared_servers("valkey"), store_url.rpartition("=")[2]
    rules = (f"%R~{{{name}:*", "-@all", "+@read", "+@connection", "+eval_ro", "+evalsha_ro")
    server.ask("ACL", "SETUSER", name, "reset", "on", ">secret", *rules)
    rolled_back.says("greeter", "Good day.")
    try:
        reader = opened(store_url.replace("redis://", f"redis://{name}:secret@"))
        found = judged(rolled_back, reader)
    finally:
        server.ask("ACL", "DELUSER", name)
    assert (found.verdict, planned(found)) == ("pass", ["greeter"])


@one_backend
def test_a_store_that_does_not_answer_leaves_the_others_their_verdict(
    deployed: Project, store: Store, opened: Opener
) -> None:
    deployed.says("greeter", "Good evening.")
    gone = opened(f"redis://127.0.0.1:{free_port()}/0", "staging")
    found = judged(deployed, gone, store)
    staging, production = found.environments
    assert isinstance(staging.error, StoreUnreachable)
    assert (staging.plan, [unit.unit for unit in staging.changes]) == (None, ["greeter"])
    assert [found.verdict_in(item) for item in found.environments] == ["fail", "pass"]
    assert found.verdict == "fail"
    assert production.plan is not None


@one_backend
def test_a_store_that_lost_what_is_live_cannot_be_planned_for(
    deployed: Project, store: Store, store_url: str
) -> None:
    deployed.says("greeter", "Good evening.")
    with closing(sqlite3.connect(store_url.removeprefix("sqlite:///"))) as db, db:
        db.execute("DELETE FROM releases")
    assert isinstance(only(judged(deployed, store)).error, StoreCorrupt)
