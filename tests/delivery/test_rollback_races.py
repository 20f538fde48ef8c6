"""A rollback and a deploy of the same unit at the same time: the rollback wins, and tells of it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.deployment import Deployment
from promptops.delivery.freeze import freeze
from promptops.delivery.hold import hold
from promptops.delivery.retire import retire
from promptops.delivery.rollback import rollback
from promptops.delivery.verify import verify
from promptops.errors import Refused
from promptops.live import moves
from promptops.live.moves import Proposal
from promptops.live.records import Head, State
from promptops.live.store import Store
from promptops.manifest.digest import short
from tests.chains import assert_whole
from tests.conftest import Opener
from tests.delivery.publishers import go_back_together, publish, publish_together
from tests.deployments import digest, intent, release

in_process = pytest.mark.parametrize("backend", ["memory", "valkey"], indirect=True)

GOOD, BAD, NEWER = (digest("greeter", text) for text in ("Hello", "Bad", "Newer"))


@pytest.mark.soak(short=100, full=1_000)
def test_the_rollback_wins_every_race(
    store: Store, store_url: str, processes: ProcessPoolExecutor, tmp_path: Path, times: int
) -> None:
    """Both have read, and neither has swapped, when both go on."""
    displaced = 0
    for number in range(times):
        good, bad, newer = (f"{name} {number}" for name in ("good", "bad", "newer"))
        publish(store, good, good)
        publish(store, bad, bad)
        meeting = tmp_path / str(number)
        meeting.mkdir()
        later = 0.008 * number / times
        back = processes.submit(go_back_together, store_url, f"back {number}", meeting, later)
        ahead = processes.submit(publish_together, store_url, newer, newer, meeting)
        refused, (went, left) = ahead.result(timeout=60), back.result(timeout=60)
        live = store.read().pointers["greeter"]
        assert went == live.digest == digest("greeter", good)
        assert live.holds(digest("greeter", bad))
        # The other one either lost, or was displaced and is held; both are told.
        if refused:
            assert (refused.split(":")[0], left) == ("tester was faster", [])
        else:
            assert left == [digest("greeter", newer)]
            assert live.holds(left[0])
        displaced += not refused
    assert displaced  # they raced
    head = store.read().head
    assert head is not None
    assert_whole(store, head.revision)
    assert verify(store).problems == ()


def say(store: Store, **texts: str) -> None:
    """`say(store, greeter="Hello")`: make it live."""
    releases = {unit: (digest(unit, text), release(unit, text)) for unit, text in texts.items()}
    deploy(store, releases, intent(), Conditions(create=True))


@pytest.fixture
def rival(store: Store, store_url: str, opened: Opener) -> Store:
    """Somebody else's connection; of greeter Hello was live, and now Bad is."""
    say(store, greeter="Hello", farewell="Bye")
    say(store, greeter="Bad")
    return opened(store_url)


def overtaken(
    store: Store, act: Callable[[], object], to: str | None = None, units: tuple[str, ...] = ()
) -> Deployment:
    """Roll back, while `act` happens after it was agreed to."""

    def agree(_: State, proposal: Proposal) -> Proposal:
        act()
        return proposal

    done = rollback(store, units or ("greeter",), to, intent(reason="rude"), agree=agree)
    assert verify(store).problems == ()
    return done


def greeter(store: Store) -> tuple[str, set[str]]:
    """What is live, and what is held."""
    live = store.read().pointers["greeter"]
    return live.digest, {each.digest for each in live.held}


@in_process
@pytest.mark.parametrize("to", [None, "1", GOOD])
def test_all_that_went_live_meanwhile_is_left_and_held(
    store: Store, rival: Store, to: str | None
) -> None:
    def twice() -> None:
        say(rival, greeter="Newer")
        say(rival, greeter="Newest")

    done = overtaken(store, twice, to)
    newest = digest("greeter", "Newest")
    assert greeter(store) == (GOOD, {BAD, NEWER, newest})
    assert [each.as_json() for each in done.displaced] == [
        {"unit": "greeter", "digest": new, "revision": at, "action": "deploy", "actor": "tester"}
        for new, at in ((newest, 4), (NEWER, 3))
    ]
    with pytest.raises(Refused) as refused:
        rollback(store, ("greeter",), None, intent())
    assert refused.value.code == "no-target"


@in_process
def test_what_went_there_without_a_hold_is_held(store: Store, rival: Store) -> None:
    """Somebody deploys the target itself: there is nothing to move, and Bad must stay away."""
    done = overtaken(store, lambda: say(rival, greeter="Hello"))
    assert greeter(store) == (GOOD, {BAD})
    assert (done.displaced, done.skipped[0].why) == (
        (),
        "is live already: tester was faster, revision 3, deploy",
    )
    assert store.read().pointers["greeter"].revision == 3


@in_process
def test_one_unit_is_there_already_and_the_other_goes(store: Store, rival: Store) -> None:
    def others() -> None:
        rollback(rival, ("greeter",), None, intent())
        say(rival, farewell="See you")

    done = overtaken(store, others, "1", ("greeter", "farewell"))
    assert done.entry is not None
    assert done.entry.units == ("farewell",)
    assert [(each.unit, each.digest) for each in done.skipped] == [("greeter", GOOD)]
    assert [each.change.unit for each in done.displaced] == ["farewell"]


@in_process
def test_who_freezes_holds_or_retires_does_not_stop_it(store: Store, rival: Store) -> None:
    def all_of_it() -> None:
        hold(rival, "greeter", BAD, intent(), lift=False)
        retire(rival, ("greeter",), intent(), force=True)
        freeze(rival, intent(reason="peak"))

    done = overtaken(store, all_of_it)
    assert greeter(store) == (GOOD, {BAD})
    assert [each.entry.action for each in done.displaced] == ["retire"]
    state = store.read()
    assert state.freeze is not None
    assert "greeter" in state.live


@in_process
def test_a_target_that_is_held_meanwhile_is_refused(store: Store, rival: Store) -> None:
    with pytest.raises(Refused) as refused:
        overtaken(store, lambda: hold(rival, "greeter", GOOD, intent(reason="worse"), lift=False))
    assert refused.value.code == "held"
    assert refused.value.message.startswith(f"{short(GOOD)} is held for greeter: worse (")
    assert greeter(store) == (BAD, {GOOD})


@in_process
def test_a_restore_meanwhile_stops_it(store: Store, rival: Store) -> None:
    def restore() -> None:
        state, history = rival.read(), [*reversed(rival.history())]
        assert state.head is not None
        last = moves.entry_of("restore", state, intent(), "restore")
        head = Head(2, last.revision)
        assert rival.restore(state.head, head, state.pointers, [*history, last], "")

    with pytest.raises(Refused) as refused:
        overtaken(store, restore)
    assert (refused.value.code, refused.value.message) == (
        "lost-race",
        "tester was faster: revision 3, restore",
    )
    assert greeter(store) == (BAD, set())
