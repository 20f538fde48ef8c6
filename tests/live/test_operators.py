"""What every store promises to operators: freeze, reports, releases, restore, erase."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from promptops.errors import StoreUnreachable
from promptops.live import moves
from promptops.live.records import Entry, Freeze, Head, Pointer, Seal, State
from promptops.live.store import PAGE, Store, entries
from promptops.manifest.digest import digest_of
from tests.conftest import Opener
from tests.deployments import AT, deploy, deploy_times, digest, intent, release, try_to_deploy
from tests.servers import SERVERS, Server

Contents = Callable[[], object]

FREEZE = Freeze('the "launch"\nof 🙂', AT, "Zoë <z@x.org>")


@pytest.fixture(params=["memory", "sqlite", *SERVERS, "cluster"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def swap(store: Store, text: str, freeze: str | None) -> Head | None:
    state = store.read()
    wanted = {"greeter": store.put(release("greeter", text))}
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    return store.swap(state.head, proposal.entry, proposal.pointers, freeze).head


def written(revision: int, before: Entry | None = None) -> Entry:
    """An entry as a restore writes them; `before` is the one that it is chained to."""
    link = before.link if before else ""
    return Entry(revision, "restore", AT, "tester", None, "", f"op-{revision}", "", (), link)


def restore(store: Store, expected: Head | None, head: Head, freeze: str = "") -> bool:
    """greeter says Hello, after a history of two entries."""
    first = written(head.revision - 1)
    pointers = {"greeter": Pointer(store.put(release("greeter", "Hello")), 1, AT)}
    return store.restore(expected, head, pointers, [first, written(head.revision, first)], freeze)


def test_a_freeze_is_set_left_and_lifted_by_swaps(deployed: Store) -> None:
    assert deployed.read().freeze is None
    swap(deployed, "Hi", FREEZE.to_json())
    assert deployed.read().freeze == FREEZE
    assert deployed.read(deployed.read().head).freeze == FREEZE, "also where nothing else is new"
    swap(deployed, "Hey", None)
    assert deployed.read().freeze == FREEZE
    swap(deployed, "Hello", "")
    assert deployed.read().freeze is None


def test_a_swap_that_loses_leaves_the_freeze_alone(deployed: Store) -> None:
    seen = deployed.read()
    wanted = {"greeter": deployed.put(release("greeter", "Hi"))}
    proposal = moves.deploy(seen, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    deploy(deployed, greeter="Good evening")
    lost = deployed.swap(seen.head, proposal.entry, proposal.pointers, FREEZE.to_json())
    assert (lost.outcome, deployed.read().freeze) == ("lost", None)


def test_the_last_report_of_each_name_is_kept(
    deployed: Store, store_url: str, opened: Opener
) -> None:
    assert deployed.reports() == {}
    for name, text in (("greeter", "old"), ("~drill", "{}"), ("greeter", "new 🙂")):
        deployed.keep_report(name, text)
    assert deployed.reports() == {"greeter": "new 🙂", "~drill": "{}"}
    assert opened(store_url).reports() == deployed.reports()
    assert opened(store_url, "staging").reports() == {}
    assert deployed.read().head == Head(1, 1)


def test_releases_are_listed_and_forgotten(deployed: Store, store_url: str, opened: Opener) -> None:
    staging = opened(store_url, "staging")
    deploy(staging, greeter="Hello")
    known = sorted(deployed.put(release("greeter", str(number))) for number in range(50))
    hello = digest("greeter", "Hello")
    assert deployed.releases() == sorted([hello, *known])
    deployed.forget_releases([*known[1:], digest("greeter", "never put")])
    assert deployed.releases() == sorted([hello, known[0]])
    deployed.forget_releases([])
    assert (deployed.release(known[1]), deployed.release(hello)) == (
        None,
        release("greeter", "Hello"),
    )
    assert staging.releases() == [hello]


@pytest.mark.parametrize("there", [0, 3])
def test_a_restore_takes_the_place_of_all_but_the_releases(
    store: Store, store_url: str, opened: Opener, there: int
) -> None:
    before = deploy_times(store, there, "farewell") if there else None
    assert restore(store, before, Head(2, 9), FREEZE.to_json())

    hello = Pointer(digest("greeter", "Hello"), 1, AT)
    assert store.read() == State(Head(2, 9), {"greeter": hello}, freeze=FREEZE)
    assert opened(store_url).read() == store.read()
    first = written(8)
    assert store.history() == [written(9, first), first]
    assert store.seal() == Seal(Head(2, 9), written(9, first).link)
    assert len(store.releases()) == 1 + min(there, 2)

    assert restore(store, Head(2, 9), Head(3, 10))
    assert (store.read().head, store.read().freeze) == (Head(3, 10), None)
    assert deploy(store, greeter="Hi") == Head(3, 11)


def test_a_restore_of_what_has_moved_on_changes_nothing(
    deployed: Store, contents: Contents
) -> None:
    deploy(deployed, farewell="Bye")
    before = contents()
    for expected in (None, Head(1, 1), Head(2, 2)):
        assert not restore(deployed, expected, Head(2, 9))
    assert contents() == before
    deployed.erase()
    assert not restore(deployed, Head(1, 2), Head(2, 9))
    assert deployed.read() == State(None)


def test_who_loses_to_a_restore_learns_its_head(deployed: Store) -> None:
    seen = deployed.read().head
    restore(deployed, seen, Head(2, 9))
    lost = try_to_deploy(deployed, {"greeter": "Hi"}, seen)
    assert (lost.outcome, lost.head) == ("lost", Head(2, 9))


def test_a_reader_of_before_gets_all_of_a_higher_epoch_and_the_hint(deployed: Store) -> None:
    deploy_times(deployed, 5)
    listener = deployed.listen()
    listener.wait(0)
    restore(deployed, Head(1, 6), Head(2, 7))
    assert listener.wait(5)
    listener.close()
    for known in (Head(1, 6), Head(1, 7), Head(1, 99)):
        assert deployed.read(known) == deployed.read()


def test_what_is_restored_is_the_history_byte_for_byte(
    deployed: Store, store_url: str, opened: Opener
) -> None:
    deploy_times(deployed, PAGE + 5)
    whole = list(entries(deployed))
    ends = deployed.read()
    staging = opened(store_url, "staging")
    for pointer in ends.pointers.values():
        staging.put(deployed.release(pointer.digest) or b"")
    last = replace(written(PAGE + 7), previous=whole[0].link)
    head = Head(2, last.revision)
    assert staging.restore(None, head, ends.pointers, [*reversed(whole), last], "")
    found = list(entries(staging))
    assert found == [last, *whole]
    assert [entry.link for entry in found] == [entry.link for entry in [last, *whole]]


def test_an_entry_of_a_later_version_keeps_its_link_through_a_restore(store: Store) -> None:
    text = '{"later":1,' + written(1).to_json()[1:]
    entry = Entry.from_json(text)
    assert entry.link == digest_of(text.encode())
    store.restore(None, Head(2, 1), {}, [entry], "")
    assert store.history()[0].link == entry.link


def test_the_seal_is_the_head_with_the_link_of_the_last_entry(store: Store) -> None:
    assert store.seal() == Seal(None)
    deploy_times(store, 3)
    assert store.seal() == Seal(Head(1, 3), store.history()[0].link)


def test_a_chain_survives_storing(store: Store) -> None:
    first = written(1)
    store.swap(None, first, {})
    store.swap(Head(1, 1), written(2, first), {})
    newer, older = store.history()
    assert (newer.previous, older.previous) == (older.link, "")
    assert older.link == first.link


def test_what_is_erased_leaves_nothing_and_the_neighbour_alone(
    deployed: Store, store_url: str, opened: Opener, contents: Contents
) -> None:
    before = contents()
    scratch = opened(store_url, "production~drill")
    deploy_times(scratch, 3)
    swap(scratch, "Hi", FREEZE.to_json())
    scratch.keep_report("greeter", "{}")
    scratch.erase()
    assert scratch.read() == State(None)
    assert (scratch.history(), scratch.releases(), scratch.reports()) == ([], [], {})
    assert scratch.seal() == Seal(None)
    assert deployed.read().head == Head(1, 1)
    if store_url.startswith("redis"):
        assert contents() == before
    assert deploy(scratch, greeter="Hello") == Head(1, 1)


def test_a_full_redis_refuses_a_restore_as_a_whole(redis_server: Server, opened: Opener) -> None:
    store = opened(redis_server.url)
    deploy_times(store, 3)
    hello = store.put(release("greeter", "Hello"))
    before = redis_server.dump()
    redis_server.ask("CONFIG", "SET", "maxmemory", "1")
    pointers = {"greeter": Pointer(hello, 1, AT)}
    with pytest.raises(StoreUnreachable, match="memory"):
        store.restore(Head(1, 3), Head(2, 9), pointers, [written(9)], "")
    redis_server.ask("CONFIG", "SET", "maxmemory", "0")
    assert redis_server.dump() == before
