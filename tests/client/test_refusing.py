"""A deployment with a release that is not what it should be: the ones before are served."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from promptops import Client, NotReady
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of
from promptops.manifest.release import MAX_BYTES
from tests.client.conftest import Starter
from tests.client.releases import point, triage
from tests.client.sabotage import RedisSaboteur, Saboteur
from tests.client.waiting import until, until_polled, until_refused, until_served
from tests.deployments import deploy, digest, release, rollback
from tests.servers import Server

GOOD: Any = triage(unit="greeter")
DEEP = release("greeter", "Hi").replace(b"0.2", b"[" * 700 + b"]" * 700)


@dataclass(frozen=True)
class Bad:
    """Bytes that stand in the store under their own digest, and what is said of them."""

    data: bytes
    reason: str


def without(*names: str) -> bytes:
    return canonical_bytes({name: value for name, value in GOOD.items() if name not in names})


BAD = {
    "a release of another unit": Bad(release("farewell", "Hi"), "is not of unit greeter"),
    "a newer format": Bad(
        canonical_bytes(GOOD | {"apiVersion": "promptops/v2"}), "has format 'promptops/v2'"
    ),
    "more than a release may have": Bad(b" " * (MAX_BYTES + 1), f"over {MAX_BYTES}"),
}
UNREADABLE = {
    "not JSON": Bad(b"Dear app, please be kind.", "is not JSON"),
    "not text": Bad(b"\x00\xff\xfe\x80", "is not JSON"),
    "nothing": Bad(b"", "is not JSON"),
    "deep JSON": Bad(b"[" * 100_000 + b"]" * 100_000, "is not JSON"),
    "JSON that is no object": Bad(b"[1]", "is not a JSON object"),
    "no format": Bad(without("apiVersion"), "has format None"),
    "no model": Bad(without("model"), "lacks what a release has"),
    "no messages": Bad(
        canonical_bytes(GOOD | {"prompt": {"id": "x", "version": "1"}}), "lacks what a release has"
    ),
    "a prompt that is no template": Bad(
        release("greeter", "{{ never closed"),
        "a prompt of greeter cannot be filled: '{{' is never closed",
    ),
    "a prompt with an input that is not declared": Bad(
        release("greeter", "Hello {{ name }}"), "a prompt of greeter cannot be filled: 'name'"
    ),
    "a prompt that is no text": Bad(
        canonical_bytes(
            GOOD | {"prompt": GOOD["prompt"] | {"messages": [{"role": 1, "content": 2}]}}
        ),
        "lacks what a release has",
    ),
    "an input of a type that is no name": Bad(
        canonical_bytes(GOOD | {"inputs": {"ticket": {"type": ["string"]}}}),
        "lacks what a release has",
    ),
    "an input of a type that there is not": Bad(
        canonical_bytes(GOOD | {"inputs": GOOD["inputs"] | {"ticket": {"type": "date"}}}),
        "a prompt of greeter cannot be filled: 'date'",
    ),
    "parameters that are a list": Bad(
        canonical_bytes(GOOD | {"params": [0.2]}), "lacks what a release has"
    ),
    "parameters too deep to be frozen": Bad(DEEP, "is nested too deep"),
}


def assert_served_on(client: Client, rejected: int = 1) -> None:
    """Hello and Bye, which are of revision 1, and for a few more polls."""
    until_polled(client, 2)
    status = client.status()
    assert (status.state, status.revision) == ("ERROR", 2)
    assert set(status.refused) == {"farewell", "greeter"}
    assert status.rejected == rejected
    assert status.units == {
        "farewell": digest("farewell", "Bye"),
        "greeter": digest("greeter", "Hello"),
    }
    assert client.get("greeter").render() == [{"role": "system", "content": "Hello"}]
    assert client.get("farewell").revision == 1


def assert_follows_a_repair(client: Client, store: Store) -> None:
    deploy(store, greeter="Good morning")
    until(lambda: client.status().state == "READY", 5)
    assert client.status().reason == ""
    assert client.status().units == {
        "farewell": digest("farewell", "So long"),
        "greeter": digest("greeter", "Good morning"),
    }


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_release_that_cannot_be_used_keeps_the_whole_deployment_out(
    client: Client, deployed: Store, saboteur: Saboteur, bad: Bad
) -> None:
    wanted = digest_of(bad.data)
    saboteur.overwrite(wanted, bad.data)
    point(deployed, {"greeter": wanted, "farewell": deployed.put(release("farewell", "So long"))})

    until(lambda: bad.reason in client.status().reason)
    assert_served_on(client)
    assert_follows_a_repair(client, deployed)


@pytest.mark.parametrize("bad", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_release_that_cannot_be_read_keeps_the_whole_deployment_out(
    embedded: Store, embedded_url: str, started: Starter, bad: Bad
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    client = started(embedded_url, hint=False, poll=0.05)
    wanted = embedded.put(bad.data)
    point(embedded, {"greeter": wanted, "farewell": embedded.put(release("farewell", "So long"))})

    until(lambda: bad.reason in client.status().reason)
    assert_served_on(client)
    assert_follows_a_repair(client, embedded)


@pytest.mark.parametrize("change", ["one byte", "cut off", "longer"])
def test_bytes_that_are_not_those_of_their_digest_keep_the_whole_deployment_out(
    client: Client, deployed: Store, saboteur: Saboteur, change: str
) -> None:
    client._refresher.whole_every = 0.2
    data = release("greeter", "Hi")
    wanted = deployed.put(data)
    tampered = {
        "one byte": data.replace(b"Hi", b"Ho"),
        "cut off": data[:-1],
        "longer": data + b"\n",
    }[change]
    saboteur.overwrite(wanted, tampered)
    point(deployed, {"greeter": wanted, "farewell": deployed.put(release("farewell", "So long"))})

    reason = f"the bytes stored as {wanted} have another digest"
    until(lambda: client.status().reason == reason)
    assert_served_on(client)

    saboteur.overwrite(wanted, data)
    until(lambda: client.status().state == "READY", 5)
    assert client.get("greeter").digest == wanted
    assert client.get("farewell").digest == digest("farewell", "So long")


def test_a_release_that_is_missing_keeps_the_whole_deployment_out(
    client: Client, deployed: Store, saboteur: Saboteur
) -> None:
    client._refresher.whole_every = 0.2
    wanted = deployed.put(release("greeter", "Hi"))
    # Tampered with at first, so that no client is fast enough to read it before it is gone.
    saboteur.overwrite(wanted, b"")
    point(deployed, {"greeter": wanted, "farewell": deployed.put(release("farewell", "So long"))})
    saboteur.remove(wanted)

    reason = f"the release {wanted} of greeter is missing"
    until(lambda: client.status().reason == reason)
    assert_served_on(client, client.status().rejected)
    assert_follows_a_repair(client, deployed)


def test_what_is_refused_is_fetched_again_when_there_is_a_reason(
    on_redis: Store, redis_server: Server, started: Starter
) -> None:
    client = started(redis_server.url, poll=0.02)
    assert client._refresher.whole_every <= 30
    data = release("greeter", "Hi")
    saboteur = RedisSaboteur(redis_server, "promptops")
    saboteur.overwrite(digest_of(data), b"{}")
    point(on_redis, {"greeter": digest_of(data)})
    until(lambda: client.status().code == "C602")

    def fetched() -> int:
        return int(redis_server.ask("INFO", "commandstats")["cmdstat_getrange"]["calls"])

    until_polled(client, 3)
    before = fetched()
    saboteur.remove(digest_of(data))
    until_polled(client, 20)
    assert (fetched(), client.status().code) == (before, "C602")
    redis_server.ask("PUBLISH", "{promptops:production}:changes", "look")
    until(lambda: client.status().code == "C610")

    before = fetched()
    saboteur.overwrite(digest_of(data), data)
    until_polled(client, 20)
    assert (fetched(), client.status().code) == (before, "C610")
    client._refresher.whole_every = 0.1
    until(lambda: client.status().state == "READY")
    assert client.get("greeter").digest == digest_of(data)


def test_a_client_that_has_nothing_but_a_refused_release_says_its_code(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    point(embedded, {"greeter": embedded.put(b"not a release")})
    client = started(embedded_url, poll=0.05, ready=False)
    until(lambda: client.status().refused)
    assert (client.status().state, client.status().code) == ("NOT_READY", "C601")


def test_a_client_that_starts_over_a_bad_release_says_what_it_met(
    deployed: Store, store_url: str, started: Starter
) -> None:
    wanted = deployed.put(release("farewell", "Hi"))
    point(deployed, {"greeter": wanted})
    client = started(store_url, poll=0.05)
    reason = f"greeter has no release to serve: release {wanted} is not of unit greeter"
    with pytest.raises(NotReady, match=reason):
        client.get("greeter")
    assert client.get("farewell").digest == digest("farewell", "Bye")

    rollback(deployed, "greeter")
    until_served(client, 3)
    assert client.get("greeter").digest == digest("greeter", "Hello")


def test_a_rollback_ends_the_trouble_that_a_bad_release_made(
    client: Client, deployed: Store, saboteur: Saboteur
) -> None:
    wanted = deployed.put(release("greeter", "Hi"))
    saboteur.overwrite(wanted, b"{}")
    point(deployed, {"greeter": wanted})
    until(lambda: client.status().state == "ERROR")

    rollback(deployed, "greeter")
    until(lambda: client.status().state == "READY", 5)
    assert client.status().revision == 3
    assert client.get("greeter").render() == [{"role": "system", "content": "Hello"}]


def test_a_pointer_that_promptops_did_not_write_keeps_the_whole_deployment_out(
    client: Client, deployed: Store, saboteur: Saboteur
) -> None:
    client._refresher.whole_every = 0.2
    wanted = {"greeter": "Hi", "farewell": "So long"}
    data = release("greeter", "Hi")
    saboteur.overwrite(digest_of(data), b"")
    point(
        deployed,
        {
            unit: deployed.put(release(unit, text))
            for unit, text in wanted.items()
            if unit != "greeter"
        }
        | {"greeter": digest_of(data)},
    )
    saboteur.scribble("greeter", json.dumps({"live": "yes"}))
    reason = "the pointer of greeter is not one that promptops wrote"
    until(lambda: client.status().reason == reason)
    until_refused(client, 2)
    assert client.status().state == "ERROR"
    assert client.status().units == {
        "farewell": digest("farewell", "Bye"),
        "greeter": digest("greeter", "Hello"),
    }
    saboteur.overwrite(digest_of(data), data)


@pytest.mark.parametrize("bad", [DEEP, b"Dear app, please be kind."], ids=["foreign", "known"])
def test_one_bad_release_is_logged_once(
    embedded: Store,
    embedded_url: str,
    started: Starter,
    caplog: pytest.LogCaptureFixture,
    bad: bytes,
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, hint=False, poll=0.05)
    point(embedded, {"greeter": embedded.put(bad)})
    until(lambda: client.status().refused)
    until_polled(client, 5)
    assert len([record for record in caplog.records if record.name == "promptops"]) == 1
