"""Whether a history is whole: no gap, no duplicate, every entry linked to the one before."""

from itertools import pairwise

from promptops.live.store import Store, entries


def assert_whole(store: Store, last: int) -> None:
    """Of revisions 1 to `last`, each an operation of its own."""
    history = list(entries(store))
    assert [entry.revision for entry in history] == list(range(last, 0, -1))
    assert len({entry.operation for entry in history}) == last
    assert [later.previous for later, _ in pairwise(history)] == [
        earlier.link for _, earlier in pairwise(history)
    ]
    assert not history or history[-1].previous == ""
