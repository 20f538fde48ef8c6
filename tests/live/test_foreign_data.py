"""Data of somebody else, or made by hand, where a store keeps its own: said, and left alone."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from promptops.errors import StoreCorrupt, StoreError, StoreUnreachable
from promptops.live import moves
from promptops.live.address import parse_address
from promptops.live.presence import Presence
from promptops.live.records import Head, State
from promptops.live.sqlite.file import APPLICATION_ID
from promptops.live.store import Store
from tests.conftest import Opener
from tests.deployments import deploy, deploy_times, digest, intent, release, try_to_deploy
from tests.servers import Server

Contents = Callable[[], object]
Command = tuple[str, ...]

HELLO = digest("greeter", "Hello")
HI = digest("greeter", "Hi")
POINTER = '{"digest":"x"}'

FOREIGN: dict[str, tuple[str, Command]] = {
    "a string for head": ("head", ("SET", "1")),
    "a list for head": ("head", ("RPUSH", "a", "b")),
    "another program's hash for head": ("head", ("HSET", "name", "x")),
    "a head without revision": ("head", ("HSET", "epoch", "1")),
    "a head without epoch": ("head", ("HSET", "revision", "1")),
    "a head in words": ("head", ("HSET", "epoch", "one", "revision", "two")),
    "a head with a fraction": ("head", ("HSET", "epoch", "1", "revision", "1.5")),
    "a head below zero": ("head", ("HSET", "epoch", "1", "revision", "-1")),
    "a head as Python writes it": ("head", ("HSET", "epoch", "1", "revision", "1_000")),
    "a head that is not text": ("head", ("HSET", "epoch", "\x7f", "revision", "٣")),
    "a set for pointers": ("pointers", ("SADD", "a")),
    "a string for pointers": ("pointers", ("SET", "x")),
    "another program's hash for pointers": ("pointers", ("HSET", "user:1", "Ann")),
    "a string for history": ("history", ("SET", "x")),
    "a hash for history": ("history", ("HSET", "a", "b")),
    "another program's stream for history": ("history", ("XADD", "*", "a", "b")),
    "a list for a release": (f"release:{HI}", ("RPUSH", "a")),
    "a hash for a release": (f"release:{HI}", ("HSET", "a", "b")),
}
foreign = pytest.mark.parametrize("what", list(FOREIGN))


def put_foreign(server: Server, url: str, what: str) -> str:
    """In place of what promptops keeps there."""
    name, (command, *arguments) = FOREIGN[what]
    key = f"{{{parse_address(url).namespace}:production}}:{name}"
    server.ask("DEL", key)
    server.ask(command, key, *arguments)
    return key


def dump(server: Server, url: str) -> dict[bytes, bytes]:
    return server.dump(f"{{{parse_address(url).namespace}:*")


@foreign
def test_nothing_is_created_over_what_another_program_keeps_in_redis(
    redis_url: str, shared_server: Server, opened: Opener, what: str
) -> None:
    store = opened(redis_url)
    if not what.endswith("release"):
        store.put(release("greeter", "Hi"))
    put_foreign(shared_server, redis_url, what)
    before = dump(shared_server, redis_url)

    state = State(None)
    proposal = moves.deploy(state, {"greeter": HI}, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    with pytest.raises(StoreCorrupt) as refused:
        store.swap(None, proposal.entry, proposal.pointers)

    assert "production" in str(refused.value)
    assert dump(shared_server, redis_url) == before


@foreign
def test_nothing_is_changed_where_another_program_wrote_into_an_environment_in_redis(
    redis_url: str, shared_server: Server, opened: Opener, what: str
) -> None:
    store = opened(redis_url)
    deploy_times(store, 3)
    put_foreign(shared_server, redis_url, what)
    before = dump(shared_server, redis_url)

    # A deployment reads first, puts the release, and then swaps.
    with pytest.raises(StoreCorrupt) as refused:
        try_to_deploy(store, {"greeter": "Hi"}, store.read().head)

    assert refused.value.hint
    after = dump(shared_server, redis_url)
    assert {key: after[key] for key in before} == before
    assert all(b":release:" in key for key in set(after) - set(before))


# A swap writes the pointers of its own units and does not look at the others.
@pytest.mark.parametrize("what", [what for what in FOREIGN if "hash for pointers" not in what])
def test_a_swap_that_did_not_read_first_changes_nothing_either(
    redis_url: str, shared_server: Server, opened: Opener, what: str
) -> None:
    store = opened(redis_url)
    head = deploy_times(store, 3)
    state = store.read()
    if not what.endswith("release"):
        store.put(release("greeter", "Hi"))
    put_foreign(shared_server, redis_url, what)
    before = dump(shared_server, redis_url)

    proposal = moves.deploy(state, {"greeter": HI}, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    with pytest.raises(StoreCorrupt):
        store.swap(head, proposal.entry, proposal.pointers)

    assert dump(shared_server, redis_url) == before


@foreign
def test_a_reader_says_that_redis_holds_what_promptops_did_not_write(
    redis_url: str, shared_server: Server, opened: Opener, what: str
) -> None:
    store = opened(redis_url)
    head = deploy_times(store, 3)
    key = put_foreign(shared_server, redis_url, what)
    before = dump(shared_server, redis_url)

    if ":release:" in key:
        with pytest.raises(StoreCorrupt, match="a key of this environment"):
            store.release(HI)
    elif "stream" in what:
        with pytest.raises(StoreCorrupt, match="history holds an entry"):
            store.history()
    else:
        for since in (None, Head(head.epoch, head.revision - 1)):
            with pytest.raises(StoreCorrupt):
                store.read(since)
    assert dump(shared_server, redis_url) == before


def test_a_key_of_another_kind_is_named(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    key = put_foreign(shared_server, redis_url, "a list for head")
    with pytest.raises(StoreCorrupt) as refused:
        opened(redis_url).read()
    assert refused.value.message == f"the key {key} holds a list, not what promptops writes"
    assert refused.value.hint == (
        "another program uses this key; nothing was changed. Choose a namespace of your own with "
        "?ns=NAME"
    )


def test_a_reader_behind_a_history_that_was_trimmed_gets_everything(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    store = opened(redis_url)
    deploy(store, farewell="Bye")
    deploy(store, farewell="So long")
    head = deploy_times(store, 5)
    tag = f"{{{parse_address(redis_url).namespace}:production}}"
    shared_server.ask("XTRIM", f"{tag}:history", "MINID", "4-0")
    assert store.read(Head(1, 1)) == store.read()
    assert not store.read(Head(1, head.revision - 1)).whole


def test_a_unit_whose_name_is_not_text_is_no_unit(
    redis_url: str, shared_server: Server, opened: Opener
) -> None:
    store = opened(redis_url)
    deploy(store, greeter="Hello")
    tag = f"{{{parse_address(redis_url).namespace}:production}}"
    shared_server.ask("HSET", f"{tag}:pointers", b"\xff\xfe", POINTER)
    with pytest.raises(StoreCorrupt):
        store.read()


def execute(file: Path, sql: str, *values: object) -> None:
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        db.execute(sql, values)


class ByHand(Protocol):
    """What somebody with write access did to production, in SQL and in a command of Redis."""

    def __call__(self, sql: Command, command: Command) -> None: ...


@pytest.fixture
def by_hand(backend: str, store_url: str, shared_servers: Callable[[str], Server]) -> ByHand:
    address = parse_address(store_url)

    def change(sql: Command, command: Command) -> None:
        if backend == "sqlite":
            execute(Path(address.path), *sql)
        else:
            name, key, *arguments = command
            tag = f"{{{address.namespace}:production}}"
            shared_servers(backend).ask(name, f"{tag}:{key}", *arguments)

    return change


def test_other_bytes_under_a_digest_are_refused_and_kept(
    store: Store, by_hand: ByHand, contents: Contents
) -> None:
    deploy(store, greeter="Hello")
    store.put(release("greeter", "Hi"))
    by_hand(
        ("UPDATE releases SET data = x'00' WHERE digest = ?", HI),
        ("SET", f"release:{HI}", "\0"),
    )
    before = contents()

    with pytest.raises(StoreCorrupt) as refused:
        store.put(release("greeter", "Hi"))

    assert refused.value.message == f"the store holds other bytes under {HI}"
    assert contents() == before


@pytest.mark.parametrize("revision", ["2", "4", "99"])
def test_a_head_that_does_not_belong_to_its_history_is_never_built_upon(
    store: Store, by_hand: ByHand, contents: Contents, revision: str
) -> None:
    deploy_times(store, 3)
    store.put(release("greeter", "Hi"))
    by_hand(
        ("UPDATE head SET revision = ?", revision),
        ("HSET", "head", "revision", revision),
    )
    before = contents()

    with pytest.raises(StoreCorrupt) as refused:
        try_to_deploy(store, {"greeter": "Hi"}, Head(1, int(revision)))

    assert refused.value.message == (
        f"head and history of production do not belong together: the head is at revision "
        f"{revision}, the history ends at 3"
    )
    assert contents() == before


def test_a_head_that_was_removed_is_not_created_anew(
    store: Store, by_hand: ByHand, contents: Contents
) -> None:
    deploy_times(store, 3)
    wanted = {"greeter": store.put(release("greeter", "Hi"))}
    by_hand(("DELETE FROM head",), ("DEL", "head"))
    before = contents()
    proposal = moves.deploy(State(None), wanted, intent(), skip_held=False, request="")
    entry, pointers = proposal.entry, proposal.pointers
    assert entry is not None
    acts: list[Callable[[], object]] = [
        store.read,
        lambda: store.read(Head(1, 3)),
        lambda: store.swap(None, entry, pointers),
    ]
    for act in acts:
        with pytest.raises(StoreCorrupt) as corrupt:
            act()
        assert corrupt.value.message == (
            "head and history of production do not belong together: the head is at revision none, "
            "the history ends at 3"
        )
    assert contents() == before


@pytest.mark.parametrize("junk", ["", "x", "[]", "7", '"text"', "{}", POINTER, "[" * 9999])
def test_a_pointer_or_entry_that_promptops_did_not_write_is_said(
    store: Store, by_hand: ByHand, contents: Contents, junk: str
) -> None:
    deploy(store, greeter="Hello")
    by_hand(("UPDATE pointers SET pointer = ?", junk), ("HSET", "pointers", "greeter", junk))
    by_hand(
        ("INSERT INTO history VALUES ('production', 2, 'x', ?)", junk),
        ("XADD", "history", "2-0", "entry", junk, "units", "greeter"),
    )
    before = contents()
    with pytest.raises(StoreCorrupt, match="the pointer of greeter is not one that promptops"):
        store.read()
    with pytest.raises(StoreCorrupt, match="the history holds an entry that promptops did not"):
        store.history()
    assert contents() == before


@pytest.mark.parametrize("data", [None, "text", 7])
def test_a_release_in_sqlite_that_is_no_blob_is_refused(
    tmp_path: Path, opened: Opener, data: object
) -> None:
    store = opened(f"sqlite:///{tmp_path}/store.db")
    deploy(store, greeter="Hello")
    execute(tmp_path / "store.db", "UPDATE releases SET data = ?", data)
    with pytest.raises(StoreCorrupt):
        store.release(HELLO)
    with pytest.raises(StoreCorrupt):
        store.put(release("greeter", "Hello"))


def another_programs_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE head (environment TEXT, epoch INTEGER, revision INTEGER)")
        db.execute("INSERT INTO head VALUES ('production', 1, 1)")


def another_programs_empty_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA application_id = 42")


def tables_of_another_shape(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for table in ("head", "pointers", "history", "releases", "clients"):
            db.execute(f"CREATE TABLE {table} (environment TEXT, note TEXT)")


def tables_that_lack_a_column(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("CREATE TABLE head (environment, epoch, revision)")
        db.execute("CREATE TABLE pointers (environment, unit, pointer)")
        db.execute("CREATE TABLE history (environment, entry)")
        db.execute("CREATE TABLE releases (environment, digest)")
        db.execute("CREATE TABLE clients (environment, client, presence)")


def a_text(path: Path) -> None:
    path.write_text("This is my diary. " * 500, "utf-8")


def a_damaged_database(path: Path) -> None:
    another_programs_database(path)
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8092)


@pytest.mark.parametrize(
    "make",
    [
        another_programs_database,
        another_programs_empty_database,
        tables_of_another_shape,
        tables_that_lack_a_column,
        a_text,
        a_damaged_database,
    ],
)
def test_a_file_that_is_not_ours_is_left_as_it_is(
    tmp_path: Path, opened: Opener, make: Callable[[Path], None]
) -> None:
    file = tmp_path / "store.db"
    make(file)
    before = file.read_bytes()
    proposal = moves.deploy(State(None), {"greeter": HELLO}, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    entry, pointers = proposal.entry, proposal.pointers

    acts: list[Callable[[Store], object]] = [
        lambda store: store.read(),
        lambda store: store.read(Head(1, 1)),
        lambda store: store.history(),
        lambda store: store.release(HELLO),
        lambda store: store.clients(),
        lambda store: store.put(release("greeter", "Hello")),
        lambda store: store.swap(None, entry, pointers),
        lambda store: store.announce(Presence("id", "app", "host", 1, "0", 1, 1), 30),
        lambda store: store.withdraw("id"),
    ]
    for act in acts:
        store = opened(f"sqlite:///{file}")
        for _ in range(2):
            with pytest.raises(StoreCorrupt) as refused:
                act(store)
            assert str(file) in refused.value.message
            assert refused.value.hint == "name another file; nothing was changed"
        store.close()
        assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["store.db"]


def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path, opened: Opener) -> None:
    store = opened(f"sqlite:///{tmp_path}")
    with pytest.raises(StoreUnreachable, match="cannot be used: unable to open database file"):
        store.read()


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path, opened: Opener) -> None:
    (tmp_path / "file").touch()
    store = opened(f"sqlite:///{tmp_path}/file/store.db")
    with pytest.raises(StoreError, match="cannot be used"):
        store.put(b"{}")


def test_an_empty_file_becomes_a_store_with_the_first_write(tmp_path: Path, opened: Opener) -> None:
    (tmp_path / "store.db").touch()
    store = opened(f"sqlite:///{tmp_path}/store.db")
    assert store.read() == State(None)
    assert (tmp_path / "store.db").read_bytes() == b""
    deploy(store, greeter="Hello")
    assert store.read().head == Head(1, 1)
