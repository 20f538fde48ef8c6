"""What --to means, decided once, and what a rollback does when somebody deploys meanwhile."""

from dataclasses import replace

import pytest

from promptops.delivery.rollback import rollback
from promptops.errors import Refused, UsageError
from promptops.live import moves
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.digest import short
from tests.deployments import deploy, digest, intent, release

COMMITS = ("a" * 40, "b" * 40, "1234567" + "c" * 33)


@pytest.fixture
def three_commits(store: Store) -> Store:
    """Revisions 1 to 3: greeter says one, two, three, each from a commit of its own."""
    for text, commit in zip(("one", "two", "three"), COMMITS, strict=True):
        state = store.read()
        wanted = {"greeter": store.put(release("greeter", text))}
        mine = replace(intent(), commit=commit)
        proposal = moves.deploy(state, wanted, mine, skip_held=False, request="")
        assert proposal.entry is not None
        assert store.swap(state.head, proposal.entry, proposal.pointers).outcome == "won"
    return store


def back(store: Store, *units: str, to: str | None = None, force: bool = False) -> str:
    """The digest that greeter is at after a rollback."""
    rollback(store, units, to, intent(), force=force)
    return store.read().pointers["greeter"].digest


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("1", "one"),
        ("2", "two"),
        (COMMITS[0], "one"),
        (COMMITS[1][:6], "two"),
        (digest("greeter", "two"), "two"),
        (digest("greeter", "one")[:13], "one"),
        (short(digest("greeter", "one")), "one"),
        (digest("greeter", "one").upper(), "one"),
        (COMMITS[1][:8].upper(), "two"),
    ],
)
def test_one_target_has_many_names(three_commits: Store, to: str, text: str) -> None:
    assert back(three_commits, "greeter", to=to) == digest("greeter", text)


def test_digits_that_are_no_revision_are_the_beginning_of_a_commit(three_commits: Store) -> None:
    deploy(three_commits, greeter="four")
    assert back(three_commits, "greeter", to="1234567") == digest("greeter", "three")


def test_a_commit_is_where_it_was_deployed_last(three_commits: Store) -> None:
    """c0ffee was deployed twice; what was live at its second deployment is meant."""
    for text in ("four", "five", "six"):
        deploy(three_commits, greeter=text)
    assert back(three_commits, "greeter", to="c0ffee") == digest("greeter", "six")


@pytest.mark.parametrize("to", ["", "0", "4", "abcde", "HEAD", "sha256:", "SHA256:" + "0" * 64])
def test_what_never_was_live_is_no_target(three_commits: Store, to: str) -> None:
    with pytest.raises(UsageError):
        rollback(three_commits, ("greeter",), to, intent())
    assert three_commits.read().head == Head(1, 3)


def test_the_beginning_of_several_digests_is_not_enough(store: Store) -> None:
    """Prompts are tried until two releases begin alike, as it happens in a long history."""
    seen: dict[str, str] = {}
    for number in range(20_000):
        text = f"number {number}"
        start = short(digest("greeter", text))[:6]
        if start in seen:
            break
        seen[start] = text
    else:
        raise AssertionError("no two digests begin alike")
    for each in (seen[start], text, "another"):
        deploy(store, greeter=each)
    with pytest.raises(UsageError) as unclear:
        rollback(store, ("greeter",), start, intent())
    assert unclear.value.message == f"'{start}' begins several digests"
    alike = [short(digest("greeter", each)) for each in (text, seen[start])]
    assert unclear.value.hint == f"say more of it: {', '.join(alike)}"


def test_two_units_go_back_to_one_commit_together(three_commits: Store) -> None:
    deploy(three_commits, greeter="four", farewell="Bye")
    deploy(three_commits, greeter="five", farewell="See you")
    rollback(three_commits, ("greeter", "farewell"), "4", intent())
    live = three_commits.read().pointers
    assert live["greeter"].digest == digest("greeter", "four")
    assert live["farewell"].digest == digest("farewell", "Bye")
    assert live["greeter"].revision == live["farewell"].revision == 6


def test_a_named_unit_that_was_not_live_then_is_skipped(three_commits: Store) -> None:
    deploy(three_commits, farewell="Bye")
    done = rollback(three_commits, ("greeter", "farewell"), "2", intent())
    assert [(skipped.unit, skipped.why) for skipped in done.skipped] == [
        ("farewell", "was not live at revision 2")
    ]
    assert done.entry is not None
    assert [change.unit for change in done.entry.changes] == ["greeter"]


def test_a_unit_named_twice_goes_back_once(three_commits: Store) -> None:
    assert back(three_commits, "greeter", "greeter") == digest("greeter", "two")


def test_a_whole_environment_with_a_held_release_needs_force(three_commits: Store) -> None:
    rollback(three_commits, ("greeter",), None, intent(reason="rude"))
    with pytest.raises(Refused) as refused:
        rollback(three_commits, (), "3", intent())
    assert refused.value.code == "held"
    assert back(three_commits, to="3", force=True) == digest("greeter", "three")


def test_the_commit_of_what_one_goes_back_to_is_kept(three_commits: Store) -> None:
    rollback(three_commits, ("greeter",), None, intent())
    assert three_commits.read().pointers["greeter"].commit == COMMITS[1]
    assert three_commits.history(limit=1)[0].commit == COMMITS[1]
