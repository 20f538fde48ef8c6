"""What only a file can do to us: another's lock, a full disk, a crash of the one who writes."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from promptops.errors import StoreCorrupt, StoreUnreachable
from promptops.live.records import Head
from promptops.live.sqlite import SqliteStore
from promptops.live.store import Timeouts
from promptops.manifest.digest import digest_of
from promptops.manifest.release import MAX_BYTES
from tests.conftest import Opener
from tests.deployments import deploy, deploy_times, digest, release
from tests.live import actors

IMPATIENT = Timeouts(connect=0.2, answer=0.2)


@pytest.fixture
def file(tmp_path: Path, opened: Opener) -> Path:
    """greeter says Hello."""
    deploy(opened(f"sqlite:///{tmp_path}/store.db"), greeter="Hello")
    return tmp_path / "store.db"


@pytest.fixture
def locked(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program is in the middle of writing, and does not end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield db


def test_readers_never_wait_for_a_writer(
    file: Path, locked: sqlite3.Connection, opened: Opener
) -> None:
    store = opened(f"sqlite:///{file}", timeouts=IMPATIENT)
    assert store.read().head == Head(1, 1)
    assert store.release(digest("greeter", "Hello")) == release("greeter", "Hello")
    assert len(store.history()) == 1


def test_a_writer_waits_for_another_and_gives_up_in_time(
    file: Path, locked: sqlite3.Connection, opened: Opener
) -> None:
    store = opened(f"sqlite:///{file}", timeouts=IMPATIENT)
    start = time.monotonic()
    with pytest.raises(StoreUnreachable, match="cannot be used: database is locked"):
        store.put(b"{}")
    assert 0.1 < time.monotonic() - start < 1
    locked.execute("ROLLBACK")
    assert deploy(store, greeter="Hi") == Head(1, 2)


def test_a_reader_at_the_birth_of_a_store_sees_nothing_or_everything(
    tmp_path: Path, processes: ProcessPoolExecutor, opened: Opener
) -> None:
    for number in range(20):
        url = f"sqlite:///{tmp_path}/{number}.db"
        readers = [processes.submit(actors.watch, url, 1, incremental=False) for _ in range(4)]
        deploy(opened(url), greeter="Hello")
        for each in readers:
            _, mixed = each.result(timeout=20)
            assert mixed == 0


def test_a_full_disk_changes_nothing_and_is_said(file: Path, opened: Opener) -> None:
    store = opened(f"sqlite:///{file}")
    assert isinstance(store, SqliteStore)
    store.read()
    db = store._file._connection
    assert db is not None
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnreachable) as full:
        store.put(b"x" * MAX_BYTES)
    assert full.value.message == f"sqlite:///{file} cannot be used: database or disk is full"
    assert full.value.hint == "check the path, its permissions and the free space on that disk"
    assert store.release(digest_of(b"x" * MAX_BYTES)) is None

    db.execute(f"PRAGMA max_page_count = {pages + 10_000}")
    assert deploy(store, greeter="Hi") == Head(1, 2)


def test_an_oversize_release_is_refused_without_being_loaded(
    file: Path, processes: ProcessPoolExecutor
) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE releases SET data = zeroblob(?)", (64 * MAX_BYTES,))
    outcome, grown = processes.submit(
        actors.memory_to_read, f"sqlite:///{file}", digest("greeter", "Hello")
    ).result(timeout=20)
    assert "has 67108864 bytes, over 1048576" in outcome
    assert grown < 16 * MAX_BYTES


def test_the_file_holds_several_environments(file: Path, opened: Opener) -> None:
    staging = opened(f"sqlite:///{file}", "staging")
    assert staging.read().head is None
    deploy_times(staging, 2)
    assert opened(f"sqlite:///{file}").read().head == Head(1, 1)
    assert opened(f"sqlite:///{file}", "staging").read().head == Head(1, 2)


def test_a_store_whose_file_was_deleted_is_empty_and_may_begin_anew(
    file: Path, opened: Opener
) -> None:
    store, other = opened(f"sqlite:///{file}"), opened(f"sqlite:///{file}")
    assert store.read() == other.read()
    with closing(store.listen()) as listener:
        while listener.wait(0.05):
            pass
        for left in file.parent.glob("store.db*"):
            left.unlink()
        assert store.read().head is None
        assert store.history() == []
        deploy(other, greeter="Hi")
        assert listener.wait(5)
    assert store.read().head == Head(1, 1)
    assert store.read().pointers["greeter"].digest == digest("greeter", "Hi")


def test_a_file_whose_name_is_odd(tmp_path: Path, opened: Opener) -> None:
    url = f"sqlite:///{tmp_path}/my%20store%3F%23%25.db"
    deploy(opened(url), greeter="Hello")
    assert opened(url).read().head == Head(1, 1)
    assert (tmp_path / "my store?#%.db").exists()


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_what_a_thread_left_that_died_in_a_transaction_keeps_nobody_out(
    file: Path, opened: Opener, begin: str
) -> None:
    store, other = opened(f"sqlite:///{file}"), opened(f"sqlite:///{file}")
    assert isinstance(other, SqliteStore)
    uses: list[Callable[[], object]] = [other.read, other.seal, lambda: other.put(b"{}")]
    for number, use in enumerate(uses):
        other.read()
        connection = other._file._connection
        assert connection is not None
        connection.execute(begin)
        use()
        assert deploy(store, greeter=str(number)) == Head(1, number + 2)


def test_what_is_written_over_the_file_is_seen_by_who_has_it_open(
    file: Path, opened: Opener
) -> None:
    store = opened(f"sqlite:///{file}")
    assert store.read().head == Head(1, 1)
    file.write_bytes(os.urandom(3000))
    with pytest.raises(StoreCorrupt, match="did not write"):
        store.read()
