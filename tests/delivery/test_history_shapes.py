"""Where a rollback goes, by the shape of the history before it."""

import pytest

from promptops.delivery.rollback import rollback
from promptops.errors import Refused, UsageError
from promptops.live.store import Store
from tests.chains import assert_whole
from tests.delivery.publishers import publish
from tests.deployments import digest, intent

# The texts that were deployed, with < for a rollback; where the next rollback goes, or its refusal.
SHAPES = {
    "one before": ("a b", "a"),
    "back and forth": ("a b a", "b"),
    "a rollback of a rollback": ("a b c <", "a"),
    "after a fix": ("a b < c", "a"),
    "the good one twice": ("a b < c <", "no-target"),
    "a first release": ("a", "no-target"),
    "all that is left is held": ("a b <", "no-target"),
    "deployed again after a rollback": ("a b c < b d", "b"),
}


def shaped(store: Store, shape: str) -> int:
    """Make a history; how many revisions it has."""
    for number, step in enumerate(shape.split()):
        if step == "<":
            rollback(store, ("greeter",), None, intent())
        else:
            publish(store, step, f"{number}")
    state = store.read()
    assert state.head is not None
    return state.head.revision


@pytest.mark.parametrize(("shape", "goal"), SHAPES.values(), ids=SHAPES)
def test_a_rollback_goes_to_the_last_other_release_that_is_not_held(
    store: Store, shape: str, goal: str
) -> None:
    last = shaped(store, shape)
    before = store.read()
    if goal == "no-target":
        with pytest.raises(Refused) as refused:
            rollback(store, ("greeter",), None, intent())
        assert refused.value.code == goal
        assert store.read() == before
        return
    rollback(store, ("greeter",), None, intent())
    pointer = store.read().pointers["greeter"]
    assert pointer.digest == digest("greeter", goal)
    assert pointer.holds(before.pointers["greeter"].digest)
    assert_whole(store, last + 1)


def test_an_environment_without_a_history_has_nowhere_to_go(store: Store) -> None:
    with pytest.raises(Refused) as refused:
        rollback(store, ("greeter",), None, intent())
    assert refused.value.code == "no-environment"


def test_the_release_that_is_live_is_no_target_to_go_to(store: Store) -> None:
    shaped(store, "a b")
    before = store.read()
    done = rollback(store, ("greeter",), digest("greeter", "b"), intent())
    assert done.entry is None
    assert store.read() == before
    with pytest.raises(UsageError):
        rollback(store, ("greeter",), digest("greeter", "never"), intent())
