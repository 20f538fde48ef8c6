"""What every store promises, whatever it is made of: releases, reads and the history."""

from collections.abc import Callable

import pytest

from promptops.errors import ReleaseRejected
from promptops.live.records import Head, State
from promptops.live.store import PAGE, Store, entries
from promptops.manifest.digest import digest_of
from promptops.manifest.release import MAX_BYTES
from tests.deployments import deploy, deploy_times, digest, release, rollback

Contents = Callable[[], object]


def test_a_release_is_read_back_as_it_was_put(store: Store) -> None:
    data = release("greeter", "Hello")
    assert store.put(data) == digest_of(data)
    assert store.release(digest_of(data)) == data


@pytest.mark.parametrize("data", [b"", b"\x00\xff\n", b"x" * MAX_BYTES])
def test_any_bytes_up_to_a_mebibyte_are_kept(store: Store, data: bytes) -> None:
    assert store.release(store.put(data)) == data


def test_putting_a_release_again_changes_nothing(store: Store, contents: Contents) -> None:
    store.put(release("greeter", "Hello"))
    before = contents()
    store.put(release("greeter", "Hello"))
    assert contents() == before


def test_a_release_over_a_mebibyte_is_refused_before_it_is_written(
    deployed: Store, contents: Contents
) -> None:
    before = contents()
    with pytest.raises(ReleaseRejected, match="has 1048577 bytes, over 1048576") as refused:
        deployed.put(b"x" * (MAX_BYTES + 1))
    assert refused.value.code == "C604"
    assert contents() == before


@pytest.mark.parametrize("times", [1, 5, 150])
def test_what_changed_since_is_the_same_as_reading_everything(deployed: Store, times: int) -> None:
    deploy(deployed, farewell="Bye")
    known = deployed.read()
    deploy_times(deployed, times - 1)
    deploy(deployed, thanks="Thank you")

    changed = deployed.read(known.head)

    everything = deployed.read()
    merged = changed.pointers if changed.whole else {**known.pointers, **changed.pointers}
    assert everything.head == changed.head == Head(1, 2 + times)
    assert dict(merged) == dict(everything.pointers)
    if times < 100:
        assert set(changed.pointers) == ({"greeter", "thanks"} if times > 1 else {"thanks"})


def test_nothing_comes_when_nothing_changed(deployed: Store) -> None:
    assert deployed.read(Head(1, 1)) == State(Head(1, 1), {}, whole=False)


@pytest.mark.parametrize("known", [Head(2, 1), Head(1, 9), Head(0, 0), Head(2, 9)])
def test_a_reader_with_a_head_that_never_was_gets_everything(deployed: Store, known: Head) -> None:
    deploy(deployed, farewell="Bye")
    assert deployed.read(known) == deployed.read()
    assert deployed.read(known).whole


def test_a_hold_and_its_lift_come_with_what_changed(deployed: Store) -> None:
    deploy(deployed, greeter="Bad")
    rollback(deployed, "greeter")
    pointer = deployed.read(Head(1, 2)).pointers["greeter"]
    assert [hold.digest for hold in pointer.held] == [digest("greeter", "Bad")]


def test_pages_come_newest_first(store: Store) -> None:
    deploy_times(store, 7)
    assert [entry.revision for entry in store.history(limit=3)] == [7, 6, 5]
    assert [entry.revision for entry in store.history(before=5, limit=3)] == [4, 3, 2]
    assert [entry.revision for entry in store.history(before=2, limit=3)] == [1]
    assert [entry.revision for entry in store.history(before=99)] == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("before", [1, 0, -1])
def test_before_the_first_there_is_nothing(deployed: Store, before: int) -> None:
    assert deployed.history(before) == []


def test_a_history_longer_than_a_page_is_read_to_its_end(store: Store) -> None:
    long = 2 * PAGE + 1
    deploy_times(store, long)
    assert [entry.revision for entry in entries(store)] == list(range(long, 0, -1))
    assert len(store.history()) == PAGE
