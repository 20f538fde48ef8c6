"""The rules of deploy, rollback, hold and lift."""

from collections.abc import Callable

import pytest

from promptops.errors import Refused, UnknownUnit
from promptops.live import moves, moves_of_rollback
from promptops.live.moves import Intent, Skipped
from promptops.live.moves_of_rollback import Target
from promptops.live.records import Change, Head, Hold, Pointer, State
from promptops.manifest.digest import digest_of
from tests.live.log import Log

A, B, C, D = (digest_of(text.encode()) for text in "ABCD")
short = {digest: digest[7:19] for digest in (A, B, C, D)}


@pytest.fixture
def deployed_once() -> Log:
    return Log().deploy(greeter=A)


@pytest.fixture
def deployed_twice(deployed_once: Log) -> Log:
    return deployed_once.deploy(greeter=B)


@pytest.fixture
def rolled_back(deployed_twice: Log) -> Log:
    """A is live, and B held as bad."""
    return deployed_twice.rollback("greeter", reason="B is rude")


def test_a_first_deployment_creates_the_pointers() -> None:
    who = Intent("op", "ann", "2026-11-20T10:00:00Z", "first try", "c0ffee")
    proposal = moves.deploy(
        State(None), {"greeter": A, "farewell": B}, who, skip_held=False, request="asked"
    )
    assert proposal.pointers == {
        "farewell": Pointer(B, 1, "2026-11-20T10:00:00Z", "c0ffee"),
        "greeter": Pointer(A, 1, "2026-11-20T10:00:00Z", "c0ffee"),
    }
    assert proposal.skipped == ()
    assert proposal.entry is not None
    assert proposal.entry.as_json() == {
        "revision": 1,
        "action": "deploy",
        "at": "2026-11-20T10:00:00Z",
        "actor": "ann",
        "commit": "c0ffee",
        "reason": "first try",
        "operation": "op",
        "changes": [
            {"unit": "farewell", "from": None, "to": B},
            {"unit": "greeter", "from": None, "to": A},
        ],
    }
    assert proposal.entry.request == "asked"


def test_what_is_live_already_leaves_no_entry(deployed_once: Log) -> None:
    assert deployed_once.deploy(greeter=A).history == deployed_once.history
    assert len(deployed_once.history) == 1


def test_only_units_that_differ_are_in_the_entry(deployed_once: Log) -> None:
    log = deployed_once.deploy(greeter=A, farewell=B)
    assert [change.unit for change in log.history[0].changes] == ["farewell"]
    assert log.state.pointers["greeter"].revision == 1
    assert log.state.pointers["farewell"].revision == 2


def test_nothing_wanted_is_nothing_done(deployed_once: Log) -> None:
    assert deployed_once.deploy().state == deployed_once.state


def test_a_held_release_is_refused_with_the_way_to_lift_it(rolled_back: Log) -> None:
    before = rolled_back.state
    with pytest.raises(Refused) as refused:
        rolled_back.deploy(greeter=B)
    assert refused.value.code == "held"
    assert refused.value.exit_code == 3
    assert refused.value.message == (
        f"{short[B]} is held for greeter: B is rude (2026-11-20T10:00:03Z)"
    )
    assert refused.value.hint == (
        "a changed prompt deploys without ceremony; to allow this very one again: "
        f"promptops hold greeter {short[B]} --lift"
    )
    assert rolled_back.state == before


def test_a_held_release_stops_the_whole_deployment(rolled_back: Log) -> None:
    with pytest.raises(Refused):
        rolled_back.deploy(farewell=D, greeter=B)
    assert "farewell" not in rolled_back.state.pointers


def test_deploy_on_merge_leaves_a_held_unit_alone_and_says_so(rolled_back: Log) -> None:
    proposal = rolled_back.propose_deploy({"farewell": D, "greeter": B}, skip_held=True)
    assert list(proposal.pointers) == ["farewell"]
    assert proposal.skipped == (Skipped("greeter", B, "held: B is rude (2026-11-20T10:00:03Z)"),)
    assert proposal.skipped[0].as_json() == {
        "unit": "greeter",
        "digest": B,
        "why": "held: B is rude (2026-11-20T10:00:03Z)",
    }


def test_a_deployment_of_held_units_only_leaves_no_entry(rolled_back: Log) -> None:
    proposal = rolled_back.propose_deploy({"greeter": B}, skip_held=True)
    assert proposal.entry is None
    assert [each.unit for each in proposal.skipped] == ["greeter"]


def test_a_hold_is_of_one_unit_only(rolled_back: Log) -> None:
    assert rolled_back.deploy(farewell=B).state.pointers["farewell"].digest == B


def test_a_fix_deploys_without_ceremony_and_the_bad_one_stays_held(rolled_back: Log) -> None:
    log = rolled_back.deploy(greeter=C)
    assert log.state.pointers["greeter"].digest == C
    assert log.state.pointers["greeter"].holds(B)


def test_a_rollback_goes_back_and_holds_what_it_leaves(deployed_twice: Log) -> None:
    log = deployed_twice.rollback("greeter", reason="B is rude")
    assert log.state.head == Head(1, 3)
    assert log.state.pointers["greeter"] == Pointer(
        A,
        revision=3,
        since="2026-11-20T10:00:03Z",
        commit="commit-1",
        held=(Hold(B, "B is rude", "2026-11-20T10:00:03Z", "ann"),),
    )
    entry = log.history[0]
    assert (entry.action, entry.commit) == ("rollback", "commit-1")
    assert entry.changes == (Change("greeter", B, A, "commit-1", held=B),)


def test_a_rollback_without_a_reason_says_what_it_was(deployed_twice: Log) -> None:
    (held,) = deployed_twice.rollback("greeter").state.pointers["greeter"].held
    assert held.reason == "left by the rollback of revision 3"


def test_a_second_rollback_goes_further_back_and_never_to_the_bad_one() -> None:
    log = Log().deploy(greeter=A).deploy(greeter=B).deploy(greeter=C).deploy(greeter=D)
    seen = []
    for _ in range(3):
        log.rollback("greeter")
        seen.append(log.state.pointers["greeter"].digest)
    assert seen == [C, B, A]
    assert [hold.digest for hold in log.state.pointers["greeter"].held] == [D, C, B]


def test_several_units_go_back_in_one_deployment() -> None:
    log = Log().deploy(greeter=A, farewell=B).deploy(greeter=C).deploy(farewell=D)
    log.rollback("greeter", "farewell")
    entry = log.history[0]
    assert {change.unit: change.after for change in entry.changes} == {"greeter": A, "farewell": B}
    assert {pointer.revision for pointer in log.state.pointers.values()} == {4}


def test_a_rollback_over_units_of_different_commits_names_none() -> None:
    log = Log().deploy(greeter=A).deploy(farewell=B).deploy(greeter=C, farewell=D)
    log.rollback("greeter", "farewell")
    assert log.history[0].commit is None
    assert [change.commit for change in log.history[0].changes] == ["commit-2", "commit-1"]


SHAPES: dict[str, tuple[Callable[[], Log], str]] = {
    "A B": (lambda: Log().deploy(greeter=A).deploy(greeter=B), A),
    "A B C": (lambda: Log().deploy(greeter=A).deploy(greeter=B).deploy(greeter=C), B),
    "A B A": (lambda: Log().deploy(greeter=A).deploy(greeter=B).deploy(greeter=A), B),
    "A B A B": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).deploy(greeter=A).deploy(greeter=B),
        A,
    ),
    "A B C, back to B": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).deploy(greeter=C).rollback("greeter"),
        A,
    ),
    "A B, back to A, C": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).rollback("greeter").deploy(greeter=C),
        A,
    ),
    "A B, back to A, B allowed again": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).rollback("greeter").lift("greeter", B),
        B,
    ),
    "A B C, B held by hand": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).deploy(greeter=C).hold("greeter", B),
        A,
    ),
    "A B, and other units since": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).deploy(farewell=C).deploy(farewell=D),
        A,
    ),
    "A B, and B held while it is live": (
        lambda: Log().deploy(greeter=A).deploy(greeter=B).hold("greeter", B),
        A,
    ),
}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_a_rollback_goes_to_the_newest_other_release_that_is_not_held(shape: str) -> None:
    make, expected = SHAPES[shape]
    log = make()
    left = log.state.pointers["greeter"].digest
    log.rollback("greeter")
    assert log.state.pointers["greeter"].digest == expected
    assert log.state.pointers["greeter"].holds(left)
    assert not log.state.pointers["greeter"].holds(expected)


def test_there_is_nothing_to_go_back_to_after_one_release(deployed_once: Log) -> None:
    with pytest.raises(Refused) as refused:
        deployed_once.rollback("greeter")
    assert refused.value.code == "no-target"
    assert refused.value.message == f"greeter has only ever had one release here, {short[A]}"
    assert refused.value.hint == "there is nothing to go back to; fix the prompt and deploy"


def test_there_is_nothing_to_go_back_to_without_a_history(deployed_twice: Log) -> None:
    with pytest.raises(Refused, match="has only ever had one release here"):
        moves_of_rollback.previous(deployed_twice.state.pointers["greeter"], "greeter", [])


def test_when_all_earlier_releases_are_held_they_are_listed(deployed_twice: Log) -> None:
    log = deployed_twice.deploy(greeter=C).hold("greeter", A, reason="too long")
    log.rollback("greeter", reason="C is rude")
    with pytest.raises(Refused) as refused:
        log.rollback("greeter")
    assert refused.value.code == "no-target"
    assert refused.value.message == "greeter has no earlier release that is not held"
    assert refused.value.hint == (
        f"held are: {short[C]} (C is rude (2026-11-20T10:00:05Z)), "
        f"{short[A]} (too long (2026-11-20T10:00:04Z)); "
        f"go to one all the same with --to {short[C]} --force"
    )


def test_a_rollback_to_what_is_live_changes_nothing(deployed_twice: Log) -> None:
    assert deployed_twice.propose_rollback({"greeter": Target(B, None)}).entry is None


def test_a_rollback_to_a_held_release_is_refused_with_the_way_to_force_it(
    rolled_back: Log,
) -> None:
    with pytest.raises(Refused) as refused:
        rolled_back.propose_rollback({"greeter": Target(B, "commit-2")})
    assert refused.value.code == "held"
    assert refused.value.message == (
        f"{short[B]} is held for greeter: B is rude (2026-11-20T10:00:03Z)"
    )
    assert refused.value.hint == ("choose another --to, or say --force to go there all the same")


def test_a_forced_rollback_lifts_the_hold_of_its_target(rolled_back: Log) -> None:
    proposal = rolled_back.propose_rollback({"greeter": Target(B, "commit-2")}, force=True)
    pointer = proposal.pointers["greeter"]
    assert pointer.digest == B
    assert [hold.digest for hold in pointer.held] == [A]
    assert proposal.entry is not None
    assert proposal.entry.changes == (Change("greeter", A, B, "commit-2", held=A, lifted=B),)
    assert proposal.entry.changes[0].as_json() == {
        "unit": "greeter",
        "from": A,
        "to": B,
        "held": A,
        "lifted": B,
    }


def test_a_rollback_may_go_to_a_release_that_was_never_live_here(deployed_once: Log) -> None:
    proposal = deployed_once.propose_rollback({"greeter": Target(D, None)})
    assert proposal.pointers["greeter"].digest == D


def test_a_hold_that_was_there_keeps_its_reason(deployed_twice: Log) -> None:
    log = deployed_twice.hold("greeter", B, reason="rude").rollback("greeter", reason="again")
    (held,) = log.state.pointers["greeter"].held
    assert held.reason == "rude"


def test_a_hold_changes_no_release(deployed_twice: Log) -> None:
    log = deployed_twice.hold("greeter", A, reason="too long")
    pointer = log.state.pointers["greeter"]
    assert pointer.digest == B
    assert pointer.held == (Hold(A, "too long", "2026-11-20T10:00:03Z", "ann"),)
    assert (pointer.revision, pointer.since) == (2, "2026-11-20T10:00:02Z")
    assert log.history[0].changes == (Change("greeter", B, B, "commit-2", held=A),)
    assert log.state.head == Head(1, 3)


def test_a_hold_again_leaves_no_entry(rolled_back: Log) -> None:
    before = len(rolled_back.history)
    assert len(rolled_back.hold("greeter", B).history) == before


def test_a_lift_allows_the_release_again(rolled_back: Log) -> None:
    log = rolled_back.lift("greeter", B)
    assert log.history[0].changes == (Change("greeter", A, A, "commit-1", lifted=B),)
    assert log.deploy(greeter=B).state.pointers["greeter"].digest == B


def test_a_lift_of_what_is_not_held_lists_what_is(rolled_back: Log) -> None:
    with pytest.raises(Refused) as refused:
        rolled_back.lift("greeter", C)
    assert refused.value.code == "not-held"
    assert refused.value.message == f"{short[C]} is not held for greeter"
    assert refused.value.hint == f"held are: {short[B]}"
    rolled_back.lift("greeter", B)
    with pytest.raises(Refused) as refused:
        rolled_back.lift("greeter", B)
    assert refused.value.hint == "nothing is held for it"


def test_units_as_they_were_at_a_revision() -> None:
    log = Log().deploy(greeter=A, farewell=B).deploy(greeter=C).deploy(farewell=D, thanks=A)
    units = ["greeter", "farewell", "thanks"]
    assert moves_of_rollback.as_it_was(log.state, units, 1, log.history) == (
        {"greeter": Target(A, "commit-1"), "farewell": Target(B, "commit-1")},
        (Skipped("thanks", A, "was not live at revision 1"),),
    )
    assert moves_of_rollback.as_it_was(log.state, units, 2, log.history)[0] == {
        "greeter": Target(C, "commit-2"),
        "farewell": Target(B, "commit-1"),
    }
    everything, skipped = moves_of_rollback.as_it_was(log.state, units, 3, log.history)
    assert len(everything) == 3
    assert skipped == ()
    assert moves_of_rollback.as_it_was(log.state, ["greeter"], 3, log.history)[0] == {
        "greeter": Target(C, "commit-2")
    }
    nothing, skipped = moves_of_rollback.as_it_was(log.state, units, 0, log.history)
    assert nothing == {}
    assert [each.unit for each in skipped] == ["farewell", "greeter", "thanks"]


def test_an_unknown_unit_is_answered_with_the_nearest_name(deployed_once: Log) -> None:
    assert moves.live_pointer(deployed_once.state, "greeter", "production").digest == A
    with pytest.raises(UnknownUnit) as unknown:
        moves.live_pointer(deployed_once.state, "greter", "production")
    assert unknown.value.message == "there is no unit 'greter' in production"
    assert unknown.value.hint == "did you mean 'greeter'?"
    with pytest.raises(UnknownUnit) as unknown:
        moves.live_pointer(deployed_once.state, "zzz", "production")
    assert unknown.value.hint == "live are: greeter"
    with pytest.raises(UnknownUnit) as unknown:
        moves.live_pointer(State(None), "greeter", "production")
    assert unknown.value.hint == "live are: none"


def test_equal_requests_have_equal_names() -> None:
    one = moves.request_of("deploy", {"a": A, "b": B})
    assert one == moves.request_of("deploy", {"b": B, "a": A})
    assert one != moves.request_of("deploy", {"a": A})
    assert one != moves.request_of("rollback", {"a": A, "b": B})
    assert len(one) == 16
