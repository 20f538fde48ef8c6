"""Running conversations: a deployment leaves them alone, a rollback reaches them."""

import itertools
import logging
import random
import string
from dataclasses import replace
from typing import get_args

import pytest

from promptops import Client, UnknownUnit
from promptops.client.conversation import Policy, Token, decide, read_token
from promptops.client.earlier import MOST_KEPT
from promptops.errors import UsageError
from promptops.live import moves
from promptops.live.moves_of_safe_mode import switch_off, switch_on
from promptops.live.store import Store
from promptops.testing import pinned
from tests.client.conftest import Starter
from tests.client.waiting import until_served
from tests.deployments import deploy, digest, intent, release, rollback

ANY = Token("greeter", "sha256:" + "0f" * 32, 7)


def text_of(client: Client, **options: object) -> str:
    return client.get("greeter", **options).messages[0].content  # type: ignore[arg-type]


@pytest.fixture
def client(embedded: Store, embedded_url: str, started: Starter) -> Client:
    """greeter says Hello and farewell says Bye."""
    deploy(embedded, greeter="Hello", farewell="Bye")
    return started(embedded_url, poll=0.05)


@pytest.fixture
def began(client: Client, embedded: Store) -> str:
    """The token of a conversation that began with Hello; now it is Good morning."""
    token = client.get("greeter").token
    until_served(client, deploy(embedded, greeter="Good morning").revision)
    return token


def test_a_deployment_does_not_disturb_a_conversation(client: Client, began: str) -> None:
    assert text_of(client) == "Good morning"
    assert text_of(client, token=began) == "Hello"
    assert text_of(client, token=began, policy="pin") == "Hello"
    assert text_of(client, token=began, policy="follow") == "Good morning"
    assert client.get("greeter", token=began).token == began


def test_a_rollback_reaches_open_conversations(client: Client, embedded: Store, began: str) -> None:
    bad = client.get("greeter").token
    until_served(client, rollback(embedded, "greeter").revision)
    assert text_of(client, token=bad) == "Hello"
    assert text_of(client, token=bad, policy="pin") == "Good morning"
    assert text_of(client, token=began) == "Hello"


def test_a_hold_reaches_conversations_and_lifting_it_gives_their_release_back(
    client: Client, embedded: Store, began: str
) -> None:
    hello = digest("greeter", "Hello")
    for move, expected in ((moves.hold, "Good morning"), (moves.lift, "Hello")):
        state = embedded.read()
        proposal = move(state, "greeter", hello, intent(), request="")
        assert proposal.entry is not None
        swap = embedded.swap(state.head, proposal.entry, proposal.pointers)
        assert swap.head is not None
        until_served(client, swap.head.revision)
        assert text_of(client, token=began) == expected
        assert text_of(client, token=began, policy="pin") == "Hello"


def test_a_process_that_begins_anew_knows_the_releases_before(
    deployed: Store, store_url: str, started: Starter
) -> None:
    began = Token("greeter", digest("greeter", "Hello"), 1)
    for text in ("Hi", "Good morning", "Good evening"):
        deploy(deployed, greeter=text)
    rollback(deployed, "greeter")
    client = started(store_url)
    assert text_of(client) == "Good morning"
    assert text_of(client, token=str(began)) == "Hello"
    held = str(Token("greeter", digest("greeter", "Good evening"), 4))
    assert text_of(client, token=held) == "Good morning"
    assert text_of(client, token=held, policy="pin") == "Good evening"


def test_a_process_that_does_not_know_the_release_says_so_once_and_serves_the_present_one(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for policy in ("pin", "follow_on_rollback", "pin"):
        assert text_of(client, token=str(ANY), policy=policy) == "Hello"
    assert client.get("greeter", token=str(ANY)).token != str(ANY)
    known = [line for line in caplog.messages if "does not know release" in line]
    assert len(known) == 1
    assert "of greeter; its conversations go on with the present one" in known[0]


def test_only_the_last_few_releases_are_kept(client: Client, embedded: Store) -> None:
    tokens = []
    for number in range(MOST_KEPT + 3):
        until_served(client, deploy(embedded, greeter=f"Hello {number}").revision)
        tokens.append(client.get("greeter").token)
    texts = [text_of(client, token=token) for token in tokens]
    kept = [f"Hello {number}" for number in range(2, MOST_KEPT + 3)]
    assert texts == [f"Hello {MOST_KEPT + 2}"] * 2 + kept


def test_a_token_of_another_unit_is_none(
    client: Client, began: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = client.get("farewell", token=began)
    assert live is client.get("farewell")
    assert "a token for farewell is not one of its; it is ignored" in caplog.messages
    with pytest.raises(UnknownUnit):
        client.get("greeting", token=began)


@pytest.mark.parametrize(
    "broken", ["", "p1", "x", "p1" + "A" * 300, "p1ä", "p2AAAA", "\0", "p1===="]
)
def test_a_broken_token_is_none_with_one_line_in_the_log(
    client: Client, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "promptops")
    for _ in range(3):
        assert text_of(client, token=broken) == "Hello"
    assert caplog.messages == ["a token for greeter is not one of its; it is ignored"]


def test_what_is_pinned_by_a_test_is_pinned_for_conversations_too(
    client: Client, began: str
) -> None:
    with pinned("greeter", text="Hi"):
        assert text_of(client, token=began) == "Hi"
    assert text_of(client, token=began) == "Hello"


def test_a_policy_that_is_none_is_an_error(client: Client, began: str) -> None:
    for token in (began, "broken"):
        with pytest.raises(UsageError, match=r"'stay' is no policy .* follow_on_rollback, pin"):
            client.get("greeter", token=token, policy="stay")  # type: ignore[arg-type]


def test_every_case_is_decided() -> None:
    outcomes = {
        (policy, same, held, known): decide(
            policy, "old", "old" if same else "new", held=held, known=known
        )
        for policy, same, held, known in itertools.product(
            get_args(Policy), (True, False), (True, False), (True, False)
        )
    }
    assert {case for case, outcome in outcomes.items() if outcome == "began"} == {
        ("pin", False, True, True),
        ("pin", False, False, True),
        ("follow_on_rollback", False, False, True),
    }
    assert {case for case, outcome in outcomes.items() if outcome == "unknown"} == {
        ("pin", False, True, False),
        ("pin", False, False, False),
        ("follow_on_rollback", False, False, False),
    }


@pytest.mark.parametrize("unit", ["a", "greeter", "x" * 63])
@pytest.mark.parametrize("revision", [0, 1, 2**53])
def test_a_token_is_short_url_safe_and_read_back(unit: str, revision: int) -> None:
    token = Token(unit, ANY.digest, revision)
    assert len(str(token)) <= 200
    assert set(str(token)) <= set(string.ascii_letters + string.digits + "-_")
    assert read_token(str(token)) == token


def test_no_changed_character_is_taken_for_a_token() -> None:
    whole, chance = str(ANY), random.Random(1)  # noqa: S311
    for place in range(len(whole)):
        for letter in (*chance.sample(string.ascii_letters, 4), "", "=", " ", "é", "\n"):
            changed = whole[:place] + letter + whole[place + 1 :]
            assert changed == whole or read_token(changed) is None
    assert read_token(whole + "\n") is read_token(whole + "=") is read_token(None) is None


def test_safe_mode_reaches_every_open_conversation(
    client: Client, embedded: Store, began: str
) -> None:
    """The one that began with what it stands in for, and the one of before."""
    present = client.get("greeter").token
    careful = embedded.put(release("greeter", "Careful"))

    def swap(proposal: moves.Proposal) -> None:
        assert proposal.entry is not None
        head = embedded.swap(embedded.read().head, proposal.entry, proposal.pointers).head
        assert head is not None
        until_served(client, head.revision)

    state = embedded.read()
    greeter = replace(state.pointers["greeter"], safe=careful)
    state = state._replace(pointers={**state.pointers, "greeter": greeter})
    swap(switch_on(state, ["greeter"], intent(), request="", skip_unsafe=False))
    during = client.get("greeter").token
    for token in (began, present, during):
        assert text_of(client, token=token) == "Careful"
    assert text_of(client, token=present, policy="pin") == "Good morning"
    swap(switch_off(embedded.read(), ["greeter"], intent(), request=""))
    assert text_of(client) == "Good morning"
    assert text_of(client, token=began) == "Hello"
    # Like any conversation, one that began in safe mode is not disturbed by what comes after it.
    assert text_of(client, token=during) == "Careful"
