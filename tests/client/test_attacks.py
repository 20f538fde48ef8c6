"""A store that attacks: each attack is named in the status, and changes nothing of what is served.

The first release that a client reads, and a head that is forged ahead, can only be judged with
signatures; `fast_forward` shows what that means and how it ends.
"""

from collections.abc import Callable, Iterator

import pytest

from promptops import Client, NotReady
from promptops.client import arguments
from promptops.live import memory
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.client.attacks import OTHER, AttackingStore
from tests.client.conftest import Starter
from tests.client.releases import point
from tests.client.waiting import until, until_served
from tests.conftest import Opener
from tests.deployments import deploy, digest, release

NAME = "attacked"
HI, SO_LONG = release("greeter", "Hi"), release("farewell", "So long")


@pytest.fixture
def attacker(monkeypatch: pytest.MonkeyPatch) -> Iterator[AttackingStore]:
    """The store that clients open."""
    memory.forget(NAME)
    store = AttackingStore(NAME)
    monkeypatch.setattr(arguments, "open_store", lambda *_: store)
    yield store
    memory.forget(NAME)


@pytest.fixture
def publisher(attacker: AttackingStore, opened: Opener) -> Store:
    """Deploys honestly: greeter and farewell said A and B, and say Hello and Bye (revision 2)."""
    store = opened(f"memory:{NAME}")
    deploy(store, greeter="A", farewell="B")
    deploy(store, greeter="Hello", farewell="Bye")
    return store


@pytest.fixture
def victim(publisher: Store, started: Starter) -> Client:
    client = started(f"memory:{NAME}", poll=0.02)
    client._refresher.whole_every = 0.1
    return client


def assert_unchanged(client: Client, attacker: AttackingStore, code: str) -> None:
    """For some more reads of the store: the error, and revision 2 as it was."""
    before, reads = client.get("greeter"), attacker.calls.count("read")
    until(lambda: attacker.calls.count("read") >= reads + 5)
    status = client.status()
    assert (status.state, status.code) == ("ERROR", code)
    assert client.get("greeter") is before
    assert status.units == {
        "greeter": digest("greeter", "Hello"),
        "farewell": digest("farewell", "Bye"),
    }
    assert client.health()["ok"] is True
    assert status.rejected == 1, "counted once, however often it is read"


def assert_follows(client: Client, publisher: Store, revision: int) -> None:
    deploy(publisher, greeter="Good evening")
    until_served(client, revision)
    until(lambda: client.status().state == "READY")
    assert client.get("greeter").digest == digest("greeter", "Good evening")


def test_a_replay_of_an_older_revision_is_refused(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    now = attacker.snapshot()
    deploy(publisher, greeter="Good morning")
    until_served(victim, 3)
    attacker.rollback(now)
    until(lambda: victim.status().code == "C613")
    status = victim.status()
    assert status.reason == (
        "REGRESSED: the store went back from revision 3 (epoch 1) to 2 (epoch 1)"
    )
    assert (status.state, status.epoch, status.revision) == ("ERROR", 1, 3)
    assert victim.get("greeter").digest == digest("greeter", "Good morning")
    attacker.honest()
    assert_follows(victim, publisher, 4)


def test_a_frozen_store_shows_in_the_presence_as_a_client_that_stays_behind(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    attacker.freeze()
    head = deploy(publisher, greeter="Good morning")
    reads = attacker.calls.count("read")
    until(lambda: attacker.calls.count("read") >= reads + 5)
    (present,) = publisher.clients()
    assert not present.serves(head, {}), "which `deploy --wait` and `clients --revision` name"
    assert victim.status().revision == 2
    assert victim.get("greeter").digest == digest("greeter", "Hello")
    attacker.honest()
    assert_follows(victim, publisher, 4)


def test_other_content_at_the_same_head_is_refused(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    attacker.equivocate("greeter")
    until(lambda: victim.status().code == "C614")
    assert_unchanged(victim, attacker, "C614")
    assert f"release {digest('greeter', OTHER)}" not in attacker.calls, "not even fetched"
    attacker.honest()
    assert_follows(victim, publisher, 3)


def test_after_a_fast_forward_honest_heads_are_refused_until_the_epoch_is_raised(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    attacker.fast_forward(10**9)
    until_served(victim, 10**9)
    assert victim.get("greeter").digest == digest("greeter", "Hello")
    attacker.honest()
    deploy(publisher, greeter="Good morning")
    until(lambda: victim.status().code == "C613")
    assert_unchanged(victim, attacker, "C613")
    attacker.raise_epoch()
    until(lambda: victim.status().state == "READY")
    assert (victim.status().epoch, victim.status().revision) == (2, 3)
    assert victim.get("greeter").digest == digest("greeter", "Good morning")


def test_something_else_in_the_place_of_a_pointer_is_refused(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    attacker.wrong_type("greeter")
    until(lambda: victim.status().code == "C611")
    assert_unchanged(victim, attacker, "C611")
    attacker.honest()
    assert_follows(victim, publisher, 3)


@pytest.mark.parametrize(
    ("attack", "code"),
    [
        (AttackingStore.corrupt, "C602"),
        (AttackingStore.truncate, "C602"),
        (AttackingStore.oversize, "C604"),
        (AttackingStore.drop_release, "C610"),
    ],
)
def test_a_release_that_is_not_what_was_deployed_keeps_its_deployment_out(
    attacker: AttackingStore,
    publisher: Store,
    victim: Client,
    attack: Callable[[AttackingStore, str], None],
    code: str,
) -> None:
    attacker.freeze()
    wanted = publisher.put(HI)
    point(publisher, {"greeter": wanted, "farewell": publisher.put(SO_LONG)})
    attack(attacker, wanted)
    attacker.honest()
    until(lambda: victim.status().code == code)
    assert_unchanged(victim, attacker, code)
    assert set(victim.status().refused) == {"greeter", "farewell"}
    assert digest_of(SO_LONG) not in victim.status().units.values(), "nor half of the deployment"
    assert_follows(victim, publisher, 4)


def test_a_release_of_another_unit_keeps_its_deployment_out(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    point(publisher, {"greeter": digest("farewell", "Bye")})
    until(lambda: victim.status().code == "C605")
    assert_unchanged(victim, attacker, "C605")
    assert_follows(victim, publisher, 4)


@pytest.mark.parametrize("attack", [AttackingStore.corrupt, AttackingStore.oversize])
def test_a_client_that_starts_under_attack_serves_nothing_of_it_and_says_so(
    attacker: AttackingStore,
    publisher: Store,
    started: Starter,
    attack: Callable[[AttackingStore, str], None],
) -> None:
    attack(attacker, digest("greeter", "Hello"))
    client = started(f"memory:{NAME}", poll=0.02)
    with pytest.raises(NotReady, match="greeter has no release to serve"):
        client.get("greeter")
    assert client.get("farewell").digest == digest("farewell", "Bye")
    assert client.status().state == "ERROR"


def test_what_did_not_change_is_not_asked_for_again(
    attacker: AttackingStore, publisher: Store, victim: Client
) -> None:
    deploy(publisher, greeter="Good morning")
    until_served(victim, 3)
    reads = attacker.calls.count("read")
    until(lambda: attacker.calls.count("read") >= reads + 10)
    asked = [call for call in attacker.calls if call.startswith("release")]
    assert sorted(asked) == sorted(
        f"release {digest(unit, text)}"
        for unit, text in (
            ("greeter", "Hello"),
            ("farewell", "Bye"),
            ("greeter", "Good morning"),
            ("greeter", "A"),  # for conversations, once
            ("farewell", "B"),
        )
    )
