"""The chain of a history: what was done to it behind the back is found, and where."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from promptops.live.chain import walk
from promptops.live.records import Change, Entry, Head, Seal
from promptops.live.store import Store, entries
from tests.delivery.publishers import publish_times
from tests.deployments import AT

Found = list[tuple[str, int]]


def history(count: int, unchained: int = 0) -> list[Entry]:
    """Newest first; the oldest are from before there was a chain."""
    made: list[Entry] = []
    for revision in range(1, count + 1):
        link = made[-1].link if made and revision > unchained else ""
        change = Change("greeter", None, f"sha256:{revision}")
        who = ("deploy", AT, "tester", None, "", f"op-{revision}", "")
        made.append(Entry(revision, *who, (change,), link))
    return made[::-1]


def breaks(found: list[Entry], seal: Seal | None = None) -> Found:
    seal = seal or Seal(Head(1, found[0].revision), found[0].link)
    return [(each.kind, each.revision) for each in walk(found, seal).breaks]


def edited(found: list[Entry], revision: int, **facts: object) -> list[Entry]:
    return [replace(each, **facts) if each.revision == revision else each for each in found]  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_history_that_nobody_touched_is_whole_from_its_first_entry(count: int) -> None:
    whole = history(count)
    found = walk(whole, Seal(Head(1, count), whole[0].link))
    assert (found.breaks, found.entries, found.since) == ((), count, 1)


def test_no_history_is_whole_too() -> None:
    assert walk([], Seal(None)).since is None


@pytest.mark.parametrize("revision", range(1, 9))
def test_an_entry_that_was_edited_is_named(revision: int) -> None:
    assert breaks(edited(history(9), revision, actor="nobody")) == [("edited", revision)]


def test_the_last_entry_is_known_to_the_head() -> None:
    whole = history(9)
    seal = Seal(Head(1, 9), whole[0].link)
    assert breaks(edited(whole, 9, reason="none"), seal) == [("edited", 9)]
    assert breaks(edited(whole, 9, reason="none"), Seal(Head(1, 9), "")) == [], "nobody knows it"


@pytest.mark.parametrize("revision", range(1, 9))
def test_a_gap_is_named_by_what_comes_after_it(revision: int) -> None:
    kept = [each for each in history(9) if each.revision != revision]
    assert breaks(kept) == [("gap", revision + 1)]
    said = f"revision {revision} is not in the history"
    assert walk(kept, Seal(None)).breaks[0].message == said


def test_entries_that_changed_places_are_reordered() -> None:
    whole = history(9)
    whole[3], whole[4] = whole[4], whole[3]
    assert ("reordered", 6) in breaks(whole)


def test_an_entry_without_a_link_among_those_that_have_one_is_unlinked() -> None:
    assert ("unlinked", 5) in breaks(edited(history(9), 5, previous=""))


def test_entries_from_before_the_chain_are_no_break() -> None:
    old = history(9, unchained=4)
    assert breaks(old) == []
    assert walk(old, Seal(None)).since == 4
    assert breaks(edited(old, 2, actor="nobody")) == [], "nothing there could tell"
    assert breaks([each for each in old if each.revision != 2]) == [("gap", 3)]
    assert walk(history(9, unchained=9), Seal(None)).since == 9


def test_a_restore_may_leave_out_what_was_lost_and_nothing_else_may() -> None:
    whole = history(9)
    last = replace(whole[0], revision=58, action="restore", previous=whole[0].link)
    assert breaks([last, *whole]) == []
    assert breaks([replace(last, previous="sha256:other"), *whole]) == [("edited", 9)]
    assert breaks([replace(last, action="deploy"), *whole]) == [("gap", 58)]
    assert breaks([replace(last, previous="")]) == []
    assert breaks([last]) == [("gap", 58)]


def test_racing_publishers_keep_the_chain_whole(
    store: Store, store_url: str, processes: ProcessPoolExecutor
) -> None:
    racing = [processes.submit(publish_times, store_url, f"racer-{n}", 12) for n in range(4)]
    for each in racing:
        each.result(60)
    found = walk(entries(store), store.seal())
    assert (found.breaks, found.entries, found.since) == ((), 48, 1)
