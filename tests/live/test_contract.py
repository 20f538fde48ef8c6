"""What every store promises, whatever it is made of: the swap, and environments apart."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from promptops.live import moves
from promptops.live.records import Head, Pointer, State
from promptops.live.store import Store, find_operation
from tests.conftest import Opener
from tests.deployments import deploy, deploy_times, digest, intent, release, rollback, try_to_deploy
from tests.servers import SERVERS

Contents = Callable[[], object]


@pytest.fixture(params=["memory", "sqlite", *SERVERS, "cluster"])
def backend(request: pytest.FixtureRequest) -> str:
    """The memory of a process too, which the tests with several processes cannot have."""
    return str(request.param)


def test_an_environment_that_was_never_deployed_is_empty(store: Store) -> None:
    assert store.read() == State(None)
    assert store.read(Head(1, 5)) == State(None)
    assert store.history() == []
    assert store.release(digest("greeter", "Hello")) is None
    assert store.clients() == []


def test_reading_an_empty_environment_writes_nothing(store: Store, contents: Contents) -> None:
    before = contents()
    store.read()
    store.history()
    store.clients()
    assert contents() == before


def test_the_first_deployment_creates_the_environment(store: Store) -> None:
    assert deploy(store, greeter="Hello") == Head(epoch=1, revision=1)

    state = store.read()
    assert state.head == Head(1, 1)
    assert state.whole
    assert dict(state.pointers) == {
        "greeter": Pointer(digest("greeter", "Hello"), 1, "2026-11-20T10:00:00Z", "c0ffee")
    }


def test_another_process_reads_what_was_swapped(
    deployed: Store, store_url: str, opened: Opener
) -> None:
    other = opened(store_url)
    assert other.read() == deployed.read()
    assert other.history() == deployed.history()


def test_what_is_read_back_is_what_was_swapped(deployed: Store) -> None:
    state = deployed.read()
    wanted = {"greeter": deployed.put(release("greeter", "Grüß Gott \u2028 🙂"))}
    who = replace(intent("an-operation", 'a "reason"\nof two lines'), actor="Zoë <z@x.org>")
    proposal = moves.deploy(state, wanted, who, skip_held=False, request="a-request")
    assert proposal.entry is not None
    deployed.swap(state.head, proposal.entry, proposal.pointers)

    assert deployed.history()[0] == proposal.entry
    assert deployed.read().pointers == proposal.pointers


def test_a_swap_from_an_older_head_loses_and_learns_who_won(
    deployed: Store, contents: Contents
) -> None:
    seen = deployed.read().head
    deploy(deployed, operation="the-winner", greeter="Good morning")
    deployed.put(release("greeter", "Good evening"))
    before = contents()

    swap = try_to_deploy(deployed, {"greeter": "Good evening"}, expected=seen)

    assert (swap.outcome, swap.head) == ("lost", Head(1, 2))
    assert deployed.history(limit=1)[0].operation == "the-winner"
    assert contents() == before


@pytest.mark.parametrize("expected", [Head(1, 2), Head(2, 1), Head(0, 0)])
def test_a_swap_from_a_head_that_never_was_loses(
    deployed: Store, expected: Head, contents: Contents
) -> None:
    deployed.put(release("greeter", "Hi"))
    before = contents()
    swap = try_to_deploy(deployed, {"greeter": "Hi"}, expected)
    assert (swap.outcome, swap.head) == ("lost", Head(1, 1))
    assert contents() == before


def test_an_environment_is_not_created_twice(deployed: Store) -> None:
    swap = try_to_deploy(deployed, {"greeter": "Hi"}, expected=None)
    assert (swap.outcome, swap.head) == ("lost", Head(1, 1))


def test_a_swap_in_an_environment_that_is_not_there_any_more_loses(store: Store) -> None:
    swap = try_to_deploy(store, {"greeter": "Hi"}, expected=Head(1, 7))
    assert (swap.outcome, swap.head) == ("lost", None)


def test_the_same_operation_again_adds_nothing(deployed: Store, contents: Contents) -> None:
    seen = deployed.read().head
    deploy(deployed, operation="again", greeter="Good morning")
    deployed.put(release("greeter", "Hi"))
    before = contents()

    for expected in (seen, Head(1, 2)):
        swap = try_to_deploy(deployed, {"greeter": "Hi"}, expected, operation="again")
        assert (swap.outcome, swap.head) == ("same", Head(1, 2))
    assert contents() == before


def test_the_very_call_again_adds_nothing(store: Store) -> None:
    wanted = {"greeter": store.put(release("greeter", "Hello"))}
    proposal = moves.deploy(store.read(), wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    for outcome in ("won", "same", "same"):
        swap = store.swap(None, proposal.entry, proposal.pointers)
        assert (swap.outcome, swap.head) == (outcome, Head(1, 1))
    assert len(store.history()) == 1


def test_an_operation_is_found_after_others_followed(deployed: Store) -> None:
    deploy(deployed, operation="mine", greeter="Good morning")
    deploy(deployed, greeter="Good evening")
    found = find_operation(deployed, "mine")
    assert found is not None
    assert found.revision == 2
    assert find_operation(deployed, "nobody's") is None


@pytest.mark.parametrize("expected", [None, Head(1, 1)])
def test_a_release_that_is_missing_changes_nothing(
    store: Store, expected: Head | None, contents: Contents
) -> None:
    if expected is not None:
        deploy(store, greeter="Hello")
    there = store.put(release("farewell", "Bye"))
    wanted = {"farewell": there, "greeter": digest("greeter", "nobody put this")}
    before = contents()

    state = store.read()
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    swap = store.swap(expected, proposal.entry, proposal.pointers)

    assert (swap.outcome, swap.head) == ("missing", expected)
    assert swap.digest == wanted["greeter"]
    assert contents() == before


def test_a_rollback_needs_no_new_release(deployed: Store) -> None:
    deploy(deployed, greeter="Good morning", farewell="Bye")
    assert rollback(deployed, "greeter") == Head(1, 3)
    assert deployed.read().pointers["greeter"].digest == digest("greeter", "Hello")
    assert deployed.read().pointers["farewell"].digest == digest("farewell", "Bye")


def test_two_thousand_units_move_in_one_deployment(deployed: Store) -> None:
    one = deployed.put(release("shared", "the same for all of them"))
    wanted = {f"unit-{number}": one for number in range(2000)}
    state = deployed.read()
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
    assert proposal.entry is not None
    swap = deployed.swap(state.head, proposal.entry, proposal.pointers)

    assert (swap.outcome, swap.head) == ("won", Head(1, 2))
    assert len(deployed.read().pointers) == 2001
    assert deployed.read(state.head).pointers == proposal.pointers
    assert len(deployed.history()[0].changes) == 2000


def test_two_environments_of_a_store_never_see_each_other(
    deployed: Store, store_url: str, opened: Opener
) -> None:
    staging = opened(store_url, "staging")
    assert staging.read() == State(None)
    assert staging.release(digest("greeter", "Hello")) is None
    deploy_times(staging, 3)

    assert deployed.read().head == Head(1, 1)
    assert len(deployed.history()) == 1
    assert staging.read().head == Head(1, 3)


def test_two_namespaces_of_a_server_never_see_each_other(redis_url: str, opened: Opener) -> None:
    ours, theirs = opened(redis_url), opened(redis_url + ".theirs")
    deploy(ours, greeter="Hello")
    assert theirs.read() == State(None)
    assert theirs.release(digest("greeter", "Hello")) is None
    deploy_times(theirs, 2)
    assert ours.read().head == Head(1, 1)


@pytest.mark.parametrize(
    "name",
    ["a b", "a:b", "a}b", "{a", "{}", "*", "?", "prod'; DROP TABLE head; --", "größe", "x" * 300],
)
def test_an_environment_may_have_an_odd_name(store_url: str, opened: Opener, name: str) -> None:
    odd, plain = opened(store_url, name), opened(store_url, "a")
    deploy(plain, greeter="Hello")
    deploy_times(odd, 3)
    rollback(odd, "greeter")
    assert [entry.revision for entry in odd.history()] == [4, 3, 2, 1]
    assert odd.read(Head(1, 3)).head == Head(1, 4)
    assert plain.read().head == Head(1, 1)


def test_a_store_that_was_closed_opens_again_by_itself(deployed: Store) -> None:
    deployed.close()
    deployed.close()
    assert deployed.read().head == Head(1, 1)


def test_a_sqlite_file_is_made_by_the_first_write_with_its_folder(
    tmp_path: Path, opened: Opener
) -> None:
    folder = tmp_path / ".promptops"
    store = opened(f"sqlite:///{folder}/store.db")
    store.read()
    assert not folder.exists()
    deploy(store, greeter="Hello")
    assert (folder / ".gitignore").read_text("utf-8") == "*\n"
