"""Read, decide, swap, read back: what happens when somebody else is faster, and who hears what."""

from collections.abc import Callable

import pytest

from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.deployment import ROUNDS, Deployment, carry_out, read_existing, repeated
from promptops.errors import Refused
from promptops.live import moves
from promptops.live.moves import Intent, Proposal
from promptops.live.records import Head, State
from promptops.live.store import Store
from tests import deployments
from tests.conftest import Opener
from tests.deployments import digest, intent, release


def make_live(
    store: Store,
    wanted: Intent | None = None,
    conditions: Conditions | None = None,
    *,
    resume: bool = False,
    dry_run: bool = False,
    **texts: str,
) -> Deployment:
    """`make_live(store, greeter="Hello")`."""
    releases = {unit: (digest(unit, text), release(unit, text)) for unit, text in texts.items()}
    return deploy(
        store,
        releases,
        wanted or intent(),
        conditions or Conditions(create=True),
        resume=resume,
        dry_run=dry_run,
    )


def overtaken(
    store: Store, act: Callable[[int], object], *, displaces: bool = False, **texts: str
) -> Deployment:
    """Deploy, while `act` happens between every look at the environment and the swap."""
    wanted = {unit: store.put(release(unit, text)) for unit, text in texts.items()}
    mine = intent()
    rounds = iter(range(ROUNDS + 1))

    def decide(state: State) -> Proposal:
        proposal = moves.deploy(state, wanted, mine, skip_held=False, request="mine")
        act(next(rounds))
        return proposal

    return carry_out(store, read_existing(store), decide, "mine", displaces=displaces)


@pytest.fixture
def rival(store: Store, store_url: str, opened: Opener) -> Store:
    """Somebody else's connection; greeter says Hello and farewell Bye, in revision 1."""
    deployments.deploy(store, greeter="Hello", farewell="Bye")
    return opened(store_url)


def test_a_change_of_another_unit_is_no_reason_to_stop(store: Store, rival: Store) -> None:
    def others(round_: int) -> None:
        if round_ < 3:
            deployments.deploy(rival, farewell=f"Bye {round_}")

    done = overtaken(store, others, greeter="Hi")
    assert done.head == Head(1, 5)
    assert done.entry == store.history(limit=1)[0]
    assert store.read().pointers["farewell"].digest == digest("farewell", "Bye 2")


def test_a_change_of_our_unit_stops_us_and_names_the_winner(store: Store, rival: Store) -> None:
    with pytest.raises(Refused) as lost:
        overtaken(store, lambda _: deployments.deploy(rival, greeter="Howdy"), greeter="Hi")
    assert lost.value.code == "lost-race"
    assert lost.value.message == "tester was faster: revision 2, deploy of greeter"
    assert store.read().pointers["greeter"].digest == digest("greeter", "Howdy")
    assert store.read().head == Head(1, 2)


def test_a_hold_on_our_unit_is_a_change_of_it(store: Store, rival: Store) -> None:
    def hold(_: int) -> None:
        state = rival.read()
        mine = intent(reason="rude")
        held = moves.hold(state, "greeter", digest("greeter", "Hi"), mine, request="hold")
        assert held.entry is not None
        assert rival.swap(state.head, held.entry, held.pointers).outcome == "won"

    with pytest.raises(Refused) as lost:
        overtaken(store, hold, greeter="Hi")
    assert lost.value.message == "tester was faster: revision 2, hold of greeter"
    assert store.read().pointers["greeter"].digest == digest("greeter", "Hello")


@pytest.mark.parametrize(("unit", "displaces"), [("farewell", False), ("greeter", True)])
def test_nobody_tries_for_ever(store: Store, rival: Store, unit: str, displaces: bool) -> None:
    def others(round_: int) -> None:
        deployments.deploy(rival, **{unit: f"Bye {round_}"})

    with pytest.raises(Refused) as lost:
        overtaken(store, others, displaces=displaces, greeter="Hi")
    assert (lost.value.code, lost.value.message, lost.value.hint) == (
        "lost-race",
        f"{ROUNDS} other deployments were faster, one after the other",
        "nothing was changed; try again",
    )
    assert store.read().head == Head(1, 1 + ROUNDS)


def test_somebody_does_the_same_under_the_same_id(store: Store, rival: Store) -> None:
    """Two jobs of one pipeline run: the second finds what the first did in this moment."""
    mine = intent("run-1")

    def decide(state: State) -> Proposal:
        if state.head == Head(1, 1):
            make_live(rival, intent("run-1"), greeter="Hi")
        wanted = {"greeter": store.put(release("greeter", "Hi"))}
        request = moves.request_of("deploy", wanted)
        return moves.deploy(State(Head(1, 1), {}), wanted, mine, skip_held=False, request=request)

    request = moves.request_of("deploy", {"greeter": digest("greeter", "Hi")})
    done = carry_out(store, read_existing(store), decide, request)
    assert (done.repeated, done.head) == (True, Head(1, 2))
    assert done.entry == store.history(limit=1)[0]


def test_somebody_does_something_else_under_the_same_id(store: Store, rival: Store) -> None:
    mine = intent("run-1")

    def decide(state: State) -> Proposal:
        make_live(rival, intent("run-1"), farewell="See you")
        wanted = {"greeter": store.put(release("greeter", "Hi"))}
        return moves.deploy(state, wanted, mine, skip_held=False, request="mine")

    with pytest.raises(Refused) as refused:
        carry_out(store, read_existing(store), decide, "mine")
    assert refused.value.code == "operation-reused"
    assert store.read().head == Head(1, 2)


def test_a_release_that_vanished_is_not_made_live(store: Store, rival: Store) -> None:
    wanted = {"greeter": "sha256:" + "0" * 64}
    with pytest.raises(Refused) as refused:
        carry_out(
            store,
            read_existing(store),
            lambda state: moves.deploy(state, wanted, intent(), skip_held=False, request="r"),
            "r",
        )
    assert (refused.value.code, refused.value.message, refused.value.hint) == (
        "missing-release",
        "the release 000000000000 is not in the store",
        "nothing was changed; deploy it from the commit that made it",
    )
    assert store.read().head == Head(1, 1)


def test_content_comes_first(store: Store, store_url: str, opened: Opener) -> None:
    """Whoever reads the new pointer finds the release that it names."""
    done = make_live(store, greeter="Hello")
    assert done.entry is not None
    assert opened(store_url).release(done.entry.changes[0].after) == release("greeter", "Hello")


@pytest.mark.parametrize("conditions", [Conditions(), Conditions(create=True, expect_revision=7)])
def test_a_refused_deploy_leaves_no_release_behind(
    store: Store, contents: Callable[[], object], conditions: Conditions
) -> None:
    with pytest.raises(Refused):
        make_live(store, conditions=conditions, greeter="Hello")
    assert contents() in (None, {})


def test_a_dry_run_leaves_no_release_behind(store: Store, contents: Callable[[], object]) -> None:
    done = make_live(store, dry_run=True, greeter="Hello")
    assert (done.head, done.swapped) == (None, None)
    assert done.entry is not None
    assert contents() in (None, {})


def test_what_is_live_already_is_not_written_again(
    store: Store, contents: Callable[[], object]
) -> None:
    make_live(store, greeter="Hello")
    before = contents()
    done = make_live(store, greeter="Hello")
    assert (done.head, done.entry, done.swapped) == (Head(1, 1), None, None)
    assert contents() == before


def test_an_operation_that_nobody_did_is_not_repeated(store: Store) -> None:
    make_live(store, intent("run-1"), greeter="Hello")
    assert repeated(store, "run-2", "any") is None
    done = make_live(store, intent("run-1"), resume=True, greeter="Hello")
    assert (done.repeated, done.head) == (True, Head(1, 1))
