"""What clients say against an export that is older than what they serve."""

from dataclasses import replace

import pytest

from promptops.delivery.served_since import served_since
from promptops.live.moves_of_restore import PLAUSIBLE
from promptops.live.presence import MOST_MOVED, MovedRelease, Presence
from promptops.live.records import Head, Pointer

HEAD = Head(1, 5)
OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
POINTERS = {"greeter": Pointer(OLD, 4, ""), "farewell": Pointer(OLD, 2, "")}
STAYED = MovedRelease("farewell", "a" * 12, 2)
MOVED = MovedRelease("greeter", "b" * 12, 6)
ANN = Presence("ann", "shop", "host", 1, "0", 1, 7, moved=(MOVED, STAYED))


@pytest.mark.parametrize("head", [Head(0, 0), HEAD, Head(1, 4), Head(1, PLAUSIBLE)])
def test_who_is_not_above_the_export_or_cannot_be_says_nothing(head: Head) -> None:
    client = replace(ANN, epoch=head.epoch, revision=head.revision)
    assert served_since(HEAD, POINTERS, [client]) is None


def test_the_highest_client_says_what_was_live_last() -> None:
    back = replace(ANN, client="bob", revision=8, moved=(replace(MOVED, digest="a" * 12), STAYED))
    for clients in ([ANN, back], [back, ANN]):
        since = served_since(HEAD, POINTERS, clients)
        assert since is not None
        assert (since.clients, since.head, since.differs) == (2, Head(1, 8), False)


def test_a_unit_that_is_new_or_was_retired_differs() -> None:
    gone, new = MovedRelease("farewell", "", 0), MovedRelease("third", "c" * 12, 7)
    since = served_since(HEAD, POINTERS, [replace(ANN, moved=(gone, new))])
    assert since is not None
    assert since.units == (gone, new)


def test_who_does_not_say_all_that_moved_since_may_serve_anything() -> None:
    named = {f"unit-{number}": Pointer(OLD, 9, "") for number in range(MOST_MOVED)}
    full = tuple(MovedRelease(unit, "a" * 12, 9) for unit in named)
    for moved, differs in (((), True), (full, True), ((*full[1:], STAYED), False)):
        since = served_since(HEAD, POINTERS | named, [replace(ANN, revision=9, moved=moved)])
        assert since is not None
        assert (since.units, since.differs) == ((), differs)
    unsaid = served_since(HEAD, POINTERS, [replace(ANN, moved=())])
    assert unsaid is not None
    assert unsaid.says == (
        "1 client serves up to revision 7, with another release of units that they do not name"
    )
